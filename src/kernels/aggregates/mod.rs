//! Aggregate functions that DataFusion lacks, or has with other rules than Spark's.
//!
//! Each is an accumulator whose state is a row of columns, so that partial aggregates travel through
//! shuffles and live in a stream's state. [`function`] makes the `AggregateUDF` of one call: like a
//! kernel, it is made when the types are known.
//!
//! ```text
//! rows ─ update_batch ─► accumulator ─ state ─► columns ─ shuffle, checkpoint ─► merge_batch ─ evaluate ─► value
//! ```
//!
//! The number and types of a state's columns are part of a checkpoint's format: a stream that restarts
//! reads what an earlier release wrote.

pub mod checked_sum;
pub mod distinct;
pub mod extremum;
pub mod gather;
pub mod moments;
pub mod ordered;
pub mod sketch;
pub mod vector_moments;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::Result;
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::AggregateOrderSensitivity;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};

/// Makes an empty accumulator for one group.
pub type Make = Arc<dyn Fn() -> Box<dyn Accumulator> + Send + Sync>;
/// Makes an empty accumulator for all groups of a batch at once.
pub type MakeGroups = Arc<dyn Fn() -> Box<dyn GroupsAccumulator> + Send + Sync>;

/// The aggregate function of one call.
#[derive(Clone)]
pub struct Definition {
    /// The name in plans that people read.
    pub name: &'static str,
    /// Tells apart accumulators of one name that behave differently.
    pub options: String,
    /// The type of the result.
    pub to: DataType,
    /// Types of the state's columns.
    pub state: Vec<DataType>,
    /// Makes the accumulator of a group.
    pub make: Make,
    /// A faster accumulator for many groups, if there is one.
    pub groups: Option<MakeGroups>,
    /// An accumulator that can retract, for windows that slide, if `make`'s cannot.
    pub sliding: Option<Make>,
}

/// A [`Definition`] as DataFusion's function; equal by name, options and result type.
#[derive(Clone)]
struct Function {
    /// What it computes.
    definition: Definition,
    /// Any arguments: the analyzer has cast them before.
    signature: Signature,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}[{}] -> {}",
            self.definition.name, self.definition.options, self.definition.to
        )
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.definition, &other.definition);
        a.name == b.name && a.options == b.options && a.to == b.to
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
        self.definition.options.hash(state);
        self.definition.to.hash(state);
    }
}

impl AggregateUDFImpl for Function {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.definition.to.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok((self.definition.make)())
    }

    fn create_sliding_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(self
            .definition
            .sliding
            .as_ref()
            .map_or_else(|| (self.definition.make)(), |make| make()))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let fields = self.definition.state.iter().enumerate();
        Ok(fields
            .map(|(i, t)| Arc::new(Field::new(format!("{}[{i}]", args.name), t.clone(), true)))
            .collect())
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        self.definition.groups.is_some()
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match &self.definition.groups {
            Some(make) => Ok(make()),
            None => datafusion_common::internal_err!("{} has no groups accumulator", self.definition.name),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// Makes DataFusion's aggregate function of a definition.
///
/// It is pure, and the order of rows does not matter to it as far as the optimizer is concerned.
pub fn function(definition: Definition) -> Arc<AggregateUDF> {
    let signature = Signature::variadic_any(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(Function { definition, signature }))
}
