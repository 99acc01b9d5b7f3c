//! The analyzer's own state: settings, fresh ids, the scans found so far, subqueries and lambda
//! variables in sight.
//!
//! What the analyzer does with messages is in the files beside this one, by what they resolve; each
//! adds methods to [`Analyzer`]. An analyzer serves one plan: its ids begin at `#1`, and what it
//! remembers goes with it.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use datafusion_common::{Column, TableReference};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::ID_PREFIX;
use super::extension::Extended;
use super::extent;
use super::recursion::Question;
use super::scan::{FileCatalog, Keeper, Origin, Scan, ScanSource};
use super::scope::{Attribute, Resolved, Typed};
use super::views::Views;
use crate::error::{Result, SparkError};
use crate::ids::ScanId;
use crate::plan::decorrelate::Decorrelation;
use crate::plan::scan::{METADATA, metadata_type};
use crate::proto as sc;
use crate::settings::Conf;
use crate::values::cast::Mode;
use crate::values::zone::Zone;

/// Turns one plan's messages into a logical plan.
///
/// Deterministic: the same messages and settings result in the same ids. Driver and executors rely on that:
/// both analyze the same messages, and only ids travel between them.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::rc::Rc;
///
/// use arrow::datatypes::Fields;
/// use rivulet::error::{Result, SparkError};
/// use rivulet::plan::analyzer::Analyzer;
/// use rivulet::plan::scan::{FileCatalog, FileSet};
/// use rivulet::plan::sql::{Statement, parse_statement};
/// use rivulet::settings::Conf;
/// use rivulet::sources::Format;
///
/// /// A session that reads no files.
/// struct NoFiles;
///
/// impl FileCatalog for NoFiles {
///     fn resolve(
///         &self,
///         _: &Format,
///         _: &[String],
///         _: &BTreeMap<String, String>,
///         _: Option<Fields>,
///     ) -> Result<FileSet> {
///         Err(SparkError::unsupported("files in this example"))
///     }
/// }
///
/// fn main() -> Result<()> {
///     let mut analyzer = Analyzer::new(Conf::default(), 0, Rc::new(NoFiles))?;
///     let Statement::Query(query) = parse_statement("SELECT id, id * 2 AS twice FROM range(3)")? else {
///         return Ok(());
///     };
///     let resolved = analyzer.relation(&query)?;
///     let names: Vec<&str> = resolved.output.iter().map(|column| column.name.as_str()).collect();
///     assert_eq!(names, ["id", "twice"]);
///     // The plan has one leaf, and its columns have ids of their own: `id` is `#1` in it.
///     assert_eq!(analyzer.scans.len(), 1);
///     assert_eq!(resolved.output[0].id, "#1");
///
///     let unknown = parse_statement("SELECT ID2 FROM range(3)")?;
///     if let Statement::Query(query) = unknown {
///         let error = analyzer.relation(&query).map(|_| ()).unwrap_err();
///         assert_eq!(error.condition.as_deref(), Some("UNRESOLVED_COLUMN.WITH_SUGGESTION"));
///     }
///     Ok(())
/// }
/// ```
pub struct Analyzer {
    /// The settings of the session, as they were when the plan arrived.
    pub conf: Conf,
    /// The zone of `spark.sql.session.timeZone`.
    pub zone: Zone,
    /// `current_timestamp()`, µs since the epoch.
    pub now_us: i64,
    /// Leaves in the order of analysis.
    pub scans: Vec<Arc<Scan>>,
    /// Relations that `SubqueryExpression` and CTE-like references name by plan id.
    pub(super) subqueries: HashMap<i64, sc::Relation>,
    /// Output of the queries around the subquery under analysis, innermost last.
    pub(super) outer: Vec<Vec<Attribute>>,
    /// Makes joins of correlated subqueries.
    pub(super) decorrelation: Decorrelation,
    /// Lambda variables in sight, innermost last.
    pub(super) lambda: Vec<(String, Typed)>,
    /// Aliases further left in the select list (`SELECT a AS x, x + 1`).
    pub(super) lateral: Vec<Typed>,
    /// Values of `:name` and `?` markers, by name.
    pub(super) parameters: BTreeMap<String, sc::Expression>,
    /// Temporary views by lower-case name.
    pub views: Views,
    /// What must be asked before the plan can be analysed.
    pub question: Option<Question>,
    /// How many rows the LIMIT right above needs.
    pub(super) row_goal: Option<usize>,
    /// Whether rows that come with the plan are dealt over `spark.default.parallelism` partitions, as Spark deals them; else they are
    /// one partition, and nothing about them needs an exchange.
    pub deals_rows: bool,
    /// Where file names and inferred schemas come from.
    pub files: Rc<dyn FileCatalog>,
    /// How many tasks read each table of another system, by [`table_key`](super::scan::table_key), as far as that is known.
    pub tables: BTreeMap<String, usize>,
    /// Relations that rooms above planning analyze.
    pub extensions: Vec<Extended>,
    /// `withWatermark` calls met so far.
    pub(super) watermarks: usize,
    /// What is wrong although everything can be resolved; reported if nothing else is.
    pub(super) refused: Option<SparkError>,
    /// The number of the newest column id.
    next_id: usize,
    /// The part of the stack that the relations and expressions around the one under analysis take.
    depth: usize,
    /// Relations and expressions analysed so far.
    pub(super) messages: usize,
    /// Relations among them.
    pub(super) relations: usize,
}

impl Analyzer {
    /// Returns an analyzer that knows no views and has read nothing yet. `now_us` is the query's time:
    /// every `current_timestamp()` of the plan is this one.
    ///
    /// # Errors
    /// If the session's time zone is unknown, `INVALID_CONF_VALUE.TIME_ZONE`.
    pub fn new(conf: Conf, now_us: i64, files: Rc<dyn FileCatalog>) -> Result<Self> {
        let zone = Zone::of_session(&conf)?;
        Ok(Self {
            conf,
            zone,
            now_us,
            scans: vec![],
            subqueries: HashMap::new(),
            outer: vec![],
            decorrelation: Decorrelation::of_analysis(),
            lambda: vec![],
            lateral: vec![],
            parameters: BTreeMap::new(),
            views: Views::default(),
            question: None,
            row_goal: None,
            deals_rows: false,
            files,
            tables: BTreeMap::new(),
            extensions: vec![],
            watermarks: 0,
            refused: None,
            next_id: 0,
            depth: 0,
            messages: 0,
            relations: 0,
        })
    }

    /// Returns what arithmetic and casts do with values that do not fit: ANSI unless the session turned it
    /// off.
    pub fn mode(&self) -> Mode {
        if self.conf.ansi() { Mode::Ansi } else { Mode::Legacy }
    }

    /// Returns a column id that this plan does not have yet: `#1`, `#2`, … in the order of analysis.
    pub fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("{ID_PREFIX}{}", self.next_id)
    }

    /// Returns a new column under a fresh id, without qualifier, and not an event time.
    pub fn attribute(&mut self, name: impl Into<String>, data_type: DataType, nullable: bool) -> Attribute {
        Attribute {
            id: self.fresh_id(),
            name: name.into(),
            qualifier: vec![],
            data_type,
            nullable,
            event_time: false,
            time_window: false,
            copy_of: None,
            metadata: None,
        }
    }

    /// Does `work` one level deeper, which takes `part` of the stack.
    ///
    /// # Errors
    /// If that is more than there is, `RIVULET_PLAN_TOO_DEEP`, so that no message can exhaust the stack.
    pub(super) fn nested<T>(&mut self, part: usize, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth + part > extent::STACK {
            return Err(extent::too_deep());
        }
        self.messages += 1;
        self.depth += part;
        let result = work(self);
        self.depth -= part;
        result
    }

    /// Returns whether nothing around is under analysis.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 0
    }

    /// Adds a leaf and returns it as a relation under fresh ids.
    ///
    /// # Errors
    /// If DataFusion refuses the plan, an internal error.
    pub fn scan(&mut self, origin: Origin, fields: &Fields, partitions: usize, keeper: Keeper) -> Result<Resolved> {
        let (mut files, mut stream, mut table) = (vec![], None, None);
        match keeper {
            Keeper::Plan => {}
            Keeper::Files(found) => files = found,
            Keeper::Stream(spec) => stream = Some(spec),
            Keeper::Table(spec) => table = Some(spec),
        }
        let streaming = stream.is_some();
        let of_files = matches!(&origin, Origin::Blocks { of_files: true, .. });
        let has = |name: &str| fields.iter().any(|f| f.name() == name);
        let mut fields: Vec<FieldRef> = fields.iter().cloned().collect();
        if of_files && !has(METADATA) {
            fields.push(Arc::new(Field::new(METADATA, metadata_type(), true)));
        }
        let mut output: Vec<Attribute> = fields
            .iter()
            .map(|f| self.attribute(f.name().clone(), f.data_type().clone(), f.is_nullable()))
            .collect();
        let internal: Fields = output
            .iter()
            .map(|a| Field::new(scan_name(a), a.data_type.clone(), a.nullable))
            .collect();
        let scan = Arc::new(Scan {
            id: ScanId(self.scans.len()),
            origin,
            schema: Arc::new(Schema::new(fields.clone())),
            internal: Arc::new(Schema::new(internal)),
            partitions: partitions.max(1),
            files,
            stream,
            table,
        });
        self.scans.push(scan.clone());
        let table = TableReference::bare(format!("scan{}", scan.id.0));
        let columns: Vec<Expr> = output
            .iter()
            .map(|a| Expr::Column(Column::new(Some(table.clone()), scan_name(a))).alias(a.id.clone()))
            .collect();
        let plan = LogicalPlanBuilder::scan(table, Arc::new(ScanSource(scan)), None)?
            .project(columns)?
            .build()?;
        let hidden = if of_files && output.last().is_some_and(|a| a.name == METADATA) {
            output.pop()
        } else {
            None
        };
        let mut resolved = Resolved::new(plan, output, streaming);
        resolved.hidden.extend(hidden);
        Ok(resolved)
    }

    /// Returns a projection that holds exactly `columns`; plain columns keep their ids, the rest get the
    /// attribute's.
    ///
    /// Without columns it has one constant column, since a batch needs one to have a number of rows.
    ///
    /// # Errors
    /// If an expression does not fit the input, an internal error.
    pub fn project(&self, input: LogicalPlan, columns: Vec<(Expr, &Attribute)>) -> Result<LogicalPlan> {
        let exprs: Vec<Expr> = columns
            .into_iter()
            .map(|(expr, attribute)| match &expr {
                Expr::Column(column) if column.name == attribute.id => expr,
                _ => expr.alias(attribute.id.clone()),
            })
            .collect();
        if exprs.is_empty() {
            let one = Expr::Literal(datafusion_common::ScalarValue::Int32(Some(1)), None).alias("#none");
            return Ok(LogicalPlanBuilder::from(input).project(vec![one])?.build()?);
        }
        Ok(LogicalPlanBuilder::from(input).project(exprs)?.build()?)
    }

    /// Returns the relation with nothing but its output: what set operations and subqueries need.
    ///
    /// # Errors
    /// As [`Analyzer::project`].
    pub fn exactly(&self, relation: &Resolved) -> Result<LogicalPlan> {
        let columns = relation.output.iter().map(|a| (a.column(), a)).collect();
        self.project(relation.plan.clone(), columns)
    }
}

/// Returns a column's name below the projection that assigns its id: DataFusion qualifies a table's
/// columns, and the same name with and without a qualifier is ambiguous to its rules.
fn scan_name(attribute: &Attribute) -> String {
    format!("@{}", attribute.id)
}
