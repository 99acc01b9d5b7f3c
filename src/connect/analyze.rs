//! `AnalyzePlan`: schema, explain, and the other questions about a plan that run nothing.
//!
//! A plan is analysed anew for each question; nothing is cached between calls. Each of Spark's questions has an answer
//! here:
//!
//! | question | answer |
//! |----------|--------|
//! | schema, tree string | columns of the result under the user's names |
//! | explain | the stages that would run; by mode, logical plans too |
//! | is streaming, input files | as analysis finds them |
//! | DDL to schema, JSON to DDL | types converted, without a plan |
//! | same semantics, semantic hash | the analyzed plans compared or hashed, without the names of their columns |
//! | persist, unpersist, storage level | noted; the next job keeps the rows ([`kept`](super::kept)) |

use std::hash::{DefaultHasher, Hash, Hasher};

use super::driver::Driver;
use crate::compile::job::{self, output_schema};
use crate::error::{Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::plan::type_message;
use crate::proto as sc;
use crate::proto::analyze_plan_request::Analyze;
use crate::proto::analyze_plan_request::explain::ExplainMode;
use crate::proto::analyze_plan_response as response;
use crate::proto::relation::RelType;
use crate::proto::variant_name;
use crate::settings::SPARK_VERSION;
use crate::sources::listing;
use crate::values::types;

impl Driver {
    /// Answers one question.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` if it is empty; what analysis refuses.
    pub(super) fn analyze_plan(
        &mut self,
        request: &sc::AnalyzePlanRequest,
        now_ms: i64,
    ) -> Result<sc::AnalyzePlanResponse> {
        let question = request
            .analyze
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("an analyze request asks nothing"))?;
        let mut resolve = |plan: &Option<sc::Plan>| {
            let relation = root(plan.as_ref())?;
            self.analyzed(&request.session_id, relation, now_ms)
        };
        use response::Result as R;
        let result = match question {
            Analyze::Schema(q) => {
                let (_, _, resolved) = resolve(&q.plan)?;
                let mut schema = type_message::schema_to_proto(&output_schema(&resolved));
                if let Some(sc::data_type::Kind::Struct(columns)) = &mut schema.kind {
                    for (field, attribute) in columns.fields.iter_mut().zip(&resolved.output) {
                        field.metadata = attribute.metadata.as_deref().map(str::to_owned);
                    }
                }
                R::Schema(response::Schema { schema: Some(schema) })
            }
            Analyze::Explain(q) => {
                let (_, analyzer, resolved) = resolve(&q.plan)?;
                let relation = root(q.plan.as_ref())?;
                let is_kept = self.session(&request.session_id).kept.has(relation);
                let text = explain(&analyzer, &resolved, relation, q.explain_mode(), is_kept)?;
                R::Explain(response::Explain { explain_string: text })
            }
            Analyze::TreeString(q) => {
                let (_, _, resolved) = resolve(&q.plan)?;
                let level = q.level.and_then(|l| usize::try_from(l).ok()).unwrap_or(usize::MAX);
                R::TreeString(response::TreeString {
                    tree_string: tree_string(&output_schema(&resolved), level),
                })
            }
            Analyze::IsLocal(q) => R::IsLocal(response::IsLocal {
                is_local: matches!(
                    root(q.plan.as_ref())?.rel_type,
                    Some(RelType::LocalRelation(_) | RelType::Catalog(_))
                ),
            }),
            Analyze::IsStreaming(q) => R::IsStreaming(response::IsStreaming {
                is_streaming: resolve(&q.plan)?.2.streaming,
            }),
            Analyze::InputFiles(q) => {
                let (_, analyzer, _) = resolve(&q.plan)?;
                R::InputFiles(response::InputFiles {
                    files: analyzer
                        .scans
                        .iter()
                        .flat_map(|s| &s.files)
                        .map(|f| listing::url(&f.path))
                        .collect(),
                })
            }
            Analyze::SparkVersion(_) => R::SparkVersion(response::SparkVersion {
                version: SPARK_VERSION.into(),
            }),
            Analyze::DdlParse(q) => {
                let parsed = type_of_ddl(&q.ddl_string)?;
                R::DdlParse(response::DdlParse { parsed: Some(parsed) })
            }
            Analyze::JsonToDdl(q) => {
                let fields = type_message::schema_from_text(&q.json_string)?;
                R::JsonToDdl(response::JsonToDdl {
                    ddl_string: types::to_ddl(&arrow::datatypes::Schema::new(fields)),
                })
            }
            Analyze::SameSemantics(q) => {
                let [one, other] = [meaning(resolve(&q.target_plan)?), meaning(resolve(&q.other_plan)?)];
                R::SameSemantics(response::SameSemantics { result: one == other })
            }
            Analyze::SemanticHash(q) => {
                let mut hasher = DefaultHasher::new();
                meaning(resolve(&q.plan)?).hash(&mut hasher);
                let hash = hasher.finish();
                R::SemanticHash(response::SemanticHash {
                    result: (hash ^ (hash >> 32)) as i32,
                })
            }
            Analyze::Persist(q) => {
                let relation = named(q.relation.as_ref())?;
                self.analyzed(&request.session_id, relation, now_ms)?;
                self.session(&request.session_id)
                    .kept
                    .persist(relation, q.storage_level);
                R::Persist(response::Persist {})
            }
            Analyze::Unpersist(q) => {
                let relation = named(q.relation.as_ref())?;
                self.session(&request.session_id).kept.unpersist(relation);
                R::Unpersist(response::Unpersist {})
            }
            Analyze::GetStorageLevel(q) => R::GetStorageLevel(response::GetStorageLevel {
                storage_level: Some(
                    self.session(&request.session_id)
                        .kept
                        .level(named(q.relation.as_ref())?),
                ),
            }),
        };
        Ok(sc::AnalyzePlanResponse {
            session_id: request.session_id.clone(),
            server_side_session_id: request.session_id.clone(),
            result: Some(result),
        })
    }
}

/// Returns what a plan means, whatever its columns are called: the analyzed plan, whose columns have numbers, and what its leaves
/// read (`QueryPlan.canonicalized`, which also orders what may be in any order).
fn meaning((_, analyzer, resolved): (job::JobSpec, Analyzer, Resolved)) -> String {
    let columns: Vec<&str> = resolved.output.iter().map(|a| a.id.as_str()).collect();
    let leaves: Vec<String> = analyzer.scans.iter().map(|scan| scan.identity()).collect();
    format!("{} {columns:?} {leaves:?}", resolved.plan.display_indent())
}

/// Describes the plans of a query for people: the stages that would run, the last first; before them the logical plans, as the
/// message has it, analyzed and optimized (`extended`), or the optimized one with the bytes of what it reads (`cost`). A streaming
/// plan is compiled without an output mode.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` if no operator runs the form of query.
fn explain(
    analyzer: &Analyzer,
    resolved: &Resolved,
    relation: &sc::Relation,
    mode: ExplainMode,
    is_kept: bool,
) -> Result<String> {
    let mut parts = Vec::new();
    if mode == ExplainMode::Extended {
        let parsed = relation
            .rel_type
            .as_ref()
            .map(|kind| variant_name(kind))
            .unwrap_or_default();
        parts.push(format!("== Parsed Logical Plan ==\n'{parsed}\n\n"));
        let analyzed = resolved.plan.display_indent();
        parts.push(format!("== Analyzed Logical Plan ==\n{analyzed}\n\n"));
    }
    if matches!(mode, ExplainMode::Extended | ExplainMode::Cost) {
        let optimized = job::optimize(analyzer, resolved)?;
        parts.push(format!(
            "== Optimized Logical Plan ==\n{}\n",
            optimized.display_indent()
        ));
        if mode == ExplainMode::Cost {
            for scan in &analyzer.scans {
                parts.push(format!("{}: Statistics(sizeInBytes={} B)\n", scan.id, scan.bytes()));
            }
        }
        parts.push("\n".to_owned());
    }
    parts.push("== Physical Plan ==\n".to_owned());
    if is_kept {
        let names: Vec<&str> = resolved.output.iter().map(|a| a.name.as_str()).collect();
        parts.push(format!("InMemoryTableScan [{}]\n", names.join(", ")));
    }
    parts.push(described(&job::stages(analyzer, resolved, None)?));
    Ok(parts.concat())
}

/// Describes stages for people, the last first.
pub(super) fn described(graph: &StageGraph) -> String {
    let stages = graph.stages.iter().rev().map(|stage| {
        let parents: Vec<String> = stage.parents.iter().map(ToString::to_string).collect();
        let (id, tasks, parents) = (stage.id, stage.tasks(), parents.join(", "));
        format!(
            "Stage {id} ({tasks} tasks, reads stages [{parents}])\n{}\n",
            stage.describe()
        )
    });
    stages.collect()
}

/// Returns the type of a text: a type, else columns, else the fields of a struct, which may have colons after their names
/// (`DataType.parseTypeWithFallback`).
///
/// # Errors
/// If it is none of these, what is wrong with it as columns.
fn type_of_ddl(text: &str) -> Result<sc::DataType> {
    if let Ok(known) = type_message::from_ddl_type(text) {
        return Ok(type_message::to_proto(&known));
    }
    let columns = match type_message::schema_from_text(text) {
        Ok(columns) => columns,
        Err(error) => {
            let fields = type_message::from_ddl_type(&format!("struct<{text}>")).map_err(|_| error)?;
            return Ok(type_message::to_proto(&fields));
        }
    };
    Ok(type_message::schema_to_proto(&arrow::datatypes::Schema::new(columns)))
}

/// Returns the relation that a question is about.
fn named(relation: Option<&sc::Relation>) -> Result<&sc::Relation> {
    relation.ok_or_else(|| SparkError::invalid_plan("a relation is needed"))
}

/// Returns the relation of a plan.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` if the plan is compressed, `CONNECT_INVALID_PLAN` if it is not a relation.
pub fn root(plan: Option<&sc::Plan>) -> Result<&sc::Relation> {
    match plan.and_then(|p| p.op_type.as_ref()) {
        Some(sc::plan::OpType::Root(relation)) => Ok(relation),
        Some(sc::plan::OpType::CompressedOperation(_)) => Err(SparkError::unsupported("compressed plans")),
        _ => Err(SparkError::invalid_plan("a relation is needed")),
    }
}

/// Returns a schema as `StructType.treeString` does, down to a level.
fn tree_string(schema: &arrow::datatypes::Schema, level: usize) -> String {
    use arrow::datatypes::{DataType, FieldRef};
    /// Adds the lines of a type's parts to `out`.
    fn children(data_type: &DataType, prefix: &str, depth: usize, level: usize, out: &mut String) {
        if depth > level {
            return;
        }
        let mut line = |name: &str, t: &DataType, flag: &str| {
            let shown = match t {
                DataType::Struct(_) => "struct".into(),
                DataType::List(_) => "array".into(),
                DataType::Map(..) => "map".into(),
                other => match types::simple_string(other).as_str() {
                    "bigint" => "long".to_owned(),
                    "int" => "integer".to_owned(),
                    "smallint" => "short".to_owned(),
                    "tinyint" => "byte".to_owned(),
                    name => name.to_owned(),
                },
            };
            out.push_str(&format!("{prefix}-- {name}: {shown} {flag}\n"));
            children(t, &format!("{prefix}    |"), depth + 1, level, out);
        };
        match data_type {
            DataType::Struct(fields) => {
                for f in fields {
                    line(f.name(), f.data_type(), &format!("(nullable = {})", f.is_nullable()));
                }
            }
            DataType::List(item) => line("element", item.data_type(), "(containsNull = true)"),
            DataType::Map(entries, _) => {
                let (k, v) = types::map_types(entries);
                line("key", &k, "");
                line("value", &v, "(valueContainsNull = true)");
            }
            _ => {}
        }
    }
    let mut out = String::from("root\n");
    let fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    children(&DataType::Struct(fields.into()), " |", 1, level, &mut out);
    out
}
