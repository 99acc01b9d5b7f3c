//! Kernels that go row by row: one closure from the cells of a row to the cell of the result.
//!
//! For functions whose work on a value outweighs the loop around it; what must be fast works on whole arrays instead. The
//! columns' types are found out once for all rows, and a constant stays one value.
//!
//! ```text
//! call        a null argument makes a null; the closure never sees one
//! with_nulls  the closure asks Row::is_null itself
//! drawn       no arguments; a new value per row
//! ```
//!
//! The closure returns `Ok(None)` for null. Its error ends the query.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use datafusion_expr::{Expr, Volatility};

use crate::error::Result;
use crate::kernels::kernel::{self, Argument};
use crate::kernels::limits::Budget;
use crate::plan::scope::Typed;

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// The values of a column, by their form in memory.
enum Cells<'a> {
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Boolean(&'a BooleanArray),
    Int(&'a [i32]),
    Long(&'a [i64]),
    Double(&'a [f64]),
    Decimal(&'a [i128]),
    /// Another form: whoever asks looks at the array.
    Other,
}

/// An argument of all rows.
pub struct Column<'a> {
    array: &'a ArrayRef,
    cells: Cells<'a>,
    /// 0 for a constant, whose one value all rows have.
    step: usize,
}

impl<'a> Column<'a> {
    fn all(arguments: &'a [Argument]) -> Vec<Self> {
        arguments.iter().map(Self::of).collect()
    }

    fn of(argument: &'a Argument) -> Self {
        let array = &argument.array;
        let cells = match array.data_type() {
            DataType::Utf8 => Cells::Text(array.as_string()),
            DataType::Binary => Cells::Binary(array.as_binary()),
            DataType::Boolean => Cells::Boolean(array.as_boolean()),
            DataType::Int32 => Cells::Int(array.as_primitive::<Int32Type>().values()),
            DataType::Date32 => Cells::Int(array.as_primitive::<Date32Type>().values()),
            DataType::Int64 => Cells::Long(array.as_primitive::<Int64Type>().values()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Cells::Long(array.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                Cells::Long(array.as_primitive::<DurationMicrosecondType>().values())
            }
            DataType::Float64 => Cells::Double(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal128(..) => Cells::Decimal(array.as_primitive::<Decimal128Type>().values()),
            _ => Cells::Other,
        };
        Self {
            array,
            cells,
            step: usize::from(!argument.is_constant),
        }
    }
}

/// The arguments of one row. Each getter wants the type that the call was given; nulls are the caller's to ask for.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The arguments' columns.
    args: &'a [Column<'a>],
    /// The row.
    at: usize,
}

impl<'a> Row<'a> {
    /// Returns a column, and where the row's value is in it.
    fn cell(&self, i: usize) -> (&'a Column<'a>, usize) {
        let column = &self.args[i];
        (column, self.at * column.step)
    }

    /// Returns whether the cell is null.
    pub fn is_null(&self, i: usize) -> bool {
        let (column, at) = self.cell(i);
        column.array.is_null(at)
    }

    /// Returns a STRING.
    pub fn text(&self, i: usize) -> &'a str {
        let (column, at) = self.cell(i);
        match &column.cells {
            Cells::Text(texts) => texts.value(at),
            _ => column.array.as_string::<i32>().value(at),
        }
    }

    /// Returns the UTF-8 of a string, or the bytes of a binary.
    pub fn bytes(&self, i: usize) -> &'a [u8] {
        let (column, at) = self.cell(i);
        match &column.cells {
            Cells::Binary(values) => values.value(at),
            _ => self.text(i).as_bytes(),
        }
    }

    /// Returns a BOOLEAN.
    pub fn boolean(&self, i: usize) -> bool {
        let (column, at) = self.cell(i);
        match &column.cells {
            Cells::Boolean(values) => values.value(at),
            _ => column.array.as_boolean().value(at),
        }
    }

    /// Returns an INT or the days of a DATE.
    pub fn int(&self, i: usize) -> i32 {
        let (column, at) = self.cell(i);
        match column.cells {
            Cells::Int(values) => values[at],
            _ => column.array.as_primitive::<Int32Type>().value(at),
        }
    }

    /// Returns a BIGINT, or the µs of a timestamp or day-time interval.
    pub fn long(&self, i: usize) -> i64 {
        let (column, at) = self.cell(i);
        match column.cells {
            Cells::Long(values) => values[at],
            _ => column.array.as_primitive::<Int64Type>().value(at),
        }
    }

    /// Returns a DOUBLE.
    pub fn double(&self, i: usize) -> f64 {
        let (column, at) = self.cell(i);
        match column.cells {
            Cells::Double(values) => values[at],
            _ => column.array.as_primitive::<Float64Type>().value(at),
        }
    }

    /// Returns the unscaled value of a decimal.
    pub fn decimal(&self, i: usize) -> i128 {
        let (column, at) = self.cell(i);
        match column.cells {
            Cells::Decimal(values) => values[at],
            _ => column.array.as_primitive::<Decimal128Type>().value(at),
        }
    }

    /// Returns the elements of a list, as a slice of the column.
    pub fn list(&self, i: usize) -> ArrayRef {
        let (column, at) = self.cell(i);
        column.array.as_list::<i32>().value(at)
    }

    /// Returns the whole column, and where in it the row's value is.
    pub fn array(&self, i: usize) -> (&'a ArrayRef, usize) {
        let (column, at) = self.cell(i);
        (column.array, at)
    }
}

/// What a cell of a result may be in Rust. The Arrow type decides among several: an `i64` may be a
/// BIGINT, a timestamp or an interval.
pub trait Cell: Sized {
    /// Returns how many bytes the cell has of its own, beyond those of the result's array.
    fn bytes(&self) -> usize {
        0
    }

    /// Returns the cells as a column of the type `to`.
    fn collect(cells: Vec<Option<Self>>, to: &DataType) -> DfResult<ArrayRef>;
}

impl Cell for String {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn collect(cells: Vec<Option<Self>>, _: &DataType) -> DfResult<ArrayRef> {
        let bytes = cells.iter().flatten().map(String::len).sum();
        let mut out = StringBuilder::with_capacity(cells.len(), bytes);
        cells.into_iter().for_each(|cell| out.append_option(cell));
        Ok(Arc::new(out.finish()))
    }
}

impl Cell for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn collect(cells: Vec<Option<Self>>, _: &DataType) -> DfResult<ArrayRef> {
        let bytes = cells.iter().flatten().map(Vec::len).sum();
        let mut out = BinaryBuilder::with_capacity(cells.len(), bytes);
        cells.into_iter().for_each(|cell| out.append_option(cell));
        Ok(Arc::new(out.finish()))
    }
}

impl Cell for bool {
    fn collect(cells: Vec<Option<Self>>, _: &DataType) -> DfResult<ArrayRef> {
        Ok(Arc::new(BooleanArray::from(cells)))
    }
}

impl Cell for i8 {
    fn collect(cells: Vec<Option<Self>>, _: &DataType) -> DfResult<ArrayRef> {
        Ok(Arc::new(Int8Array::from(cells)))
    }
}

impl Cell for i32 {
    fn collect(cells: Vec<Option<Self>>, to: &DataType) -> DfResult<ArrayRef> {
        Ok(match to {
            DataType::Date32 => Arc::new(Date32Array::from(cells)),
            DataType::Interval(_) => Arc::new(IntervalYearMonthArray::from(cells)),
            _ => Arc::new(Int32Array::from(cells)),
        })
    }
}

impl Cell for i64 {
    fn collect(cells: Vec<Option<Self>>, to: &DataType) -> DfResult<ArrayRef> {
        Ok(match to {
            DataType::Timestamp(_, zone) => {
                Arc::new(TimestampMicrosecondArray::from(cells).with_timezone_opt(zone.clone()))
            }
            DataType::Duration(_) => Arc::new(DurationMicrosecondArray::from(cells)),
            _ => Arc::new(Int64Array::from(cells)),
        })
    }
}

impl Cell for f64 {
    fn collect(cells: Vec<Option<Self>>, _: &DataType) -> DfResult<ArrayRef> {
        Ok(Arc::new(Float64Array::from(cells)))
    }
}

impl Cell for f32 {
    fn collect(cells: Vec<Option<Self>>, _: &DataType) -> DfResult<ArrayRef> {
        Ok(Arc::new(Float32Array::from(cells)))
    }
}

impl Cell for i128 {
    fn collect(cells: Vec<Option<Self>>, to: &DataType) -> DfResult<ArrayRef> {
        Ok(Arc::new(Decimal128Array::from(cells).with_data_type(to.clone())))
    }
}

impl Cell for Vec<Option<String>> {
    fn bytes(&self) -> usize {
        self.iter().map(|item| 4 + item.as_ref().map_or(0, String::len)).sum()
    }

    fn collect(cells: Vec<Option<Self>>, to: &DataType) -> DfResult<ArrayRef> {
        let DataType::List(field) = to else {
            return Ok(new_null_array(to, cells.len()));
        };
        let mut out = ListBuilder::new(StringBuilder::new()).with_field(field.clone());
        for cell in cells {
            match cell {
                None => out.append(false),
                Some(items) => {
                    items.into_iter().for_each(|item| out.values().append_option(item));
                    out.append(true);
                }
            }
        }
        Ok(Arc::new(out.finish()))
    }
}

/// The arguments of all rows, and the rows in which one of them is null. Apart from the closures, each of which would bring a
/// copy.
struct Arguments<'a> {
    columns: Vec<Column<'a>>,
    nulls: Option<NullBuffer>,
}

impl<'a> Arguments<'a> {
    fn of(arguments: &'a [Argument], rows: usize) -> Self {
        let nulls = if arguments.iter().any(|a| a.is_constant && a.array.is_null(0)) {
            Some(NullBuffer::new_null(rows))
        } else {
            let varying = arguments.iter().filter(|a| !a.is_constant);
            let nulls = varying.fold(None, |all: Option<NullBuffer>, a| {
                NullBuffer::union(all.as_ref(), a.array.logical_nulls().as_ref())
            });
            nulls.filter(|n| n.null_count() > 0)
        };
        Self {
            columns: Column::all(arguments),
            nulls,
        }
    }

    /// Returns the arguments of a row, unless one is null.
    fn row(&self, at: usize) -> Option<Row<'_>> {
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(at));
        (!is_null).then_some(Row {
            args: &self.columns,
            at,
        })
    }
}

/// Collects the cells of all rows into a column; ends before they are more than a batch may have.
///
/// # Errors
/// The first error of a row; `RIVULET_VALUE_TOO_LARGE` or `RIVULET_BATCH_TOO_LARGE` for too many bytes.
fn collected<T: Cell>(
    name: &str,
    rows: usize,
    to: &DataType,
    cell: impl Fn(usize) -> Result<Option<T>>,
) -> DfResult<ArrayRef> {
    let mut budget = Budget::new(name);
    let cells = (0..rows).map(|at| -> Result<Option<T>> {
        let cell = cell(at)?;
        match cell.as_ref().map_or(0, T::bytes) {
            0 => {}
            bytes => budget.value(bytes as u64)?,
        }
        Ok(cell)
    });
    T::collect(cells.collect::<Result<_>>()?, to)
}

/// Evaluates `f` on every row without a null among its arguments; the others are null.
///
/// # Errors
/// If `f` fails for a row: the first such error.
fn strict<T: Cell>(
    name: &str,
    arguments: &[Argument],
    rows: usize,
    to: &DataType,
    f: impl Fn(Row<'_>) -> Result<Option<T>>,
) -> DfResult<ArrayRef> {
    let arguments = Arguments::of(arguments, rows);
    collected(name, rows, to, |at| arguments.row(at).map_or(Ok(None), &f))
}

/// Makes a call that is null if an argument is: `f` never sees a null. `options` must tell apart
/// closures of one name.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::functions::{fold, row};
/// use rivulet::plan::literal;
///
/// let args = vec![literal::string("ab")];
/// let twice = row::call("concat", "", DataType::Utf8, args, "twice(ab)", |r| Ok(Some(r.text(0).repeat(2))));
/// assert_eq!(fold(&twice.expr), Some("abab".into()));
/// ```
pub fn call<T: Cell>(
    name: &str,
    options: impl Into<String>,
    to: DataType,
    args: Vec<Typed>,
    label: impl Into<String>,
    f: impl Fn(Row<'_>) -> Result<Option<T>> + Send + Sync + 'static,
) -> Typed {
    let (result, called) = (to.clone(), name.to_owned());
    let exprs: Vec<Expr> = args.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call_over(name, options, to.clone(), exprs, move |args, rows| {
        strict(&called, args, rows, &result, &f)
    });
    Typed::new(expr, to, label)
}

/// Makes a call that sees its nulls.
///
/// ```
/// use arrow::datatypes::DataType;
/// use datafusion_common::ScalarValue;
/// use rivulet::plan::functions::{constant, fold, row};
///
/// let null = constant(ScalarValue::Utf8(None), "NULL");
/// let test = row::with_nulls("isnull", "", DataType::Boolean, vec![null], "is_missing(NULL)", |r| {
///     Ok(Some(r.is_null(0)))
/// });
/// assert_eq!(fold(&test.expr), Some(true.into()));
/// ```
pub fn with_nulls<T: Cell>(
    name: &str,
    options: impl Into<String>,
    to: DataType,
    args: Vec<Typed>,
    label: impl Into<String>,
    f: impl Fn(Row<'_>) -> Result<Option<T>> + Send + Sync + 'static,
) -> Typed {
    let (result, called) = (to.clone(), name.to_owned());
    let exprs: Vec<Expr> = args.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call_over(name, options, to.clone(), exprs, move |arguments, rows| {
        let columns = Column::all(arguments);
        collected(&called, rows, &result, |at| f(Row { args: &columns, at }))
    });
    Typed::new(expr, to, label)
}

/// Makes a call without arguments whose value differs from row to row; the optimizer neither folds nor
/// merges such calls.
pub fn drawn<T: Cell>(
    name: &str,
    options: impl Into<String>,
    to: DataType,
    label: impl Into<String>,
    f: impl Fn() -> T + Send + Sync + 'static,
) -> Typed {
    let result = to.clone();
    let expr = kernel::call_with(
        name,
        options,
        to.clone(),
        vec![],
        Volatility::Volatile,
        move |_, rows| T::collect((0..rows).map(|_| Some(f())).collect(), &result),
    );
    Typed::new(expr, to, label)
}
