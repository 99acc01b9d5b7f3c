//! Messages in a short form for the tests: `(+ a 1)`, `Filter(Read(t), (> a 1))`.
//!
//! Calls are `(name arguments)`, marked ones begin with `!`, relations are `Kind(input, parts)`. Every
//! field of a message that the front end sets shows, so that a test that compares short forms compares
//! messages.

use sc::expression::literal::LiteralType as L;
use sc::expression::window::window_frame::{FrameBoundary, frame_boundary::Boundary};
use sc::expression::{ExprType as E, SortOrder};
use sc::relation::RelType as R;

use crate::proto as sc;

/// Returns an expression in its short form.
pub(super) fn expr(e: &sc::Expression) -> String {
    match e.expr_type.as_ref().expect("an expression has a kind") {
        E::Literal(l) => literal(l),
        E::UnresolvedAttribute(a) => a.unparsed_identifier.clone(),
        E::UnresolvedFunction(f) => {
            let internal = if f.is_internal == Some(true) { "!" } else { "" };
            let distinct = if f.is_distinct { " distinct" } else { "" };
            format!("({internal}{}{distinct}{})", f.function_name, spaced(&f.arguments))
        }
        E::UnresolvedStar(s) => s.unparsed_target.clone().unwrap_or("*".into()),
        E::Alias(a) => format!("{} as {}", child(&a.expr), a.name.join(",")),
        E::Cast(c) => {
            let sc::expression::cast::CastToType::Type(to) = c.cast_to_type.as_ref().unwrap() else {
                panic!("no type")
            };
            let mode = if c.eval_mode == 3 { "try_cast" } else { "cast" };
            format!("({mode} {} {})", child(&c.expr), data_type(to))
        }
        E::SortOrder(o) => sort_order(o),
        E::LambdaFunction(l) => {
            let names: Vec<_> = l.arguments.iter().map(|a| a.name_parts.join(".")).collect();
            format!("(lambda {} {})", names.join(","), child(&l.function))
        }
        E::UnresolvedNamedLambdaVariable(v) => format!("${}", v.name_parts.join(".")),
        E::UnresolvedExtractValue(x) => format!("{}[{}]", child(&x.child), child(&x.extraction)),
        E::Window(w) => {
            let orders: String = w.order_spec.iter().map(|o| format!(" {}", sort_order(o))).collect();
            let frame = w.frame_spec.as_ref().map_or(String::new(), |f| {
                let kind = if f.frame_type == 1 { "rows" } else { "range" };
                format!(" {kind}({}, {})", boundary(&f.lower), boundary(&f.upper))
            });
            format!(
                "(over {} by{} order{orders}{frame})",
                child(&w.window_function),
                spaced(&w.partition_spec)
            )
        }
        E::SubqueryExpression(s) => {
            let kind = ["?", "scalar", "exists", "table", "in"][s.subquery_type as usize];
            format!("({kind} {}{})", s.plan_id, spaced(&s.in_subquery_values))
        }
        E::NamedArgumentExpression(n) => format!("{}=>{}", n.key, child(&n.value)),
        other => panic!("unexpected {other:?}"),
    }
}

/// Returns an operand that must be there.
fn child(e: &Option<Box<sc::Expression>>) -> String {
    expr(e.as_ref().expect("a child"))
}

/// Returns operands, each after a space.
fn spaced(list: &[sc::Expression]) -> String {
    list.iter().map(|e| format!(" {}", expr(e))).collect()
}

/// Returns expressions in brackets, with commas between.
fn listed(list: &[sc::Expression]) -> String {
    list.iter().map(expr).collect::<Vec<_>>().join(", ")
}

/// Returns one end of a frame.
fn boundary(b: &Option<Box<FrameBoundary>>) -> String {
    match b.as_ref().and_then(|b| b.boundary.as_ref()).expect("a boundary") {
        Boundary::CurrentRow(_) => "current".into(),
        Boundary::Unbounded(_) => "unbounded".into(),
        Boundary::Value(v) => expr(v),
    }
}

/// Returns a sort key with its direction and the place of nulls.
fn sort_order(o: &SortOrder) -> String {
    let direction = if o.direction == 2 { "desc" } else { "asc" };
    let nulls = if o.null_ordering == 1 { "first" } else { "last" };
    format!("{}:{direction}:{nulls}", child(&o.child))
}

/// Returns a literal with its type, if its text does not say it.
pub(super) fn literal(l: &sc::expression::Literal) -> String {
    let value = match l.literal_type.as_ref().expect("a value") {
        L::Null(_) => "null".into(),
        L::Binary(b) => format!("x{b:02x?}"),
        L::Boolean(b) => b.to_string(),
        L::Byte(v) => format!("{v}Y"),
        L::Short(v) => format!("{v}S"),
        L::Integer(v) => v.to_string(),
        L::Long(v) => format!("{v}L"),
        L::Float(v) => format!("{v}F"),
        L::Double(v) => format!("{v:?}D"),
        L::Decimal(d) => format!("{}:{}:{}", d.value, d.precision.unwrap(), d.scale.unwrap()),
        L::String(s) => format!("'{s}'"),
        L::Date(d) => format!("date:{d}"),
        L::Timestamp(t) => format!("timestamp:{t}"),
        L::TimestampNtz(t) => format!("ntz:{t}"),
        L::CalendarInterval(i) => format!("calendar:{}:{}:{}", i.months, i.days, i.microseconds),
        L::YearMonthInterval(m) => format!("months:{m}"),
        L::DayTimeInterval(m) => format!("micros:{m}"),
        L::Struct(s) => format!("{{{}}}", s.elements.iter().map(literal).collect::<Vec<_>>().join(",")),
        L::Time(t) => format!("time:{}", t.nano),
        other => panic!("unexpected {other:?}"),
    };
    match &l.data_type {
        Some(of) => format!("{value}:{}", data_type(of)),
        None => value,
    }
}

/// Returns a type by its lower-case name.
pub(super) fn data_type(t: &sc::DataType) -> String {
    use sc::data_type::Kind as K;
    match t.kind.as_ref().expect("a kind") {
        K::Decimal(d) => format!("decimal({},{})", d.precision.unwrap(), d.scale.unwrap()),
        K::Char(c) => format!("char({})", c.length),
        K::VarChar(c) => format!("varchar({})", c.length),
        K::Array(a) => format!("array<{}>", data_type(a.element_type.as_ref().unwrap())),
        K::Map(m) => {
            format!(
                "map<{},{}>",
                data_type(m.key_type.as_ref().unwrap()),
                data_type(m.value_type.as_ref().unwrap())
            )
        }
        K::Struct(s) => {
            let field = |f: &sc::data_type::StructField| {
                let null = if f.nullable { "" } else { " not null" };
                format!("{}:{}{null}", f.name, data_type(f.data_type.as_ref().unwrap()))
            };
            format!("struct<{}>", s.fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        K::YearMonthInterval(i) => format!("ym{}-{}", i.start_field.unwrap(), i.end_field.unwrap()),
        K::DayTimeInterval(i) => format!("dt{}-{}", i.start_field.unwrap(), i.end_field.unwrap()),
        K::Time(t) => format!("time({})", t.precision.unwrap()),
        K::String(s) if !s.collation.is_empty() => format!("string collate {}", s.collation),
        other => format!("{other:?}").split('(').next().unwrap().to_lowercase(),
    }
}

/// Returns a relation in its short form.
#[allow(deprecated)]
pub(super) fn relation(r: &sc::Relation) -> String {
    let mark = r.common.as_ref().map_or(String::new(), |c| {
        let id = c.plan_id.map_or(String::new(), |id| format!("#{id}"));
        let source = if c.source_info.is_empty() {
            String::new()
        } else {
            format!("@{}", c.source_info)
        };
        format!("{id}{source}")
    });
    let body = match r.rel_type.as_ref().expect("a relation has a kind") {
        R::Read(read) => match read.read_type.as_ref().unwrap() {
            sc::read::ReadType::NamedTable(t) => {
                format!(
                    "Read({}{})",
                    t.unparsed_identifier,
                    if read.is_streaming { " stream" } else { "" }
                )
            }
            sc::read::ReadType::DataSource(d) => format!("Files({} {})", d.format.as_ref().unwrap(), d.paths.join(",")),
        },
        R::Project(p) => format!("Project({}[{}])", optional(&p.input), listed(&p.expressions)),
        R::Filter(f) => format!("Filter({}{})", optional(&f.input), expr(f.condition.as_ref().unwrap())),
        R::Join(j) => {
            let kind = ["?", "inner", "full", "left", "right", "anti", "semi", "cross"][j.join_type as usize];
            let condition = j
                .join_condition
                .as_ref()
                .map_or(String::new(), |c| format!(", on {}", expr(c)));
            let using = if j.using_columns.is_empty() {
                String::new()
            } else {
                format!(", using {}", j.using_columns.join(","))
            };
            format!(
                "Join({}{kind}, {}{condition}{using})",
                optional(&j.left),
                input(&j.right)
            )
        }
        R::LateralJoin(j) => {
            let kind = ["?", "inner", "full", "left"][j.join_type as usize];
            let condition = j
                .join_condition
                .as_ref()
                .map_or(String::new(), |c| format!(", on {}", expr(c)));
            format!("Lateral({}{kind}, {}{condition})", optional(&j.left), input(&j.right))
        }
        R::SetOp(s) => {
            let kind = ["?", "Intersect", "Union", "Except"][s.set_op_type as usize];
            let all = if s.is_all == Some(true) { "All" } else { "" };
            let by_name = if s.by_name == Some(true) { "ByName" } else { "" };
            format!(
                "{kind}{all}{by_name}({}{})",
                optional(&s.left_input),
                input(&s.right_input)
            )
        }
        R::Sort(s) => {
            let orders: Vec<_> = s.order.iter().map(sort_order).collect();
            let name = if s.is_global == Some(true) { "Sort" } else { "SortBy" };
            format!("{name}({}[{}])", optional(&s.input), orders.join(", "))
        }
        R::Limit(l) => format!("Limit({}{})", optional(&l.input), l.limit),
        R::Offset(o) => format!("Offset({}{})", optional(&o.input), o.offset),
        R::Aggregate(a) => {
            let kind = ["?", "group", "rollup", "cube", "pivot", "sets"][a.group_type as usize];
            let sets: String = a
                .grouping_sets
                .iter()
                .map(|s| format!("({})", listed(&s.grouping_set)))
                .collect();
            let sets = if sets.is_empty() { sets } else { format!(" sets {sets}") };
            let pivot = a.pivot.as_ref().map_or(String::new(), |p| {
                let values: Vec<_> = p.values.iter().map(literal).collect();
                format!(" {} in {}", expr(p.col.as_ref().unwrap()), values.join(","))
            });
            let (keys, list) = (listed(&a.grouping_expressions), listed(&a.aggregate_expressions));
            format!("Aggregate({}{kind} [{keys}]{sets}{pivot} [{list}])", optional(&a.input))
        }
        R::Deduplicate(d) => format!("Distinct({})", input(&d.input)),
        R::SubqueryAlias(s) => format!("As({}{})", optional(&s.input), s.alias),
        R::ToDf(t) => format!("ToDF({}{})", optional(&t.input), t.column_names.join(",")),
        R::RepartitionByExpression(p) => format!("Spread({}[{}])", optional(&p.input), listed(&p.partition_exprs)),
        R::Sample(s) => format!("Sample({}{} seed {:?})", optional(&s.input), s.upper_bound, s.seed),
        R::Unpivot(u) => {
            let values = listed(&u.values.as_ref().unwrap().values);
            format!(
                "Unpivot({}{} for {} in [{values}])",
                optional(&u.input),
                u.value_column_name,
                u.variable_column_name
            )
        }
        R::UnresolvedTableValuedFunction(f) => format!("Table({}{})", f.function_name, spaced(&f.arguments)),
        R::WithRelations(w) => {
            let references: String = w.references.iter().map(|r| format!(", {}", relation(r))).collect();
            format!("With({}{references})", input(&w.root))
        }
        other => panic!("unexpected {other:?}"),
    };
    format!("{body}{mark}")
}

/// Returns an input that must be there.
fn input(r: &Option<Box<sc::Relation>>) -> String {
    relation(r.as_ref().expect("an input"))
}

/// Returns an input that may be missing.
fn optional(r: &Option<Box<sc::Relation>>) -> String {
    r.as_ref().map_or(String::new(), |r| format!("{}, ", relation(r)))
}
