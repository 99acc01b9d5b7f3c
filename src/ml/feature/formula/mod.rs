//! `RFormula`: a formula of R to features and a label.
//!
//! ```text
//! text ──parse──▶ Formula ──resolve──▶ Resolved ──steps──▶ StringIndexer… OneHotEncoder, Interaction… VectorAssembler
//!                            ▲ schema                 ▲ labels, sizes                        ▼ transform, save
//! ```
//!
//! What training finds is the labels of columns of strings and the sizes of vectors. Everything else follows from the formula: the
//! stages that make the features are built anew for each plan, and for a saved directory.

pub mod parse;
mod saved;
mod steps;
pub mod terms;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use prost::Message;

use self::terms::Resolved as Formula;
use super::count_vectorizer::Words;
use super::string_indexer::ordered;
use crate::error::{Result, SparkError};
use crate::ml::columns::{Reads, field_not_found};
use crate::ml::error::illegal;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{FEATURES, INVALID, LABEL, Param, Params, flag, free, one_of};
use crate::ml::persistence::File;
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::{Summary, corrupt, counts};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::names::Names;
use crate::plan::scope::{Resolved, typed_attribute};
use crate::values::types;
use crate::values::vector::{self, VectorColumn};

/// Makes features and a label of columns, as a formula of R says (`RFormula`).
///
/// `formula` has the operators `~ + - : * ^ .`, parentheses, and 0 or 1 for the intercept. Strings become vectors with a single 1
/// (`stringIndexerOrderType` orders the categories; the last one has no place, but for the first column of strings of a formula without
/// an intercept); numbers and vectors stay; columns that interact are multiplied. The label becomes a double; strings, or all with
/// `forceIndexLabel`, become indices. `handleInvalid` is that of `StringIndexer` and `VectorAssembler`.
#[derive(Debug)]
pub struct RFormula;

impl Stage for RFormula {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.RFormula"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            free("formula", Kind::Text),
            FEATURES,
            LABEL,
            flag("forceIndexLabel", false),
            one_of(
                "stringIndexerOrderType",
                "frequencyDesc",
                &["frequencyDesc", "frequencyAsc", "alphabetDesc", "alphabetAsc"],
            ),
            INVALID,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for RFormula {
    fn training(&self, params: &Params) -> Result<Training> {
        Err(SparkError::internal(format!(
            "{} is trained by a schema",
            params.operator.short()
        )))
    }

    fn training_over(&self, params: &Params, input: &Resolved) -> Result<Training> {
        let label_col = params.text("labelCol")?;
        let has_label = input.output.iter().any(|a| a.name == label_col);
        let forced = params.bool("forceIndexLabel")?;
        if has_label && forced {
            return Err(SparkError::requirement(
                "If label column already exists, forceIndexLabel can not be set with true.",
            ));
        }
        if !params.is_set("formula") {
            return Err(SparkError::requirement("Formula must be defined first."));
        }
        let formula = parse::parse(&params.text("formula")?)?;
        let stands = |t: &DataType| {
            types::is_numeric(t) || types::is_string(t) || *t == DataType::Boolean || vector::is_vector(t)
        };
        let dot = input.output.iter().filter(|a| stands(&a.data_type));
        let resolved = formula.resolve(&dot.map(|a| a.name.clone()).collect::<Vec<_>>())?;
        let (mut strings, mut vectors) = (vec![], vec![]);
        for name in resolved.columns() {
            let column = Names::Exact
                .column(input, &name)
                .ok_or_else(|| field_not_found(&name, input))?;
            match &column.data_type {
                t if types::is_string(t) => strings.push(name),
                t if vector::is_vector(t) => vectors.push(name),
                t if stands(t) => {}
                other => {
                    return Err(illegal(format!(
                        "Data type {} of column {name} is not supported.",
                        types::simple_string(other)
                    )));
                }
            }
        }
        let label = Names::Exact.column(input, &resolved.label);
        let indexes_label = forced || label.is_some_and(|a| types::is_string(&a.data_type));
        if indexes_label && label.is_none() {
            return Err(field_not_found(&resolved.label, input));
        }
        if indexes_label && has_label {
            return Err(SparkError::requirement(format!(
                "Output column {label_col} already exists."
            )));
        }
        let features = params.text("featuresCol")?;
        if input.output.iter().any(|a| a.name == features) {
            return Err(illegal(format!("Output column {features} already exists.")));
        }
        let labels = strings
            .iter()
            .cloned()
            .chain(indexes_label.then(|| resolved.label.clone()));
        let mut reads: Vec<(String, Reads)> = labels.map(|name| (name, Reads::Labels)).collect();
        let texts = reads.len();
        reads.extend(vectors.iter().map(|name| (name.clone(), Reads::Vectors)));
        let facts = Facts {
            formula: Some(Form::of(&resolved)),
            strings,
            vectors,
            indexes_label,
        };
        Ok(Training::new(reads, move || {
            Box::new(Seen {
                facts: facts.clone(),
                texts,
                labels: counts::Counts::default(),
                sizes: vec![-1; facts.vectors.len()],
            })
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: State = training::state(state)?;
        let facts = state.facts.unwrap_or_default();
        let order = params.text("stringIndexerOrderType")?;
        let mut columns = state.labels.unwrap_or_default().columns.into_iter();
        let mut labels_in = |order: &str| Words {
            words: ordered(columns.next().map_or_else(HashMap::new, |c| c.counts), order),
        };
        let strings = facts.strings.iter().map(|name| Categories {
            column: name.clone(),
            labels: Some(labels_in(&order)),
        });
        let strings = strings.collect();
        let label = facts.indexes_label.then(|| labels_in("frequencyDesc"));
        let mut vectors = vec![];
        for (column, size) in facts.vectors.into_iter().zip(state.sizes) {
            if size < 0 {
                return Err(SparkError::requirement(format!(
                    "RFormula needs at least one vector in the column {column} to learn its size."
                )));
            }
            vectors.push(Size { column, size });
        }
        Ok(Model::new(
            params,
            Learned {
                formula: facts.formula,
                strings,
                vectors,
                label,
            },
        ))
    }
}

/// A formula over the columns of a dataset, as bytes.
#[derive(Clone, PartialEq, Message)]
pub struct Form {
    /// The column that is predicted; empty if there is none.
    #[prost(string, tag = "1")]
    label: String,
    /// The columns of each term.
    #[prost(message, repeated, tag = "2")]
    terms: Vec<Words>,
    /// Whether there is an intercept.
    #[prost(bool, tag = "3")]
    has_intercept: bool,
}

impl Form {
    fn of(formula: &Formula) -> Self {
        let words = |columns: &Vec<String>| Words { words: columns.clone() };
        Self {
            label: formula.label.clone(),
            terms: formula.terms.iter().map(words).collect(),
            has_intercept: formula.has_intercept,
        }
    }

    fn formula(&self) -> Formula {
        Formula {
            label: self.label.clone(),
            terms: self.terms.iter().map(|t| t.words.clone()).collect(),
            has_intercept: self.has_intercept,
        }
    }
}

/// What is known of a formula before the rows are read.
#[derive(Clone, PartialEq, Message)]
struct Facts {
    #[prost(message, optional, tag = "1")]
    formula: Option<Form>,
    /// Its columns of strings.
    #[prost(string, repeated, tag = "2")]
    strings: Vec<String>,
    /// Its columns of vectors.
    #[prost(string, repeated, tag = "3")]
    vectors: Vec<String>,
    /// Whether the label becomes an index.
    #[prost(bool, tag = "4")]
    indexes_label: bool,
}

/// A [`Seen`] as bytes.
#[derive(Clone, PartialEq, Message)]
struct State {
    #[prost(message, optional, tag = "1")]
    facts: Option<Facts>,
    #[prost(message, optional, tag = "2")]
    labels: Option<counts::State>,
    /// Below 0 without a vector.
    #[prost(int32, repeated, tag = "3")]
    sizes: Vec<i32>,
}

/// How often each label of the columns of strings occurs, and the sizes of the first vectors.
#[derive(Debug)]
struct Seen {
    facts: Facts,
    /// How many columns hold labels: the first ones.
    texts: usize,
    labels: counts::Counts,
    sizes: Vec<i32>,
}

impl Summary for Seen {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let (labels, vectors) = columns.split_at(self.texts.min(columns.len()));
        self.labels.update(labels)?;
        for (size, column) in self.sizes.iter_mut().zip(vectors) {
            if *size < 0 {
                let vectors = VectorColumn::new(column)?;
                let first = (0..vectors.len()).find_map(|row| vectors.get(row));
                *size = first.map_or(-1, |v| v.size() as i32);
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        self.labels.merge(&other.labels.unwrap_or_default().encode_to_vec())?;
        for (size, other) in self.sizes.iter_mut().zip(other.sizes) {
            if *size < 0 {
                *size = other;
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let state = State {
            facts: Some(self.facts.clone()),
            labels: counts::State::decode(&self.labels.encode()[..]).ok(),
            sizes: self.sizes.clone(),
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        1024 + self.labels.bytes()
    }
}

/// The labels of a column, each at the place of its index.
#[derive(Clone, PartialEq, Message)]
pub struct Categories {
    /// The column.
    #[prost(string, tag = "1")]
    column: String,
    /// Its labels.
    #[prost(message, optional, tag = "2")]
    labels: Option<Words>,
}

/// The size of a column's vectors.
#[derive(Clone, PartialEq, Message)]
pub struct Size {
    /// The column.
    #[prost(string, tag = "1")]
    column: String,
    /// How many features they have.
    #[prost(int32, tag = "2")]
    size: i32,
}

/// `RFormulaModel`: the formula, the labels of its columns of strings, and the sizes of its vectors.
#[derive(Clone, PartialEq, Message)]
pub struct Learned {
    #[prost(message, optional, tag = "1")]
    formula: Option<Form>,
    #[prost(message, repeated, tag = "2")]
    strings: Vec<Categories>,
    #[prost(message, repeated, tag = "3")]
    vectors: Vec<Size>,
    /// Labels of the label, if it becomes an index.
    #[prost(message, optional, tag = "4")]
    label: Option<Words>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.RFormulaModel"),
    tag: 93,
    decode: model::decoded::<Learned>,
    read: |row| Ok(Arc::new(saved::read(row)?)),
};

impl Learned {
    /// Returns the formula; that of nothing if it is missing.
    fn formula(&self) -> Formula {
        self.formula.clone().unwrap_or_default().formula()
    }
}

impl Fitted for Learned {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let (features, label_col) = (params.text("featuresCol")?, params.text("labelCol")?);
        let find = |name: &str| input.output.iter().find(|a| a.name == name);
        if find(&features).is_some() {
            return Err(SparkError::requirement("Features column already exists."));
        }
        if find(&label_col).is_some_and(|a| !types::is_numeric(&a.data_type)) {
            return Err(SparkError::requirement(
                "Label column already exists and is not of type numeric.",
            ));
        }
        let mut output = input;
        let steps = steps::of(self, params)?;
        for (number, step) in steps.stages.iter().enumerate() {
            output = step.transform(analyzer, output, &format!("{id} {number}"))?;
        }
        let names = output.output.iter().find(|a| a.name == features).cloned();
        if let Some(made) = names {
            steps.rename_features(analyzer, &made.id)?;
        }
        output = pruned(analyzer, output, &steps.temporary)?;
        if let Some(index) = &steps.label {
            output = index.transform(analyzer, output, &format!("{id} label"))?;
        }
        let label = self.formula().label;
        if label.is_empty() || output.output.iter().any(|a| a.name == label_col) {
            return Ok(output);
        }
        // A dataset without the label is one to predict.
        let Some(column) = Names::Exact.column(&output, &label) else {
            return Ok(output);
        };
        if !types::is_numeric(&column.data_type) && column.data_type != DataType::Boolean {
            return Err(illegal(format!(
                "Unsupported type for label: {}",
                types::simple_string(&column.data_type)
            )));
        }
        let typed = cast_expr::cast(
            typed_attribute(column),
            &DataType::Float64,
            analyzer.mode(),
            analyzer.zone,
        )?;
        analyzer.with_column(output, &label_col, typed)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        let text = || (Value::Text(self.to_text()), Kind::Text);
        Ok((name == "resolvedFormulaString").then(text))
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(String::new())
    }

    fn columns(&self) -> Result<Vec<Column>> {
        saved::columns(&self.formula())
    }

    fn folders(&self, params: &Params, now_ms: i64, part: &str) -> Result<Vec<File>> {
        saved::pipeline(&steps::of(self, params)?, params, now_ms, part)
    }
}

impl Learned {
    /// Returns the formula as Spark prints it (`ResolvedRFormula.toString`).
    fn to_text(&self) -> String {
        let formula = self.formula();
        let term = |columns: &Vec<String>| match &columns[..] {
            [one] => one.clone(),
            several => format!("{{{}}}", several.join(",")),
        };
        let terms: Vec<String> = formula.terms.iter().map(term).collect();
        format!(
            "ResolvedRFormula(label={}, terms=[{}], hasIntercept={})",
            formula.label,
            terms.join(","),
            formula.has_intercept
        )
    }
}

/// Returns the rows without columns that only the stages in between need.
fn pruned(analyzer: &mut Analyzer, input: Resolved, temporary: &[String]) -> Result<Resolved> {
    let kept = input.output.iter().filter(|a| !temporary.contains(&a.name));
    let items = kept.map(typed_attribute).collect();
    analyzer.select_typed(input, items)
}
