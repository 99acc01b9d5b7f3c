//! NaN is missing to `na.fill` and `na.drop`, as null is. The answers are Spark's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::run::{self, Tables};
use crate::proto as sc;
use crate::proto::expression::Literal;
use crate::proto::expression::literal::LiteralType;
use crate::proto::relation::RelType;

const ROWS: &str = "SELECT * FROM VALUES (1, double('NaN'), 1D, 'a'), (2, null, 2D, null), (3, 3D, double('NaN'), 'c')
    AS t(id, x, y, s)";

fn rows(kind: RelType) -> Vec<Value> {
    let relation = sc::Relation {
        common: None,
        rel_type: Some(kind),
    };
    let frame = run::relation(&relation, &BTreeMap::new(), &Tables::default());
    let mut rows = frame.unwrap_or_else(|e| panic!("{e}")).rows;
    rows.sort_by_key(|row| row[0].as_i64());
    rows
}

fn drop_na(cols: &[&str], min_non_nulls: Option<i32>) -> Vec<Value> {
    rows(RelType::DropNa(Box::new(sc::NaDrop {
        input: Some(Box::new(run::text(ROWS))),
        cols: cols.iter().map(|c| (*c).to_owned()).collect(),
        min_non_nulls,
    })))
}

fn fill_na(cols: &[&str], value: LiteralType) -> Vec<Value> {
    let value = Literal {
        literal_type: Some(value),
        ..Default::default()
    };
    rows(RelType::FillNa(Box::new(sc::NaFill {
        input: Some(Box::new(run::text(ROWS))),
        cols: cols.iter().map(|c| (*c).to_owned()).collect(),
        values: vec![value],
    })))
}

#[test]
fn a_row_with_nan_is_dropped() {
    assert_eq!(drop_na(&[], None), Vec::<Value>::new());
    assert_eq!(drop_na(&["x", "y"], Some(1)).len(), 3);
    assert_eq!(drop_na(&["x"], None), [json!([3, 3.0, "NaN", "c"])]);
}

#[test]
fn nan_is_filled() {
    let zero = fill_na(&[], LiteralType::Double(0.0));
    assert_eq!(
        zero,
        [
            json!([1, 0.0, 1.0, "a"]),
            json!([2, 0.0, 2.0, null]),
            json!([3, 3.0, 0.0, "c"])
        ]
    );
    let x = fill_na(&["x"], LiteralType::Long(5));
    assert_eq!(
        x,
        [
            json!([1, 5.0, 1.0, "a"]),
            json!([2, 5.0, 2.0, null]),
            json!([3, 3.0, "NaN", "c"])
        ]
    );
}
