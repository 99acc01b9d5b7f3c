//! One call under analysis: its arguments by number, checked and cast as Spark's implicit casts would.
//!
//! The getters count arguments from 0 and name positions in errors from 1, as Spark does. Each but
//! [`Call::arg`] has the same contract: the argument in the type asked for, or
//! `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` if Spark would not cast it implicitly.

use arrow::datatypes::DataType;

use super::Context;
use super::error::{unexpected_type, wrong_number};
use super::row::{self, Cell, Row};
use crate::error::Result;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::values::types::{self, is_integral, is_numeric, is_string};

/// A call whose arguments are resolved and as many as the function takes.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::functions::{Context, call::Call};
/// use rivulet::plan::literal;
/// use rivulet::settings::Conf;
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let conf = Conf::default();
/// let context = Context { mode: Mode::Ansi, zone: Zone::UTC, now_us: 0, conf: &conf };
/// let args = [literal::int(7), literal::string("x")];
/// let call = Call { context: &context, name: "lpad", args: &args, distinct: false };
/// assert_eq!(call.label_or(2, &[" "]), "lpad(7, x,  )");
/// assert_eq!(call.text(0)?.data_type, DataType::Utf8); // an INT becomes a STRING
/// assert!(call.list(0).is_err()); // but not an ARRAY
/// assert_eq!(call.constant_int(0), Some(7));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
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
    /// Returns a call of another name or with other arguments in the same session.
    pub fn other<'b>(&'b self, name: &'b str, args: &'b [Typed]) -> Call<'b> {
        Call {
            context: self.context,
            name,
            args,
            distinct: self.distinct,
        }
    }

    /// Returns whether the argument at `i` is given.
    pub fn has(&self, i: usize) -> bool {
        i < self.args.len()
    }

    /// Returns `name(a, b)`, Spark's name of the column.
    pub fn label(&self) -> String {
        self.label_as(self.name)
    }

    /// Returns the label under another name.
    pub fn label_as(&self, name: &str) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let args: Vec<&str> = self.args.iter().map(|a| a.name.as_str()).collect();
        format!("{name}({distinct}{})", args.join(", "))
    }

    /// Returns the label with all of `defaults` that stand for missing arguments: those beyond the
    /// arguments given, counted from the argument at `from`.
    pub fn label_or(&self, from: usize, defaults: &[&str]) -> String {
        let missing = defaults.iter().copied().skip(self.args.len().saturating_sub(from));
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let args: Vec<&str> = self.args.iter().map(|a| a.name.as_str()).chain(missing).collect();
        format!("{}({distinct}{})", self.name, args.join(", "))
    }

    /// Returns a value of each row from the cells of the arguments, null if a cell is null ([`row::call`]).
    pub fn strict<T: Cell>(
        &self,
        to: DataType,
        args: Vec<Typed>,
        f: impl Fn(Row<'_>) -> Result<Option<T>> + Send + Sync + 'static,
    ) -> Result<Typed> {
        Ok(row::call(self.name, "", to, args, self.label(), f))
    }

    /// Returns a call of a known result under the label of this one.
    pub fn labelled(&self, mut typed: Typed) -> Typed {
        (typed.name, typed.named, typed.attribute) = (self.label(), false, None);
        typed
    }

    /// Returns the argument at `i`.
    ///
    /// # Errors
    /// If there is none, `WRONG_NUM_ARGS`.
    pub fn arg(&self, i: usize) -> Result<Typed> {
        self.args
            .get(i)
            .cloned()
            .ok_or_else(|| wrong_number(self.name, &(i + 1).to_string(), self.args.len()))
    }

    /// Returns the argument as `to`, if `fits` says that its type may become one implicitly; a null fits
    /// everything.
    ///
    /// # Errors
    /// If it does not, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
    fn cast_if(&self, i: usize, to: &DataType, fits: impl Fn(&DataType) -> bool) -> Result<Typed> {
        let arg = self.arg(i)?;
        if &arg.data_type != to && !arg.data_type.is_null() && !fits(&arg.data_type) {
            return Err(unexpected_type(&self.label(), i + 1, &arg, &[&types::sql_name(to)]));
        }
        self.context.cast(arg, to)
    }

    /// Returns the argument as a STRING; anything but a nested type becomes one.
    pub fn text(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Utf8, |t| {
            !matches!(t, DataType::List(_) | DataType::Map(..) | DataType::Struct(_))
        })
    }

    /// Returns the STRING at `i`, or `default` if it is missing.
    pub fn text_or(&self, i: usize, default: &str) -> Result<Typed> {
        if self.has(i) {
            self.text(i)
        } else {
            Ok(literal::string(default))
        }
    }

    /// Returns the INT at `i`, or `default` if it is missing.
    pub fn int_or(&self, i: usize, default: i32) -> Result<Typed> {
        if self.has(i) {
            self.int(i)
        } else {
            Ok(literal::int(default))
        }
    }

    /// Returns a BINARY as it is, everything else as a STRING.
    pub fn text_or_binary(&self, i: usize) -> Result<Typed> {
        match self.arg(i)? {
            arg if arg.data_type == DataType::Binary => Ok(arg),
            _ => self.text(i),
        }
    }

    /// Returns the argument as a BINARY; strings become one.
    pub fn binary(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Binary, is_string)
    }

    /// Returns the argument as an INT; numbers and strings become one.
    pub fn int(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Int32, |t| is_numeric(t) || is_string(t))
    }

    /// Returns the argument as it is if it is an integer of any size, a null as an INT; `label` names the call in the error.
    pub fn integral(&self, i: usize, label: &str) -> Result<Typed> {
        match self.arg(i)? {
            null if null.data_type.is_null() => self.context.cast(null, &DataType::Int32),
            arg if is_integral(&arg.data_type) => Ok(arg),
            arg => Err(unexpected_type(label, i + 1, &arg, &["INTEGRAL"])),
        }
    }

    /// Returns the argument as a BIGINT; numbers and strings become one.
    pub fn long(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Int64, |t| is_numeric(t) || is_string(t))
    }

    /// Returns the argument as a DOUBLE; numbers and strings become one.
    pub fn double(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Float64, |t| is_numeric(t) || is_string(t))
    }

    /// Returns the argument as a BOOLEAN; strings become one.
    pub fn boolean(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Boolean, is_string)
    }

    /// Returns the argument as a DATE; strings and timestamps become one.
    pub fn date(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Date32, |t| is_string(t) || types::is_timestamp(t))
    }

    /// Returns the argument as a TIMESTAMP; one without zone is read in the session zone.
    pub fn timestamp(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &types::timestamp(), |t| {
            is_string(t) || types::is_timestamp(t) || t == &DataType::Date32
        })
    }

    /// Returns a timestamp of either kind as it is, everything else as TIMESTAMP.
    pub fn any_timestamp(&self, i: usize) -> Result<Typed> {
        match self.arg(i)? {
            arg if types::is_timestamp(&arg.data_type) => Ok(arg),
            _ => self.timestamp(i),
        }
    }

    /// Returns the argument, which must be a list, with the type of its elements; a null is a null list.
    ///
    /// # Errors
    /// If it is not a list, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
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

    /// Returns the argument, which must be a map, with the types of its keys and values.
    ///
    /// # Errors
    /// If it is not a map, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
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

    /// Returns a string known when the query is planned; `None` if the argument is missing, null or not a
    /// literal.
    pub fn constant_text(&self, i: usize) -> Option<String> {
        match self.args.get(i)?.literal()? {
            datafusion_common::ScalarValue::Utf8(Some(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// Returns a boolean known when the query is planned; `None` if the argument is missing, null or not a
    /// literal.
    pub fn constant_boolean(&self, i: usize) -> Option<bool> {
        match self.args.get(i)?.literal()? {
            datafusion_common::ScalarValue::Boolean(value) => *value,
            _ => None,
        }
    }

    /// Returns an integer known when the query is planned; `None` if the argument is missing, null or not a
    /// literal.
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

/// Returns `name(a, b)`: the label of a call.
pub fn label(name: &str, args: &[Typed]) -> String {
    let args: Vec<&str> = args.iter().map(|a| a.name.as_str()).collect();
    format!("{name}({})", args.join(", "))
}
