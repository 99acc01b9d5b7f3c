//! `Config`: get and set session settings.
//!
//! Unknown keys may be set, as in Spark; known ones are checked by type before they count. A setting that is not set
//! reads as its default, if it has one; `unset` brings the default back. Keys of `spark.master` are reported as not
//! modifiable.

use super::session::Session;
use crate::error::{Exception, Result, SparkError};
use crate::proto as sc;
use crate::proto::config_request::operation::OpType;
use crate::settings::{self, Kind};
use crate::values::zone::Zone;

/// Answers one operation on settings.
///
/// # Errors
/// `SQL_CONF_NOT_FOUND` if a setting is neither set nor known; `INVALID_CONF_VALUE` if a value is invalid.
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
            .map(|k| pair(k, Some((!k.starts_with(settings::MASTER.key)).to_string())))
            .collect(),
    })
}

/// Sets one setting after a look at its value; an invalid one leaves the old.
///
/// # Errors
/// `INVALID_CONF_VALUE`, as [`Setting::check`](settings::Setting::check), and if a zone does not exist.
pub fn put(session: &mut Session, key: &str, value: &str) -> Result<()> {
    let old = session.conf.values.insert(key.to_owned(), value.to_owned());
    let checked = match settings::find(key) {
        Some(setting) if setting.kind == Kind::Zone => Zone::of_session(&session.conf).map(drop),
        Some(setting) => setting.check(value),
        None => Ok(()),
    };
    if checked.is_err() {
        match old {
            Some(old) => session.conf.values.insert(key.to_owned(), old),
            None => session.conf.values.remove(key),
        };
    }
    checked
}

/// Returns the error of a setting that is neither set nor known (`SQL_CONF_NOT_FOUND`).
fn not_found(key: &str) -> SparkError {
    SparkError::new(
        Exception::NoSuchElement,
        "SQL_CONF_NOT_FOUND",
        "42K0I",
        format!("The SQL config \"{key}\" cannot be found. Please verify that the config exists."),
    )
    .with("sqlConf", format!("\"{key}\""))
}
