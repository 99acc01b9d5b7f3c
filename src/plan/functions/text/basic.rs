//! Case, length, joining and parts of strings and binaries.
//!
//! Null arguments make a null, but for `concat_ws`, which leaves nulls out.
//!
//! ```text
//! substring('Rivulet', 2, 3)     ivu       trim('  a ')              a
//! substring('Rivulet', 0, 3)     Riv       trim(BOTH 'x' FROM 'xax') a
//! substring('Rivulet', -3, 2)    le        btrim('xax', 'x')         a
//! substring('Rivulet', -9, 3)    R         ltrim('xy', 'yxa')        a
//! ```

use std::sync::Arc;

use arrow::array::{Array, AsArray, Datum, Scalar, StringArray, new_null_array};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::compute::kernels::comparison::{contains, ends_with, starts_with};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::kernels::kernel::{self, Argument};
use crate::kernels::limits::{self, Budget};
use crate::plan::functions::call::Call;
use crate::plan::functions::collection::arrays;
use crate::plan::functions::row;
use crate::plan::scope::Typed;
use crate::values::raw;
use crate::values::types::list_of;

/// Returns a string made of a string, such as `upper`.
pub fn changed(call: &Call<'_>, f: fn(&str) -> String) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?], move |r| Ok(Some(f(r.text(0)))))
}

/// Resolves `reverse`: the elements of an array, or the characters of anything else. Combining marks
/// are characters of their own.
pub fn reverse(call: &Call<'_>) -> Result<Typed> {
    match call.arg(0)?.data_type {
        DataType::List(_) => arrays::reverse(call),
        _ => changed(call, |s| s.chars().rev().collect()),
    }
}

/// What a length is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Characters of strings, bytes of binaries.
    Characters,
    /// Bytes, in UTF-8 for strings.
    Bytes,
    /// Eight per byte.
    Bits,
}

/// Resolves `length`, `octet_length` and `bit_length`.
pub fn length(call: &Call<'_>, unit: Unit) -> Result<Typed> {
    let characters = unit == Unit::Characters && call.arg(0)?.data_type != DataType::Binary;
    let arg = if characters { call.text(0)? } else { call.binary(0)? };
    let factor = if unit == Unit::Bits { 8 } else { 1 };
    call.strict(DataType::Int32, vec![arg], move |r| {
        let count = if characters {
            raw::char_count(r.text(0))
        } else {
            r.bytes(0).len()
        };
        Ok(Some(count as i32 * factor))
    })
}

/// Resolves `ascii` (`Ascii`): the code point of the first character, which may be beyond ASCII; 0 for
/// the empty string.
pub fn ascii(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int32, vec![call.text(0)?], |r| {
        Ok(Some(raw::shown(r.text(0)).chars().next().map_or(0, |c| c as i32)))
    })
}

/// Resolves `char` (`Chr`): the character with the lowest eight bits of the number as its code, in
/// Latin-1. Negative numbers make the empty string.
pub fn character(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.long(0)?], |r| {
        let n = r.long(0);
        Ok(Some(if n < 0 {
            String::new()
        } else {
            char::from((n & 0xff) as u8).to_string()
        }))
    })
}

/// Resolves `concat` (`Concat`): joins arrays if one is among the arguments, binaries if all are,
/// strings otherwise. Without arguments it is the empty string.
pub fn concat(call: &Call<'_>) -> Result<Typed> {
    let width = call.args.len();
    if call.args.iter().any(|a| matches!(a.data_type, DataType::List(_))) {
        return arrays::concat(call);
    }
    if width > 0 && call.args.iter().all(|a| a.data_type == DataType::Binary) {
        return Ok(row::call(
            call.name,
            "binary",
            DataType::Binary,
            call.args.to_vec(),
            call.label(),
            move |r| {
                limits::value("concat", (0..width).map(|i| r.bytes(i).len() as u64).sum())?;
                let bytes = (0..width).flat_map(|i| r.bytes(i).iter().copied());
                Ok(Some(bytes.collect::<Vec<u8>>()))
            },
        ));
    }
    let parts = (0..width).map(|i| Ok(call.text(i)?.expr)).collect::<Result<Vec<_>>>()?;
    let expr = kernel::call_over(call.name, "", DataType::Utf8, parts, |args, rows| {
        Ok(Arc::new(concatenated(args, rows)?))
    });
    Ok(Typed::new(expr, DataType::Utf8, call.label()))
}

/// Returns the strings of each row, one after the other; null where one is.
fn concatenated(args: &[Argument], rows: usize) -> Result<StringArray> {
    let parts: Vec<&StringArray> = args.iter().map(|arg| arg.array.as_string()).collect();
    let place = |part: usize, row: usize| if args[part].is_constant { 0 } else { row };
    let is_null = |row: usize| (0..parts.len()).any(|part| parts[part].is_null(place(part, row)));
    let nulls = parts
        .iter()
        .any(|part| part.null_count() > 0)
        .then(|| (0..rows).map(|row| !is_null(row)).collect());
    let nulls: Option<NullBuffer> = nulls;
    let mut budget = Budget::new("concat");
    let mut text = String::new();
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0);
    for row in 0..rows {
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            let mut bytes = 0;
            for (part, array) in parts.iter().enumerate() {
                bytes += array.value_length(place(part, row)) as u64;
            }
            budget.value(bytes)?;
            for (part, array) in parts.iter().enumerate() {
                text.push_str(array.value(place(part, row)));
            }
        }
        offsets.push(text.len() as i32);
    }
    let offsets = OffsetBuffer::new(offsets.into());
    let joined = StringArray::try_new(offsets, Buffer::from_vec(text.into_bytes()), nulls)?;
    // Bytes that were no character may be one when they are joined.
    Ok(raw::joined_strings(joined))
}

/// Which part of a value another one is looked for in.
#[derive(Clone, Copy)]
pub enum Place {
    /// At its start.
    Start,
    /// At its end.
    End,
    /// Anywhere.
    Anywhere,
}

/// Resolves `startswith`, `endswith`, `contains`: tests of the bytes of two values. The empty value fits everywhere.
pub fn compared(call: &Call<'_>, place: Place) -> Result<Typed> {
    let args = vec![call.text_or_binary(0)?, call.text_or_binary(1)?];
    if args.iter().all(|a| a.data_type == DataType::Utf8) {
        let exprs = args.into_iter().map(|a| a.expr).collect();
        let expr = kernel::call_over(call.name, "", DataType::Boolean, exprs, move |args, rows| {
            if args.iter().any(|a| a.is_constant && a.array.is_null(0)) {
                return Ok(new_null_array(&DataType::Boolean, rows));
            }
            let [whole, part] = [&args[0], &args[1]].map(|a| a.is_constant.then(|| Scalar::new(a.array.clone())));
            let (a, b): (&dyn Datum, &dyn Datum) = match (&whole, &part) {
                (Some(whole), None) => (whole, &args[1].array),
                // Of two constants there is one row.
                (_, Some(part)) => (&args[0].array, part),
                (None, None) => (&args[0].array, &args[1].array),
            };
            let found = match place {
                Place::Start => starts_with(a, b)?,
                Place::End => ends_with(a, b)?,
                Place::Anywhere => contains(a, b)?,
            };
            Ok(Arc::new(found))
        });
        return Ok(Typed::new(expr, DataType::Boolean, call.label()));
    }
    let test: fn(&[u8], &[u8]) -> bool = match place {
        Place::Start => <[u8]>::starts_with,
        Place::End => <[u8]>::ends_with,
        Place::Anywhere => holds,
    };
    call.strict(DataType::Boolean, args, move |r| Ok(Some(test(r.bytes(0), r.bytes(1)))))
}

/// Returns whether `part` is somewhere in `whole`.
pub fn holds(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|w| w == part)
}

/// Returns the string with the first letter of each word in upper case and the others in lower case.
/// Only spaces separate words.
pub fn initcap(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let changed: Vec<char> = if start { titled(c) } else { c.to_lowercase().collect() };
            start = c == ' ';
            changed
        })
        .collect()
}

/// Returns a letter as the first of a word: of one that becomes two, the second is small.
fn titled(c: char) -> Vec<char> {
    let pair = match c {
        'Ǆ' | 'ǅ' | 'ǆ' => Some('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => Some('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => Some('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => Some('ǲ'),
        _ => None,
    };
    if let Some(pair) = pair {
        return vec![pair];
    }
    let mut upper = c.to_uppercase();
    let first = upper.next();
    first.into_iter().chain(upper.flat_map(char::to_lowercase)).collect()
}

/// Which ends are trimmed.
#[derive(Clone, Copy)]
struct Ends {
    /// The start.
    front: bool,
    /// The end.
    back: bool,
    /// How Spark writes it in SQL.
    word: &'static str,
}

/// Resolves `trim` (`StringTrim`).
pub fn trim_both(call: &Call<'_>) -> Result<Typed> {
    trim(
        call,
        Ends {
            front: true,
            back: true,
            word: "BOTH",
        },
    )
}

/// Resolves `ltrim` (`StringTrimLeft`).
pub fn trim_left(call: &Call<'_>) -> Result<Typed> {
    trim(
        call,
        Ends {
            front: true,
            back: false,
            word: "LEADING",
        },
    )
}

/// Resolves `rtrim` (`StringTrimRight`).
pub fn trim_right(call: &Call<'_>) -> Result<Typed> {
    trim(
        call,
        Ends {
            front: false,
            back: true,
            word: "TRAILING",
        },
    )
}

/// Resolves the three; of two arguments, the characters to be trimmed come first.
fn trim(call: &Call<'_>, ends: Ends) -> Result<Typed> {
    if !call.has(1) {
        return trimmed(call, call.text(0)?, None, ends, call.label());
    }
    let label = format!("TRIM({} {} FROM {})", ends.word, call.args[0].name, call.args[1].name);
    trimmed(call, call.text(1)?, Some(call.text(0)?), ends, label)
}

/// Resolves `btrim` (`StringTrimBoth`), which takes the characters to be trimmed last.
pub fn btrim(call: &Call<'_>) -> Result<Typed> {
    let set = if call.has(1) { Some(call.text(1)?) } else { None };
    let ends = Ends {
        front: true,
        back: true,
        word: "",
    };
    trimmed(call, call.text(0)?, set, ends, call.label())
}

/// Trims every character of `set`, in any order, from the ends; spaces without a set, but no other
/// white space.
fn trimmed(call: &Call<'_>, subject: Typed, set: Option<Typed>, ends: Ends, label: String) -> Result<Typed> {
    let given = set.is_some();
    let args = std::iter::once(subject).chain(set).collect();
    Ok(row::call(call.name, "", DataType::Utf8, args, label, move |r| {
        let (mut text, set) = (r.text(0), if given { r.text(1) } else { " " });
        if ends.front {
            text = text.trim_start_matches(|c| set.contains(c));
        }
        if ends.back {
            text = text.trim_end_matches(|c| set.contains(c));
        }
        Ok(Some(text.to_owned()))
    }))
}

/// Resolves `concat_ws` (`ConcatWs`): nulls are left out, lists are spread. Null only if the separator
/// is.
pub fn concat_with(call: &Call<'_>) -> Result<Typed> {
    let mut args = vec![call.text(0)?];
    for (i, arg) in call.args.iter().enumerate().skip(1) {
        args.push(match arg.data_type {
            DataType::List(_) => call.context.cast(arg.clone(), &list_of(DataType::Utf8))?,
            _ => call.text(i)?,
        });
    }
    let width = args.len();
    Ok(row::with_nulls(
        call.name,
        "",
        DataType::Utf8,
        args,
        call.label(),
        move |r| {
            if r.is_null(0) {
                return Ok(None);
            }
            let mut parts: Vec<String> = Vec::new();
            let mut total = 0;
            for i in (1..width).filter(|i| !r.is_null(*i)) {
                let (column, at) = r.array(i);
                total += limits::bytes(column, at..at + 1);
                limits::value("concat_ws", total)?;
                match column.data_type() {
                    DataType::List(_) => parts.extend(r.list(i).as_string::<i32>().iter().flatten().map(str::to_owned)),
                    _ => parts.push(r.text(i).to_owned()),
                }
            }
            limits::product("concat_ws", r.text(0).len(), parts.len())?;
            Ok(Some(raw::joined(parts.join(r.text(0)))))
        },
    ))
}

/// Resolves `substring` (`Substring`) of a string or a binary.
pub fn substring(call: &Call<'_>) -> Result<Typed> {
    let label = call.label_or(2, &[&i32::MAX.to_string()]);
    let args = vec![call.text_or_binary(0)?, call.int(1)?, call.int_or(2, i32::MAX)?];
    if args[0].data_type == DataType::Binary {
        return Ok(row::call("substring", "binary", DataType::Binary, args, label, |r| {
            Ok(Some(bytes_of(r.bytes(0), r.int(1).into(), r.int(2).into()).to_vec()))
        }));
    }
    Ok(row::call("substring", "", DataType::Utf8, args, label, |r| {
        Ok(Some(substring_of(r.text(0), r.int(1).into(), r.int(2).into())))
    }))
}

/// Returns a part of a string (`UTF8String.substringSQL`): positions from 1, negative ones from the
/// end, characters not bytes. 0 counts as 1. A part that begins before the string is shorter by what is
/// missing there.
pub fn substring_of(text: &str, start: i64, length: i64) -> String {
    let count = if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    };
    let (from, to) = span(count as i64, start, length);
    if text.is_ascii() {
        return text[from..to].to_owned();
    }
    text.chars().skip(from).take(to - from).collect()
}

/// Returns a part of bytes, as [`substring_of`] does of characters.
pub fn bytes_of(bytes: &[u8], start: i64, length: i64) -> &[u8] {
    let (from, to) = span(bytes.len() as i64, start, length);
    &bytes[from..to]
}

/// Returns where a part of a value of `count` characters or bytes begins and ends, from 0.
fn span(count: i64, start: i64, length: i64) -> (usize, usize) {
    let from = match start {
        s if s > 0 => s - 1,
        s if s < 0 => count + s,
        _ => 0,
    };
    let to = from.saturating_add(length).min(count);
    let from = from.clamp(0, count);
    (from as usize, to.max(from) as usize)
}
