//! The types that records of JSON and CSV have (`JsonInferSchema`, `CSVInferSchema`).
//!
//! In JSON, numbers without fraction are BIGINT, or decimals if they are too long; others are DOUBLE. Fields are sorted by
//! name, those that are nowhere but empty structs are left out, and a line that is not a record asks for the column of corrupt
//! ones. In CSV, a column has the narrowest type that reads its values, one after the other.
//!
//! ```text
//! [1, 2.5]               ARRAY<DOUBLE>
//! [{"b": 1}, {"a": 2}]   ARRAY<STRUCT<a: BIGINT, b: BIGINT>>
//! [1, "x"]               ARRAY<STRING>
//! null                   STRING
//! ```

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::*;

use crate::error::{Exception, Result, SparkError};
use crate::formats::json::text::{Json, Leniency, parse};
use crate::formats::{ParseMode, corrupt_column, csv, json, malformed};
use crate::values::parse_time::parse_timestamp;
use crate::values::types::{list_of, timestamp};
use crate::values::zone::Zone;

/// What options of JSON ask of inference.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// All values but structs and arrays are strings (`primitivesAsString`).
    primitives_as_text: bool,
    /// Fractions are decimals (`prefersDecimal`).
    decimals: bool,
    /// Strings that read as times are times (`inferTimestamp`).
    times: bool,
}

/// Returns the type that a value has; void for null, which [`settled`] replaces.
pub fn shape(json: &Json, wishes: Wishes) -> DataType {
    match json {
        Json::Null => DataType::Null,
        Json::Bool(_) | Json::Number(_) if wishes.primitives_as_text => DataType::Utf8,
        Json::Bool(_) => DataType::Boolean,
        Json::Text(text) if wishes.times && parse_timestamp(text).is_some_and(|time| time.wall_clock().is_some()) => {
            timestamp()
        }
        Json::Text(_) => DataType::Utf8,
        Json::Number(raw) if raw.contains(['.', 'e', 'E', 'N', 'I']) => match fraction(raw) {
            Some(decimal) if wishes.decimals => decimal,
            _ => DataType::Float64,
        },
        Json::Number(raw) if raw.parse::<i64>().is_ok() => DataType::Int64,
        Json::Number(raw) => match raw.trim_start_matches('-').len() {
            digits @ ..=38 => DataType::Decimal128(digits as u8, 0),
            _ => DataType::Float64,
        },
        Json::Array(items, _) => {
            let element = items
                .iter()
                .map(|item| shape(item, wishes))
                .reduce(|a, b| merged(&a, &b))
                .unwrap_or(DataType::Null);
            list_of(element)
        }
        Json::Object(fields, _) => {
            let mut known: BTreeMap<&str, DataType> = BTreeMap::new();
            for (name, value) in fields {
                let found = shape(value, wishes);
                let both = known.get(name.as_str()).map(|known| merged(known, &found));
                known.insert(name, both.unwrap_or(found));
            }
            DataType::Struct(known.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
        }
    }
}

/// Returns the decimal that holds a number with a fraction as it is written.
fn fraction(raw: &str) -> Option<DataType> {
    let digits = raw.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.')?;
    let is_plain = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let scale = fraction.len();
    let precision = (whole.trim_start_matches('0').len() + scale).max(1);
    (is_plain && precision <= 38).then_some(DataType::Decimal128(precision as u8, scale as i8))
}

/// Returns the type that holds the values of both; STRING if nothing else does.
fn merged(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut all: BTreeMap<&str, DataType> =
                x.iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
            for field in y {
                let known = all.get(field.name().as_str()).map(|t| merged(t, field.data_type()));
                all.insert(field.name(), known.unwrap_or_else(|| field.data_type().clone()));
            }
            DataType::Struct(all.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
        }
        (DataType::List(x), DataType::List(y)) => list_of(merged(x.data_type(), y.data_type())),
        _ => crate::plan::coercion::widen(a, b).unwrap_or(DataType::Utf8),
    }
}

/// Replaces void by STRING, at any depth.
pub fn settled(found: &DataType) -> DataType {
    match found {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => list_of(settled(item.data_type())),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|f| Field::new(f.name(), settled(f.data_type()), true))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Returns a type without structs that have no fields, at any depth; with `nulls_too`, without what is nowhere but null.
fn canonical(found: &DataType, nulls_too: bool) -> Option<DataType> {
    match found {
        DataType::Null => (!nulls_too).then_some(DataType::Utf8),
        DataType::List(item) => Some(list_of(canonical(item.data_type(), nulls_too)?)),
        DataType::Struct(fields) => {
            let kept: Fields = fields
                .iter()
                .filter_map(|f| Some(Field::new(f.name(), canonical(f.data_type(), nulls_too)?, true)))
                .collect();
            (!kept.is_empty()).then_some(DataType::Struct(kept))
        }
        other => Some(other.clone()),
    }
}

/// Returns what options, their keys in lower case, take beyond the standard, and what they ask of inference.
///
/// # Errors
/// If an option cannot be read.
pub fn asked(options: &BTreeMap<String, String>) -> Result<(Leniency, Wishes)> {
    let flag = |key: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let wishes = Wishes {
        primitives_as_text: flag("primitivesasstring"),
        decimals: flag("prefersdecimal"),
        times: flag("infertimestamp"),
    };
    Ok((json::read::Reader::new(options, Zone::UTC, true)?.leniency, wishes))
}

/// Gathers the columns of lines of JSON.
pub struct JsonColumns {
    /// What is taken beyond the standard.
    leniency: Leniency,
    /// What options ask for.
    wishes: Wishes,
    /// What happens to lines that are not records.
    mode: ParseMode,
    /// The name of the column that takes them.
    corrupt_column: String,
    /// Whether columns that are nowhere but null are left out (`dropFieldIfAllNull`).
    drop_nulls: bool,
    /// The type so far.
    found: DataType,
    /// Whether a line was no record.
    corrupt: bool,
}

impl JsonColumns {
    /// Begins with no columns.
    ///
    /// # Errors
    /// If an option cannot be read.
    pub fn new(options: &BTreeMap<String, String>) -> Result<Self> {
        let flag = |key: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let (leniency, wishes) = asked(options)?;
        Ok(Self {
            leniency,
            wishes,
            mode: ParseMode::of_source(options),
            corrupt_column: corrupt_column(options).to_owned(),
            drop_nulls: flag("dropfieldifallnull"),
            found: DataType::Struct(Fields::empty()),
            corrupt: false,
        })
    }

    /// Adds what a line has.
    ///
    /// # Errors
    /// In the mode FAILFAST, `MALFORMED_RECORD_IN_PARSING` if it is malformed, `INVALID_JSON_RECORD_TYPE` if it is neither an
    /// object nor an array of objects. `COLUMN_ALREADY_EXISTS` if an object names a field twice.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let parsed = match parse(line, self.leniency, false) {
            None if line.trim().is_empty() => return Ok(()),
            Some(Json::Null) => return Ok(()),
            parsed => parsed,
        };
        let objects = match &parsed {
            Some(object @ Json::Object(..)) => std::slice::from_ref(object),
            Some(Json::Array(items, _)) if items.iter().all(|i| matches!(i, Json::Object(..) | Json::Null)) => items,
            other => {
                match self.mode {
                    ParseMode::Permissive => self.corrupt = true,
                    ParseMode::DropMalformed => {}
                    ParseMode::FailFast if other.is_none() => return Err(malformed(line)),
                    ParseMode::FailFast => {
                        return Err(SparkError::new(
                            Exception::Connect,
                            "INVALID_JSON_RECORD_TYPE",
                            "22023",
                            "Detected an invalid type of a JSON record while inferring a common schema in the mode FAILFAST. \
                             Expected a STRUCT type.",
                        ));
                    }
                }
                return Ok(());
            }
        };
        for object in objects {
            if let Json::Object(members, _) = object {
                let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                    return Err(already_exists(twice[0]));
                }
            }
            if matches!(object, Json::Object(..)) {
                self.found = merged(&self.found, &shape(object, self.wishes));
            }
        }
        Ok(())
    }

    /// Returns the columns, sorted by name.
    pub fn finish(self) -> Fields {
        let mut fields: Vec<Field> = match canonical(&self.found, self.drop_nulls) {
            Some(DataType::Struct(fields)) => fields.iter().map(|f| f.as_ref().clone()).collect(),
            _ => vec![],
        };
        if self.corrupt && !fields.iter().any(|f| *f.name() == self.corrupt_column) {
            fields.push(Field::new(self.corrupt_column, DataType::Utf8, true));
        }
        fields.sort_by(|a, b| a.name().cmp(b.name()));
        fields.into()
    }
}

/// Makes `COLUMN_ALREADY_EXISTS`.
fn already_exists(name: &str) -> SparkError {
    SparkError::analysis(
        "COLUMN_ALREADY_EXISTS",
        "42711",
        format!("The column `{name}` already exists. Choose another name or rename the existing column."),
    )
    .with("columnName", format!("`{name}`"))
}

/// Gathers the columns of lines of CSV.
pub struct CsvColumns {
    /// Splits records.
    reader: csv::Reader,
    /// Whether the first line of a file has names.
    header: bool,
    /// Whether types are looked for (`inferSchema`); else all are STRING.
    typed: bool,
    /// Whether dates are DATE (`preferDate`).
    prefer_date: bool,
    /// The first record of the first file.
    first: Option<Vec<Option<String>>>,
    /// The types so far.
    found: Vec<DataType>,
}

impl CsvColumns {
    /// Begins with no columns.
    ///
    /// # Errors
    /// If an option cannot be read.
    pub fn new(options: &BTreeMap<String, String>, session: Zone) -> Result<Self> {
        let set = |key: &str, value: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case(value));
        Ok(Self {
            reader: csv::Reader::new(options, session)?,
            header: set("header", "true"),
            typed: set("inferschema", "true"),
            prefer_date: !set("preferdate", "false"),
            first: None,
            found: vec![],
        })
    }

    /// Adds the records of a file. Without wish for types, its first is enough.
    pub fn file(&mut self, records: &[Cow<'_, str>]) {
        let mut cells = Vec::new();
        for (i, line) in records
            .iter()
            .filter(|record| !self.reader.is_passed_over(record))
            .enumerate()
        {
            self.reader.split(line, &mut cells);
            if self.first.is_none() {
                let owned = |cell: &Option<Cow<'_, str>>| cell.as_ref().map(|c| c.clone().into_owned());
                self.first = Some(cells.iter().map(owned).collect());
                self.found = vec![DataType::Null; cells.len()];
            }
            if !self.typed {
                return;
            }
            if self.header && i == 0 {
                continue;
            }
            for (found, cell) in self.found.iter_mut().zip(&cells) {
                let shape = self.reader.shape(cell.as_deref(), found, self.prefer_date);
                *found = crate::plan::coercion::widen(found, &shape).unwrap_or(DataType::Utf8);
            }
        }
    }

    /// Returns the columns. Names are those of the header, made different by their place if they are equal in other case; or
    /// `_c0`, `_c1`, ….
    pub fn finish(self) -> Fields {
        let names = self.first.unwrap_or_default();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for name in names.iter().flatten() {
            *counts.entry(name.to_lowercase()).or_default() += 1;
        }
        let fields = self.found.iter().enumerate().map(|(i, found)| {
            let name = match names
                .get(i)
                .cloned()
                .flatten()
                .filter(|name| self.header && !name.is_empty())
            {
                Some(name) if counts[&name.to_lowercase()] > 1 => format!("{name}{i}"),
                Some(name) => name,
                None => format!("_c{i}"),
            };
            let to = if self.typed { settled(found) } else { DataType::Utf8 };
            Field::new(name, to, true)
        });
        fields.collect::<Vec<_>>().into()
    }
}

/// Returns the columns of one record of CSV, named `_c0`, `_c1`, … (`SchemaOfCsv`).
///
/// # Errors
/// If an option cannot be read.
pub fn of_csv_record(record: &str, options: &BTreeMap<String, String>, session: Zone) -> Result<Fields> {
    let mut options = options.clone();
    options.insert("inferschema".into(), "true".into());
    options.remove("header");
    let mut columns = CsvColumns::new(&options, session)?;
    columns.file(&[Cow::Borrowed(record)]);
    Ok(columns.finish())
}
