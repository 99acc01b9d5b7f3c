//! `when`, `if`, `coalesce` and what else picks one of several values; casts by function name.

use arrow::datatypes::DataType;
use datafusion_expr::{Case, Expr};

use super::{Context, call_name, exactly, wrong_number};
use crate::error::{Result, SparkError};
use crate::plan::scope::Typed;
use crate::plan::{coercion, type_message};
use crate::values::types::sql_name;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    Ok(Some(match name {
        "when" => case(context, args)?,
        "if" => {
            let [condition, yes, no] = exactly(name, args)?;
            let label = format!("(IF({}, {}, {}))", condition.name, yes.name, no.name);
            let mut out = case(context, &[condition, yes, no])?;
            out.name = label;
            out
        }
        "coalesce" => {
            let (args, common) = unified(context, name, args)?;
            let label = call_name(name, &args);
            super::udf(datafusion_functions::core::coalesce(), args, common, label)
        }
        "ifnull" | "nvl" => {
            let [_, _] = exactly(name, args)?;
            let (cast, common) = unified(context, name, args)?;
            super::udf(
                datafusion_functions::core::coalesce(),
                cast,
                common,
                call_name(name, args),
            )
        }
        "nvl2" => {
            let [test, yes, no] = exactly(name, args)?;
            let condition = Typed::new(Expr::IsNotNull(Box::new(test.expr.clone())), DataType::Boolean, "");
            let mut out = case(context, &[condition, yes, no])?;
            out.name = call_name(name, args);
            out
        }
        "nullif" => {
            let [left, right] = exactly(name, args)?;
            let to = left.data_type.clone();
            let (l, r, _) = super::operator::same_type(context, left.clone(), right, "=")?;
            let condition = Typed::new(l.expr.eq(r.expr), DataType::Boolean, "");
            let null = Typed::new(
                Expr::Literal(datafusion_common::ScalarValue::try_from(&to)?, None),
                to,
                "NULL",
            );
            let mut out = case(context, &[condition, null, left])?;
            out.name = call_name(name, args);
            out
        }
        "greatest" | "least" => {
            if args.len() < 2 {
                return Err(wrong_number(name, "> 1", args.len()));
            }
            let (cast, common) = unified(context, name, args)?;
            let function = if name == "greatest" {
                datafusion_functions::core::greatest()
            } else {
                datafusion_functions::core::least()
            };
            super::udf(function, cast, common, call_name(name, args))
        }
        "int" | "bigint" | "smallint" | "tinyint" | "float" | "double" | "string" | "boolean" | "date"
        | "timestamp" | "binary" | "decimal"
            if args.len() == 1 =>
        {
            let to = type_message::from_ddl_type(name)?;
            // A conversion function leaves no trace in the column's name.
            let mut out = context.cast(args[0].clone(), &to)?;
            out.name.clone_from(&args[0].name);
            out
        }
        _ => return Ok(None),
    }))
}

/// All arguments in their common type.
pub fn unified(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<(Vec<Typed>, DataType)> {
    if args.is_empty() {
        return Err(wrong_number(name, "> 0", 0));
    }
    let common = coercion::common(args.iter().map(|t| &t.data_type), context.ansi()).ok_or_else(|| {
        let types: Vec<String> = args.iter().map(|t| format!("\"{}\"", sql_name(&t.data_type))).collect();
        SparkError::analysis(
            "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: Input to `{name}` should all be the same type, but it's [{}].",
                call_name(name, args),
                types.join(", ")
            ),
        )
    })?;
    let cast = args
        .iter()
        .map(|t| context.cast(t.clone(), &common))
        .collect::<Result<_>>()?;
    Ok((cast, common))
}

/// `CASE WHEN c1 THEN v1 … ELSE e END`: pairs, then the else.
fn case(context: &Context<'_>, args: &[Typed]) -> Result<Typed> {
    if args.len() < 2 {
        return Err(wrong_number("when", ">= 2", args.len()));
    }
    let pairs = args.len() / 2;
    let values: Vec<Typed> = (0..pairs)
        .map(|i| args[2 * i + 1].clone())
        .chain(args.get(2 * pairs).cloned())
        .collect();
    let (values, common) = unified(context, "casewhen", &values)?;
    let mut label = String::from("CASE");
    let mut branches = Vec::new();
    for i in 0..pairs {
        let condition = args[2 * i].clone();
        label.push_str(&format!(" WHEN {} THEN {}", condition.name, args[2 * i + 1].name));
        let condition = match condition.data_type {
            DataType::Boolean => condition,
            DataType::Null => context.cast(condition, &DataType::Boolean)?,
            _ => return Err(super::unexpected_type("CASE WHEN", 2 * i + 1, &condition, "BOOLEAN")),
        };
        branches.push((Box::new(condition.expr), Box::new(values[i].expr.clone())));
    }
    let otherwise = values.get(pairs).map(|t| Box::new(t.expr.clone()));
    if let Some(last) = args.get(2 * pairs) {
        label.push_str(&format!(" ELSE {}", last.name));
    }
    label.push_str(" END");
    Ok(Typed::new(
        Expr::Case(Case::new(None, branches, otherwise)),
        common,
        label,
    ))
}
