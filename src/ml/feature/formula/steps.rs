//! The stages that a formula stands for (`RFormula.fit`).
//!
//! ```text
//! string   ─StringIndexer─▶ index ─OneHotEncoder─▶ vector ┐
//! number   ───────────────────────────────────────────────┤
//! vector   ─VectorSizeHint────────────────────────────────┼─VectorAssembler─▶ features
//! several  ─(indices, numbers, vectors)──Interaction──────┘
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Learned;
use crate::error::{Result, SparkError};
use crate::ml::attributes::Feature;
use crate::ml::feature::assembler::VectorAssembler;
use crate::ml::feature::count_vectorizer::Words;
use crate::ml::feature::interaction::Interaction;
use crate::ml::feature::one_hot::{Categories, OneHotEncoder};
use crate::ml::feature::size_hint::VectorSizeHint;
use crate::ml::feature::string_indexer::{Labels, StringIndexer};
use crate::ml::literal::Value;
use crate::ml::model::Fitted;
use crate::ml::params::Params;
use crate::ml::stage::{Role, Stage};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;

/// One stage, with what it knows if it is a model.
pub(super) struct Step {
    pub params: Params,
    pub fitted: Option<Arc<dyn Fitted>>,
}

impl Step {
    /// Returns a stage whose params are set.
    ///
    /// # Errors
    /// If a param does not fit.
    fn new(
        stage: &'static dyn Stage,
        uid: &str,
        set: impl IntoIterator<Item = (&'static str, Value)>,
        fitted: Option<Arc<dyn Fitted>>,
    ) -> Result<Self> {
        let mut params = Params::new(stage, uid, &sc::MlParams::default())?;
        for (name, value) in set {
            params.put(name, value)?;
        }
        Ok(Self { params, fitted })
    }

    /// Plans the columns of the stage.
    ///
    /// # Errors
    /// Those of the stage.
    pub fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str) -> Result<Resolved> {
        match (&self.fitted, self.params.operator.role()) {
            (Some(fitted), _) => fitted.transform(analyzer, input, id, &self.params),
            (None, Role::Transformer(stage)) => stage.transform(analyzer, input, &self.params, None),
            (None, _) => Err(SparkError::internal("a stage of a formula is not fitted")),
        }
    }
}

/// All stages of a formula.
pub(super) struct Steps {
    /// Those that make the features, in their order.
    pub stages: Vec<Step>,
    /// What makes an index of the label, if it becomes one.
    pub label: Option<Step>,
    /// Columns that only the stages need.
    pub temporary: Vec<String>,
    /// How names of features begin, and what is put in place of that.
    pub prefixes: Vec<(String, String)>,
}

impl Steps {
    /// Calls the features of a column after the columns of the formula (`VectorAttributeRewriter`).
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the analyzer was made without the extension.
    pub fn rename_features(&self, analyzer: &mut Analyzer, column: &str) -> Result<()> {
        if let Some(features) = analyzer.ml()?.features.get_mut(column) {
            *features = Arc::new(features.map(|_, feature| Feature {
                name: feature.name.as_ref().map(|name| self.renamed(name)),
                ..feature.clone()
            }));
        }
        Ok(())
    }

    fn renamed(&self, name: &str) -> String {
        let own = self
            .prefixes
            .iter()
            .find_map(|(prefix, by)| Some((by, name.strip_prefix(prefix.as_str())?)));
        let Some((by, rest)) = own else { return name.to_owned() };
        // Names of interactions have temporary columns within.
        let parts = rest.split(':').map(|part| {
            if by.is_empty() {
                self.renamed(part)
            } else {
                part.to_owned()
            }
        });
        format!("{by}{}", parts.collect::<Vec<_>>().join(":"))
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Returns the stages of what a formula has learned.
///
/// # Errors
/// If a param is of another type.
pub(super) fn of(learned: &Learned, params: &Params) -> Result<Steps> {
    let formula = learned.formula();
    let uid = &params.uid;
    let tail = uid.rsplit('_').next().unwrap_or_default();
    let (invalid, order) = (params.text("handleInvalid")?, params.text("stringIndexerOrderType")?);
    let mut steps = Steps {
        stages: vec![],
        label: None,
        temporary: vec![],
        prefixes: vec![],
    };
    let mut temporary = |kind: &str| {
        let name = format!("{kind}_{tail}_{}", steps.temporary.len());
        steps.temporary.push(name.clone());
        name
    };
    let labels: BTreeMap<&str, &Words> = learned
        .strings
        .iter()
        .filter_map(|c| Some((c.column.as_str(), c.labels.as_ref()?)))
        .collect();
    let sizes: BTreeMap<&str, i32> = learned.vectors.iter().map(|v| (v.column.as_str(), v.size)).collect();
    let indexer = |column: &str, to: &str, order: &str, words: &Words, number: usize| {
        let model = Labels {
            columns: vec![words.clone()],
        };
        let set = [
            ("inputCol", text(column)),
            ("outputCol", text(to)),
            ("stringOrderType", text(order)),
            ("handleInvalid", text(&invalid)),
        ];
        Step::new(
            &StringIndexer,
            &format!("strIdx_{tail}_{number}"),
            set,
            Some(Arc::new(model)),
        )
    };
    let encoder = |pairs: &[(String, String, i32)], drop_last: bool| {
        let model = Categories {
            sizes: pairs.iter().map(|p| p.2).collect(),
        };
        let set = [
            ("inputCols", Value::texts(pairs.iter().map(|p| p.0.clone()))),
            ("outputCols", Value::texts(pairs.iter().map(|p| p.1.clone()))),
            ("dropLast", Value::Bool(drop_last)),
        ];
        Step::new(&OneHotEncoder, uid, set, Some(Arc::new(model)))
    };

    let mut indexed: BTreeMap<String, String> = BTreeMap::new();
    for column in formula.columns() {
        let mut to = column.clone();
        if let Some(words) = labels.get(column.as_str()) {
            to = temporary("stridx");
            let number = steps.stages.len();
            steps.stages.push(indexer(&column, &to, &order, words, number)?);
            steps.prefixes.push((format!("{to}_"), format!("{column}_")));
        } else if let Some(size) = sizes.get(column.as_str()) {
            let set = [
                ("inputCol", text(&column)),
                ("handleInvalid", text("optimistic")),
                ("size", Value::Int((*size).into())),
            ];
            steps.stages.push(Step::new(&VectorSizeHint, uid, set, None)?);
        }
        indexed.insert(column, to);
    }
    let index_of = |column: &String| indexed.get(column).unwrap_or(column).clone();
    // Without an intercept, one column of strings keeps all of its categories.
    let mut keeps_all = !formula.has_intercept;
    let (mut assembled, mut encoded) = (vec![], vec![]);
    for (number, term) in formula.terms.iter().enumerate() {
        let [column] = &term[..] else {
            let to = temporary("interaction");
            let set = [
                ("inputCols", Value::texts(term.iter().map(index_of))),
                ("outputCol", text(&to)),
            ];
            let own = format!("interaction_{tail}_{number}");
            steps.stages.push(Step::new(&Interaction, &own, set, None)?);
            steps.prefixes.push((format!("{to}_"), String::new()));
            assembled.push(to);
            continue;
        };
        let Some(words) = labels.get(column.as_str()) else {
            assembled.push(index_of(column));
            continue;
        };
        let to = temporary("onehot");
        steps.prefixes.push((format!("{to}_"), format!("{column}_")));
        assembled.push(to.clone());
        let size = words.words.len() + usize::from(invalid == "keep");
        let pair = (index_of(column), to, i32::try_from(size).unwrap_or(i32::MAX));
        if keeps_all {
            steps.stages.push(encoder(&[pair], false)?);
            keeps_all = false;
        } else {
            encoded.push(pair);
        }
    }
    if !encoded.is_empty() {
        steps.stages.push(encoder(&encoded, true)?);
    }
    let set = [
        ("inputCols", Value::texts(assembled)),
        ("outputCol", text(&params.text("featuresCol")?)),
        ("handleInvalid", text(&invalid)),
    ];
    steps.stages.push(Step::new(&VectorAssembler, uid, set, None)?);
    if let Some(words) = &learned.label {
        let to = params.text("labelCol")?;
        steps.label = Some(indexer(
            &formula.label,
            &to,
            "frequencyDesc",
            words,
            steps.stages.len(),
        )?);
    }
    Ok(steps)
}
