//! Leaves: files, streams, tables, local data, ranges, and SQL text.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};

use crate::error::{Exception, Result, SparkError};
use crate::formats::framing::Records;
use crate::formats::{check_columns, corrupt_column, options};
use crate::plan::analyzer::Analyzer;
use crate::plan::scan::{Keeper, Origin, table_key};
use crate::plan::scope::Resolved;
use crate::plan::{sql, type_message};
use crate::proto as sc;
use crate::settings;
use crate::sources::listing::{is_pattern, path_not_found};
use crate::sources::{self, Format, Records as SourceRecords, StreamSpec};
use crate::values::{ipc, types};

impl Analyzer {
    /// Dispatches on what is read: a table of the session, a stream, or files.
    pub(super) fn read(&mut self, read: &sc::Read) -> Result<Resolved> {
        use sc::read::ReadType;
        match read.read_type.as_ref() {
            Some(ReadType::NamedTable(table)) => self.named_table(&table.unparsed_identifier),
            Some(ReadType::DataSource(source)) if read.is_streaming => self.read_stream(source),
            Some(ReadType::DataSource(source)) => self.read_files(source),
            None => Err(SparkError::invalid_plan("a read names no source")),
        }
    }

    /// Returns a temporary view by its last part; its columns are qualified by that name.
    ///
    /// # Errors
    /// If there is no such view, `TABLE_OR_VIEW_NOT_FOUND`.
    pub(super) fn named_table(&mut self, name: &str) -> Result<Resolved> {
        let parts = sql::parse_identifier(name)?;
        let view = parts.last().map(|name| self.views.find(name)).transpose()?;
        let Some(view) = view.flatten() else {
            let quoted = parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(".");
            return Err(SparkError::analysis(
                "TABLE_OR_VIEW_NOT_FOUND",
                "42P01",
                format!(
                    "The table or view {quoted} cannot be found. Verify the spelling and correctness of the schema and catalog. \
                     Rivulet's tables are the temporary views of this session."
                ),
            )
            .with("relationName", quoted));
        };
        let mut relation = self.relation(&view)?;
        for attribute in &mut relation.output {
            attribute.qualifier = parts[parts.len() - 1..].to_vec();
        }
        relation.hidden.clear();
        relation.below.clear();
        relation.aggregation = None;
        relation.tagged.clear();
        Ok(relation)
    }

    /// Reads files of a batch. The driver lists them and infers their schema unless one is declared. Each
    /// file is one partition. What is not a format of files is a table of another system.
    ///
    /// # Errors
    /// Those of the file catalog, and of [`Analyzer::read_table`].
    pub(super) fn read_files(&mut self, source: &sc::read::DataSource) -> Result<Resolved> {
        let format_name = source.format.as_deref().unwrap_or("parquet").to_ascii_lowercase();
        let options = options_of(&source.options);
        let Some(format) = Format::parse(&format_name) else {
            return self.read_table(format_name, options, source);
        };
        let mut paths = source.paths.clone();
        paths.extend(options.get("path").cloned());
        let declared = declared(source)?;
        check_options(format, &options, declared.as_ref())?;
        if let Some(fields) = &declared {
            check_types(format, fields)?;
        }
        let set = self.files.resolve(&format, &paths, &options, declared)?;
        let partitions = set.files.len().max(1);
        let options = self.decoding(options);
        self.scan(
            Origin::Blocks {
                format,
                options,
                of_files: true,
            },
            &set.fields,
            partitions,
            Keeper::Files(set.files),
        )
    }

    /// Reads a table of another system, with as many partitions as are known to be needed, else `spark.default.parallelism`. Nobody is
    /// asked: a job is, before it begins.
    ///
    /// # Errors
    /// If the source is unknown or has streams only, `DATA_SOURCE_NOT_FOUND`; what the table says of its options; an
    /// `AnalysisException` if other columns are declared than it has.
    fn read_table(
        &mut self,
        format: String,
        options: BTreeMap<String, String>,
        source: &sc::read::DataSource,
    ) -> Result<Resolved> {
        let definition = sources::find(&format)?;
        let spec = StreamSpec {
            format,
            path: source.paths.first().cloned().or_else(|| options.get("path").cloned()),
            options,
        };
        definition.open_table(&spec)?;
        let fields = definition.fields(Format::Arrow, &spec.options, None)?;
        if let Some(declared) = declared(source)? {
            check_declared(&declared, &fields)?;
        }
        let known = self.tables.get(&table_key(&spec)).copied();
        let partitions = known.unwrap_or_else(|| self.conf.parallelism());
        check_partitions(definition.name, partitions)?;
        let origin = Origin::Blocks {
            format: Format::Arrow,
            options: BTreeMap::new(),
            of_files: false,
        };
        self.scan(origin, &fields, partitions, Keeper::Table(spec))
    }

    /// Returns what a decoder must know: times without a zone are in the session's (`JSONOptions.zoneId`), unless an option names
    /// another.
    fn decoding(&self, mut options: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if let Some(zone) = self.conf.text(&settings::TIME_ZONE).filter(|zone| *zone != "UTC") {
            options.entry("timezone".to_owned()).or_insert_with(|| zone.to_owned());
        }
        options
    }

    /// Reads a streaming source, with `spark.default.parallelism` partitions.
    ///
    /// # Errors
    /// If the source is unknown, `DATA_SOURCE_NOT_FOUND`; and if it refuses an option, needs a schema or
    /// cannot have one, its own.
    pub(super) fn read_stream(&mut self, source: &sc::read::DataSource) -> Result<Resolved> {
        let format_name = source.format.as_deref().unwrap_or("parquet").to_ascii_lowercase();
        let options = options_of(&source.options);
        let declared = declared(source)?;
        let path = source.paths.first().cloned().or_else(|| options.get("path").cloned());
        let spec = StreamSpec {
            format: format_name,
            path,
            options: options.clone(),
        };
        let definition = sources::find(&spec.format)?;
        let format = definition.format(&options)?;
        let fields = definition.fields(format, &options, declared)?;
        definition.check(&spec)?;
        check_options(format, &options, Some(&fields))?;
        let of_files = matches!(definition.records, SourceRecords::Own(_));
        if of_files {
            check_types(format, &fields)?;
            let path = spec.path.as_deref().unwrap_or_default();
            if !is_pattern(path) && self.files.exists(path) == Some(false) {
                return Err(path_not_found(path));
            }
        }
        let partitions = self.conf.parallelism();
        let options = self.decoding(options);
        self.scan(
            Origin::Blocks {
                format,
                options,
                of_files,
            },
            &fields,
            partitions,
            Keeper::Stream(spec),
        )
    }

    /// Reads rows that come with the plan, as one Arrow IPC stream; without data, an empty relation of the
    /// declared schema.
    ///
    /// # Errors
    /// If the bytes are not such a stream or do not fit the schema, `CONNECT_INVALID_PLAN`.
    pub(super) fn local(&mut self, node: &sc::LocalRelation) -> Result<Resolved> {
        let declared = node
            .schema
            .as_deref()
            .filter(|s| !s.is_empty())
            .map(type_message::schema_from_text)
            .transpose()?;
        let Some(data) = &node.data else {
            let fields = declared.unwrap_or_else(Fields::empty);
            return self.scan(
                Origin::Local {
                    ipc: Arc::from(Vec::new()),
                },
                &fields,
                1,
                Keeper::Plan,
            );
        };
        let (arriving, rows) = ipc::outline(data)
            .map_err(|why| SparkError::invalid_plan(format!("a local relation is not an Arrow stream: {why}")))?;
        let own: Fields = arriving
            .fields()
            .iter()
            .map(|f| Field::new(f.name(), normal_type(f.data_type()), true))
            .collect();
        let fields = match declared {
            Some(declared) if declared.len() == own.len() => declared,
            Some(_) => {
                return Err(SparkError::invalid_plan(
                    "schema and data of a local relation differ in columns",
                ));
            }
            None => own,
        };
        let partitions = match self.deals_rows {
            true => self.conf.parallelism().min(rows.max(1)),
            false => 1,
        };
        self.scan(
            Origin::Local {
                ipc: Arc::from(data.as_slice()),
            },
            &fields,
            partitions,
            Keeper::Plan,
        )
    }

    /// Resolves `spark.range`: from `start` up to, but without, `end`. A negative step counts down.
    ///
    /// # Errors
    /// If the step is 0, `INVALID_PARAMETER_VALUE.STEP`; if it is cut into too many partitions,
    /// `RIVULET_TOO_MANY_PARTITIONS`.
    pub(super) fn range(&mut self, start: i64, end: i64, step: i64, partitions: Option<i32>) -> Result<Resolved> {
        if step == 0 {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INVALID_PARAMETER_VALUE.STEP",
                "22023",
                "The step of a range must not be 0.",
            ));
        }
        let slices = partitions
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n > 0)
            .unwrap_or_else(|| self.conf.parallelism());
        check_partitions("range", slices)?;
        let fields = Fields::from(vec![Field::new("id", DataType::Int64, false)]);
        self.scan(Origin::Range { start, end, step }, &fields, slices, Keeper::Plan)
    }

    /// Resolves a query in SQL, with its parameters by name (`:name`) or by place (`?`), counted from 1.
    ///
    /// # Errors
    /// If it does not parse, what the parser says; statements other than queries are refused here.
    #[allow(deprecated)] // Clients of Spark 3.5 send literals in `args` and `pos_args`.
    pub(super) fn sql_text(&mut self, node: &sc::Sql) -> Result<Resolved> {
        let literal = |l: &sc::expression::Literal| sc::Expression {
            expr_type: Some(sc::expression::ExprType::Literal(l.clone())),
            ..Default::default()
        };
        let named = node.named_arguments.iter().map(|(n, e)| (n.clone(), e.clone()));
        let named = named.chain(node.args.iter().map(|(n, l)| (n.clone(), literal(l))));
        let positional = node
            .pos_arguments
            .iter()
            .cloned()
            .chain(node.pos_args.iter().map(literal));
        let positional = positional.enumerate().map(|(i, e)| (format!("_{}", i + 1), e));
        self.parameters.extend(named.chain(positional));
        match sql::parse_statement(&node.query)? {
            sql::Statement::Query(relation) => self.relation(&relation),
            _ => Err(SparkError::unsupported("this SQL command as a relation")),
        }
    }
}

/// Returns the columns that a read declares; `None` if it declares none.
///
/// # Errors
/// If they cannot be parsed.
fn declared(source: &sc::read::DataSource) -> Result<Option<Fields>> {
    let text = source.schema.as_deref().filter(|s| !s.is_empty());
    text.map(type_message::schema_from_text).transpose()
}

/// Checks that columns which are declared are those that a table has, whatever may be null (`DataSource.resolveRelation`).
///
/// # Errors
/// `_LEGACY_ERROR_TEMP_1133`, as in Spark.
fn check_declared(declared: &Fields, actual: &Fields) -> Result<()> {
    let ddl = |fields: &Fields| types::to_ddl(&Schema::new(fields.clone()));
    let (declared, actual) = (ddl(declared), ddl(actual));
    if declared == actual {
        return Ok(());
    }
    let sentence = format!(
        "The user-specified schema doesn't match the actual schema: user-specified: {declared}, actual: {actual}. If you're using \
         DataFrameReader.schema API or creating a table, please do not specify the schema."
    );
    Err(SparkError::analysis("_LEGACY_ERROR_TEMP_1133", "", sentence)
        .with("schema", declared)
        .with("actualSchema", actual))
}

/// Returns the form of a format's records; Arrow's are none.
fn records(format: Format) -> Option<Records> {
    match format {
        Format::Json => Some(Records::Json),
        Format::Csv => Some(Records::Csv),
        Format::Text => Some(Records::Text),
        Format::Arrow => None,
    }
}

/// Checks that a format has values of the columns' types.
///
/// # Errors
/// As [`check_columns`].
fn check_types(format: Format, fields: &Fields) -> Result<()> {
    records(format).map_or(Ok(()), |of| check_columns(of, fields))
}

/// Checks the options of a reader, and that the column of malformed records can hold them.
///
/// # Errors
/// As [`options::check`]; `INVALID_CORRUPT_RECORD_TYPE`.
fn check_options(format: Format, options: &BTreeMap<String, String>, fields: Option<&Fields>) -> Result<()> {
    let Some(of) = records(format) else {
        return Ok(());
    };
    options::check(of, options)?;
    let corrupt = corrupt_column(options);
    let column = fields.and_then(|fields| fields.iter().find(|f| f.name() == corrupt));
    match column.filter(|f| of != Records::Text && f.data_type() != &DataType::Utf8) {
        None => Ok(()),
        Some(field) => {
            let found = types::sql_name(field.data_type());
            Err(SparkError::analysis(
                "INVALID_CORRUPT_RECORD_TYPE",
                "42804",
                format!(
                    "The column `{corrupt}` for corrupt records must have the nullable STRING type, but got \"{found}\"."
                ),
            ))
        }
    }
}

/// Partitions that a relation may be cut into: there is a task for each.
const MOST_PARTITIONS: usize = 100_000;

/// Checks the number of partitions that a relation asks for.
///
/// # Errors
/// If they are more than there may be, `RIVULET_TOO_MANY_PARTITIONS`.
pub(crate) fn check_partitions(relation: &str, partitions: usize) -> Result<()> {
    if partitions <= MOST_PARTITIONS {
        return Ok(());
    }
    Err(SparkError::analysis(
        "RIVULET_TOO_MANY_PARTITIONS",
        "54000",
        format!("`{relation}` asks for {partitions} partitions, the limit is {MOST_PARTITIONS}."),
    )
    .with("relation", format!("`{relation}`"))
    .with("partitions", partitions.to_string())
    .with("limit", MOST_PARTITIONS.to_string()))
}

/// Returns options by lower-case name, since Spark's are case-insensitive (`CaseInsensitiveMap`).
///
/// ```
/// use std::collections::BTreeMap;
/// use rivulet::plan::relation::options_of;
///
/// let given = BTreeMap::from([("maxFilesPerTrigger".to_owned(), "1".to_owned())]);
/// assert_eq!(options_of(&given)["maxfilespertrigger"], "1");
/// ```
pub fn options_of(options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    options.iter().map(|(k, v)| (k.to_lowercase(), v.clone())).collect()
}

/// Returns the engine's form of a type that arrived from outside: one layout per Spark type, unsigned
/// integers as the next wider signed ones, times in µs. BIGINT stands for unsigned 64-bit integers,
/// too.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::relation::normal_type;
///
/// assert_eq!(normal_type(&DataType::UInt32), DataType::Int64);
/// assert_eq!(normal_type(&DataType::LargeUtf8), DataType::Utf8);
/// ```
pub fn normal_type(data_type: &DataType) -> DataType {
    use arrow::datatypes::TimeUnit;
    match data_type {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(_, Some(_)) => types::timestamp(),
        DataType::Timestamp(_, None) => types::timestamp_ntz(),
        DataType::Date64 => DataType::Date32,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::Dictionary(_, value) => normal_type(value),
        DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::FixedSizeList(f, _) => {
            types::list_of(normal_type(f.data_type()))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|f| Field::new(f.name(), normal_type(f.data_type()), true))
                .collect(),
        ),
        DataType::Map(entries, _) => {
            let (k, v) = types::map_types(entries);
            types::map_of(normal_type(&k), normal_type(&v))
        }
        other => other.clone(),
    }
}
