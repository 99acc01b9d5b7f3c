//! `AnalyzePlan`: schema, explain, and the other questions about a plan that run nothing.
//!
//! A plan is analysed anew for each question; nothing is cached between calls. Each of Spark's questions has an answer
//! here:
//!
//! | question | answer |
//! |----------|--------|
//! | schema, tree string | columns of the result under the user's names |
//! | explain | the stages that would run; extended, the logical plans too |
//! | is streaming, input files | as analysis finds them |
//! | DDL to schema, JSON to DDL | types converted, without a plan |
//! | same semantics, semantic hash | the messages compared or hashed byte by byte |
//! | persist, unpersist, storage level | accepted, without effect: a plan runs again |

use prost::Message;

use super::driver::Driver;
use crate::compile::job::{self, output_schema};
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::plan::type_message;
use crate::proto as sc;
use crate::proto::analyze_plan_request::Analyze;
use crate::proto::analyze_plan_response as response;
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
                R::Schema(response::Schema {
                    schema: Some(type_message::schema_to_proto(&output_schema(&resolved))),
                })
            }
            Analyze::Explain(q) => {
                let (_, analyzer, resolved) = resolve(&q.plan)?;
                let extended = q.explain_mode() != sc::analyze_plan_request::explain::ExplainMode::Simple;
                let text = explain(&analyzer, &resolved, extended)?;
                R::Explain(response::Explain { explain_string: text })
            }
            Analyze::TreeString(q) => {
                let (_, _, resolved) = resolve(&q.plan)?;
                let level = q.level.and_then(|l| usize::try_from(l).ok()).unwrap_or(usize::MAX);
                R::TreeString(response::TreeString {
                    tree_string: tree_string(&output_schema(&resolved), level),
                })
            }
            Analyze::IsLocal(_) => R::IsLocal(response::IsLocal { is_local: false }),
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
                let same = q.target_plan.as_ref().map(Message::encode_to_vec)
                    == q.other_plan.as_ref().map(Message::encode_to_vec);
                R::SameSemantics(response::SameSemantics { result: same })
            }
            Analyze::SemanticHash(q) => {
                let bytes = q.plan.as_ref().map(Message::encode_to_vec).unwrap_or_default();
                R::SemanticHash(response::SemanticHash {
                    result: crate::values::murmur3::hash_bytes(&bytes, 42) as i32,
                })
            }
            // Nothing is kept between queries yet: a plan runs again and returns the same rows.
            Analyze::Persist(_) => R::Persist(response::Persist {}),
            Analyze::Unpersist(_) => R::Unpersist(response::Unpersist {}),
            Analyze::GetStorageLevel(_) => R::GetStorageLevel(response::GetStorageLevel {
                storage_level: Some(sc::StorageLevel {
                    replication: 1,
                    ..Default::default()
                }),
            }),
        };
        Ok(sc::AnalyzePlanResponse {
            session_id: request.session_id.clone(),
            server_side_session_id: request.session_id.clone(),
            result: Some(result),
        })
    }
}

/// Describes the plans of a query for people: the stages that would run, the last first, and, if `extended`, the
/// analyzed and the optimized logical plan above them. A streaming plan is compiled without an output mode.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` if no operator runs the form of query.
fn explain(analyzer: &Analyzer, resolved: &Resolved, extended: bool) -> Result<String> {
    let mut parts = Vec::new();
    if extended {
        parts.push(format!(
            "== Analyzed Logical Plan ==\n{}\n\n",
            resolved.plan.display_indent()
        ));
        let optimized = job::optimize(analyzer, resolved)?;
        parts.push(format!(
            "== Optimized Logical Plan ==\n{}\n\n",
            optimized.display_indent()
        ));
    }
    parts.push("== Physical Plan ==\n".to_owned());
    for stage in job::stages(analyzer, resolved, None)?.stages.iter().rev() {
        let parents: Vec<String> = stage.parents.iter().map(ToString::to_string).collect();
        parts.push(format!(
            "Stage {} ({} tasks, reads stages [{}])\n{}\n",
            stage.id,
            stage.tasks(),
            parents.join(", "),
            stage.describe()
        ));
    }
    Ok(parts.concat())
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
