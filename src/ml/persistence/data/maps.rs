//! Maps of indices, as `VectorIndexerModel` saves them, and the names of columns that are users' own.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, MapArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int32Type};
use serde_json::{Value as Json, json};

use super::{Column, Row};
use crate::error::Result;

/// A map from integers to maps from doubles to integers, in the order of its entries.
pub type IndexMaps = Vec<(i32, Vec<(f64, i32)>)>;

impl Column {
    /// Returns a column of one map from integers to maps from doubles to integers.
    ///
    /// # Errors
    /// If the maps are too long.
    pub fn index_maps(name: impl Into<String>, maps: &[(i32, Vec<(f64, i32)>)]) -> Result<Self> {
        let pairs = || maps.iter().flat_map(|(_, map)| map);
        let inner = map_array(
            Arc::new(Float64Array::from_iter_values(pairs().map(|p| p.0))),
            Arc::new(Int32Array::from_iter_values(pairs().map(|p| p.1))),
            maps.iter().map(|(_, map)| map.len()),
            false,
        )?;
        let keys = Int32Array::from_iter_values(maps.iter().map(|(key, _)| *key));
        let outer = map_array(Arc::new(keys), Arc::new(inner), [maps.len()], true)?;
        let map_type = |key: &str, value: Json, contains_null: bool| json!({ "type": "map", "keyType": key, "valueType": value, "valueContainsNull": contains_null });
        Ok(Self {
            name: name.into(),
            values: Arc::new(outer),
            spark: map_type("integer", map_type("double", json!("integer"), false), true),
            nullable: true,
        })
    }
}

impl Column {
    /// Returns a column of one map from strings to strings.
    ///
    /// # Errors
    /// If the map is too long.
    pub fn text_map(name: impl Into<String>, map: &[(String, String)]) -> Result<Self> {
        let texts = |of: fn(&(String, String)) -> &String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(map.iter().map(of)))
        };
        Ok(Self {
            name: name.into(),
            values: Arc::new(map_array(texts(|p| &p.0), texts(|p| &p.1), [map.len()], true)?),
            spark: json!({ "type": "map", "keyType": "string", "valueType": "string", "valueContainsNull": true }),
            nullable: true,
        })
    }
}

/// Returns an array of maps, as many as there are lengths.
fn map_array(
    keys: ArrayRef,
    values: ArrayRef,
    lengths: impl IntoIterator<Item = usize>,
    nullable: bool,
) -> Result<MapArray> {
    let fields: Fields = vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), nullable),
    ]
    .into();
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let field = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
    Ok(MapArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        entries,
        None,
        false,
    )?)
}

impl Row<'_> {
    /// Returns a map from integers to maps from doubles to integers.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn index_maps(&self, name: &str) -> Result<IndexMaps> {
        let bad = || self.bad(name);
        let outer = self.column(name)?.as_map_opt().ok_or_else(bad)?.value(0);
        let keys = outer.column(0).as_primitive_opt::<Int32Type>().ok_or_else(bad)?;
        let maps = outer.column(1).as_map_opt().ok_or_else(bad)?;
        let map = |row: usize| {
            let entries = maps.value(row);
            let keys = entries.column(0).as_primitive_opt::<Float64Type>()?.clone();
            let values = entries.column(1).as_primitive_opt::<Int32Type>()?.clone();
            Some(
                keys.values()
                    .iter()
                    .copied()
                    .zip(values.values().iter().copied())
                    .collect(),
            )
        };
        (0..keys.len())
            .map(|row| Ok((keys.value(row), map(row).ok_or_else(bad)?)))
            .collect()
    }

    /// Returns the names of the columns, in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.rows().schema().fields().iter().map(|f| f.name().clone()).collect()
    }
}
