//! Lambda bodies: resolved over their variables, compiled once, evaluated over flattened elements.
//!
//! A variable is a column with an id of its own (`#v<depth>.<n>`, the same in every resolution of the same
//! text, so that two equal calls stay equal). What the body takes from outside becomes a further argument
//! of the call.
//!
//! ```text
//! transform(a, x -> x + b)
//!   variables   #v0.0 = x                       one per value that the function hands over
//!   captured    #captured0 = b                  columns, subqueries and aggregates from outside
//!   body        #v0.0 + #captured0              compiled over (#v0.0, #captured0)
//!   call        transform(a, b)                 b is an argument, repeated per element
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchema};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Expr, ExprSchemable};
use datafusion_physical_expr::PhysicalExpr;

use crate::error::{Result, SparkError};
use crate::kernels::{kernel, logic};
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::folding;
use crate::plan::functions::error::nested_generator;
use crate::plan::scope::{Attribute, Resolved, Typed};
use crate::proto as sc;

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// Returns whether an argument is a lambda.
pub fn is_lambda(argument: &sc::Expression) -> bool {
    matches!(argument.expr_type, Some(sc::expression::ExprType::LambdaFunction(_)))
}

/// How Spark prints a variable.
const VARIABLE: &str = "namedlambdavariable()";

/// A resolved lambda.
pub struct Lambda {
    /// What it computes, over its variables.
    pub body: Typed,
    /// A column for each value that it could take.
    variables: Vec<Attribute>,
    /// How many it takes.
    given: usize,
}

impl Lambda {
    /// Returns how Spark prints it: `lambdafunction(body, namedlambdavariable(), …)`.
    pub fn label(&self) -> String {
        let variables = vec![VARIABLE; self.given].join(", ");
        format!("lambdafunction({}, {variables})", self.body.name)
    }

    /// Returns the same lambda with its result cast.
    ///
    /// # Errors
    /// If Spark does not cast between the two types.
    pub fn cast(mut self, to: &DataType, analyzer: &Analyzer) -> Result<Self> {
        self.body = cast_expr::cast(self.body, to, analyzer.mode(), analyzer.zone)?;
        Ok(self)
    }
}

/// Returns the label of a lambda that returns its only variable.
pub fn identity_label() -> String {
    format!("lambdafunction({VARIABLE}, {VARIABLE})")
}

/// A compiled body: evaluates over columns in the order variables, captured.
#[derive(Clone)]
pub struct Body {
    /// The compiled expression.
    expr: Arc<dyn PhysicalExpr>,
    /// The columns that it reads.
    schema: SchemaRef,
}

impl Body {
    /// Returns how many columns it takes.
    pub fn width(&self) -> usize {
        self.schema.fields().len()
    }

    /// Returns one value per row of `columns`.
    pub fn evaluate(&self, columns: Vec<ArrayRef>, rows: usize) -> DfResult<ArrayRef> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        self.expr.evaluate(&batch)?.into_array(rows)
    }
}

/// Returns captured columns, repeated for the elements that come of each row.
pub fn repeated(captured: &[ArrayRef], rows: &UInt32Array) -> DfResult<Vec<ArrayRef>> {
    captured
        .iter()
        .map(|c| Ok(arrow::compute::take(c, rows, None)?))
        .collect()
}

impl Analyzer {
    /// Resolves a lambda whose variables have the given types; it may take fewer than there are, down to
    /// `least`.
    ///
    /// # Errors
    /// If the argument is not a lambda or takes another number of values, `INVALID_LAMBDA_FUNCTION_CALL.*`.
    pub(in crate::plan::functions) fn lambda(
        &mut self,
        name: &str,
        argument: &sc::Expression,
        types: &[DataType],
        least: usize,
        scope: &Resolved,
    ) -> Result<Lambda> {
        let Some(sc::expression::ExprType::LambdaFunction(lambda)) = &argument.expr_type else {
            return Err(SparkError::analysis(
                "INVALID_LAMBDA_FUNCTION_CALL.PARAMETER_DOES_NOT_ACCEPT_LAMBDA_FUNCTION",
                "42K0D",
                format!("Invalid lambda function call: `{name}` needs a lambda function."),
            ));
        };
        let given = lambda.arguments.len();
        if given > types.len() || given < least {
            return Err(SparkError::analysis(
                "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
                "42K0D",
                format!(
                    "Invalid lambda function call. A higher order function expects {given} arguments, but got {}.",
                    types.len()
                ),
            ));
        }
        let depth = self.lambda.len();
        let mut variables = Vec::new();
        for (i, data_type) in types.iter().enumerate() {
            let name = lambda
                .arguments
                .get(i)
                .map(|a| a.name_parts.join("."))
                .unwrap_or_default();
            let mut attribute = self.attribute(name.clone(), data_type.clone(), true);
            attribute.id = format!("#v{depth}.{i}");
            if i < given {
                let mut typed = Typed::new(attribute.column(), data_type.clone(), VARIABLE);
                typed.attribute = Some(attribute.clone());
                self.lambda.push((name, typed));
            }
            variables.push(attribute);
        }
        let function = lambda
            .function
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a lambda has no body"));
        let body = function.and_then(|f| self.expression(f, scope));
        self.lambda.truncate(depth);
        let body = body?;
        if body.generator.is_some() {
            return Err(nested_generator(&format!("{name}({})", body.name)));
        }
        Ok(Lambda { body, variables, given })
    }

    /// Compiles a body; what it takes from outside is returned as arguments, which come after its
    /// variables.
    pub(in crate::plan::functions) fn compile(&self, lambda: &Lambda, scope: &Resolved) -> Result<(Body, Vec<Expr>)> {
        self.compile_with(&[lambda], scope)
            .map(|(mut bodies, captured)| (bodies.remove(0), captured))
    }

    /// As [`Analyzer::compile`], for several lambdas that share their captured arguments.
    pub(in crate::plan::functions) fn compile_with(
        &self,
        lambdas: &[&Lambda],
        scope: &Resolved,
    ) -> Result<(Vec<Body>, Vec<Expr>)> {
        let outside = self.outside(scope)?;
        let mut captured: Vec<(Expr, Field)> = Vec::new();
        let mut rewritten = Vec::new();
        for lambda in lambdas {
            let own = |id: &str| lambda.variables.iter().any(|v| v.id == id);
            let expr = lambda.body.expr.clone().transform_down(|e| {
                if matches!(&e, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_)) {
                    return Err(subquery().into());
                }
                let from_outside = match &e {
                    Expr::Column(column) => !own(&column.name),
                    Expr::OuterReferenceColumn(..) | Expr::AggregateFunction(_) | Expr::WindowFunction(_) => true,
                    _ => false,
                };
                if !from_outside {
                    return Ok(Transformed::no(e));
                }
                // Rows are put together outside, where a lambda's variables have no value.
                if !matches!(e, Expr::Column(_)) && e.column_refs().iter().any(|column| own(&column.name)) {
                    let what = "an aggregate or window function of a lambda's variable";
                    return Err(SparkError::unsupported(what).into());
                }
                let at = match captured.iter().position(|(known, _)| *known == e) {
                    Some(at) => at,
                    None => {
                        let data_type = match &e {
                            Expr::OuterReferenceColumn(field, _) => field.data_type().clone(),
                            other => other.get_type(&outside)?,
                        };
                        captured.push((e, Field::new(format!("#captured{}", captured.len()), data_type, true)));
                        captured.len() - 1
                    }
                };
                let column = Expr::Column(Column::new_unqualified(captured[at].1.name().clone()));
                Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
            })?;
            rewritten.push(expr.data);
        }
        let bodies = lambdas.iter().zip(rewritten).map(|(lambda, expr)| {
            let variables = lambda
                .variables
                .iter()
                .map(|v| Field::new(&v.id, v.data_type.clone(), true));
            let fields: Vec<Field> = variables.chain(captured.iter().map(|(_, f)| f.clone())).collect();
            let schema: SchemaRef = Arc::new(Schema::new(fields));
            let logical = DFSchema::try_from(schema.clone())?;
            let expr = folding::runnable(expr, &logical)?.data;
            let expr = logic::physical(
                &expr,
                &logical,
                &ExecutionProps::new(),
                &PhysicalPlanningContext::default(),
            )?;
            Ok(Body { expr, schema })
        });
        Ok((
            bodies.collect::<Result<_>>()?,
            captured.into_iter().map(|(e, _)| e).collect(),
        ))
    }

    /// Returns every column that a lambda's body may take from outside.
    fn outside(&self, scope: &Resolved) -> Result<DFSchema> {
        let mut fields: Vec<Field> = Vec::new();
        let variables = self.lambda.iter().filter_map(|(_, typed)| typed.attribute.as_ref());
        for attribute in scope.visible().chain(variables) {
            if fields.iter().all(|f| f.name() != &attribute.id) {
                fields.push(Field::new(&attribute.id, attribute.data_type.clone(), true));
            }
        }
        Ok(DFSchema::try_from(Schema::new(fields))?)
    }
}

/// Makes the error of a subquery inside a lambda.
fn subquery() -> SparkError {
    SparkError::analysis(
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION",
        "0A000",
        "Unsupported subquery expression: Subquery expressions are not supported within higher-order functions. Please remove all \
         subquery expressions from higher-order functions and then try the query again.",
    )
}

/// Makes a call of a compiled lambda; the kernel's options are the bodies as text, so that equal calls
/// are equal.
pub fn call(
    name: &str,
    to: &DataType,
    lambdas: &[&Lambda],
    args: Vec<Expr>,
    label: String,
    body: impl Fn(&[ArrayRef], usize) -> DfResult<ArrayRef> + Send + Sync + 'static,
) -> Typed {
    // The bodies are told apart by their text, which names columns and kernels with their options.
    let options: Vec<String> = lambdas.iter().map(|l| format!("{:?}", l.body.expr)).collect();
    Typed::new(
        kernel::call(name, options.join(";"), to.clone(), args, body),
        to.clone(),
        label,
    )
}
