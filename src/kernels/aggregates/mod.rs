//! Aggregate functions that DataFusion has not, or has with other rules than Spark's.
//!
//! Each is an accumulator whose state is a row of columns, so that partial aggregates travel through shuffles and live in
//! a stream's state. [`function`] makes the `AggregateUDF` of one call: like a kernel, it is made when the types are known.

pub mod checked_sum;
pub mod extremum;
pub mod gather;
pub mod moments;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::Result;
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::AggregateOrderSensitivity;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};

pub type Make = Arc<dyn Fn() -> Box<dyn Accumulator> + Send + Sync>;
pub type MakeGroups = Arc<dyn Fn() -> Box<dyn GroupsAccumulator> + Send + Sync>;

/// One call's aggregate function.
#[derive(Clone)]
pub struct Definition {
    pub name: &'static str,
    /// Tells apart accumulators that behave differently.
    pub options: String,
    pub to: DataType,
    /// Types of the state's columns.
    pub state: Vec<DataType>,
    pub make: Make,
    /// A faster accumulator for many groups, if there is one.
    pub groups: Option<MakeGroups>,
    /// An accumulator that can retract, where `make`'s cannot.
    pub sliding: Option<Make>,
}

#[derive(Clone)]
struct Function {
    definition: Definition,
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

pub fn function(definition: Definition) -> Arc<AggregateUDF> {
    let signature = Signature::variadic_any(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(Function { definition, signature }))
}
