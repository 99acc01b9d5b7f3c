//! One call under analysis: its arguments by number, checked and cast as Spark's implicit casts would.

use arrow::datatypes::DataType;

use super::Context;
use super::error::{unexpected_type, wrong_number};
use super::row::{self, Cell, Row};
use crate::error::Result;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::values::types::{self, is_integral, is_numeric, is_string};

/// A call whose arguments are resolved and as many as the function takes.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What the function may know of the session.
    pub context: &'a Context<'a>,
    /// The name as called, in lower case.
    pub name: &'a str,
    /// The arguments.
    pub args: &'a [Typed],
    /// `f(DISTINCT …)`.
    pub distinct: bool,
}

impl<'a> Call<'a> {
    /// A call of another name or with other arguments in the same session.
    pub fn other<'b>(&'b self, name: &'b str, args: &'b [Typed]) -> Call<'b> {
        Call {
            context: self.context,
            name,
            args,
            distinct: self.distinct,
        }
    }

    /// Whether the argument at `i` is given.
    pub fn has(&self, i: usize) -> bool {
        i < self.args.len()
    }

    /// `name(a, b)`.
    pub fn label(&self) -> String {
        self.label_as(self.name)
    }

    /// The label under another name.
    pub fn label_as(&self, name: &str) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let args: Vec<&str> = self.args.iter().map(|a| a.name.as_str()).collect();
        format!("{name}({distinct}{})", args.join(", "))
    }

    /// The label with all of `defaults` that stand for missing arguments: those beyond the arguments given, counted from the
    /// argument at `from`.
    pub fn label_or(&self, from: usize, defaults: &[&str]) -> String {
        let missing = defaults.iter().copied().skip(self.args.len().saturating_sub(from));
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let args: Vec<&str> = self.args.iter().map(|a| a.name.as_str()).chain(missing).collect();
        format!("{}({distinct}{})", self.name, args.join(", "))
    }

    /// A value of each row from the cells of the arguments, null where a cell is null (`row::call`).
    pub fn strict<T: Cell>(
        &self,
        to: DataType,
        args: Vec<Typed>,
        f: impl Fn(Row<'_>) -> Result<Option<T>> + Send + Sync + 'static,
    ) -> Result<Typed> {
        Ok(row::call(self.name, "", to, args, self.label(), f))
    }

    /// A call of a known result under the label of this one.
    pub fn labelled(&self, mut typed: Typed) -> Typed {
        (typed.name, typed.named, typed.attribute) = (self.label(), false, None);
        typed
    }

    /// The argument at `i`.
    ///
    /// # Errors
    /// `WRONG_NUM_ARGS` if there is none.
    pub fn arg(&self, i: usize) -> Result<Typed> {
        self.args
            .get(i)
            .cloned()
            .ok_or_else(|| wrong_number(self.name, &(i + 1).to_string(), self.args.len()))
    }

    /// The argument as `to`, if `fits` says that its type may become one implicitly.
    fn cast_if(&self, i: usize, to: &DataType, fits: impl Fn(&DataType) -> bool) -> Result<Typed> {
        let arg = self.arg(i)?;
        if &arg.data_type != to && !arg.data_type.is_null() && !fits(&arg.data_type) {
            return Err(unexpected_type(&self.label(), i + 1, &arg, &[&types::sql_name(to)]));
        }
        self.context.cast(arg, to)
    }

    /// The argument as a STRING; anything but a nested type becomes one.
    pub fn text(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Utf8, |t| {
            !matches!(t, DataType::List(_) | DataType::Map(..) | DataType::Struct(_))
        })
    }

    /// The STRING at `i`, or `default` if it is missing.
    pub fn text_or(&self, i: usize, default: &str) -> Result<Typed> {
        if self.has(i) {
            self.text(i)
        } else {
            Ok(literal::string(default))
        }
    }

    /// The INT at `i`, or `default` if it is missing.
    pub fn int_or(&self, i: usize, default: i32) -> Result<Typed> {
        if self.has(i) {
            self.int(i)
        } else {
            Ok(literal::int(default))
        }
    }

    /// A BINARY as it is, everything else as a STRING.
    pub fn text_or_binary(&self, i: usize) -> Result<Typed> {
        match self.arg(i)? {
            arg if arg.data_type == DataType::Binary => Ok(arg),
            _ => self.text(i),
        }
    }

    /// The argument as a BINARY; strings become one.
    pub fn binary(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Binary, is_string)
    }

    /// The argument as an INT; numbers and strings become one.
    pub fn int(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Int32, |t| is_numeric(t) || is_string(t))
    }

    /// The argument as a BIGINT; numbers and strings become one.
    pub fn long(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Int64, |t| is_numeric(t) || is_string(t))
    }

    /// The argument as a DOUBLE; numbers and strings become one.
    pub fn double(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Float64, |t| is_numeric(t) || is_string(t))
    }

    /// The argument as a BOOLEAN; strings become one.
    pub fn boolean(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Boolean, is_string)
    }

    /// The argument as a DATE; strings and timestamps become one.
    pub fn date(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Date32, |t| is_string(t) || types::is_timestamp(t))
    }

    /// A TIMESTAMP; one without zone is read in the session zone.
    pub fn timestamp(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &types::timestamp(), |t| {
            is_string(t) || types::is_timestamp(t) || t == &DataType::Date32
        })
    }

    /// A timestamp of either kind as it is, everything else as TIMESTAMP.
    pub fn any_timestamp(&self, i: usize) -> Result<Typed> {
        match self.arg(i)? {
            arg if types::is_timestamp(&arg.data_type) => Ok(arg),
            _ => self.timestamp(i),
        }
    }

    /// The argument, which must be a list.
    pub fn list(&self, i: usize) -> Result<(Typed, DataType)> {
        let arg = self.arg(i)?;
        match &arg.data_type {
            DataType::List(item) => {
                let element = item.data_type().clone();
                Ok((arg, element))
            }
            DataType::Null => {
                let to = types::list_of(DataType::Null);
                Ok((self.context.cast(arg, &to)?, DataType::Null))
            }
            _ => Err(unexpected_type(&self.label(), i + 1, &arg, &["ARRAY"])),
        }
    }

    /// The argument, which must be a map, with the types of its keys and values.
    pub fn map(&self, i: usize) -> Result<(Typed, DataType, DataType)> {
        let arg = self.arg(i)?;
        match arg.data_type.clone() {
            DataType::Map(entries, _) => {
                let (key, value) = types::map_types(&entries);
                Ok((arg, key, value))
            }
            _ => Err(unexpected_type(&self.label(), i + 1, &arg, &["MAP"])),
        }
    }

    /// A string known when the query is planned.
    pub fn constant_text(&self, i: usize) -> Option<String> {
        match self.args.get(i)?.literal()? {
            datafusion_common::ScalarValue::Utf8(Some(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// A boolean known when the query is planned.
    pub fn constant_boolean(&self, i: usize) -> Option<bool> {
        match self.args.get(i)?.literal()? {
            datafusion_common::ScalarValue::Boolean(value) => *value,
            _ => None,
        }
    }

    /// An integer known when the query is planned.
    pub fn constant_int(&self, i: usize) -> Option<i64> {
        let value = self.args.get(i)?.literal()?;
        if !is_integral(&value.data_type()) {
            return None;
        }
        match value.cast_to(&DataType::Int64) {
            Ok(datafusion_common::ScalarValue::Int64(value)) => value,
            _ => None,
        }
    }
}

/// `name(a, b)`: the label of a call.
pub fn label(name: &str, args: &[Typed]) -> String {
    let args: Vec<&str> = args.iter().map(|a| a.name.as_str()).collect();
    format!("{name}({})", args.join(", "))
}
