//! Text with codes: dictionaries that blocks come with, handed from a scan to a key of state as they are.
//!
//! The engine's kernels know text in one form, without codes. An operator that counts by text need not look at it row by row,
//! so it asks the plan below for codes, and gets them where nothing in between looks at the text either:
//!
//! ```text
//!  StateAggregate  by hashtag          asks for codes of hashtag
//!    Projection    window, hashtag     hands them on
//!      Filter      score > 0           hands them on; of a column that it reads, it would not
//!        Scan      score, hashtag      reads dictionaries as they came, and gives other text a code a row
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};

use crate::error::Result;
use crate::exec::compiler::Plan;
use crate::exec::transform::as_transform;

/// Returns whether a type is text with codes.
pub fn is_coded(of: &DataType) -> bool {
    matches!(of, DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8)
}

/// Returns text without codes; any other column as it is.
///
/// # Errors
/// Arrow's, if the text is longer than 2 GiB.
pub fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    if !is_coded(column.data_type()) {
        return Ok(column.clone());
    }
    let coded = column.as_dictionary::<Int32Type>();
    // A text that came without codes has a run of them.
    let (keys, values) = (coded.keys().values(), coded.values());
    let from = keys.first().copied().unwrap_or_default();
    let is_run = coded.keys().null_count() == 0 && keys.iter().zip(from..).all(|(key, at)| *key == at);
    if is_run {
        return Ok(values.slice(from as usize, keys.len()));
    }
    Ok(cast(column, &DataType::Utf8)?)
}

/// Returns text with codes: a dictionary's own, or of other text, one code a row.
///
/// # Errors
/// Arrow's, if the codes do not fit into 32 bits.
pub fn coded(text: &ArrayRef) -> Result<ArrayRef> {
    let codes = Int32Array::from_iter_values(0..text.len() as i32);
    Ok(Arc::new(DictionaryArray::try_new(codes, text.clone())?))
}

/// Returns a plan that hands on columns of text with their codes, as far as nothing in it looks at them; `None` if none can be.
pub fn with_codes(plan: &Plan, columns: &BTreeSet<usize>) -> Option<Plan> {
    let schema = plan.schema();
    let texts = columns
        .iter()
        .copied()
        .filter(|column| schema.field(*column).data_type() == &DataType::Utf8);
    let columns: BTreeSet<usize> = texts.collect();
    if columns.is_empty() {
        return None;
    }
    as_transform(plan)?.with_codes(&columns)
}

/// Returns a schema in which some columns are text with codes.
pub fn coded_schema(schema: &Schema, columns: &BTreeSet<usize>) -> SchemaRef {
    let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = schema.fields().iter().enumerate().map(|(at, field)| {
        if columns.contains(&at) {
            Arc::new(Field::clone(field).with_data_type(coded.clone()))
        } else {
            field.clone()
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{RecordBatch, StringArray};
    use datafusion_expr::Operator;
    use datafusion_physical_expr::PhysicalExpr;
    use datafusion_physical_expr::expressions::{Column, binary, lit};

    use super::*;
    use crate::exec::operators::{filter, project};
    use crate::exec::transform::{Leaf, Transform};

    /// Returns a leaf with three columns of text that can hand each on with codes.
    fn leaf(schema: SchemaRef) -> Plan {
        let plan = Transform::leaf(Leaf::Constant, schema.clone(), 1, |_, _| Ok(vec![]));
        Transform::or_coded(plan, move |columns| Some(leaf(coded_schema(&schema, columns))))
    }

    /// Returns which columns of a plan that is asked for all of them have codes.
    fn coded_columns(plan: &Plan) -> Vec<usize> {
        let all = (0..plan.schema().fields().len()).collect();
        let plan = with_codes(plan, &all).unwrap_or_else(|| plan.clone());
        let schema = plan.schema();
        let fields = schema.fields().iter().enumerate();
        fields
            .filter(|(_, f)| is_coded(f.data_type()))
            .map(|(at, _)| at)
            .collect()
    }

    #[test]
    fn codes_are_handed_on_up_to_an_operator_that_looks_at_the_text() {
        let fields = ["a", "b", "c"].map(|name| Field::new(name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let column = |name: &str, at| Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>;
        let equals = |name: &str, at| binary(column(name, at), Operator::Eq, lit("x"), &schema).unwrap();
        let scan = leaf(schema.clone());
        assert_eq!(coded_columns(&scan), [0, 1, 2]);
        let filter = filter(equals("b", 1), scan.clone());
        assert_eq!(coded_columns(&filter), [0, 2]);
        let projected = [(column("c", 2), "c"), (equals("a", 0), "is_x"), (column("a", 0), "a")];
        let projected = projected.map(|(expr, name)| (expr, name.to_owned()));
        let projection = project(projected.to_vec(), filter).unwrap();
        assert_eq!(coded_columns(&projection), [0], "the last one is compared beside");
        let opaque = Transform::each("opaque", scan, schema.clone(), |batch, _| Ok(vec![batch]));
        assert!(coded_columns(&opaque).is_empty());
    }

    #[test]
    fn text_that_came_without_codes_is_not_copied() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), Some("a")]));
        let with = coded(&text).unwrap();
        assert_eq!(&plain(&with).unwrap(), &text);
        let own = with.slice(1, 2);
        let part = plain(&own).unwrap();
        assert_eq!(&part, &text.slice(1, 2));
        assert_eq!(
            part.to_data().buffers()[1].as_ptr(),
            text.to_data().buffers()[1].as_ptr()
        );
        let batch = RecordBatch::try_from_iter([("t", with)]).unwrap();
        let picked = arrow::compute::take_record_batch(&batch, &arrow::array::UInt32Array::from(vec![3, 1])).unwrap();
        assert_eq!(
            plain(picked.column(0)).unwrap().as_ref(),
            &StringArray::from(vec![Some("a"), None])
        );
    }
}
