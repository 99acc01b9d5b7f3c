//! Aggregates that need all values at once: percentiles, `listagg`, `mode`, and DISTINCT forms of
//! others.
//!
//! State: one list of structs, one struct per row. Memory grows with the rows of a group, as in Spark's
//! `TypedImperativeAggregate`s that collect.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray, UInt32Array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{Accumulator, AggregateUDF};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;

use crate::kernels::aggregates::{Definition, Make, function};
use crate::values::floats::comparable;
use crate::values::own_bytes::own_bytes;
use crate::values::types::{element_field, list_of};

/// Makes the result of the gathered columns, which are of one length, 0 if there were no rows.
pub type Finish = Arc<dyn Fn(&[ArrayRef]) -> Result<ScalarValue> + Send + Sync>;

/// Which rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Also rows whose first column is null.
    pub nulls: bool,
    /// Equal rows only once; decided at the end, over all columns.
    pub distinct: bool,
}

/// Returns the accumulator alone, for use as the sliding form of another function.
pub fn make(args: &[DataType], keep: Keep, finish: Finish) -> Make {
    let fields: Fields = args
        .iter()
        .enumerate()
        .map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true))
        .collect();
    Arc::new(move || {
        Box::new(Gather {
            fields: fields.clone(),
            chunks: VecDeque::new(),
            bytes: 0,
            keep,
            finish: finish.clone(),
        })
    })
}

/// Makes the function `name(args)`; `finish` receives the columns of the rows that were kept.
///
/// `options` tells apart `finish`es that behave differently; how rows are kept is added to it.
///
/// ```
/// use std::sync::Arc;
/// use arrow::datatypes::DataType;
/// use datafusion_common::ScalarValue;
/// use rivulet::kernels::aggregates::gather::{Keep, gather};
///
/// let distinct = Keep { nulls: false, distinct: true };
/// let count = gather("count_distinct", "", &[DataType::Utf8], DataType::Int64, distinct, Arc::new(|columns| {
///     Ok(ScalarValue::from(columns[0].len() as i64))
/// }));
/// assert_eq!(count.return_type(&[DataType::Utf8])?, DataType::Int64);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn gather(
    name: &'static str,
    options: impl Into<String>,
    args: &[DataType],
    to: DataType,
    keep: Keep,
    finish: Finish,
) -> Arc<AggregateUDF> {
    let fields: Fields = args
        .iter()
        .enumerate()
        .map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true))
        .collect();
    function(Definition {
        name,
        options: format!("{} {keep:?}", options.into()),
        to,
        state: vec![list_of(DataType::Struct(fields))],
        make: make(args, keep, finish),
        groups: None,
        sliding: None,
    })
}

/// Returns an aggregate for frames of rows that slide. Sums of floats are folded anew for each frame, since subtracting what leaves it
/// would keep the rounding, the NaN and the infinities of all rows before (`SlidingWindowFunctionFrame`); so are functions that cannot
/// take a row back.
///
/// # Errors
/// If the function does not take such arguments.
pub fn sliding(function: &Arc<AggregateUDF>, args: &[DataType]) -> Result<Arc<AggregateUDF>> {
    let to = function.return_type(args)?;
    let exact = !to.is_floating() || matches!(function.name(), "min" | "max");
    let inputs = Inputs::new(args, &to);
    if exact
        && function
            .create_sliding_accumulator(inputs.of())?
            .supports_retract_batch()
    {
        return Ok(function.clone());
    }
    let keep = Keep {
        nulls: true,
        distinct: false,
    };
    Ok(folded(function, args, &to, keep))
}

/// Describes the columns that a function folds.
struct Inputs {
    /// Columns `c0`, `c1`, ….
    fields: Vec<FieldRef>,
    /// The same as a schema.
    schema: Schema,
    /// The columns as expressions.
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    /// The result.
    to: FieldRef,
}

impl Inputs {
    /// Describes columns of these types and a result.
    fn new(args: &[DataType], to: &DataType) -> Self {
        let columns = args.iter().enumerate();
        let fields: Vec<FieldRef> = columns
            .map(|(i, t)| Arc::new(Field::new(format!("c{i}"), t.clone(), true)))
            .collect();
        let columns = fields.iter().enumerate();
        Self {
            exprs: columns
                .map(|(i, f)| Arc::new(Column::new(f.name(), i)) as Arc<dyn PhysicalExpr>)
                .collect(),
            schema: Schema::new(fields.clone()),
            fields,
            to: Arc::new(Field::new("result", to.clone(), true)),
        }
    }

    /// Returns what makes an accumulator.
    fn of(&self) -> AccumulatorArgs<'_> {
        AccumulatorArgs {
            return_field: self.to.clone(),
            schema: &self.schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "folded",
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.fields,
        }
    }
}

/// Returns an aggregate that gathers rows and lets `function` fold them at the end: over distinct rows, or over a frame that slides.
pub fn folded(function: &Arc<AggregateUDF>, args: &[DataType], to: &DataType, keep: Keep) -> Arc<AggregateUDF> {
    let (inner, inputs) = (function.clone(), Inputs::new(args, to));
    let finish: Finish = Arc::new(move |columns| {
        let mut accumulator = inner.accumulator(inputs.of())?;
        accumulator.update_batch(columns)?;
        accumulator.evaluate()
    });
    gather(
        "folded",
        format!("{:?}", function.inner()),
        args,
        to.clone(),
        keep,
        finish,
    )
}

/// The rows of one group, in the pieces in which they came.
struct Gather {
    /// The columns, named `c0`, `c1`, ….
    fields: Fields,
    /// The rows, oldest first.
    chunks: VecDeque<StructArray>,
    /// Bytes of them: pieces are parts of arrays that other groups have parts of, too.
    bytes: usize,
    /// Which rows are kept.
    keep: Keep,
    /// Makes the result.
    finish: Finish,
}

impl std::fmt::Debug for Gather {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gather({:?})", self.fields)
    }
}

impl Gather {
    /// Returns the rows of `values` that count.
    fn kept(&self, values: &[ArrayRef]) -> Result<StructArray> {
        let rows = values[0].len();
        let whole = StructArray::try_new_with_length(self.fields.clone(), values.to_vec(), None, rows)?;
        if self.keep.nulls || values[0].logical_null_count() == 0 {
            return Ok(whole);
        }
        let present = arrow::compute::is_not_null(&values[0])?;
        Ok(arrow::compute::filter(&whole, &present)?.as_struct().clone())
    }

    /// Adds rows.
    fn push(&mut self, rows: StructArray) {
        self.bytes += own_bytes(&rows);
        self.chunks.push_back(rows);
    }

    /// Returns all rows as one piece.
    fn all(&self) -> Result<StructArray> {
        let parts: Vec<&dyn Array> = self.chunks.iter().map(|c| c as &dyn Array).collect();
        if parts.is_empty() {
            return Ok(StructArray::new_null(self.fields.clone(), 0));
        }
        Ok(arrow::compute::concat(&parts)?.as_struct().clone())
    }
}

impl Accumulator for Gather {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let kept = self.kept(values)?;
        if !kept.is_empty() {
            self.push(kept);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states[0].as_list::<i32>();
        for row in (0..lists.len()).filter(|r| lists.is_valid(*r) && lists.value_length(*r) > 0) {
            self.push(lists.value(row).as_struct().clone());
        }
        Ok(())
    }

    /// Drops rows from the front: when a window slides, what came first leaves first.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut gone = self.kept(values)?.len();
        while gone > 0 {
            let Some(front) = self.chunks.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(own_bytes(&front));
            if front.len() > gone {
                let rest = front.slice(gone, front.len() - gone);
                self.bytes += own_bytes(&rest);
                self.chunks.push_front(rest);
            }
            gone = gone.saturating_sub(front.len());
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let all: ArrayRef = Arc::new(self.all()?);
        let list_type = list_of(DataType::Struct(self.fields.clone()));
        let field = element_field(&list_type)?.clone();
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([all.len()]);
        Ok(vec![ScalarValue::List(Arc::new(arrow::array::ListArray::try_new(
            field, offsets, all, None,
        )?))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut all = self.all()?;
        if self.keep.distinct && all.len() > 1 {
            let columns = all.columns();
            let rows = comparable(columns)?;
            let mut seen = HashSet::new();
            let first =
                UInt32Array::from_iter_values((0..all.len()).filter(|i| seen.insert(rows.row(*i))).map(|i| i as u32));
            all = arrow::compute::take(&all, &first, None)?.as_struct().clone();
        }
        (self.finish)(all.columns())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.chunks.capacity() * size_of::<StructArray>() + self.bytes
    }
}
