//! Model directories in Spark's own format: `metadata/` with one line of JSON, `data/` with one Parquet file.
//!
//! A stage becomes files, and files become a stage; who stores them does not matter here. Directories of Spark 2.1 and
//! later are read: what an older version left out gets the value that Spark assigns.
//!
//! ```text
//! model/
//! ├── metadata/part-00000-….txt            class, uid, sparkVersion, paramMap, defaultParamMap
//! ├── data/part-00000-….snappy.parquet     one row: what training found (models only)
//! ├── statistics/part-00000-….bin          ours: sums of a model that keeps learning; Spark ignores it
//! └── */_SUCCESS                           empty
//! ```

pub mod data;

use std::sync::Arc;

use arrow::buffer::Buffer;
use serde_json::{Map, Value as Json};

use super::error::illegal;
use super::literal::Value;
use super::model::{Fitted, Model};
use super::params::Params;
use super::stage::{self, Stage};
use crate::error::{Exception, Result, SparkError};
use crate::proto as sc;
use crate::settings::SPARK_VERSION;
use crate::storage::files::Files;

/// Reads the files directly under a path, by name; hidden files and markers are left out.
///
/// # Errors
/// If the host cannot list or read them.
pub fn parts(files: &dyn Files, path: &str) -> Result<Vec<Buffer>> {
    let mut found = files.list(path)?;
    let is_below = |file: &str| {
        file.strip_prefix(path)
            .is_some_and(|name| name.trim_start_matches('/').contains('/'))
    };
    found.retain(|f| !is_below(&f.path) && !f.path.rsplit('/').next().unwrap_or_default().starts_with(['_', '.']));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.iter().map(|f| files.read(&f.path)).collect()
}

/// Returns the names of the folders directly under a path.
///
/// # Errors
/// If the host cannot list it.
fn folders(files: &dyn Files, path: &str) -> Result<Vec<String>> {
    let found = files.list(path)?;
    let below = |file: &str| {
        let (folder, _) = file.strip_prefix(path)?.trim_start_matches('/').split_once('/')?;
        Some(folder.to_owned())
    };
    let mut names: Vec<String> = found.iter().filter_map(|f| below(&f.path)).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// A file of a directory: path within it, content.
pub type File = (String, Vec<u8>);

/// A stage read from a directory.
#[derive(Debug)]
pub struct Loaded {
    /// Class that the metadata names.
    pub class: String,
    /// Params that were set, or whose default was another in the Spark that saved them.
    pub params: Params,
    /// What training found, for models and for stages that behave as an older Spark's.
    pub fitted: Option<Arc<dyn Fitted>>,
}

impl Loaded {
    /// Returns whether it is a model, and not a stage that behaves as an older Spark's.
    pub fn is_model(&self) -> bool {
        self.params.operator.model_class() == Some(self.class.as_str())
    }

    /// Returns the model, or what is special about a stage of an older Spark; `None` for other stages.
    pub fn model(&self) -> Option<Model> {
        let fitted = self.fitted.clone()?;
        Some(Model {
            class: self.class.clone(),
            uid: self.params.uid.clone(),
            params: Some(self.params.to_proto()),
            fitted,
            history: vec![],
            dataset: None,
        })
    }
}

/// Returns the files of a stage or model, in the order in which to write them; `part` makes the names of part files
/// unique.
///
/// `now_ms` is the timestamp that Spark's metadata has, in milliseconds since 1970. Nothing is written here.
///
/// # Errors
/// If the model's arrays cannot be written as Parquet.
pub fn save(class: &str, params: &Params, fitted: Option<&dyn Fitted>, now_ms: i64, part: &str) -> Result<Vec<File>> {
    let mut metadata = metadata(class, params, now_ms);
    for (name, value) in fitted.iter().flat_map(|f| f.facts()) {
        metadata[name] = value;
    }
    let mut files = vec![
        (
            format!("metadata/part-00000-{part}-c000.txt"),
            format!("{metadata}\n").into_bytes(),
        ),
        ("metadata/_SUCCESS".to_owned(), vec![]),
    ];
    if let Some(fitted) = fitted {
        let row = fitted.columns()?;
        let data = (!row.is_empty()).then_some(("data", row));
        for (folder, columns) in data.into_iter().chain(fitted.tables(params, now_ms)?) {
            let file = format!("{folder}/part-00000-{part}-c000.snappy.parquet");
            files.push((file, data::write(columns)?));
            files.push((format!("{folder}/_SUCCESS"), vec![]));
        }
        for (folder, note) in fitted.notes(params)? {
            let file = format!("{folder}/part-00000-{part}-c000.txt");
            files.push((file, format!("{note}\n").into_bytes()));
            files.push((format!("{folder}/_SUCCESS"), vec![]));
        }
        files.extend(fitted.folders(params, now_ms, part)?);
        if let Some((folder, bytes)) = fitted.beside() {
            files.push((format!("{folder}/part-00000-{part}.bin"), bytes));
        }
    }
    Ok(files)
}

/// Returns the JSON of `metadata/` (`DefaultParamsWriter.getMetadataToSave`), with the version of Spark whose format it
/// is.
pub fn metadata(class: &str, params: &Params, now_ms: i64) -> Json {
    let is_model = params.operator.model_class() == Some(class);
    let has = |name: &str| !is_model || !params.operator.training_params().contains(&name);
    let set: Map<String, Json> = params
        .explicit()
        .filter(|(p, _)| has(p.name))
        .map(|(p, v)| (p.name.to_owned(), v.to_json()))
        .collect();
    let defaults = params.operator.params().iter();
    let defaults: Map<String, Json> = defaults
        .filter(|p| has(p.name))
        .filter_map(|p| params.default(p).map(|v| (p.name.to_owned(), v.to_json())))
        .collect();
    serde_json::json!({
        "class": class, "timestamp": now_ms, "sparkVersion": SPARK_VERSION, "uid": params.uid,
        "paramMap": set, "defaultParamMap": defaults,
    })
}

/// Reads a stage; `wanted` is the class that the client asks for, or empty if any will do.
///
/// Classes of PySpark's own are read as those of the JVM.
///
/// # Errors
/// `CORRUPT_MODEL` if the directory is not a whole stage of Spark's; if its class is unknown or another one.
pub fn load(files: &dyn Files, path: &str, wanted: &str) -> Result<Loaded> {
    let json = read_metadata(files, path)?;
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    let class = text("class").ok_or_else(|| corrupt(path, "metadata names no class"))?;
    // What PySpark saves by itself has PySpark's class.
    let class = class.replacen("pyspark.", "org.apache.spark.", 1);
    let operator = stage::by_name(&class)?;
    let wanted = stage::own_class(wanted);
    if !wanted.is_empty() && class != wanted {
        return Err(illegal(format!(
            "Error loading metadata: Expected class name {wanted} but found class name {class}"
        )));
    }
    let uid = text("uid").ok_or_else(|| corrupt(path, "metadata has no uid"))?;
    let major = major_version(text("sparkVersion").unwrap_or_default())
        .ok_or_else(|| corrupt(path, "metadata has no Spark version"))?;
    let params = params(operator, uid, &json, path)?;
    let fitted = match operator.model() {
        Some(kind) if kind.class == Some(class.as_str()) => {
            let parts = parts(files, &format!("{path}/data"))?;
            Some((kind.read)(&data::Row::open(&parts, files, path, &json)?)?)
        }
        _ => operator.saved_by(major),
    };
    Ok(Loaded { class, params, fitted })
}

/// Reads the metadata of a saved stage or pipeline: the first line of the first part file that has one.
///
/// # Errors
/// `CORRUPT_MODEL` if there is none, or it is not JSON.
pub fn read_metadata(files: &dyn Files, path: &str) -> Result<Json> {
    let parts = parts(files, &format!("{path}/metadata"))?;
    let line = parts.iter().find_map(|part| {
        let text = std::str::from_utf8(part.as_slice()).ok()?;
        text.lines().next().filter(|l| !l.trim().is_empty())
    });
    let line = line.ok_or_else(|| corrupt(path, "it has no metadata"))?;
    serde_json::from_str(line).map_err(|e| corrupt(path, &format!("metadata is not JSON: {e}")))
}

/// Reads the params of `paramMap`, and of `defaultParamMap` those whose default was another then.
///
/// Params that the stage lacks are ignored: a newer Spark may have saved them. So is `locale`, whose default is the
/// machine's.
///
/// # Errors
/// `CORRUPT_MODEL` if a value is of another type than the param.
fn params(operator: &'static dyn Stage, uid: &str, json: &Json, path: &str) -> Result<Params> {
    let mut params = Params::new(operator, uid, &sc::MlParams::default())?;
    let empty = Map::new();
    let map = |key: &str| json.get(key).and_then(Json::as_object).unwrap_or(&empty).clone();
    let set = map("paramMap");
    let read = |name: &str, value: &Json| {
        let Some(param) = operator.param(name) else {
            return Ok(None);
        };
        Value::from_json(value, param.kind)
            .map(|v| Some((param, v)))
            .ok_or_else(|| corrupt(path, &format!("the param {name} has the value {value}")))
    };
    for (name, value) in &set {
        if let Some((_, value)) = read(name, value)? {
            params.put(name, value)?;
        }
    }
    for (name, value) in &map("defaultParamMap") {
        if let Some((param, value)) = read(name, value)?
            && !set.contains_key(name)
            && params.default(param).as_ref() != Some(&value)
            && name != "locale"
        {
            params.put(name, value)?;
        }
    }
    Ok(params)
}

/// Returns the major version of `3.5.1`: 3.
fn major_version(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Returns the error of a directory that is not a whole stage (`CORRUPT_MODEL`).
pub fn corrupt(path: &str, why: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "CORRUPT_MODEL",
        "XX001",
        format!("The directory {path} is not a saved stage: {why}."),
    )
    .with("path", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::files::FileEntry;
    use std::collections::BTreeMap;

    struct Memory(BTreeMap<String, Vec<u8>>);

    impl Files for Memory {
        fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
            let folder = format!("{path}/");
            let inside = self.0.iter().filter(|(name, _)| name.starts_with(&folder));
            let entry = |(name, bytes): (&String, &Vec<u8>)| FileEntry {
                path: name.clone(),
                size: bytes.len() as u64,
                modified: 0,
            };
            Ok(inside.map(entry).collect())
        }

        fn read(&self, path: &str) -> Result<Buffer> {
            Ok(Buffer::from(self.0[path].clone()))
        }
    }

    fn metadata(json: &str) -> Memory {
        Memory(BTreeMap::from([(
            "m/metadata/part-00000".to_owned(),
            json.as_bytes().to_vec(),
        )]))
    }

    #[test]
    fn a_hashing_tf_of_spark_2_goes_on_hashing_as_spark_2_did() {
        let of = |version: &str| {
            let json = format!(
                r#"{{"class":"org.apache.spark.ml.feature.HashingTF","timestamp":1,"sparkVersion":"{version}","uid":"h",
                "paramMap":{{"inputCol":"words","numFeatures":2000,"outputCol":"tf","binary":false}}}}"#
            );
            load(&metadata(&json.replace('\n', "")), "m", "").unwrap()
        };
        let old = of("2.1.0").model().unwrap();
        assert!(old.content::<crate::ml::feature::hashing_tf::OldHashing>().is_some());
        let new = of("3.5.1");
        assert!(new.fitted.is_none());
        assert_eq!(new.params.count("numFeatures").unwrap(), 2000);
    }

    #[test]
    fn what_is_no_saved_stage_is_told_as_such() {
        let condition = |folder: &Memory| load(folder, "m", "").unwrap_err().condition;
        assert_eq!(condition(&Memory(BTreeMap::new())).as_deref(), Some("CORRUPT_MODEL"));
        assert_eq!(condition(&metadata("{")).as_deref(), Some("CORRUPT_MODEL"));
        let unknown = r#"{"class":"org.apache.spark.ml.clustering.UnknownModel","sparkVersion":"4.0.0","uid":"k"}"#;
        assert_eq!(
            condition(&metadata(unknown)).as_deref(),
            Some("CONNECT_ML.UNSUPPORTED_EXCEPTION")
        );
        // A model without its arrays.
        let model =
            r#"{"class":"org.apache.spark.ml.feature.IDFModel","sparkVersion":"4.0.0","uid":"i","paramMap":{}}"#;
        assert_eq!(condition(&metadata(model)).as_deref(), Some("CORRUPT_MODEL"));
        let error = load(&metadata(model), "m", "org.apache.spark.ml.feature.HashingTF").unwrap_err();
        assert!(
            error
                .message
                .contains("Expected class name org.apache.spark.ml.feature.HashingTF"),
            "{error}"
        );
    }
}
