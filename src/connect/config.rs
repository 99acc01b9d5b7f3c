//! `Config`: get and set session settings.

use super::session::Session;
use crate::error::{Exception, Result, SparkError};
use crate::proto as sc;
use crate::proto::config_request::operation::OpType;
use crate::settings::Conf;

/// Answers one operation.
///
/// # Errors
/// `SQL_CONF_NOT_FOUND` for a setting that is neither set nor known; `INVALID_CONF_VALUE` for a value that cannot be.
pub fn answer(session: &mut Session, operation: &sc::config_request::Operation) -> Result<Vec<sc::KeyValue>> {
    let pair = |key: &str, value: Option<String>| sc::KeyValue {
        key: key.to_owned(),
        value,
    };
    let kind = operation
        .op_type
        .as_ref()
        .ok_or_else(|| SparkError::invalid_plan("a config request has no operation"))?;
    Ok(match kind {
        OpType::Set(set) => {
            for kv in &set.pairs {
                put(session, &kv.key, kv.value.as_deref().unwrap_or_default())?;
            }
            vec![]
        }
        OpType::Get(get) => get
            .keys
            .iter()
            .map(|k| match session.conf.get(k) {
                Some(value) => Ok(pair(k, Some(value.to_owned()))),
                None => Err(not_found(k)),
            })
            .collect::<Result<_>>()?,
        OpType::GetWithDefault(get) => get
            .pairs
            .iter()
            .map(|kv| {
                pair(
                    &kv.key,
                    session
                        .conf
                        .get(&kv.key)
                        .map(str::to_owned)
                        .or_else(|| kv.value.clone()),
                )
            })
            .collect(),
        OpType::GetOption(get) => get
            .keys
            .iter()
            .map(|k| pair(k, session.conf.get(k).map(str::to_owned)))
            .collect(),
        OpType::GetAll(get) => {
            let prefix = get.prefix.as_deref().unwrap_or_default();
            let all = session.conf.all().into_iter().filter(|(k, _)| k.starts_with(prefix));
            all.map(|(k, v)| pair(&k[prefix.len()..], Some(v))).collect()
        }
        OpType::Unset(unset) => {
            for key in &unset.keys {
                session.conf.values.remove(key);
            }
            vec![]
        }
        OpType::IsModifiable(keys) => keys
            .keys
            .iter()
            .map(|k| pair(k, Some((!k.starts_with("spark.master")).to_string())))
            .collect(),
    })
}

/// Sets one setting after a look at its value.
///
/// # Errors
/// A time zone that does not exist, a number or a boolean that is none.
pub fn put(session: &mut Session, key: &str, value: &str) -> Result<()> {
    let old = session.conf.values.insert(key.to_owned(), value.to_owned());
    let checked = match key {
        "spark.sql.session.timeZone" => crate::values::zone::Zone::of_session(&session.conf).map(drop),
        "spark.sql.shuffle.partitions" | "spark.default.parallelism" => match value.parse::<usize>() {
            Ok(1..) => Ok(()),
            _ => Err(mismatch(key, value, "positive number")),
        },
        _ if matches!(Conf::default().get(key), Some("true" | "false")) => {
            match value.trim().to_ascii_lowercase().as_str() {
                "true" | "false" => Ok(()),
                _ => Err(mismatch(key, value, "boolean")),
            }
        }
        _ => Ok(()),
    };
    if checked.is_err() {
        match old {
            Some(old) => session.conf.values.insert(key.to_owned(), old),
            None => session.conf.values.remove(key),
        };
    }
    checked
}

fn mismatch(key: &str, value: &str, wanted: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_CONF_VALUE.TYPE_MISMATCH",
        "22022",
        format!("The value '{value}' in the config \"{key}\" is invalid. It should be a {wanted}."),
    )
    .with("confName", key)
    .with("confValue", value)
    .with("confType", wanted)
}

fn not_found(key: &str) -> SparkError {
    SparkError::analysis(
        "SQL_CONF_NOT_FOUND",
        "42K0I",
        format!("The SQL config \"{key}\" cannot be found. Please verify that the config exists."),
    )
    .with("sqlConf", format!("\"{key}\""))
}
