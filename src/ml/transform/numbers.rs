//! Stages over numbers and vectors.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::LogicalPlanBuilder;

use super::*;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::error::illegal;
use crate::ml::feature::{assembler, binarizer, bucketizer};
use crate::ml::params::Params;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::{types, vector};

impl Analyzer {
    pub(super) fn vector_assembler(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let (columns, invalid) = (params.texts("inputCols")?, params.text("handleInvalid")?);
        if columns.is_empty() {
            return Err(SparkError::requirement(
                "VectorAssembler needs at least one input column.",
            ));
        }
        let mut reads = Vec::new();
        for column in &columns {
            let read = self.input_column(&input, column)?;
            if !vector::is_vector(&read.typed.data_type)
                && !types::is_numeric(&read.typed.data_type)
                && read.typed.data_type != DataType::Boolean
            {
                return Err(illegal(format!(
                    "Data type {} of column {column} is not supported.",
                    types::simple_string(&read.typed.data_type)
                )));
            }
            let wanted = if vector::is_vector(&read.typed.data_type) {
                read
            } else {
                self.as_double(read)?
            };
            reads.push(wanted);
        }
        if invalid == "skip" {
            let doubles: Vec<bool> = reads.iter().map(|r| !vector::is_vector(&r.typed.data_type)).collect();
            input = self.without_invalid(input, params, &reads, &doubles)?;
        }
        let keep = invalid == "keep";
        let body: Body = Box::new(move |args, rows| Ok(assembler::apply(args, &columns, rows, keep)?));
        self.stage(input, params, vector::data_type(), reads, body)
    }

    pub(super) fn binarizer(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let pairs = params.column_pairs()?;
        let thresholds = if params.is_set("thresholds") {
            params.doubles("thresholds")?
        } else {
            vec![params.double("threshold")?; pairs.len()]
        };
        if thresholds.len() != pairs.len() {
            return Err(SparkError::requirement(format!(
                "Binarizer has {} thresholds for {} columns.",
                thresholds.len(),
                pairs.len()
            )));
        }
        for ((from, to), threshold) in pairs.into_iter().zip(thresholds) {
            let read = self.input_column(&input, &from)?;
            let is_vector = vector::is_vector(&read.typed.data_type);
            let read = if is_vector {
                read
            } else {
                self.as_double(self.numeric(read)?)?
            };
            let to_type = if is_vector {
                vector::data_type()
            } else {
                DataType::Float64
            };
            let body: Body = Box::new(move |args, _| Ok(binarizer::apply(threshold, &args[0])?));
            let options = format!("{} {threshold}", params.fingerprint());
            input = self.append(input, params, &options, &to, to_type, vec![read], body)?;
        }
        Ok(input)
    }

    pub(super) fn bucketizer(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let (pairs, invalid) = (params.column_pairs()?, params.text("handleInvalid")?);
        let splits = if params.is_set("splitsArray") {
            params.doubles_list("splitsArray")?
        } else {
            vec![params.doubles("splits")?]
        };
        if splits.len() != pairs.len() {
            return Err(SparkError::requirement(format!(
                "Bucketizer has {} lists of splits for {} columns.",
                splits.len(),
                pairs.len()
            )));
        }
        let mut reads = Vec::new();
        for (from, _) in &pairs {
            let read = self.numbers(&input, from)?;
            reads.push(self.as_double(read)?);
        }
        if invalid == "skip" {
            let doubles = vec![true; reads.len()];
            input = self.without_invalid(input, params, &reads, &doubles)?;
        }
        for ((read, (_, to)), splits) in reads.into_iter().zip(pairs).zip(splits) {
            let (name, keep) = (read.name.clone(), invalid == "keep");
            let options = format!("{} {splits:?}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(bucketizer::apply(&splits, keep, &args[0], &name)?));
            input = self.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
        }
        Ok(input)
    }

    /// Only rows whose inputs are not null, nor NaN (`na.drop`).
    pub(super) fn without_invalid(
        &mut self,
        input: Resolved,
        params: &Params,
        reads: &[Input],
        doubles: &[bool],
    ) -> Result<Resolved> {
        use arrow::array::{Array, AsArray, BooleanArray};
        use arrow::datatypes::Float64Type;
        let doubles = doubles.to_vec();
        let condition = kernel::call(
            "valid_values",
            params.fingerprint(),
            DataType::Boolean,
            reads.iter().map(|r| r.typed.expr.clone()).collect(),
            move |args, rows| {
                let valid = |row: usize| {
                    args.iter().zip(&doubles).all(|(column, double)| {
                        column.is_valid(row) && !(*double && column.as_primitive::<Float64Type>().value(row).is_nan())
                    })
                };
                Ok(Arc::new(BooleanArray::from((0..rows).map(valid).collect::<Vec<_>>())))
            },
        );
        filtered(input, condition)
    }
}

pub(super) fn filtered(input: Resolved, condition: datafusion_expr::Expr) -> Result<Resolved> {
    let plan = LogicalPlanBuilder::from(input.plan.clone())
        .filter(condition)?
        .build()?;
    Ok(input.over(plan))
}
