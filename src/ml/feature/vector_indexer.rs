//! `VectorIndexer`: which features of vectors are categories, and their indices.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array};
use arrow::datatypes::DataType;
use prost::Message;

use super::scale::each_vector;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::attributes::{Feature, Features, Scale};
use crate::ml::columns::{Body, Reads, filtered};
use crate::ml::error::invalid_value;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Check, Default, INPUT, INVALID, OUTPUT, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::relation::{self, Argument};
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::{Summary, corrupt};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::text;
use crate::values::vector::{self, Vector, VectorColumn, VectorRef};

/// Learns which features have at most `maxCategories` different values, and numbers these (`VectorIndexer`).
///
/// The value 0 has the index 0, the others follow in ascending order. `handleInvalid` decides about values that training
/// did not see: `error`, `skip` (drop the row), or `keep` (one more index).
#[derive(Debug)]
pub struct VectorIndexer;

impl Stage for VectorIndexer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.VectorIndexer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INVALID,
            param("maxCategories", Kind::Int, Default::Int(20), Check::AtLeast(2.0)),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for VectorIndexer {
    fn training(&self, params: &Params) -> Result<Training> {
        let (column, most) = (params.text("inputCol")?, params.count("maxCategories")?);
        let reads = vec![(column.clone(), Reads::Vectors)];
        Ok(Training::new(reads, move || {
            Box::new(Seen {
                column: column.clone(),
                most,
                features: vec![],
            })
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: Indices = training::state(state)?;
        if state.features == 0 {
            return Err(SparkError::requirement(
                "VectorIndexer needs at least one vector to learn from.",
            ));
        }
        let most = params.count("maxCategories")?;
        let categories = state.categories.into_iter().filter(|c| c.values.len() <= most);
        let ordered = |mut c: Categories| {
            c.values
                .sort_by(|a, b| (*a != 0.0).cmp(&(*b != 0.0)).then(a.total_cmp(b)));
            c
        };
        Ok(Model::new(
            params,
            Indices {
                features: state.features,
                categories: categories.map(ordered).collect(),
            },
        ))
    }
}

/// The different values of each feature, as many as `maxCategories` and one more.
#[derive(Debug)]
struct Seen {
    /// Name of the column in errors.
    column: String,
    /// How many values a feature of categories has at most.
    most: usize,
    /// Bits of the values per feature; none before the first vector.
    features: Vec<BTreeSet<u64>>,
}

impl Seen {
    /// Makes room for the features of the first vector, and checks the size of others.
    ///
    /// # Errors
    /// If a vector has another size than the first.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.features.is_empty() {
            self.features = vec![BTreeSet::new(); size];
        }
        if self.features.len() == size {
            return Ok(());
        }
        Err(SparkError::requirement(format!(
            "VectorIndexer expected {} features but found vector of size {size}.",
            self.features.len()
        )))
    }

    /// Notes a value; once there are too many, no more are kept.
    fn see(&mut self, feature: usize, value: f64) {
        let known = &mut self.features[feature];
        if known.len() <= self.most {
            known.insert((value + 0.0).to_bits());
        }
    }
}

impl Summary for Seen {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let vector = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &self.column, row))?;
            self.sized(vector.size())?;
            let values = vector.to_dense().into_iter().enumerate();
            values.for_each(|(feature, value)| self.see(feature, value));
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Indices::decode(state).map_err(|e| corrupt(&e))?;
        if other.features > 0 {
            self.sized(other.features as usize)?;
        }
        for categories in other.categories {
            let feature = categories.feature as usize;
            categories.values.iter().for_each(|value| self.see(feature, *value));
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let categories = self.features.iter().zip(0..).map(|(values, feature)| Categories {
            feature,
            values: values.iter().map(|bits| f64::from_bits(*bits)).collect(),
        });
        Indices {
            features: self.features.len() as i32,
            categories: categories.collect(),
        }
        .encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.features.iter().map(|f| 24 + 16 * f.len()).sum::<usize>()
    }
}

/// `VectorIndexerModel`: the values of the features that are categories.
#[derive(Clone, PartialEq, Message)]
pub struct Indices {
    /// Number of features.
    #[prost(int32, tag = "1")]
    pub features: i32,
    /// Features that are categories, ascending.
    #[prost(message, repeated, tag = "2")]
    pub categories: Vec<Categories>,
}

/// The values of one feature, each at the place of its index.
#[derive(Clone, PartialEq, Message)]
pub struct Categories {
    /// The feature.
    #[prost(int32, tag = "1")]
    pub feature: i32,
    /// Its values.
    #[prost(double, repeated, tag = "2")]
    pub values: Vec<f64>,
}

impl Categories {
    /// Returns the index of a value; `None` if training did not see it.
    fn index(&self, value: f64) -> Option<usize> {
        self.values
            .iter()
            .position(|v| *v == value || v.is_nan() && value.is_nan())
    }
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.VectorIndexerModel"),
    tag: 43,
    decode: model::decoded::<Indices>,
    read: |row| {
        let features = row.int("numFeatures")?;
        let mut categories = Vec::new();
        for (feature, map) in row.index_maps("categoryMaps")? {
            let mut values = vec![f64::NAN; map.len()];
            for (value, index) in map {
                let place = usize::try_from(index).ok().and_then(|i| values.get_mut(i));
                *place.ok_or_else(|| row.corrupt("a category's index is out of range"))? = value;
            }
            categories.push(Categories { feature, values });
        }
        categories.sort_by_key(|c| c.feature);
        if categories.iter().any(|c| c.feature < 0 || c.feature >= features) {
            return Err(row.corrupt("a feature of categories is out of range"));
        }
        Ok(Arc::new(Indices { features, categories }))
    },
};

impl Fitted for Indices {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let (invalid, column) = (params.text("handleInvalid")?, read.name.clone());
        if invalid == "skip" {
            let own = self.clone();
            let options = format!("{id} {}", params.fingerprint());
            let args = vec![read.typed.expr.clone()];
            let known = kernel::call(
                "vector_indexer_knows",
                options,
                DataType::Boolean,
                args,
                move |args, _| {
                    let vectors = VectorColumn::new(&args[0])?;
                    let known = |row: usize| {
                        vectors
                            .get(row)
                            .is_none_or(|v| !matches!(own.indexed(v, false), Ok(None)))
                    };
                    Ok(Arc::new(BooleanArray::from(
                        (0..vectors.len()).map(known).collect::<Vec<_>>(),
                    )))
                },
            );
            input = filtered(input, known)?;
        }
        let (own, keep) = (self.clone(), invalid == "keep");
        let features = self.features_of(analyzer.features_of(&read).as_deref(), keep);
        let body: Body = Box::new(move |args, _| {
            let index = |v: VectorRef<'_>| {
                let unseen = || {
                    let (feature, value) = own.unseen(v).unwrap_or_default();
                    format!(
                        "org.apache.spark.SparkException: VectorIndexer encountered invalid value {} on feature index {feature}. \
                         To handle or skip invalid value, try setting VectorIndexer.handleInvalid.",
                        text::double(value)
                    )
                };
                own.indexed(v, keep)?.ok_or_else(unseen)
            };
            Ok(each_vector("VectorIndexerModel", &args[0], &column, index)?)
        });
        let output = analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)?;
        analyzer.note_features(&output, Some(features))?;
        Ok(output)
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        _id: &str,
        _params: &Params,
        method: &str,
        _args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        if method != "categoryMapsDF" {
            return Ok(None);
        }
        let all = || {
            let each = |c: &Categories| c.values.clone().into_iter().zip(0..).collect::<Vec<(f64, i32)>>();
            self.categories
                .iter()
                .flat_map(move |c| each(c).into_iter().map(|(v, i)| (c.feature, v, i)))
        };
        let features: ArrayRef = Arc::new(Int32Array::from_iter_values(all().map(|r| r.0)));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values(all().map(|r| r.1)));
        let indices: ArrayRef = Arc::new(Int32Array::from_iter_values(all().map(|r| r.2)));
        let columns = vec![
            ("featureIndex".to_owned(), features),
            ("originalValue".to_owned(), values),
            ("categoryIndex".to_owned(), indices),
        ];
        relation::rows(analyzer, columns).map(Some)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok((name == "numFeatures").then(|| (Value::Int(self.features.into()), Kind::Int)))
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "numFeatures={}, handleInvalid={}",
            self.features,
            params.text("handleInvalid")?
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let maps = self.categories.iter().map(|c| {
            let values = c.values.iter().copied().zip(0..);
            (c.feature, values.collect())
        });
        Ok(vec![
            Column::int("numFeatures", self.features),
            Column::index_maps("categoryMaps", &maps.collect::<Vec<_>>())?,
        ])
    }
}

impl Indices {
    /// Returns the features of the indexed column: those that are categories, and the others as they were before.
    fn features_of(&self, before: Option<&Features>, keep: bool) -> Features {
        let size = usize::try_from(self.features).unwrap_or_default();
        let before = before.and_then(Features::all);
        let mut features: Vec<Feature> = match before {
            // As many as both know of.
            Some(before) => before.iter().take(size).cloned().collect(),
            None => vec![Feature::default(); size],
        };
        for categories in &self.categories {
            if let Some(feature) = features.get_mut(categories.feature as usize) {
                let count = categories.values.len() + usize::from(keep);
                feature.scale = Scale::Categories(u32::try_from(count).ok());
            }
        }
        Features::new(features)
    }

    /// Returns the vector with indices in the place of categories; `None` if a value was not seen, unless those are
    /// kept. What is wrong with the vector itself is the error.
    ///
    /// A sparse vector stays sparse, as 0 is always the index of 0; if training never saw 0, Spark keeps it too.
    fn indexed(&self, vector: VectorRef<'_>, keep: bool) -> std::result::Result<Option<Vector>, String> {
        if vector.size() != self.features as usize {
            return Err(format!(
                "java.lang.AssertionError: assertion failed: VectorIndexerModel expected vector of length {} but found length {}",
                self.features,
                vector.size()
            ));
        }
        let index = |categories: &Categories, value: f64| match categories.index(value) {
            Some(index) => Some(index as f64),
            None => keep.then_some(categories.values.len() as f64),
        };
        let mut made = vector.to_owned();
        match &mut made {
            Vector::Dense(values) => {
                for categories in &self.categories {
                    let value = &mut values[categories.feature as usize];
                    let Some(found) = index(categories, *value) else {
                        return Ok(None);
                    };
                    *value = found;
                }
            }
            Vector::Sparse { indices, values, .. } => {
                for (feature, value) in indices.iter().zip(values) {
                    let Ok(at) = self.categories.binary_search_by_key(feature, |c| c.feature) else {
                        continue;
                    };
                    let Some(found) = index(&self.categories[at], *value) else {
                        return Ok(None);
                    };
                    *value = found;
                }
            }
        }
        Ok(Some(made))
    }

    /// Returns the first value that training did not see, with its feature.
    fn unseen(&self, vector: VectorRef<'_>) -> Option<(i32, f64)> {
        let stored: Vec<(usize, f64)> = vector.stored().collect();
        stored.into_iter().find_map(|(i, value)| {
            let at = self.categories.binary_search_by_key(&(i as i32), |c| c.feature).ok()?;
            self.categories[at].index(value).is_none().then_some((i as i32, value))
        })
    }
}
