//! What boosted trees lose on a dataset, after each tree (`GradientBoostedTrees.evaluateEachIteration`).

use std::sync::Arc;

use super::model::{Forest, Which};
use super::tally::Loss;
use crate::error::Result;
use crate::ml::error::illegal;
use crate::ml::literal::{Kind, Value};
use crate::ml::method::Method;
use crate::ml::params::Params;
use crate::ml::stage::Training;
use crate::ml::summary::labels::{Instances, Names, same_size};
use crate::ml::summary::sums::{self, Sums};
use crate::ml::training;

/// Returns the loss of a name: the model's own, or that of the argument.
fn loss(which: Which, args: &[Value]) -> Result<Option<Loss>> {
    Ok(match (which, args) {
        (Which::GbtClassification, []) => Some(Loss::Logistic),
        (Which::GbtRegression, [Value::Text(name)]) => Some(match name.to_lowercase().as_str() {
            "squared" => Loss::Squared,
            "absolute" => Loss::Absolute,
            _ => return Err(illegal(format!("GBTRegressorParams was given bad loss type: {name}"))),
        }),
        _ => None,
    })
}

/// Returns the method that measures the mean loss of the first tree, of the first two, and so on; `None` for other models.
///
/// # Errors
/// If the loss is unknown, or a param is of another type.
pub fn each(forest: &Forest, params: &Params, args: &[Value]) -> Result<Option<Method>> {
    let which = forest.which();
    let Some(loss) = loss(which, args)? else {
        return Ok(None);
    };
    let names = Names::of(params)?;
    let (own, allowed, count) = (Arc::new(forest.clone()), which.labels(), forest.trees.len() + 1);
    let columns = names.clone().columns();
    let training = Training::new(columns, move || {
        let (own, names) = (own.clone(), names.clone());
        let add = move |columns: &[_], sums: &mut [f64]| {
            let rows = Instances::new(columns, allowed, &names)?;
            for row in 0..rows.len() {
                let (features, label, weight) = rows.get(row)?;
                same_size(own.features as usize, features.size())?;
                let label = loss.target(label);
                let mut predicted = 0.0;
                sums[0] += weight;
                for (sum, (tree, scale)) in sums[1..].iter_mut().zip(own.trees.iter().zip(&own.weights)) {
                    predicted += scale * tree.nodes[tree.leaf(features)].prediction;
                    *sum += weight * loss.error(predicted, label);
                }
            }
            Ok(())
        };
        Box::new(Sums::new(count, Arc::new(add)))
    });
    let read = |state: &[u8], _| {
        let sums: sums::State = training::state(state)?;
        let losses = sums
            .sums
            .split_first()
            .map(|(weight, losses)| losses.iter().map(|l| l / weight).collect());
        let losses: Vec<f64> = losses.unwrap_or_default();
        Ok((Value::doubles(&losses), Kind::Doubles))
    };
    Ok(Some(Method {
        training,
        read: Box::new(read),
        numbers_rows: false,
    }))
}
