//! The session settings that planning reads, with Spark's names and defaults.

use std::collections::BTreeMap;

use crate::error::{Exception, Result, SparkError};

/// Settings as the client set them; lookups fall back to Spark's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conf {
    pub values: BTreeMap<String, String>,
}

/// Spark's defaults of the settings that Rivulet honours.
const DEFAULTS: &[(&str, &str)] = &[
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.caseSensitive", "false"),
    ("spark.sql.session.timeZone", "UTC"),
    ("spark.sql.streaming.multipleWatermarkPolicy", "min"),
    ("spark.sql.streaming.noDataMicroBatches.enabled", "true"),
    ("spark.sql.streaming.statefulOperator.checkCorrectness.enabled", "true"),
    ("spark.sql.streaming.numRecentProgressUpdates", "100"),
    ("spark.sql.mapKeyDedupPolicy", "EXCEPTION"),
    ("spark.sql.groupByOrdinal", "true"),
    ("spark.sql.orderByOrdinal", "true"),
    ("spark.sql.decimalOperations.allowPrecisionLoss", "true"),
    ("spark.sql.timestampType", "TIMESTAMP_LTZ"),
    (
        "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName",
        "true",
    ),
    ("spark.sql.execution.arrow.maxRecordsPerBatch", "10000"),
    ("spark.sql.execution.arrow.useLargeVarTypes", "false"),
    ("spark.sql.execution.pandas.convertToArrowArraySafely", "false"),
    ("spark.sql.execution.pandas.inferPandasDictAsMap", "false"),
    ("spark.sql.execution.pandas.structHandlingMode", "legacy"),
    ("spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"),
    (
        "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled",
        "false",
    ),
    ("spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false"),
    ("spark.sql.timestampNTZ.enabled", "true"),
    ("spark.sql.repl.eagerEval.enabled", "false"),
    ("spark.sql.repl.eagerEval.maxNumRows", "20"),
    ("spark.sql.repl.eagerEval.truncate", "20"),
    ("spark.sql.session.localRelationCacheThreshold", "2147483647"),
    ("spark.sql.session.localRelationSizeLimit", "3221225472"),
    ("spark.sql.session.localRelationChunkSizeRows", "10000"),
    ("spark.sql.session.localRelationChunkSizeBytes", "16777216"),
    ("spark.sql.session.localRelationBatchOfChunksSizeBytes", "268435456"),
    ("spark.connect.session.planCompression.threshold", "-1"),
    ("spark.connect.session.planCompression.defaultAlgorithm", "NONE"),
    ("spark.sql.stackTracesInDataFrameContext", "1"),
    ("spark.sql.pyspark.jvmStacktrace.enabled", "false"),
    ("spark.sql.pyspark.dataFrameQueryContext.enabled", "true"),
    ("spark.python.sql.dataFrameDebugging.enabled", "true"),
    ("spark.sql.analyzer.failAmbiguousSelfJoin", "true"),
    ("spark.sql.binaryOutputStyle", ""),
    ("spark.sql.execution.pythonUDTF.arrow.enabled", "false"),
    ("spark.sql.execution.pythonUDF.arrow.enabled", "false"),
    ("spark.sql.sources.default", "parquet"),
    ("spark.sql.crossJoin.enabled", "true"),
    ("spark.rivulet.executor.stateMemory", "512m"),
    ("spark.rivulet.executor.storageMemory", "512m"),
    ("spark.app.name", "rivulet"),
    ("spark.master", "local[*]"),
    ("spark.version", SPARK_VERSION),
];

/// The Spark release whose behaviour Rivulet follows, told to clients that ask.
pub const SPARK_VERSION: &str = "4.3.0";

impl Conf {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values
            .get(key)
            .map(String::as_str)
            .or_else(|| Self::default_of(key))
    }

    /// Spark's default for `key`, where Rivulet knows the setting.
    pub fn default_of(key: &str) -> Option<&'static str> {
        DEFAULTS.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = DEFAULTS.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        all.extend(self.values.clone());
        all
    }

    pub fn bool(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// A size as Spark writes them: a number of bytes, or one with a unit (`64k`, `512m`, `1g`; also `mb`).
    ///
    /// # Errors
    /// An `IllegalArgumentException` that names the setting.
    pub fn bytes(&self, key: &str) -> Result<u64> {
        let text = self.get(key).unwrap_or_default().trim().to_ascii_lowercase();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let shift = match text[digits..].trim_end_matches('b') {
            "" => Some(0),
            "k" => Some(10),
            "m" => Some(20),
            "g" => Some(30),
            "t" => Some(40),
            _ => None,
        };
        let number = text[..digits].parse::<u64>().ok();
        let bytes = number.zip(shift).and_then(|(n, shift)| n.checked_mul(1 << shift));
        bytes.ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                "22022",
                format!("The value '{text}' in the config \"{key}\" is no size: a number of bytes, or with a unit as in 512m."),
            )
            .with("confName", key)
        })
    }

    /// `spark.rivulet.executor.stateMemory`: bytes of streaming state that an executor holds in memory between tasks; what is
    /// more waits in its file. 0 is no limit.
    pub fn state_memory(&self) -> Result<u64> {
        self.bytes("spark.rivulet.executor.stateMemory")
    }

    /// A number from 0 on, or what holds without the setting.
    ///
    /// # Errors
    /// An `IllegalArgumentException` that names the setting.
    pub fn number(&self, key: &str, otherwise: f64) -> Result<f64> {
        let Some(text) = self.get(key) else {
            return Ok(otherwise);
        };
        let number = text.trim().parse::<f64>().ok().filter(|n| *n >= 0.0);
        number.ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                "22022",
                format!("The value '{text}' in the config \"{key}\" is no number from 0 on."),
            )
            .with("confName", key)
        })
    }

    /// `spark.sql.ansi.enabled`: errors instead of nulls and wrap-around.
    pub fn ansi(&self) -> bool {
        self.bool("spark.sql.ansi.enabled")
    }

    pub fn case_sensitive(&self) -> bool {
        self.bool("spark.sql.caseSensitive")
    }

    /// `spark.sql.shuffle.partitions`; without a setting, one partition a slot (a tab has no 200 cores to fill).
    pub fn shuffle_partitions(&self) -> usize {
        let slots = self.parallelism();
        self.get("spark.sql.shuffle.partitions")
            .and_then(|v| v.parse().ok())
            .unwrap_or(slots)
            .clamp(1, 10_000)
    }

    /// `spark.default.parallelism`: how many slices a source without partitions of its own is cut into.
    pub fn parallelism(&self) -> usize {
        self.get("spark.default.parallelism")
            .and_then(|v| v.parse().ok())
            .unwrap_or(2)
            .clamp(1, 10_000)
    }
}
