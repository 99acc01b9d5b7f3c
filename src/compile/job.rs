//! A job as it travels: messages and settings, from which driver and executors make the same stages.
//!
//! A plan is not serialised; the Spark Connect bytes are, and planning is deterministic. It costs a few milliseconds once
//! per plan and executor (a streaming query is planned once, not once a batch) and saves a serialised form of every
//! operator and function.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::datatypes::{Field, Fields, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_expr::LogicalPlan;
use datafusion_optimizer::{Optimizer, OptimizerContext};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::compile::physical::Planner;
use crate::error::{Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::exec::state;
use crate::ml::model::{Model, Models};
use crate::ml::transform;
use crate::plan::analyzer::Analyzer;
use crate::plan::output_mode::OutputMode;
use crate::plan::scan::{FileCatalog, FileSet};
use crate::plan::scope::Resolved;
use crate::plan::type_message;
use crate::proto as sc;
use crate::settings::Conf;
use crate::sources::Format;

/// Everything that planning depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// `spark.connect.Relation`.
    pub relation: Vec<u8>,
    pub conf: Conf,
    /// Temporary views: name → `spark.connect.Relation`.
    pub views: BTreeMap<String, Vec<u8>>,
    /// `current_timestamp()`, µs.
    pub now_us: i64,
    /// Output mode of a streaming query; none for a batch job.
    pub mode: Option<OutputMode>,
    /// What the driver found in the file system: key of the read → files and DDL.
    pub files: BTreeMap<String, (Vec<String>, String)>,
    /// The models that the relation names: id → [`Model`].
    pub models: BTreeMap<String, Vec<u8>>,
}

/// The files that a spec names.
struct SpecFiles(BTreeMap<String, (Vec<String>, String)>);

impl FileCatalog for SpecFiles {
    fn resolve(
        &self,
        format: &Format,
        paths: &[String],
        options: &BTreeMap<String, String>,
        _: Option<Fields>,
    ) -> Result<FileSet> {
        let key = read_key(format, paths, options);
        let (files, ddl) = self
            .0
            .get(&key)
            .ok_or_else(|| SparkError::internal(format!("the files of {paths:?} were not looked up")))?;
        Ok(FileSet {
            files: files.clone(),
            fields: type_message::schema_from_text(ddl)?,
        })
    }
}

/// The models that a spec brings along.
struct SpecModels(BTreeMap<String, Arc<Model>>);

impl SpecModels {
    fn decode(models: &BTreeMap<String, Vec<u8>>) -> Result<Self> {
        let decoded = models.iter().map(|(id, bytes)| {
            let model = Model::decode(bytes)?;
            Ok((id.clone(), Arc::new(model)))
        });
        Ok(Self(decoded.collect::<Result<_>>()?))
    }
}

impl Models for SpecModels {
    fn find(&self, id: &str) -> Option<Arc<Model>> {
        self.0.get(id).cloned()
    }
}

/// Names one read of files within a plan.
pub fn read_key(format: &Format, paths: &[String], options: &BTreeMap<String, String>) -> String {
    format!("{format:?} {paths:?} {options:?}")
}

impl JobSpec {
    /// Analyses the relation.
    pub fn analyze(&self, files: Rc<dyn FileCatalog>, models: Rc<dyn Models>) -> Result<(Analyzer, Resolved)> {
        let mut analyzer = Analyzer::new(self.conf.clone(), self.now_us, files)?;
        analyzer.extensions = vec![transform::extension(Some(models)), state::extension()];
        for (name, bytes) in &self.views {
            analyzer.views.insert(name.clone(), decode(bytes)?);
        }
        let resolved = analyzer.relation(&decode(&self.relation)?)?;
        Ok((analyzer, resolved))
    }

    /// The stages, on an executor: files come from the spec.
    pub fn compile(&self) -> Result<StageGraph> {
        let files = Rc::new(SpecFiles(self.files.clone()));
        let (analyzer, resolved) = self.analyze(files, Rc::new(SpecModels::decode(&self.models)?))?;
        stages(&analyzer, &resolved, self.mode)
    }
}

/// The relation of a spec.
pub fn decode(bytes: &[u8]) -> Result<sc::Relation> {
    sc::Relation::decode(bytes).map_err(|e| SparkError::invalid_plan(e.to_string()))
}

/// The result's schema under the user's names.
pub fn output_schema(resolved: &Resolved) -> Schema {
    Schema::new(
        resolved
            .output
            .iter()
            .map(|a| Field::new(&a.name, a.data_type.clone(), a.nullable))
            .collect::<Vec<_>>(),
    )
}

/// Optimises an analysed relation and cuts it into stages.
pub fn stages(analyzer: &Analyzer, resolved: &Resolved, mode: Option<OutputMode>) -> Result<StageGraph> {
    let logical = optimize(analyzer, resolved)?;
    let mut planner = Planner::new(analyzer.conf.shuffle_partitions(), mode);
    planner.finish(&logical)?;
    Ok(StageGraph {
        stages: planner.stages,
        scans: analyzer.scans.clone(),
        schema: Arc::new(output_schema(resolved)),
        watermarks: planner.watermarks,
        operators: planner.operators,
        functions: planner.functions,
    })
}

/// The optimised logical plan with exactly the output columns.
pub fn optimize(analyzer: &Analyzer, resolved: &Resolved) -> Result<LogicalPlan> {
    let mut output = resolved.output.clone();
    // A column selected twice leaves twice: each place needs a name of its own.
    for i in 1..output.len() {
        if output[..i].iter().any(|a| a.id == output[i].id) {
            output[i].id = format!("{}@{i}", output[i].id);
        }
    }
    let columns = resolved
        .output
        .iter()
        .zip(&output)
        .map(|(a, named)| (a.column(), named))
        .collect();
    let plan = analyzer.project(resolved.plan.clone(), columns)?;
    let mut options = ConfigOptions::new();
    options.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    // A row that can have no partner is not kept in a stream's state.
    options.optimizer.filter_null_join_keys = resolved.streaming;
    let context = OptimizerContext::new_with_config_options(Arc::new(options));
    Ok(Optimizer::new().optimize(plan, &context, |_, _| {})?)
}
