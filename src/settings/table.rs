//! Every `spark.*` key, once: type, default, unit and what it does. Values are read by these constants,
//! so a key cannot be misspelt; `SET -v`, `spark.conf` and its errors come from [`SETTINGS`].
//!
//! To add a setting, add one entry below; its description begins with a verb and names the unit. A key
//! that Spark has and Rivulet ignores stands here only if clients read it.

/// What a setting's text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number above 0.
    Count,
    /// A number from 0 on.
    Number,
    /// A number of bytes, or one with a unit as in `512m`.
    Bytes,
    /// A number of ms, or one with a unit as in `10s`.
    Millis,
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
    /// The name of a time zone, or an offset.
    Zone,
}

/// A setting.
///
/// ```
/// use rivulet::settings::{STATE_MEMORY, table};
///
/// assert_eq!(STATE_MEMORY.default, Some("512m"));
/// assert_eq!(table::find("spark.rivulet.executor.stateMemory").map(|s| s.key), Some(STATE_MEMORY.key));
/// assert!(table::find("spark.no.such.key").is_none());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// What its text must be.
    pub kind: Kind,
    /// What holds without it; `None` if that follows from something else, which `about` says.
    pub default: Option<&'static str>,
    /// Says in one sentence what it does.
    pub about: &'static str,
}

/// Makes an entry with a default.
const fn set(key: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting {
        key,
        kind,
        default: Some(default),
        about,
    }
}

/// Makes an entry without a default: what holds then follows from something else, which `about` says.
const fn open(key: &'static str, kind: Kind, about: &'static str) -> Setting {
    Setting {
        key,
        kind,
        default: None,
        about,
    }
}

/// Makes a constant of each entry, and the table of all of them.
macro_rules! settings {
    ($($name:ident = $setting:expr;)*) => {
        $(
            #[doc = concat!("See [`SETTINGS`].")]
            pub const $name: Setting = $setting;
        )*

        /// All settings that the engine reads, in the order of this file.
        pub static SETTINGS: &[Setting] = &[$($name),*];
    };
}

settings! {
    ANSI = set("spark.sql.ansi.enabled", Kind::Flag, "true",
        "Says whether an invalid operation is an error, rather than null or a wrapped number.");
    CASE_SENSITIVE = set("spark.sql.caseSensitive", Kind::Flag, "false",
        "Says whether names of columns that differ in case only are different names.");
    TIME_ZONE = set("spark.sql.session.timeZone", Kind::Zone, "UTC",
        "Names the zone in which timestamps are read, shown and cut into days.");
    TIMESTAMP_TYPE = set("spark.sql.timestampType", Kind::OneOf(&["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"]), "TIMESTAMP_LTZ",
        "Names the type that TIMESTAMP stands for; TIMESTAMP_NTZ is not followed yet.");
    SHUFFLE_PARTITIONS = open("spark.sql.shuffle.partitions", Kind::Count,
        "Says into how many partitions rows are dealt by key; without it, as spark.default.parallelism.");
    PARALLELISM = open("spark.default.parallelism", Kind::Count,
        "Says into how many partitions a source without its own is cut; without it, one per executor.");
    GROUP_BY_ORDINAL = set("spark.sql.groupByOrdinal", Kind::Flag, "true",
        "Says whether GROUP BY 1 means the first item of the select list.");
    CTE_LEVELS = set("spark.sql.cteRecursionLevelLimit", Kind::Text, "100",
        "The most rounds of WITH RECURSIVE, the first among them; -1 for no limit.");
    CTE_ROWS = set("spark.sql.cteRecursionRowLimit", Kind::Text, "1000000",
        "The most rows of WITH RECURSIVE; -1 for no limit.");
    PIVOT_MAX_VALUES = set("spark.sql.pivotMaxValues", Kind::Count, "10000",
        "The most values that a pivot finds by itself.");
    TRANSPOSE_MAX_VALUES = set("spark.sql.transposeMaxValues", Kind::Count, "500",
        "The most rows that a transpose makes columns of.");
    ORDER_BY_ORDINAL = set("spark.sql.orderByOrdinal", Kind::Flag, "true",
        "Says whether ORDER BY 1 means the first item of the select list.");
    MAP_KEY_DEDUP = set("spark.sql.mapKeyDedupPolicy", Kind::OneOf(&["EXCEPTION", "LAST_WIN"]), "EXCEPTION",
        "Says whether a map made with equal keys is an error or holds the last value.");
    DECIMAL_PRECISION_LOSS = set("spark.sql.decimalOperations.allowPrecisionLoss", Kind::Flag, "true",
        "Says whether decimal arithmetic gives up digits after the point to fit 38; false is not followed.");
    CHECKPOINT_LOCATION = open("spark.sql.streaming.checkpointLocation", Kind::Text,
        "Names the folder below which queries without a location of their own keep their checkpoints.");
    STOP_ACTIVE_RUN = set("spark.sql.streaming.stopActiveRunOnRestart", Kind::Flag, "true",
        "Says whether starting a query stops the active one on the same checkpoint, rather than fail.");
    BATCHES_TO_RETAIN = set("spark.sql.streaming.minBatchesToRetain", Kind::Count, "100",
        "Says how many batches a checkpoint can be gone back to at least.");
    DELTAS_PER_SNAPSHOT = set("spark.sql.streaming.stateStore.minDeltasForSnapshot", Kind::Count, "10",
        "Says after how many files of changes the state is written as a whole.");
    WATERMARK_POLICY = set("spark.sql.streaming.multipleWatermarkPolicy", Kind::OneOf(&["min", "max"]), "min",
        "Says whether the slowest or the fastest of several watermarks is the query's.");
    NO_DATA_BATCHES = set("spark.sql.streaming.noDataMicroBatches.enabled", Kind::Flag, "true",
        "Says whether a batch without data runs if the watermark alone can close state.");
    REAL_TIME_MIN_BATCH = set("spark.sql.streaming.realTimeMode.minBatchDuration", Kind::Millis, "5000",
        "Says how long an epoch of a real-time query lasts at least.");
    REAL_TIME_ALLOWLIST = set("spark.sql.streaming.realTimeMode.allowlistCheck", Kind::Flag, "true",
        "Says whether operators are refused that Spark does not offer in real-time mode, though they run here.");
    RECENT_PROGRESS = set("spark.sql.streaming.numRecentProgressUpdates", Kind::Count, "100",
        "Says how many progress reports of a query are kept.");
    CHECK_CORRECTNESS = set("spark.sql.streaming.statefulOperator.checkCorrectness.enabled", Kind::Flag, "true",
        "Says whether plans whose rows may be late for a later operator are refused; false is not followed.");
    FALLBACK_REMOTE = open("spark.rivulet.fallbackRemote", Kind::Text,
        "Names a Spark cluster, such as sc://host:port, to which a session in a page sends queries that its engine refuses; set before the start.");
    IDLE_SOURCE_TIMEOUT = open("spark.rivulet.streaming.idleSourceTimeout", Kind::Text,
        "Says after which interval without data, such as 30 seconds, an input no longer holds the watermark; without it, never.");
    POISON_MAX_DEATHS = set("spark.rivulet.streaming.poison.maxDeaths", Kind::Number, "2",
        "Says at which death of its executors a batch looks for the record that kills them, sets it aside in the checkpoint and goes on without it; earlier ones end the query. 0 sets no record aside.");
    POISON_MAX_RECORDS = set("spark.rivulet.streaming.poison.maxRecords", Kind::Count, "16",
        "Says how many records of a batch are set aside at most; a batch that dies of more ends its query.");
    MEMORY_SINK_RECOVER = set("spark.rivulet.memorySink.recover", Kind::Flag, "false",
        "Says whether a memory sink may go on from a checkpoint although its earlier rows are gone.");
    MAX_RESULT = set("spark.driver.maxResultSize", Kind::Bytes, "1g",
        "Says how many bytes the result of a query has at most; a larger one is an error. 0 is no limit.");
    STATEMENT_TIMEOUT = set("spark.rivulet.statement.timeout", Kind::Millis, "0",
        "Says how long a batch query runs at most, such as 30s; 0 is no limit.");
    TASK_TIMEOUT = set("spark.rivulet.task.timeout", Kind::Millis, "0",
        "Says how long a task runs at most before its query fails, such as 30s; 0 is no limit.");
    REAPER_TIMEOUT = set("spark.task.reaper.killTimeout", Kind::Millis, "200",
        "Says how long an executor has to end a cancelled task before it is replaced, such as 1s.");
    SCHEDULER_MODE = set("spark.scheduler.mode", Kind::OneOf(&["FIFO", "FAIR"]), "FAIR",
        "Says whether statements and streaming queries take turns on the executors, or come one after the other; jobs of datasets take turns only where it is set.");
    SCHEDULER_POOL = open("spark.scheduler.pool", Kind::Text,
        "Names the pool of statements and streaming queries that take turns; without it each has its own.");
    EXECUTION_MEMORY = set("spark.rivulet.executor.executionMemory", Kind::Bytes, "2g",
        "Says how much the operators of an executor's task hold in memory, in bytes: sorts and aggregations spill what exceeds it, other operators fail their query. 0 sets no limit.");
    IDLE_HEAP = set("spark.rivulet.executor.maxIdleHeap", Kind::Bytes, "1536m",
        "Says how large the heap of an idle executor may be, in bytes: a larger one, which WebAssembly cannot give back, is replaced. 0 replaces none.");
    STATE_MEMORY = set("spark.rivulet.executor.stateMemory", Kind::Bytes, "512m",
        "Says how much streaming state an executor holds in memory between tasks, in bytes; 0 is no limit.");
    STATE_LIMIT = set("spark.rivulet.state.maxPartitionSize", Kind::Bytes, "1g",
        "Limits the bytes of an operator's state in one partition; a query that exceeds it fails. 0 sets no limit.");
    DRIVER_STATE_LIMIT = set("spark.rivulet.driver.maxStateSize", Kind::Bytes, "2g",
        "Limits the bytes of state that the driver keeps for a query without a checkpoint; a query that exceeds it fails. 0 sets no limit.");
    STORAGE_MEMORY = set("spark.rivulet.executor.storageMemory", Kind::Bytes, "512m",
        "Says how much of cached datasets an executor holds in memory, in bytes.");
    BACKPRESSURE = set("spark.streaming.backpressure.enabled", Kind::Flag, "false",
        "Says whether batches are limited by the rate at which earlier ones were processed.");
    PID_PROPORTIONAL = set("spark.streaming.backpressure.pid.proportional", Kind::Number, "1.0",
        "Weighs the last error of the rate.");
    PID_INTEGRAL = set("spark.streaming.backpressure.pid.integral", Kind::Number, "0.2",
        "Weighs the sum of errors of the rate.");
    PID_DERIVED = set("spark.streaming.backpressure.pid.derived", Kind::Number, "0.0",
        "Weighs the change of the error of the rate.");
    PID_MIN_RATE = set("spark.streaming.backpressure.pid.minRate", Kind::Number, "100",
        "Says which rate is kept at least, in rows per second.");
    SPECULATION = set("spark.speculation", Kind::Flag, "false",
        "Says whether a slow task is run a second time elsewhere.");
    SPECULATION_QUANTILE = set("spark.speculation.quantile", Kind::Number, "0.9",
        "Says which share of a stage's tasks must be done before others count as slow, 0 to 1.");
    SPECULATION_MULTIPLIER = set("spark.speculation.multiplier", Kind::Number, "3",
        "Says how many times the median a task must run to count as slow.");
    SPECULATION_MIN_RUNTIME = set("spark.speculation.minTaskRuntime", Kind::Millis, "100ms",
        "Says how long a task runs at least before it counts as slow, in ms.");
    MASTER = set("spark.master", Kind::Text, "local[*]", "Says how many executors there are; it cannot be changed.");
    APP_NAME = set("spark.app.name", Kind::Text, "rivulet", "Names the application.");
    VERSION = set("spark.version", Kind::Text, super::SPARK_VERSION, "Names the release of Spark that is followed.");
    SOURCES_DEFAULT = set("spark.sql.sources.default", Kind::Text, "parquet",
        "Names the format of reads and writes that name none.");
    ARROW_BATCH_ROWS = set("spark.sql.execution.arrow.maxRecordsPerBatch", Kind::Count, "10000",
        "Says how many rows a client puts into one batch of a local relation.");
    ARROW_LARGE_TYPES = set("spark.sql.execution.arrow.useLargeVarTypes", Kind::Flag, "false",
        "Is read by clients: whether texts have 64-bit offsets.");
    PANDAS_BY_NAME = set("spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName", Kind::Flag, "true",
        "Is read by PySpark.");
    ARROW_SELF_DESTRUCT = set("spark.sql.execution.arrow.pyspark.selfDestruct.enabled", Kind::Flag, "false", "Is read by PySpark.");
    PANDAS_SAFE_CAST = set("spark.sql.execution.pandas.convertToArrowArraySafely", Kind::Flag, "false",
        "Is read by PySpark.");
    PANDAS_DICT_AS_MAP = set("spark.sql.execution.pandas.inferPandasDictAsMap", Kind::Flag, "false", "Is read by PySpark.");
    PANDAS_STRUCTS = set("spark.sql.execution.pandas.structHandlingMode", Kind::Text, "legacy", "Is read by PySpark.");
    INFER_NESTED_DICT = set("spark.sql.pyspark.inferNestedDictAsStruct.enabled", Kind::Flag, "false", "Is read by PySpark.");
    INFER_ARRAY = set("spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", Kind::Flag, "false",
        "Is read by PySpark.");
    INFER_MAP = set("spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", Kind::Flag, "false", "Is read by PySpark.");
    JVM_STACKTRACE = set("spark.sql.pyspark.jvmStacktrace.enabled", Kind::Flag, "false", "Is read by PySpark.");
    QUERY_CONTEXT = set("spark.sql.pyspark.dataFrameQueryContext.enabled", Kind::Flag, "true", "Is read by PySpark.");
    FRAME_DEBUGGING = set("spark.python.sql.dataFrameDebugging.enabled", Kind::Flag, "true", "Is read by PySpark.");
    PYTHON_UDTF_ARROW = set("spark.sql.execution.pythonUDTF.arrow.enabled", Kind::Flag, "false", "Is read by PySpark.");
    PYTHON_UDF_ARROW = set("spark.sql.execution.pythonUDF.arrow.enabled", Kind::Flag, "false", "Is read by PySpark.");
    TIMESTAMP_NTZ = set("spark.sql.timestampNTZ.enabled", Kind::Flag, "true", "Is read by PySpark.");
    EAGER_EVAL = set("spark.sql.repl.eagerEval.enabled", Kind::Flag, "false", "Is read by notebooks.");
    EAGER_EVAL_ROWS = set("spark.sql.repl.eagerEval.maxNumRows", Kind::Count, "20", "Is read by notebooks.");
    EAGER_EVAL_TRUNCATE = set("spark.sql.repl.eagerEval.truncate", Kind::Number, "20", "Is read by notebooks.");
    RELATION_CACHE = set("spark.sql.session.localRelationCacheThreshold", Kind::Bytes, "2147483647",
        "Is read by clients: from which size on, in bytes, they upload a local relation apart.");
    RELATION_LIMIT = set("spark.sql.session.localRelationSizeLimit", Kind::Bytes, "3221225472",
        "Is read by clients: how large a local relation may be, in bytes.");
    RELATION_CHUNK_ROWS = set("spark.sql.session.localRelationChunkSizeRows", Kind::Count, "10000", "Is read by clients.");
    RELATION_CHUNK_BYTES = set("spark.sql.session.localRelationChunkSizeBytes", Kind::Bytes, "16777216",
        "Is read by clients.");
    RELATION_CHUNKS_BYTES = set("spark.sql.session.localRelationBatchOfChunksSizeBytes", Kind::Bytes, "268435456",
        "Is read by clients.");
    PLAN_COMPRESSION = set("spark.connect.session.planCompression.threshold", Kind::Text, "-1",
        "Is read by clients: -1 asks them not to compress plans.");
    PLAN_COMPRESSION_NAME = set("spark.connect.session.planCompression.defaultAlgorithm", Kind::Text, "NONE",
        "Is read by clients.");
    STACK_TRACES = set("spark.sql.stackTracesInDataFrameContext", Kind::Number, "1", "Is read by clients.");
    AMBIGUOUS_SELF_JOIN = set("spark.sql.analyzer.failAmbiguousSelfJoin", Kind::Flag, "true",
        "Is true: an ambiguous column of a self-join is an error.");
    BINARY_OUTPUT = set("spark.sql.binaryOutputStyle", Kind::Text, "", "Is read by clients.");
    CROSS_JOIN = set("spark.sql.crossJoin.enabled", Kind::Flag, "true", "Is true: a join without a condition is one.");
}

/// Returns the setting of that key; `None` if the engine has none.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_stands_twice_and_every_default_is_of_its_type() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            assert!(
                SETTINGS[..at].iter().all(|other| other.key != setting.key),
                "{}",
                setting.key
            );
            if let Some(default) = setting.default {
                assert_eq!(setting.check(default), Ok(()), "{}", setting.key);
            }
        }
    }
}
