//! Relations: one arm a message of `spark.connect.Relation`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlanBuilder};

use super::analyzer::Analyzer;
use super::names::Names;
use super::nodes::{self, Deduplicate, EventTimeWatermark, Repartition, SortWithinPartitions, StreamingLimit};
use super::resolve::{ordinal, typed_attribute, unresolved_column};
use super::scan::Origin;
use super::scope::{Attribute, Resolved, Typed};
use super::sql::marker::{Marker, SqlForm};
use super::{coercion, literal, sql, window_function};
use crate::error::{Exception, Result, SparkError};
use crate::plan::{cast_expr, type_message};
use crate::proto::relation::RelType;
use crate::proto::variant_name;
use crate::sources::{self, Format, StreamSpec};
use crate::values::{interval, types};
use crate::{proto as sc, settings};

impl Analyzer {
    /// One relation and everything below it.
    pub fn relation(&mut self, relation: &sc::Relation) -> Result<Resolved> {
        let mut resolved = self.nested(|analyzer| analyzer.relation_kind(relation))?;
        if let Some(id) = relation.common.as_ref().and_then(|c| c.plan_id) {
            resolved.tagged.push((id, resolved.output.clone()));
        }
        Ok(resolved)
    }

    pub(super) fn input(&mut self, input: Option<&sc::Relation>) -> Result<Resolved> {
        self.relation(input.ok_or_else(|| SparkError::invalid_plan("a relation lacks its input"))?)
    }

    fn relation_kind(&mut self, relation: &sc::Relation) -> Result<Resolved> {
        let kind = relation
            .rel_type
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a relation is empty"))?;
        let form = SqlForm::of(relation);
        match kind {
            RelType::Read(read) => self.read(read),
            RelType::Project(node) => self.project_relation(node),
            RelType::Filter(node) => self.filter(node),
            RelType::Join(node) => self.join(node),
            RelType::SetOp(node) => self.set_operation(node),
            RelType::Sort(node) => self.sort(node),
            RelType::Limit(node) => self.limit(node),
            RelType::Offset(node) => {
                let input = self.input(node.input.as_deref())?;
                let skip = count(node.offset, "offset")?;
                let plan = LogicalPlanBuilder::from(input.plan.clone())
                    .limit(skip, None)?
                    .build()?;
                Ok(input.over(plan))
            }
            RelType::Aggregate(node) => self.aggregate(node, form),
            RelType::Sql(node) => self.sql_text(node),
            RelType::LocalRelation(node) => self.local(node),
            RelType::Deduplicate(node) => self.deduplicate(node),
            RelType::Range(node) => self.range(node.start.unwrap_or(0), node.end, node.step, node.num_partitions),
            RelType::SubqueryAlias(node) => {
                let mut input = self.input(node.input.as_deref())?;
                for attribute in &mut input.output {
                    attribute.qualifier = node.qualifier.iter().cloned().chain([node.alias.clone()]).collect();
                }
                input.hidden.clear();
                input.aggregation = None;
                Ok(input)
            }
            RelType::Repartition(node) => {
                let input = self.input(node.input.as_deref())?;
                self.repartitioned(input, vec![], usize::try_from(node.num_partitions).ok())
            }
            RelType::RepartitionByExpression(node) => {
                let input = self.input(node.input.as_deref())?;
                let keys = node
                    .partition_exprs
                    .iter()
                    .map(|e| Ok(self.expression(e, &input)?.expr))
                    .collect::<Result<Vec<_>>>()?;
                self.repartitioned(input, keys, node.num_partitions.and_then(|n| usize::try_from(n).ok()))
            }
            RelType::ToDf(node) => {
                let mut input = self.input(node.input.as_deref())?;
                if input.output.len() != node.column_names.len() {
                    return Err(SparkError::new(
                        Exception::IllegalArgument,
                        "NUM_COLUMNS_MISMATCH",
                        "42826",
                        format!(
                            "toDF got {} names for {} columns.",
                            node.column_names.len(),
                            input.output.len()
                        ),
                    ));
                }
                for (attribute, name) in input.output.iter_mut().zip(&node.column_names) {
                    attribute.name.clone_from(name);
                }
                input.aggregation = None;
                Ok(input)
            }
            RelType::WithColumnsRenamed(node) => {
                let mut input = self.input(node.input.as_deref())?;
                let mut renames: Vec<(String, String)> = node
                    .renames
                    .iter()
                    .map(|r| (r.col_name.clone(), r.new_col_name.clone()))
                    .collect();
                renames.extend(node.rename_columns_map.iter().map(|(a, b)| (a.clone(), b.clone())));
                let names = self.names();
                for (from, to) in renames {
                    for attribute in input.output.iter_mut().filter(|a| names.same(&a.name, &from)) {
                        attribute.name.clone_from(&to);
                    }
                }
                input.aggregation = None;
                Ok(input)
            }
            RelType::Drop(node) => self.drop_columns(node),
            RelType::WithColumns(node) => self.with_columns(node),
            RelType::Hint(node) => self.input(node.input.as_deref()),
            RelType::CollectMetrics(node) => self.input(node.input.as_deref()),
            RelType::Unpivot(node) => self.unpivot(node, form),
            RelType::ToSchema(node) => self.conformed(node),
            RelType::WithWatermark(node) => self.watermark(node),
            RelType::WithRelations(node) => {
                for reference in &node.references {
                    if let Some(RelType::SubqueryAlias(alias)) = &reference.rel_type {
                        self.views.insert(alias.alias.to_lowercase(), reference.clone());
                    }
                }
                self.remember(node.references.clone())?;
                self.input(node.root.as_deref())
            }
            RelType::UnresolvedTableValuedFunction(call) => self.table_function(call, form),
            RelType::LateralJoin(node) => self.lateral_join(node),
            RelType::FillNa(node) => self.fill_na(node),
            RelType::DropNa(node) => self.drop_na(node),
            RelType::Replace(node) => self.replace(node),
            RelType::Sample(node) => self.sample(node),
            RelType::GroupMap(node) => self.map_groups(node),
            RelType::Tail(_) => Err(SparkError::unsupported("tail below other operations")),
            other => self.extended(other),
        }
    }

    /// A relation that one of the analyzer's extensions knows.
    fn extended(&mut self, node: &RelType) -> Result<Resolved> {
        let extensions: Vec<_> = self.extensions.iter().map(|e| e.extension).collect();
        let found = extensions.into_iter().find_map(|e| e.relation(self, node));
        found.unwrap_or_else(|| Err(SparkError::unsupported(format!("the relation {}", variant_name(node)))))
    }

    fn filter(&mut self, node: &sc::Filter) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let condition = node
            .condition
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a filter has no condition"))?;
        if let Some(filtered) = self.having(&input, condition)? {
            return Ok(filtered);
        }
        let condition = self.condition(condition, &input)?;
        if super::aggregate::has_aggregate(&condition.expr) {
            return Err(SparkError::analysis(
                "INVALID_WHERE_CONDITION",
                "42903",
                format!(
                    "The WHERE condition \"{}\" contains invalid expressions: aggregate functions.",
                    condition.name
                ),
            ));
        }
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .filter(condition.expr)?
            .build()?;
        let hidden = std::mem::take(&mut input.hidden);
        let mut out = input.over(plan);
        out.hidden = hidden;
        Ok(out)
    }

    fn sort(&mut self, node: &sc::Sort) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let mut order = Vec::new();
        for spec in &node.order {
            if spec.child.as_deref().is_some_and(|c| Marker::OrderByAll.is(c)) {
                let all = input.output.iter().map(typed_attribute);
                order.extend(all.map(|column| window_function::sort_key(&column, spec)));
                continue;
            }
            let child = spec
                .child
                .as_deref()
                .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
            let typed = if let (Some(position), true) = (ordinal(child), self.conf.flag(&settings::ORDER_BY_ORDINAL)) {
                let found = usize::try_from(position - 1).ok().and_then(|i| input.output.get(i));
                typed_attribute(found.ok_or_else(|| {
                    SparkError::analysis(
                        "ORDER_BY_POS_OUT_OF_RANGE",
                        "42805",
                        format!(
                            "ORDER BY position {position} is not in select list (valid range is [1, {}]).",
                            input.output.len()
                        ),
                    )
                })?)
            } else {
                self.sort_expression(&mut input, child)?
            };
            order.push(window_function::sort_key(&typed, spec));
        }
        let global = node.is_global.unwrap_or(true);
        let plan = if global {
            LogicalPlanBuilder::from(input.plan.clone()).sort(order)?.build()?
        } else {
            nodes::plan(SortWithinPartitions { order }, input.plan.clone())?
        };
        Ok(input.over(plan))
    }

    fn sort_expression(&mut self, input: &mut Resolved, child: &sc::Expression) -> Result<Typed> {
        match self.expression(child, input) {
            Ok(typed) if !super::aggregate::has_aggregate(&typed.expr) => Ok(typed),
            first => match self.order_beyond(input, child)? {
                Some(typed) => Ok(typed),
                None => first,
            },
        }
    }

    fn limit(&mut self, node: &sc::Limit) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let fetch = count(node.limit, "limit")?;
        let plan = if input.streaming {
            nodes::plan(StreamingLimit { fetch }, input.plan.clone())?
        } else {
            LogicalPlanBuilder::from(input.plan.clone())
                .limit(0, Some(fetch))?
                .build()?
        };
        Ok(input.over(plan))
    }

    #[allow(deprecated)] // Clients of Spark 3.5 send literals in `args` and `pos_args`.
    fn sql_text(&mut self, node: &sc::Sql) -> Result<Resolved> {
        let literal = |l: &sc::expression::Literal| sc::Expression {
            expr_type: Some(sc::expression::ExprType::Literal(l.clone())),
            ..Default::default()
        };
        let named = node.named_arguments.iter().map(|(n, e)| (n.clone(), e.clone()));
        let named = named.chain(node.args.iter().map(|(n, l)| (n.clone(), literal(l))));
        let positional = node
            .pos_arguments
            .iter()
            .cloned()
            .chain(node.pos_args.iter().map(literal));
        let positional = positional.enumerate().map(|(i, e)| (format!("_{}", i + 1), e));
        self.parameters.extend(named.chain(positional));
        match sql::parse_statement(&node.query)? {
            sql::Statement::Query(relation) => self.relation(&relation),
            _ => Err(SparkError::unsupported("this SQL command as a relation")),
        }
    }

    fn deduplicate(&mut self, node: &sc::Deduplicate) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        input.hidden.clear();
        let within_watermark = node.within_watermark();
        if within_watermark && !input.streaming {
            return Err(SparkError::analysis(
                "_LEGACY_ERROR_TEMP_3102",
                "",
                "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets;",
            ));
        }
        let keys: Vec<Attribute> = if node.all_columns_as_keys() || node.column_names.is_empty() {
            input.output.clone()
        } else {
            let names = self.names();
            let keys = node.column_names.iter().map(|name| names.field(&input, name).cloned());
            keys.collect::<Result<Vec<_>>>()?
        };
        let plan = self.exactly(&input)?;
        if input.streaming {
            let first = Deduplicate {
                keys: keys.into_iter().map(|k| k.id).collect(),
                within_watermark,
            };
            return Ok(input.over(nodes::plan(first, plan)?));
        }
        let others: Vec<Expr> = input
            .output
            .iter()
            .filter(|a| keys.iter().all(|k| k.id != a.id))
            .map(|a| datafusion_functions_aggregate::expr_fn::first_value(a.column(), vec![]).alias(a.id.clone()))
            .collect();
        let groups: Vec<Expr> = keys.iter().map(Attribute::column).collect();
        let plan = LogicalPlanBuilder::from(plan).aggregate(groups, others)?.build()?;
        Ok(input.over(plan))
    }

    pub(super) fn range(&mut self, start: i64, end: i64, step: i64, partitions: Option<i32>) -> Result<Resolved> {
        if step == 0 {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INVALID_PARAMETER_VALUE.STEP",
                "22023",
                "The step of a range must not be 0.",
            ));
        }
        let slices = partitions
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n > 0)
            .unwrap_or_else(|| self.conf.parallelism());
        let fields = Fields::from(vec![Field::new("id", DataType::Int64, false)]);
        self.scan(Origin::Range { start, end, step }, &fields, slices, vec![], None)
    }

    fn local(&mut self, node: &sc::LocalRelation) -> Result<Resolved> {
        let declared = node
            .schema
            .as_deref()
            .filter(|s| !s.is_empty())
            .map(type_message::schema_from_text)
            .transpose()?;
        let Some(data) = &node.data else {
            let fields = declared.unwrap_or_else(Fields::empty);
            return self.scan(
                Origin::Local {
                    ipc: Arc::from(Vec::new()),
                },
                &fields,
                1,
                vec![],
                None,
            );
        };
        let reader = arrow::ipc::reader::StreamReader::try_new(data.as_slice(), None)
            .map_err(|e| SparkError::invalid_plan(format!("a local relation is no Arrow stream: {e}")))?;
        let arriving = reader.schema();
        let own: Fields = arriving
            .fields()
            .iter()
            .map(|f| Field::new(f.name(), normal_type(f.data_type()), true))
            .collect();
        let fields = match declared {
            Some(declared) if declared.len() == own.len() => declared,
            Some(_) => {
                return Err(SparkError::invalid_plan(
                    "schema and data of a local relation differ in columns",
                ));
            }
            None => own,
        };
        self.scan(
            Origin::Local {
                ipc: Arc::from(data.as_slice()),
            },
            &fields,
            1,
            vec![],
            None,
        )
    }

    fn read(&mut self, read: &sc::Read) -> Result<Resolved> {
        use sc::read::ReadType;
        match read.read_type.as_ref() {
            Some(ReadType::NamedTable(table)) => self.named_table(&table.unparsed_identifier),
            Some(ReadType::DataSource(source)) if read.is_streaming => self.read_stream(source),
            Some(ReadType::DataSource(source)) => self.read_files(source),
            None => Err(SparkError::invalid_plan("a read names no source")),
        }
    }

    fn named_table(&mut self, name: &str) -> Result<Resolved> {
        let parts = sql::parse_identifier(name)?;
        let view = parts.last().and_then(|n| self.views.get(&n.to_lowercase())).cloned();
        let Some(view) = view else {
            let quoted = parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(".");
            return Err(SparkError::analysis(
                "TABLE_OR_VIEW_NOT_FOUND",
                "42P01",
                format!(
                    "The table or view {quoted} cannot be found. Verify the spelling and correctness of the schema and catalog. \
                     Rivulet's tables are the temporary views of this session."
                ),
            )
            .with("relationName", quoted));
        };
        let mut relation = self.relation(&view)?;
        for attribute in &mut relation.output {
            attribute.qualifier = parts[parts.len() - 1..].to_vec();
        }
        relation.hidden.clear();
        relation.aggregation = None;
        relation.tagged.clear();
        Ok(relation)
    }

    fn read_files(&mut self, source: &sc::read::DataSource) -> Result<Resolved> {
        let format_name = source.format.as_deref().unwrap_or("parquet").to_ascii_lowercase();
        let format = Format::parse(&format_name).ok_or_else(|| sources::unknown(&format_name))?;
        let options = options_of(&source.options);
        let mut paths = source.paths.clone();
        paths.extend(options.get("path").cloned());
        let declared = source
            .schema
            .as_deref()
            .filter(|s| !s.is_empty())
            .map(type_message::schema_from_text)
            .transpose()?;
        let set = self.files.resolve(&format, &paths, &options, declared)?;
        let partitions = set.files.len().max(1);
        self.scan(
            Origin::Blocks { format, options },
            &set.fields,
            partitions,
            set.files,
            None,
        )
    }

    fn read_stream(&mut self, source: &sc::read::DataSource) -> Result<Resolved> {
        let format_name = source.format.as_deref().unwrap_or("parquet").to_ascii_lowercase();
        let options = options_of(&source.options);
        let declared = source
            .schema
            .as_deref()
            .filter(|s| !s.is_empty())
            .map(type_message::schema_from_text)
            .transpose()?;
        let path = source.paths.first().cloned().or_else(|| options.get("path").cloned());
        let spec = StreamSpec {
            format: format_name,
            path,
            options: options.clone(),
        };
        let definition = sources::find(&spec.format)?;
        let format = definition.format(&options)?;
        let fields = definition.fields(format, declared)?;
        definition.check(&spec)?;
        let partitions = self.conf.parallelism();
        self.scan(
            Origin::Blocks { format, options },
            &fields,
            partitions,
            vec![],
            Some(spec),
        )
    }

    fn watermark(&mut self, node: &sc::WithWatermark) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let delay_us = interval::interval_micros(&node.delay_threshold).ok_or_else(|| {
            SparkError::analysis(
                "CANNOT_PARSE_INTERVAL",
                "22006",
                format!("Unable to parse '{}'. Please ensure that the value provided is in a valid format for defining an interval.", node.delay_threshold),
            )
            .with("intervalString", node.delay_threshold.clone())
        })?;
        if delay_us < 0 {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INVALID_PARAMETER_VALUE.DELAY_THRESHOLD",
                "22023",
                format!("Delay threshold ({}) should not be negative.", node.delay_threshold),
            ));
        }
        let typed = self.name(&node.event_time, None, &input)?;
        let valid = matches!(typed.data_type, DataType::Timestamp(..))
            || matches!(&typed.data_type, DataType::Struct(f) if f.iter().any(|f| f.name() == "end"));
        let (Some(attribute), true) = (typed.attribute.clone(), valid) else {
            return Err(SparkError::analysis(
                "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
                "42K09",
                format!(
                    "The event time `{}` has the invalid type \"{}\", but expected \"TIMESTAMP\".",
                    node.event_time,
                    types::sql_name(&typed.data_type)
                ),
            )
            .with("eventName", format!("`{}`", node.event_time))
            .with("eventType", format!("\"{}\"", types::sql_name(&typed.data_type))));
        };
        let number = self.watermarks;
        self.watermarks += 1;
        let plan = self.exactly(&input)?;
        let watermark = EventTimeWatermark {
            number,
            column: attribute.id.clone(),
            delay_us,
        };
        let mut out = input.over(nodes::plan(watermark, plan)?);
        out.hidden.clear();
        for column in &mut out.output {
            column.event_time = column.event_time && column.time_window || column.id == attribute.id;
        }
        Ok(out)
    }

    fn drop_columns(&mut self, node: &sc::Drop) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let mut gone: Vec<String> = Vec::new();
        for column in &node.columns {
            if let Ok(typed) = self.expression(column, &input)
                && let Some(attribute) = typed.attribute
            {
                gone.push(attribute.id);
            }
        }
        for name in &node.column_names {
            gone.extend(self.names().all(&input, name).map(|a| a.id.clone()));
        }
        input.output.retain(|a| !gone.contains(&a.id));
        input.aggregation = None;
        Ok(input)
    }

    fn unpivot(&mut self, node: &sc::Unpivot, form: SqlForm) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let ids = node
            .ids
            .iter()
            .map(|e| self.expression(e, &input))
            .collect::<Result<Vec<_>>>()?;
        let values = match &node.values {
            Some(values) => values
                .values
                .iter()
                .map(|e| self.expression(e, &input))
                .collect::<Result<Vec<_>>>()?,
            None => input
                .output
                .iter()
                .filter(|a| ids.iter().all(|i| i.attribute.as_ref().is_none_or(|x| x.id != a.id)))
                .map(typed_attribute)
                .collect(),
        };
        let ids = if form == SqlForm::Unpivot {
            input
                .output
                .iter()
                .filter(|a| values.iter().all(|v| v.attribute.as_ref().is_none_or(|x| x.id != a.id)))
                .map(typed_attribute)
                .collect()
        } else {
            ids
        };
        let common = coercion::common(values.iter().map(|v| &v.data_type), self.conf.ansi())
            .filter(|_| !values.is_empty())
            .ok_or_else(|| {
                SparkError::analysis(
                    "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                    "42K09",
                    "Unpivot value columns must share a least common type, some types do not.",
                )
            })?;
        let mut output: Vec<Attribute> = ids
            .iter()
            .map(|t| self.attribute(t.name.clone(), t.data_type.clone(), true))
            .collect();
        output.push(self.attribute(node.variable_column_name.clone(), DataType::Utf8, false));
        output.push(self.attribute(node.value_column_name.clone(), common.clone(), true));
        let mut builder: Option<LogicalPlanBuilder> = None;
        for value in values {
            let label = Expr::Literal(ScalarValue::Utf8(Some(value.name.clone())), None);
            let value = cast_expr::cast(value, &common, self.mode(), self.zone)?;
            let exprs: Vec<Expr> = ids.iter().map(|t| t.expr.clone()).chain([label, value.expr]).collect();
            let branch = self.project(input.plan.clone(), exprs.into_iter().zip(&output).collect())?;
            builder = Some(match builder {
                None => LogicalPlanBuilder::from(branch),
                Some(b) => b.union(branch)?,
            });
        }
        let plan = builder
            .ok_or_else(|| SparkError::invalid_plan("unpivot has no values"))?
            .build()?;
        Ok(Resolved::new(plan, output, input.streaming))
    }

    fn conformed(&mut self, node: &sc::ToSchema) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let schema = node
            .schema
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("`to` has no schema"))?;
        let DataType::Struct(fields) = type_message::from_proto(schema)? else {
            return Err(SparkError::invalid_plan("`to` needs a struct"));
        };
        let mut items = Vec::new();
        for field in &fields {
            let found = self.names().column(&input, field.name());
            let typed = match found {
                Some(found) => cast_expr::cast(typed_attribute(found), field.data_type(), self.mode(), self.zone)?,
                None if field.is_nullable() => Typed::new(
                    Expr::Literal(ScalarValue::try_from(field.data_type())?, None),
                    field.data_type().clone(),
                    field.name(),
                ),
                None => return Err(unresolved_column(&types::quote_if_needed(field.name()), &input)),
            };
            items.push(Typed {
                name: field.name().clone(),
                named: true,
                ..typed
            });
        }
        self.select_typed(input, items)
    }

    fn table_function(&mut self, call: &sc::UnresolvedTableValuedFunction, form: SqlForm) -> Result<Resolved> {
        let name = call.function_name.to_ascii_lowercase();
        let empty = Resolved::new(LogicalPlanBuilder::empty(true).build()?, vec![], false);
        let mut args = Vec::new();
        for argument in &call.arguments {
            args.push(self.expression(argument, &empty)?);
        }
        if form == SqlForm::Values {
            return self.values(args);
        }
        if name == "range" {
            let longs = args
                .iter()
                .map(|t| match t.literal().map(|v| v.cast_to(&DataType::Int64)) {
                    Some(Ok(ScalarValue::Int64(Some(n)))) => Ok(n),
                    _ => Err(SparkError::analysis(
                        "UNEXPECTED_INPUT_TYPE",
                        "42K09",
                        format!("The argument {} of range is no integer literal.", t.name),
                    )),
                });
            let longs = longs.collect::<Result<Vec<_>>>()?;
            return match longs[..] {
                [end] => self.range(0, end, 1, None),
                [start, end] => self.range(start, end, 1, None),
                [start, end, step] => self.range(start, end, step, None),
                [start, end, step, parts] => self.range(start, end, step, i32::try_from(parts).ok()),
                _ => Err(SparkError::analysis(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                    "42605",
                    "range takes 1 to 4 arguments.",
                )),
            };
        }
        let context = super::functions::Context {
            mode: self.mode(),
            zone: self.zone,
            now_us: self.now_us,
            conf: &self.conf,
        };
        let generator = super::functions::call(&context, &name, args, false)?
            .and_then(|t| t.generator)
            .ok_or_else(|| {
                SparkError::analysis(
                    "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                    "42883",
                    format!("Could not resolve `{name}` to a table-valued function."),
                )
            })?;
        let (mut relation, made) = self.generate(empty, &generator)?;
        relation.output = made;
        Ok(relation)
    }

    /// Inline tables: rows as structs, columns widened over the rows.
    fn values(&mut self, rows: Vec<Typed>) -> Result<Resolved> {
        let mut cells: Vec<Vec<Typed>> = Vec::new();
        for row in rows {
            let DataType::Struct(fields) = row.data_type.clone() else {
                return Err(SparkError::invalid_plan("a row of VALUES is no struct"));
            };
            cells.push(
                fields
                    .iter()
                    .map(|f| super::extract::fields(row.clone(), std::slice::from_ref(f.name()), Names::Exact))
                    .collect::<Result<_>>()?,
            );
        }
        let width = cells.first().map_or(0, Vec::len);
        if cells.iter().any(|r| r.len() != width) {
            return Err(SparkError::analysis(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                "42000",
                "Invalid inline table: the rows differ in their number of columns.",
            ));
        }
        let mut output = Vec::new();
        for column in 0..width {
            let common =
                coercion::common(cells.iter().map(|r| &r[column].data_type), self.conf.ansi()).ok_or_else(|| {
                    SparkError::analysis(
                        "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
                        "42000",
                        format!(
                            "Invalid inline table: incompatible types found in column `col{}`.",
                            column + 1
                        ),
                    )
                })?;
            output.push(self.attribute(format!("col{}", column + 1), common, true));
        }
        let mut table = Vec::new();
        for row in cells {
            let row = row
                .into_iter()
                .zip(&output)
                .map(|(cell, a)| Ok(cast_expr::cast(cell, &a.data_type, self.mode(), self.zone)?.expr));
            table.push(row.collect::<Result<Vec<Expr>>>()?);
        }
        let plan = LogicalPlanBuilder::values(table)?.build()?;
        let columns: Vec<_> = plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .zip(&output)
            .collect();
        let plan = self.project(plan, columns)?;
        Ok(Resolved::new(plan, output, false))
    }

    fn repartitioned(&mut self, input: Resolved, keys: Vec<Expr>, partitions: Option<usize>) -> Result<Resolved> {
        let partitions = partitions
            .filter(|n| *n > 0)
            .unwrap_or_else(|| self.conf.shuffle_partitions());
        let plan = nodes::plan(Repartition { keys, partitions }, input.plan.clone())?;
        Ok(input.over(plan))
    }

    fn fill_na(&mut self, node: &sc::NaFill) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let values = node.values.iter().map(literal::resolve).collect::<Result<Vec<_>>>()?;
        let (names, mut items) = (self.names(), Vec::new());
        node.cols.iter().try_for_each(|c| names.must(&input, c).map(|_| ()))?;
        for attribute in &input.output {
            let at = node.cols.iter().position(|c| names.same(c, &attribute.name));
            let value = match (&node.cols[..], at) {
                ([], _) => values.first(),
                (_, Some(i)) => values.get(i).or_else(|| values.first().filter(|_| values.len() == 1)),
                (_, None) => None,
            };
            let fits = |v: &Typed| {
                types::is_numeric(&v.data_type) && types::is_numeric(&attribute.data_type)
                    || types::is_string(&v.data_type) && types::is_string(&attribute.data_type)
                    || v.data_type == attribute.data_type
            };
            let typed = typed_attribute(attribute);
            items.push(match value.filter(|v| fits(v)) {
                Some(value) => {
                    let value = cast_expr::cast(value.clone(), &attribute.data_type, self.mode(), self.zone)?;
                    let expr = datafusion_functions::core::coalesce().call(vec![typed.expr, value.expr]);
                    let mut filled = Typed::new(expr, attribute.data_type.clone(), attribute.name.clone());
                    filled.named = true;
                    filled
                }
                None => typed,
            });
        }
        self.select_typed(input, items)
    }

    fn drop_na(&mut self, node: &sc::NaDrop) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let (names, all) = (self.names(), node.cols.is_empty());
        node.cols.iter().try_for_each(|c| names.must(&input, c).map(|_| ()))?;
        let columns = input.output.iter();
        let columns: Vec<&Attribute> = columns.filter(|a| all || names.among(&a.name, &node.cols)).collect();
        let least = node.min_non_nulls.map_or(columns.len() as i64, i64::from);
        let one = |a: &&Attribute| datafusion_expr::cast(a.column().is_not_null(), DataType::Int64);
        let Some(total) = columns.iter().map(one).reduce(|a, b| a + b) else {
            return Ok(input);
        };
        let condition = total.gt_eq(Expr::Literal(ScalarValue::Int64(Some(least)), None));
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .filter(condition)?
            .build()?;
        Ok(input.over(plan))
    }

    fn replace(&mut self, node: &sc::NaReplace) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let (names, mut items) = (self.names(), Vec::new());
        node.cols.iter().try_for_each(|c| names.must(&input, c).map(|_| ()))?;
        for attribute in &input.output {
            // Spark finds the columns by the session's rule and then compares letter by letter (`DataFrameNaFunctions`).
            let chosen = node.cols.is_empty() || Names::Exact.among(&attribute.name, &node.cols);
            let typed = typed_attribute(attribute);
            let mut cases = Vec::new();
            for replacement in node.replacements.iter().filter(|_| chosen) {
                let (Some(old), Some(new)) = (&replacement.old_value, &replacement.new_value) else {
                    continue;
                };
                let (old, new) = (literal::resolve(old)?, literal::resolve(new)?);
                let fits = types::is_numeric(&old.data_type) && types::is_numeric(&attribute.data_type)
                    || old.data_type == attribute.data_type;
                if fits {
                    let old = cast_expr::cast(old, &attribute.data_type, self.mode(), self.zone)?;
                    let new = cast_expr::cast(new, &attribute.data_type, self.mode(), self.zone)?;
                    cases.push((Box::new(typed.expr.clone().eq(old.expr)), Box::new(new.expr)));
                }
            }
            items.push(if cases.is_empty() {
                typed
            } else {
                let expr = Expr::Case(datafusion_expr::Case::new(None, cases, Some(Box::new(typed.expr))));
                let mut replaced = Typed::new(expr, attribute.data_type.clone(), attribute.name.clone());
                replaced.named = true;
                replaced
            });
        }
        self.select_typed(input, items)
    }

    fn sample(&mut self, node: &sc::Sample) -> Result<Resolved> {
        if node.with_replacement() {
            return Err(SparkError::unsupported("sampling with replacement"));
        }
        let input = self.input(node.input.as_deref())?;
        let draw = super::functions::random::uniform(node.seed.unwrap_or(42));
        let low = Expr::Literal(ScalarValue::Float64(Some(node.lower_bound)), None);
        let high = Expr::Literal(ScalarValue::Float64(Some(node.upper_bound)), None);
        let drawn = self.attribute("draw", DataType::Float64, false);
        let visible: Vec<Attribute> = input.visible().cloned().collect();
        let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
        columns.push((draw, &drawn));
        let plan = self.project(input.plan.clone(), columns)?;
        let plan = LogicalPlanBuilder::from(plan)
            .filter(drawn.column().gt_eq(low).and(drawn.column().lt(high)))?
            .build()?;
        Ok(input.over(plan))
    }
}

fn count(value: i32, what: &str) -> Result<usize> {
    usize::try_from(value).map_err(|_| {
        SparkError::analysis(
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            "42K0E",
            format!("The limit like expression \"{value}\" is invalid. The evaluated expression of {what} must be equal to or greater than 0."),
        )
    })
}

/// Option names are case-insensitive in Spark (`CaseInsensitiveMap`).
pub fn options_of(options: &std::collections::HashMap<String, String>) -> BTreeMap<String, String> {
    options.iter().map(|(k, v)| (k.to_lowercase(), v.clone())).collect()
}

/// The engine's form of a type that arrived from outside.
pub fn normal_type(data_type: &DataType) -> DataType {
    use arrow::datatypes::TimeUnit;
    match data_type {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(_, Some(_)) => types::timestamp(),
        DataType::Timestamp(_, None) => types::timestamp_ntz(),
        DataType::Date64 => DataType::Date32,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::Dictionary(_, value) => normal_type(value),
        DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::FixedSizeList(f, _) => {
            types::list_of(normal_type(f.data_type()))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|f| Field::new(f.name(), normal_type(f.data_type()), true))
                .collect(),
        ),
        DataType::Map(entries, _) => {
            let (k, v) = types::map_types(entries);
            types::map_of(normal_type(&k), normal_type(&v))
        }
        other => other.clone(),
    }
}
