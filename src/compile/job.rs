//! A job as it travels: messages and settings, from which driver and executors make the same stages.
//!
//! A plan is not serialised; the Spark Connect bytes are, and planning is deterministic. It costs a few milliseconds
//! once per plan and executor (a streaming query is planned once, not once per batch) and saves a serialised form of
//! every operator and function.
//!
//! What planning would otherwise look up (time, files, models, views, settings) is part of the job: an executor has
//! neither the session nor the file system of the driver.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::{Field, Fields, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_expr::LogicalPlan;
use datafusion_optimizer::simplify_expressions::SimplifyExpressions;
use datafusion_optimizer::{Optimizer, OptimizerContext, OptimizerRule};
use prost::Message;

use crate::compile::physical::Planner;
use crate::error::{Result, SparkError, guarded};
use crate::exec::stage::StageGraph;
use crate::exec::state;
use crate::ml::model::{Model, Models};
use crate::ml::transform;
use crate::plan::analyzer::Analyzer;
use crate::plan::constant_order::DropConstantOrder;
use crate::plan::decorrelate::Decorrelation;
use crate::plan::extent;
use crate::plan::folding::FoldCheapConstants;
use crate::plan::output_mode::OutputMode;
use crate::plan::recursion::Question;
use crate::plan::scan::{FileCatalog, FileSet};
use crate::plan::scope::Resolved;
use crate::plan::semi_join::PushDownSemiJoin;
use crate::plan::type_message;
use crate::plan::views::Views;
use crate::proto as sc;
use crate::settings::Conf;
use crate::sources::Format;
use crate::sources::listing::SourceFile;

/// Everything that planning depends on.
///
/// ```
/// use prost::Message;
/// use rivulet::compile::job::JobSpec;
/// use rivulet::proto::{Range, Relation, relation::RelType};
///
/// let range = Range { start: Some(0), end: 10, step: 1, num_partitions: Some(2) };
/// let relation = Relation { rel_type: Some(RelType::Range(range)), ..Default::default() };
/// let spec = JobSpec {
///     relation: relation.encode_to_vec(),
///     conf: Default::default(),
///     views: Default::default(),
///     now_us: 0,
///     mode: None,
///     files: Default::default(),
///     models: Default::default(),
///     tables: Default::default(),
/// };
/// let graph = spec.compile()?;
/// assert_eq!((graph.stages.len(), graph.stages[0].tasks()), (1, 2));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// `spark.connect.Relation`.
    pub relation: Vec<u8>,
    /// The session's settings when the job was made.
    pub conf: Conf,
    /// Temporary views: name → `spark.connect.Relation`.
    pub views: BTreeMap<String, Buffer>,
    /// `current_timestamp()`, µs since the epoch: the same for every task.
    pub now_us: i64,
    /// Output mode of a streaming query; `None` for a batch job.
    pub mode: Option<OutputMode>,
    /// What the driver found in the file system, per [`read_key`]: the files, and their columns as DDL.
    pub files: BTreeMap<String, (Vec<String>, String)>,
    /// The models that the relation names: id → [`Model`].
    pub models: BTreeMap<String, Vec<u8>>,
    /// How many tasks read each table of another system, per [`table_key`](crate::plan::scan::table_key), as far as that is known.
    pub tables: BTreeMap<String, usize>,
}

/// The files that a spec names.
struct SpecFiles(BTreeMap<String, (Vec<String>, String)>);

impl FileCatalog for SpecFiles {
    /// Returns the files that the driver found.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if it did not look: planning differed.
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
            files: files.iter().map(|path| SourceFile::named(path)).collect(),
            fields: type_message::schema_from_text(ddl)?,
        })
    }
}

/// The models that a spec brings along.
struct SpecModels(BTreeMap<String, Arc<Model>>);

impl SpecModels {
    /// Decodes the models.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if one cannot be read.
    fn decode(models: &BTreeMap<String, Vec<u8>>) -> Result<Self> {
        let decoded = models.iter().map(|(id, bytes)| {
            let model = Model::decode(bytes)?;
            Ok((id.clone(), Arc::new(model)))
        });
        Ok(Self(decoded.collect::<Result<_>>()?))
    }
}

impl Models for SpecModels {
    /// Returns a model of the spec.
    fn find(&self, id: &str) -> Option<Arc<Model>> {
        self.0.get(id).cloned()
    }
}

/// Names one read of files within a plan, by everything that decides about its result.
pub fn read_key(format: &Format, paths: &[String], options: &BTreeMap<String, String>) -> String {
    format!("{format:?} {paths:?} {options:?}")
}

impl JobSpec {
    /// Analyses the relation, with machine learning and stateful operators as extensions.
    ///
    /// # Errors
    /// What analysis refuses: unknown columns, wrong types, unsupported operations.
    pub fn analyze(&self, files: Rc<dyn FileCatalog>, models: Rc<dyn Models>) -> Result<(Analyzer, Resolved)> {
        let mut analyzer = self.analyzer(files, models)?;
        let resolved = analyzer.relation(&decode(&self.relation)?)?;
        Ok((analyzer, resolved))
    }

    /// Returns the question that analysis ends with, if it is one.
    ///
    /// # Errors
    /// If settings or messages cannot be read.
    pub fn question(&self, files: Rc<dyn FileCatalog>, models: Rc<dyn Models>) -> Result<Option<Question>> {
        let mut analyzer = self.analyzer(files, models)?;
        let _ended = analyzer.relation(&decode(&self.relation)?);
        Ok(analyzer.question)
    }

    fn analyzer(&self, files: Rc<dyn FileCatalog>, models: Rc<dyn Models>) -> Result<Analyzer> {
        let mut analyzer = Analyzer::new(self.conf.clone(), self.now_us, files)?;
        analyzer.extensions = vec![transform::extension(Some(models)), state::extension()];
        analyzer.views = Views::of_session(self.views.clone());
        analyzer.tables = self.tables.clone();
        Ok(analyzer)
    }

    /// Returns the stages, on an executor: files and models come from the spec.
    ///
    /// # Errors
    /// What analysis or compilation refuses; on an executor that is a broken invariant, since the driver has compiled
    /// it before.
    pub fn compile(&self) -> Result<StageGraph> {
        let files = Rc::new(SpecFiles(self.files.clone()));
        let (analyzer, resolved) = self.analyze(files, Rc::new(SpecModels::decode(&self.models)?))?;
        stages(&analyzer, &resolved, self.mode)
    }
}

/// Returns the relation of a spec.
///
/// # Errors
/// `CONNECT_INVALID_PLAN` if the bytes are not one.
pub fn decode(bytes: &[u8]) -> Result<sc::Relation> {
    sc::Relation::decode(bytes).map_err(|e| SparkError::invalid_plan(e.to_string()))
}

/// Returns the result's schema under the user's names; names may occur twice.
pub fn output_schema(resolved: &Resolved) -> Schema {
    Schema::new(
        resolved
            .output
            .iter()
            .map(|a| Field::new(&a.name, a.data_type.clone(), a.nullable))
            .collect::<Vec<_>>(),
    )
}

/// Optimises an analysed relation and cuts it into stages. A panic of a rule is the statement's error.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` if no operator runs the form of query; DataFusion's.
pub fn stages(analyzer: &Analyzer, resolved: &Resolved, mode: Option<OutputMode>) -> Result<StageGraph> {
    guarded(|| cut(analyzer, resolved, mode))
}

/// Does what [`stages`] says.
fn cut(analyzer: &Analyzer, resolved: &Resolved, mode: Option<OutputMode>) -> Result<StageGraph> {
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

/// Returns DataFusion's optimizer, which computes only cheap constants.
fn optimizer() -> Optimizer {
    let mut optimizer = Optimizer::new();
    let after = optimizer
        .rules
        .iter()
        .position(|rule| rule.name() == "decorrelate_predicate_subquery");
    let after = after.map_or(optimizer.rules.len(), |at| at + 1);
    optimizer.rules.insert(after, Arc::new(PushDownSemiJoin));
    let duplicates = optimizer
        .rules
        .iter()
        .position(|rule| rule.name() == "eliminate_duplicated_expr");
    optimizer
        .rules
        .insert(duplicates.unwrap_or(0), Arc::new(DropConstantOrder));
    for rule in &mut optimizer.rules {
        if rule.name() == SimplifyExpressions::default().name() {
            *rule = Arc::new(FoldCheapConstants::default());
        }
    }
    optimizer
}

/// Returns the optimised logical plan with exactly the output columns.
///
/// A column that is selected twice gets a second id, since DataFusion refuses equal names.
///
/// # Errors
/// `RIVULET_PLAN_TOO_DEEP` if rules might exhaust the stack; DataFusion's, if a rule fails.
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
    extent::check_depth(&plan)?;
    let plan = Decorrelation::of_whole_plan().scalar_subqueries(plan)?;
    let mut options = ConfigOptions::new();
    options.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    // A row that can have no partner is not kept in a stream's state.
    options.optimizer.filter_null_join_keys = resolved.streaming;
    let context = OptimizerContext::new_with_config_options(Arc::new(options));
    Ok(optimizer().optimize(plan, &context, |_, _| {})?)
}
