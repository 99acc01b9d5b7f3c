//! One call under analysis: its arguments by number, checked and cast as Spark's implicit casts would.

use arrow::datatypes::DataType;

use super::{Context, call_name, unexpected_type, wrong_number};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::values::types::{self, is_integral, is_numeric, is_string};

pub struct Call<'a> {
    pub context: &'a Context<'a>,
    pub name: &'a str,
    pub args: &'a [Typed],
}

impl<'a> Call<'a> {
    pub fn new(context: &'a Context<'a>, name: &'a str, args: &'a [Typed]) -> Self {
        Self { context, name, args }
    }

    /// `name(a, b)`.
    pub fn label(&self) -> String {
        call_name(self.name, self.args)
    }

    /// The label as it is when default arguments are spelled out.
    pub fn label_with(&self, more: &[&str]) -> String {
        let args = self.args.iter().map(|a| a.name.as_str()).chain(more.iter().copied());
        format!("{}({})", self.name, args.collect::<Vec<_>>().join(", "))
    }

    /// # Errors
    /// `WRONG_NUM_ARGS` unless there are `least` to `most` arguments.
    pub fn takes(&self, least: usize, most: usize) -> Result<()> {
        let count = self.args.len();
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let expected = match (least, most) {
            _ if least == most => least.to_string(),
            (_, usize::MAX) => format!("> {}", least.saturating_sub(1)),
            _ => format!(
                "[{}]",
                (least..=most).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
            ),
        };
        Err(wrong_number(self.name, &expected, count))
    }

    pub fn arg(&self, i: usize) -> Result<Typed> {
        self.args
            .get(i)
            .cloned()
            .ok_or_else(|| wrong_number(self.name, &(i + 1).to_string(), self.args.len()))
    }

    /// The argument as `to`, where `fits` says that its type may become one implicitly.
    fn cast_if(&self, i: usize, to: &DataType, fits: impl Fn(&DataType) -> bool) -> Result<Typed> {
        let arg = self.arg(i)?;
        if &arg.data_type != to && !arg.data_type.is_null() && !fits(&arg.data_type) {
            return Err(unexpected_type(&self.label(), i + 1, &arg, &types::sql_name(to)));
        }
        self.context.cast(arg, to)
    }

    pub fn text(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Utf8, |t| {
            !matches!(t, DataType::List(_) | DataType::Map(..) | DataType::Struct(_))
        })
    }

    /// Binary as it is, everything else as text.
    pub fn text_or_binary(&self, i: usize) -> Result<Typed> {
        match self.arg(i)? {
            arg if arg.data_type == DataType::Binary => Ok(arg),
            _ => self.text(i),
        }
    }

    pub fn binary(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Binary, is_string)
    }

    pub fn int(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Int32, |t| is_numeric(t) || is_string(t))
    }

    pub fn long(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Int64, |t| is_numeric(t) || is_string(t))
    }

    pub fn double(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Float64, |t| is_numeric(t) || is_string(t))
    }

    pub fn boolean(&self, i: usize) -> Result<Typed> {
        self.cast_if(i, &DataType::Boolean, is_string)
    }

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
            _ => Err(unexpected_type(&self.label(), i + 1, &arg, "ARRAY")),
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
            _ => Err(unexpected_type(&self.label(), i + 1, &arg, "MAP")),
        }
    }

    /// A text known when the query is planned.
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
