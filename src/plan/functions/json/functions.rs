//! JSON in a column read, written and looked into.
//!
//! The table's entries; parsing, paths, types and writing are beside this file.
//!
//! ```text
//! from_json('{"a":1,"b":"x"}', 'a INT, b INT')                       {1, null}
//!   with mode FAILFAST                                               MALFORMED_RECORD_IN_PARSING
//! from_json('{"a":', 'a INT, _corrupt_record STRING')                {null, {"a":}
//! get_json_object('{"a":[{"b":1},{"b":2}]}', '$.a[*].b')             [1,2]
//! json_tuple('{"a":1,"b":null}', 'a', 'b')                           1, null
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;

use crate::error::{Result, SparkError};
use crate::formats::column::Column;
use crate::formats::json::lines::Plain;
use crate::formats::json::read::Reader;
use crate::formats::json::text::{Astral, Json, Leniency, parse, write};
use crate::formats::{ParseMode, corrupt_column, malformed};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::{non_foldable, unexpected_type};
use crate::plan::functions::json::path;
use crate::plan::functions::json::write::Writer;
use crate::plan::functions::list::assemble;
use crate::plan::functions::map::maps::options;
use crate::plan::functions::{constant_text, fold, generator};
use crate::plan::inference::{asked, settled, shape};
use crate::plan::scope::Typed;
use crate::plan::type_message;
use crate::values::types::{is_string, list_of, sql_name};

/// Resolves `get_json_object` (`GetJsonObject`); the last path is kept, so that a constant one is read
/// once.
pub fn get_json_object(call: &Call<'_>) -> Result<Typed> {
    let known: Mutex<Option<(String, Option<Vec<path::Step>>)>> = Mutex::new(None);
    call.strict(DataType::Utf8, vec![call.text(0)?, call.text(1)?], move |r| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|(p, _)| p != r.text(1)) {
            *known = Some((r.text(1).to_owned(), path::parse(r.text(1))));
        }
        let Some((_, Some(path))) = known.as_ref() else {
            return Ok(None);
        };
        Ok(parse(r.text(0), Leniency::DEFAULT, false).and_then(|json| path::evaluate(&json, path)))
    })
}

/// Resolves `json_array_length` (`LengthOfJsonArray`).
pub fn json_array_length(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int32, vec![call.text(0)?], |r| {
        Ok(match parse(r.text(0), Leniency::DEFAULT, false) {
            Some(Json::Array(items, _)) => Some(items.len() as i32),
            _ => None,
        })
    })
}

/// Resolves `json_object_keys` (`JsonObjectKeys`): of the outermost object, in order, duplicates
/// included.
pub fn json_object_keys(call: &Call<'_>) -> Result<Typed> {
    call.strict(list_of(DataType::Utf8), vec![call.text(0)?], |r| {
        let Some(Json::Object(fields, _)) = parse(r.text(0), Leniency::DEFAULT, false) else {
            return Ok(None);
        };
        Ok(Some(fields.into_iter().map(|(name, _)| Some(name)).collect::<Vec<_>>()))
    })
}

/// Resolves `schema_of_json` (`SchemaOfJson`); malformed JSON is a STRING.
///
/// # Errors
/// If the argument is not a literal, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if an option cannot be read.
pub fn schema_of_json(call: &Call<'_>) -> Result<Typed> {
    let text = call
        .constant_text(0)
        .ok_or_else(|| non_foldable(call, "json", "STRING"))?;
    let given = call.args.get(1).map(options).transpose()?.unwrap_or_default();
    let (leniency, wishes) = asked(&given)?;
    let json = parse(&text, leniency, false);
    let found = json.map_or(DataType::Utf8, |json| shape(&json, wishes));
    let label = format!("schema_of_json({})", call.args[0].name);
    Ok(constant_text(sql_name(&settled(&found)), label))
}

/// Resolves `json_tuple(text, names…)` (`JsonTuple`): a row of as many strings; nulls if the text is
/// not an object.
pub fn json_tuple(call: &Call<'_>) -> Result<Typed> {
    let args = (0..call.args.len())
        .map(|i| Ok(call.text(i)?.expr))
        .collect::<Result<Vec<_>>>()?;
    let width = args.len() - 1;
    let fields: Fields = (0..width)
        .map(|i| Field::new(format!("c{i}"), DataType::Utf8, true))
        .collect();
    let element = DataType::Struct(fields.clone());
    let to = list_of(element.clone());
    let result = to.clone();
    let list = kernel::call("json_tuple", "", to, args, move |args, rows| {
        let texts: Vec<&StringArray> = args.iter().map(|a| a.as_string::<i32>()).collect();
        let mut columns: Vec<StringBuilder> = (0..width).map(|_| StringBuilder::new()).collect();
        for row in 0..rows {
            let valid = texts[0].is_valid(row);
            let json = if valid {
                parse(texts[0].value(row), Leniency::DEFAULT, false)
            } else {
                None
            };
            for (i, column) in columns.iter_mut().enumerate() {
                let name = &texts[i + 1];
                let wanted = name.is_valid(row).then(|| name.value(row));
                column.append_option(wanted.and_then(|name| member(json.as_ref()?, name)));
            }
        }
        let columns = columns
            .into_iter()
            .map(|mut c| Arc::new(c.finish()) as ArrayRef)
            .collect();
        let structs = StructArray::try_new_with_length(fields.clone(), columns, None, rows)?;
        assemble(std::iter::repeat_n(1, rows), None, Arc::new(structs), &result)
    });
    Ok(generator::rows(call, list, element, true, false))
}

/// Returns a member of an object: strings as they are, other values as JSON; `None` for null and for a
/// missing one. Of equal names the first counts.
fn member(json: &Json, name: &str) -> Option<String> {
    let Json::Object(fields, _) = json else { return None };
    match fields.iter().find(|(n, _)| n == name).map(|(_, v)| v)? {
        Json::Null => None,
        Json::Text(text) => Some(text.clone()),
        other => {
            let mut text = String::new();
            write(other, Astral::Escaped, &mut text);
            Some(text)
        }
    }
}

/// Makes `DATATYPE_MISMATCH.INVALID_JSON_SCHEMA`: the type cannot be a JSON document.
fn invalid_json_schema(label: &str, data_type: &DataType) -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
        "42K09",
        format!(
            "Cannot resolve \"{label}\" due to data type mismatch: Input schema \"{}\" must be a struct, an array, a map or a variant.",
            sql_name(data_type)
        ),
    )
}

/// Returns the schema in the second argument of `from_json` or `from_csv`.
///
/// # Errors
/// If it is not a constant string, `INVALID_SCHEMA.NON_STRING_LITERAL`.
pub fn constant_schema(call: &Call<'_>) -> Result<String> {
    match fold(&call.args[1].expr) {
        Some(ScalarValue::Utf8(Some(text))) => Ok(text),
        _ => Err(SparkError::analysis(
            "INVALID_SCHEMA.NON_STRING_LITERAL",
            "42K07",
            format!(
                "The input schema \"{}\" is not a valid schema string: The input expression must be string literal and not null.",
                call.args[1].name
            ),
        )),
    }
}

/// Resolves `from_json` (`JsonToStructs`). A null or blank string is null; what does not fit is a null
/// field, or an error in the mode `FAILFAST`.
///
/// # Errors
/// If the schema is not a constant struct, array or map, or an option is not known.
pub fn from_json(call: &Call<'_>) -> Result<Typed> {
    let to = schema(&constant_schema(call)?)?;
    let (subject, name) = (&call.args[0], format!("from_json({})", call.args[0].name));
    if !matches!(to, DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
        return Err(invalid_json_schema(&name, &to));
    }
    let given = call.args.get(2).map(options).transpose()?.unwrap_or_default();
    let mode = ParseMode::of_function(&given, "from_json")?;
    let reader = Reader::new(&given, call.context.zone, false)?;
    if !is_string(&subject.data_type) && !subject.data_type.is_null() {
        return Err(unexpected_type(&name, 1, subject, &["STRING"]));
    }
    let label = if matches!(to, DataType::Map(..)) {
        "entries".to_owned()
    } else {
        name
    };
    let result = to.clone();
    let options = format!("{given:?} {:?}", call.context.zone);
    let args = vec![call.text(0)?.expr];
    let expr = kernel::call("from_json", options, to.clone(), args, move |args, _| {
        let mut texts = Texts::new(&reader, mode, &result, corrupt_column(&given));
        let mut column = Column::new(&result);
        for text in args[0].as_string::<i32>() {
            match text {
                Some(text) if !text.trim().is_empty() => texts.push(text, &mut column)?,
                _ => column.push_null(),
            }
        }
        Ok(column.finish()?)
    });
    Ok(Typed::new(expr, to, label))
}

/// Returns a schema from a type's or a table schema's text, or JSON; all fields may be null.
fn schema(text: &str) -> Result<DataType> {
    let nullable =
        |fields: Fields| DataType::Struct(fields.iter().map(|f| f.as_ref().clone().with_nullable(true)).collect());
    if text.trim_start().starts_with('{') {
        return type_message::schema_from_text(text).map(nullable);
    }
    match type_message::from_ddl_type(text) {
        Ok(found) => Ok(found),
        Err(_) => type_message::schema_from_text(text).map(nullable),
    }
}

/// Strings of a column as values of a whole schema.
struct Texts<'a> {
    /// How members are read.
    reader: &'a Reader,
    /// What happens to malformed texts.
    mode: ParseMode,
    /// The schema.
    to: &'a DataType,
    /// The place of the column for malformed texts, among the fields of a struct.
    corrupt: Option<usize>,
    /// Reads texts that are written plainly.
    plain: Plain,
}

impl<'a> Texts<'a> {
    /// Begins to read texts by a schema.
    fn new(reader: &'a Reader, mode: ParseMode, to: &'a DataType, corrupt_column: &str) -> Self {
        let fields = match to {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        };
        Self {
            reader,
            mode,
            to,
            corrupt: fields
                .iter()
                .position(|f| f.name() == corrupt_column && is_string(f.data_type())),
            plain: Plain::new(fields),
        }
    }

    /// Adds a text to a column. An object is a list of one for an array of structs.
    ///
    /// # Errors
    /// If it is malformed in the mode `FAILFAST`, `MALFORMED_RECORD_IN_PARSING`.
    fn push(&mut self, text: &str, column: &mut Column) -> Result<()> {
        let row = column.len();
        if self.corrupt.is_none()
            && let Some((_, columns)) = column.fields()
        {
            if self.plain.record(self.reader, text, 0, columns).is_some() {
                column.end_nested();
                return Ok(());
            }
            columns.iter_mut().for_each(|c| c.truncate(row));
        }
        let mut bad = false;
        let parsed = parse(text, self.reader.leniency, false);
        if let (Some(Json::Object(object, _)), DataType::Struct(fields)) = (&parsed, self.to)
            && let Some((_, columns)) = column.fields()
        {
            self.reader.record(object, text, columns, fields, &mut bad);
            self.set_corrupt(columns, row, bad.then_some(text));
            column.end_nested();
        } else if let (Some(json @ Json::Object(..)), DataType::List(item)) = (&parsed, self.to)
            && matches!(item.data_type(), DataType::Struct(_))
            && let Some(elements) = column.elements()
        {
            self.reader.push(json, text, elements, item.data_type(), &mut bad);
            column.end_nested();
        } else if let (Some(json @ Json::Array(..)), DataType::List(_))
        | (Some(json @ Json::Object(..)), DataType::Map(..)) = (&parsed, self.to)
        {
            self.reader.push(json, text, column, self.to, &mut bad);
        } else {
            bad = true;
            match column.fields() {
                Some((_, columns)) => {
                    columns.iter_mut().for_each(Column::push_null);
                    self.set_corrupt(columns, row, Some(text));
                    column.end_nested();
                }
                None => column.push_null(),
            }
        }
        if bad && self.mode == ParseMode::FailFast {
            return Err(malformed("[null]"));
        }
        Ok(())
    }

    /// Sets the column for malformed texts (`columnNameOfCorruptRecord`).
    fn set_corrupt(&self, columns: &mut [Column], row: usize, text: Option<&str>) {
        if let Some(column) = self.corrupt.and_then(|at| columns.get_mut(at)) {
            column.truncate(row);
            match text {
                Some(text) => _ = column.push_bytes(text.as_bytes(), false),
                None => column.push_null(),
            }
        }
    }
}

/// Resolves `to_json` (`StructsToJson`).
///
/// # Errors
/// If the argument is not a struct, array or map, `DATATYPE_MISMATCH.INVALID_JSON_SCHEMA`.
pub fn to_json(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    let label = format!("to_json({})", arg.name);
    if !matches!(
        arg.data_type,
        DataType::Struct(_) | DataType::List(_) | DataType::Map(..)
    ) {
        return Err(invalid_json_schema(&label, &arg.data_type));
    }
    let given = call.args.get(1).map(options).transpose()?.unwrap_or_default();
    let writer = Writer::new(&given, call.context.zone)?;
    let expr = kernel::call(
        "to_json",
        format!("{given:?} {:?}", call.context.zone),
        DataType::Utf8,
        vec![arg.expr],
        move |args, rows| {
            let mut out = StringBuilder::with_capacity(rows, rows * 32);
            let mut text = String::new();
            for row in 0..rows {
                if args[0].is_null(row) {
                    out.append_null();
                    continue;
                }
                text.clear();
                writer.value(&args[0], row, &mut text)?;
                out.append_value(&text);
            }
            Ok(Arc::new(out.finish()))
        },
    );
    Ok(Typed::new(expr, DataType::Utf8, label))
}
