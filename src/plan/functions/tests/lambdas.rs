//! Bodies of lambdas that DataFusion runs only in another form, and what a body may not have. The answers are Spark's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::run::{self, Tables};

fn answer(expression: &str) -> Result<Value, String> {
    let frame = run::sql(&format!("SELECT {expression}"), &BTreeMap::new(), &Tables::default());
    let frame = frame.map_err(|e| e.condition.unwrap_or_default())?;
    Ok(frame.rows[0][0].clone())
}

#[test]
fn nulls_are_replaced_inside_bodies_too() {
    for (expression, wanted) in [
        ("transform(array(1, null, 3), x -> coalesce(x, 0))", json!([1, 0, 3])),
        ("transform(array(1, null, 3), x -> nvl(x, 0))", json!([1, 0, 3])),
        ("transform(array(1, null, 3), x -> ifnull(x, 9))", json!([1, 9, 3])),
        (
            "zip_with(array(1, 2), array('a'), (x, y) -> coalesce(y, '?'))",
            json!(["a", "?"]),
        ),
        (
            "transform(array(array(1, null)), x -> transform(x, y -> coalesce(y, size(x))))",
            json!([[1, 2]]),
        ),
    ] {
        assert_eq!(answer(expression), Ok(wanted), "{expression}");
    }
}

#[test]
fn a_subquery_inside_a_body_is_refused() {
    assert_eq!(
        answer("transform(array(1, 2), x -> x + (SELECT 1))"),
        Err("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION".to_owned())
    );
}

#[test]
fn a_fold_may_call_the_fields_of_its_state_otherwise() {
    let merge = "(a, x) -> named_struct('w', a.v + x, 'col2', a.j + 1)";
    let start = "array(1, 2, 3), named_struct('v', 0, 'j', 0)";
    for finish in ["a -> a.v * 10 + a.j", "a -> a['v'] * 10 + a['j']"] {
        assert_eq!(answer(&format!("aggregate({start}, {merge}, {finish})")), Ok(json!(63)));
    }
    for other in ["named_struct('v', 1L, 'j', 1)", "named_struct('v', 1)"] {
        assert_eq!(
            answer(&format!("aggregate({start}, (a, x) -> {other}, a -> a.v)")),
            Err("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE".to_owned())
        );
    }
}
