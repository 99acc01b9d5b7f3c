//! Training and evaluation as jobs: a dataset under one aggregate, and what is made of its state.
//!
//! The job's relation is an extension that holds the client's own command (`MlCommand.Fit` or `MlCommand.Evaluate`), so that
//! executors plan it from the same bytes as the driver.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::{AggregateUDF, LogicalPlanBuilder};
use prost::Message;

use super::classification::naive_bayes::{self, Type};
use super::error::illegal;
use super::evaluation::{binary, multiclass};
use super::feature::{count_vectorizer, idf, string_indexer};
use super::model::{self, Fitted};
use super::operators::{self, Stage};
use super::params::Params;
use super::summary::{self, Summary, categories, classes, confusion, counts, frequencies, moments, scores};
use super::transform::Reads;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::proto::relation::RelType;

const FIT: &str = "type.rivulet/spark.connect.MlCommand.Fit";
const EVALUATE: &str = "type.rivulet/spark.connect.MlCommand.Evaluate";

/// What a job trains or evaluates.
#[derive(Debug)]
pub struct Work {
    pub params: Params,
    dataset: sc::Relation,
}

impl Work {
    fn new(
        operator: Option<&sc::MlOperator>,
        params: Option<&sc::MlParams>,
        dataset: Option<&sc::Relation>,
    ) -> Result<Self> {
        let operator = operator.ok_or_else(|| SparkError::invalid_plan("an ML command names no operator"))?;
        let dataset = dataset.ok_or_else(|| SparkError::invalid_plan("an ML command has no dataset"))?;
        Ok(Self {
            params: Params::new(
                operators::by_name(&operator.name)?,
                &operator.uid,
                &params.cloned().unwrap_or_default(),
            )?,
            dataset: dataset.clone(),
        })
    }

    /// # Errors
    /// Where the estimator or a param is unknown or invalid.
    pub fn of_fit(fit: &sc::ml_command::Fit) -> Result<Self> {
        Self::new(fit.estimator.as_ref(), fit.params.as_ref(), fit.dataset.as_ref())
    }

    /// # Errors
    /// Where the evaluator or a param is unknown or invalid.
    pub fn of_evaluate(evaluate: &sc::ml_command::Evaluate) -> Result<Self> {
        Self::new(
            evaluate.evaluator.as_ref(),
            evaluate.params.as_ref(),
            evaluate.dataset.as_ref(),
        )
    }
}

fn relation(type_url: &str, value: Vec<u8>) -> sc::Relation {
    sc::Relation {
        common: None,
        rel_type: Some(RelType::Extension(prost_types::Any {
            type_url: type_url.to_owned(),
            value,
        })),
    }
}

/// The job of a fit.
pub fn fit_relation(fit: &sc::ml_command::Fit) -> sc::Relation {
    relation(FIT, fit.encode_to_vec())
}

/// The job of an evaluation.
pub fn evaluate_relation(evaluate: &sc::ml_command::Evaluate) -> sc::Relation {
    relation(EVALUATE, evaluate.encode_to_vec())
}

/// Whether an extension is one of these jobs.
pub fn is_job(any: &prost_types::Any) -> bool {
    any.type_url == FIT || any.type_url == EVALUATE
}

impl Analyzer {
    /// The one row of a job: a summary's state.
    ///
    /// # Errors
    /// Where the dataset cannot be planned, is a stream, or lacks a column that training reads.
    pub(crate) fn ml_job(&mut self, any: &prost_types::Any) -> Result<Resolved> {
        let unreadable = |e: prost::DecodeError| SparkError::invalid_plan(format!("an ML job cannot be read: {e}"));
        let work = if any.type_url == FIT {
            Work::of_fit(&sc::ml_command::Fit::decode(&any.value[..]).map_err(unreadable)?)?
        } else {
            Work::of_evaluate(&sc::ml_command::Evaluate::decode(&any.value[..]).map_err(unreadable)?)?
        };
        let input = self.relation(&work.dataset)?;
        if input.streaming {
            return Err(illegal(format!(
                "{} takes no streaming DataFrame: train on a batch, or with StreamingNaiveBayes.",
                work.params.operator.short()
            )));
        }
        let (wanted, function) = summarized(&work.params, &input)?;
        let columns = self.training_columns(&input, &wanted)?;
        let state = self.attribute("state", DataType::Binary, true);
        let call = function.call(columns).alias(state.id.clone());
        let plan = LogicalPlanBuilder::from(input.plan)
            .aggregate(Vec::<datafusion_expr::Expr>::new(), vec![call])?
            .build()?;
        Ok(Resolved::new(plan, vec![state], false))
    }
}

/// Columns by name, and what a summary takes of each.
type Wanted = Vec<(String, Reads)>;

/// Makes the empty summary of a task.
type MakeSummary = Box<dyn Fn() -> Box<dyn Summary> + Send + Sync>;

/// The columns that a job reads, and its aggregate function.
fn summarized(params: &Params, input: &Resolved) -> Result<(Wanted, Arc<AggregateUDF>)> {
    let weight = params
        .operator
        .param("weightCol")
        .and_then(|_| params.column("weightCol"));
    let weighted = weight.clone().map(|w| (w, Reads::Numbers));
    let weight = weight.unwrap_or_default();
    let make: MakeSummary;
    let mut wanted;
    match params.operator.stage {
        Stage::NaiveBayes | Stage::StreamingNaiveBayes => {
            let names = classes::Names {
                label: params.text("labelCol")?,
                features: params.text("featuresCol")?,
                weight,
            };
            wanted = vec![
                (names.features.clone(), Reads::Vectors),
                (names.label.clone(), Reads::Numbers),
            ];
            wanted.extend(weighted);
            let kind = Type::of(params)?;
            make = Box::new(move || Box::new(classes::Classes::new(kind, names.clone())));
        }
        Stage::Idf => {
            let column = params.text("inputCol")?;
            wanted = vec![(column.clone(), Reads::Vectors)];
            make = Box::new(move || Box::new(frequencies::FeatureFrequencies::new(column.clone())));
        }
        Stage::CountVectorizer => {
            count_vectorizer::check_bounds(params)?;
            wanted = vec![(params.text("inputCol")?, Reads::Words)];
            make = Box::new(|| Box::new(frequencies::WordFrequencies::default()));
        }
        Stage::StringIndexer => {
            let pairs = params.column_pairs()?;
            wanted = pairs.into_iter().map(|(from, _)| (from, Reads::Labels)).collect();
            make = Box::new(|| Box::new(counts::Counts::default()));
        }
        Stage::OneHotEncoder => {
            let columns: Vec<String> = params.column_pairs()?.into_iter().map(|(from, _)| from).collect();
            wanted = columns.iter().map(|c| (c.clone(), Reads::Numbers)).collect();
            make = Box::new(move || Box::new(categories::Categories::new(columns.clone())));
        }
        Stage::StandardScaler | Stage::MinMaxScaler | Stage::MaxAbsScaler => {
            let column = params.text("inputCol")?;
            wanted = vec![(column.clone(), Reads::Vectors)];
            make = Box::new(move || Box::new(moments::MomentsOf::new(column.clone())));
        }
        Stage::BinaryEvaluator => {
            let (raw, label) = (params.text("rawPredictionCol")?, params.text("labelCol")?);
            wanted = vec![(raw.clone(), Reads::Scores), (label.clone(), Reads::Numbers)];
            wanted.extend(weighted);
            make = Box::new(move || Box::new(scores::Scores::new(raw.clone(), label.clone(), weight.clone())));
        }
        Stage::MulticlassEvaluator => {
            let names = confusion::Names {
                label: params.text("labelCol")?,
                prediction: params.text("predictionCol")?,
                probability: params.text("probabilityCol")?,
                weight,
            };
            wanted = vec![
                (names.label.clone(), Reads::Numbers),
                (names.prediction.clone(), Reads::Numbers),
            ];
            let has_weight = weighted.is_some();
            wanted.extend(weighted);
            let eps = if multiclass::needs_probabilities(&params.text("metricName")?) {
                wanted.push((names.probability.clone(), Reads::Vectors));
                Some(params.double("eps")?)
            } else {
                None
            };
            make = Box::new(move || Box::new(confusion::Confusion::new(names.clone(), has_weight, eps)));
        }
        _ => {
            return Err(illegal(format!(
                "{} is no estimator or evaluator: it has nothing to fit.",
                params.operator.short()
            )));
        }
    }
    // The output of an estimator's model must have room.
    if params.operator.model.is_some() && params.operator.param("outputCol").is_some() {
        for (_, to) in params.column_pairs()? {
            if input.output.iter().any(|a| a.name == to) {
                return Err(illegal(format!("Output column {to} already exists.")));
            }
        }
    }
    Ok((wanted, summary::aggregate(params.fingerprint(), make)))
}

/// The sums of a finished job over classes.
///
/// # Errors
/// Where the state is broken.
pub fn class_sums(state: &[u8]) -> Result<classes::State> {
    classes::State::decode(state).map_err(|e| summary::corrupt(&e))
}

/// The model of a finished job.
///
/// # Errors
/// Where the dataset was empty, or the state is broken.
pub fn fitted(params: &Params, state: &[u8]) -> Result<Fitted> {
    fn read<M: Message + Default>(state: &[u8]) -> Result<M> {
        M::decode(state).map_err(|e| summary::corrupt(&e))
    }
    Ok(match params.operator.stage {
        Stage::NaiveBayes => {
            let state: classes::State = read(state)?;
            Fitted::NaiveBayes(naive_bayes::fit(params, state.classes, state.features as usize)?)
        }
        Stage::Idf => {
            let state: frequencies::Features = read(state)?;
            if state.docs == 0 {
                return Err(no_rows("Haven't seen any document yet."));
            }
            Fitted::Idf(idf::fit(state.doc_freq, state.docs, params.int("minDocFreq")?))
        }
        Stage::CountVectorizer => {
            let state: frequencies::Words = read(state)?;
            let counts = state.words.into_iter().map(|(w, o)| (w, (o.count, o.docs))).collect();
            let words = count_vectorizer::vocabulary(counts, state.docs, params)?;
            Fitted::CountVectorizer(model::Words { words })
        }
        Stage::StringIndexer => {
            let state: counts::State = read(state)?;
            let order = params.text("stringOrderType")?;
            let labelled = state.columns.into_iter().map(|c| model::Words {
                words: string_indexer::ordered(c.counts, &order),
            });
            let mut columns: Vec<model::Words> = labelled.collect();
            columns.resize(params.column_pairs()?.len(), model::Words::default());
            Fitted::StringIndexer(model::Labels { columns })
        }
        Stage::OneHotEncoder => {
            let state: categories::State = read(state)?;
            let sizes = state
                .sizes
                .into_iter()
                .map(|n| i32::try_from(n).unwrap_or(i32::MAX))
                .collect();
            Fitted::OneHotEncoder(model::Categories { sizes })
        }
        Stage::StandardScaler => {
            let state = moments_of(state)?;
            Fitted::StandardScaler(model::Scales {
                std: state.variances().into_iter().map(f64::sqrt).collect(),
                mean: state.means(),
            })
        }
        Stage::MinMaxScaler => {
            let state = moments_of(state)?;
            Fitted::MinMaxScaler(model::Bounds {
                min: state.minima(),
                max: state.maxima(),
            })
        }
        Stage::MaxAbsScaler => {
            let state = moments_of(state)?;
            let (low, high) = (state.minima(), state.maxima());
            Fitted::MaxAbsScaler(model::Numbers {
                values: low.iter().zip(&high).map(|(a, b)| a.abs().max(b.abs())).collect(),
            })
        }
        _ => return Err(SparkError::internal("a job that trains nothing has no model")),
    })
}

fn moments_of(state: &[u8]) -> Result<moments::Moments> {
    let state = moments::Moments::decode(state).map_err(|e| summary::corrupt(&e))?;
    if state.rows == 0 {
        return Err(no_rows("Nothing has been added to this summarizer."));
    }
    Ok(state)
}

fn no_rows(why: &str) -> SparkError {
    SparkError::requirement(why)
}

/// The metric of a finished evaluation; `ranges` is how many parts Spark would sort scores in.
///
/// # Errors
/// Where the state is broken.
pub fn metric(params: &Params, state: &[u8], ranges: usize) -> Result<f64> {
    if params.operator.stage == Stage::BinaryEvaluator {
        let state = scores::State::decode(state).map_err(|e| summary::corrupt(&e))?;
        return Ok(binary::metric(
            &params.text("metricName")?,
            &state,
            params.count("numBins")?,
            ranges,
        ));
    }
    let state = confusion::State::decode(state).map_err(|e| summary::corrupt(&e))?;
    multiclass::metric(params, &state)
}
