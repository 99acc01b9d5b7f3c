//! The internal functions and relation marks that carry what SQL can say and the protocol has no message for.
//!
//! Each function is an `UnresolvedFunction` with `is_internal` set, so that a user's function of the same name, which
//! never has it set, cannot be mistaken for one.

/// `GROUP BY ALL`: the only grouping expression, without arguments.
pub const GROUP_BY_ALL: &str = "__group_by_all";
/// `ORDER BY ALL`: the child of the only sort order, without arguments.
pub const ORDER_BY_ALL: &str = "__order_by_all";
/// `NATURAL JOIN`: the join condition, without arguments.
pub const NATURAL: &str = "__natural";
/// `* EXCEPT (a, b)`: the star, then one attribute for each excluded column.
pub const STAR_EXCEPT: &str = "__star_except";
/// `f(..) FILTER (WHERE c)`: the call, then the condition.
pub const AGG_FILTER: &str = "__agg_filter";
/// `f(..) WITHIN GROUP (ORDER BY ..)`: the call, then one sort order for each key.
pub const WITHIN_GROUP: &str = "__within_group";
/// `f(..) IGNORE NULLS`: the call.
pub const IGNORE_NULLS: &str = "__ignore_nulls";
/// `PIVOT (.. IN (v AS name))`: in the pivot's grouping expressions, one string or null literal for each value.
pub const PIVOT_NAMES: &str = "__pivot_names";
/// `:name` and `?`: one string, the name or `_n`.
pub const PARAMETER: &str = "__parameter";
/// `TIMESTAMP'..'` whose text leaves its zone open: the text. Only the analyzer knows the session's zone.
pub const TIMESTAMP: &str = "__timestamp";
/// `(a, b)`: a struct whose fields have the names of its values.
pub const TUPLE: &str = "__tuple";
/// The table-valued function of an inline table: one `named_struct` for each row.
pub const VALUES: &str = "__values";

/// `RelationCommon.source_info` of an `Aggregate` whose aggregate expressions are the whole output.
pub const SOURCE_SQL: &str = "sql";
/// `RelationCommon.source_info` of a `PIVOT`, which groups by every column that it does not name.
pub const SOURCE_SQL_PIVOT: &str = "sql_pivot";
/// `RelationCommon.source_info` of an `UNPIVOT`, which keeps every column that it does not name as an id.
pub const SOURCE_SQL_UNPIVOT: &str = "sql_unpivot";
/// The alias of a subquery in `FROM` that has none: it hides the names inside and is none itself.
pub const AUTO_SUBQUERY_NAME: &str = "__auto_generated_subquery_name";
