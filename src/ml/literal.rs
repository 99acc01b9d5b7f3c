//! Values of params and attributes: as Spark Connect's literals, as the JSON of saved models, and as strings in
//! messages.
//!
//! One type, [`Value`], stands between three notations; a [`Kind`] says which of them a param has, since literals of
//! clients may be narrower (an integer for a double) and JSON does not tell integers from doubles.
//!
//! ```text
//! sc::Literal   ──from_literal──▶         ──to_literal(kind)──▶   sc::Literal
//!                                  Value
//! JSON          ──from_json(kind)─▶       ──to_json──▶            JSON of `metadata/`
//! ```

use super::matrix::{self, Matrix};
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::data_type::Kind as TypeKind;
use crate::proto::expression::literal::LiteralType;
use crate::proto::expression::{Literal, literal as lit};
use crate::values::vector::{self, Vector};

/// A value of a param or an attribute of a model.
///
/// ```
/// use rivulet::ml::literal::{Kind, Value};
///
/// let splits = Value::doubles(&[f64::NEG_INFINITY, 0.5]);
/// assert_eq!(splits.to_string(), "[-Infinity,0.5]");
/// assert_eq!(splits.to_json().to_string(), r#"["-Inf",0.5]"#);
/// assert_eq!(Value::from_json(&splits.to_json(), Kind::Doubles), Some(splits));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value; putting it removes what was set.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of any width; [`Kind`] says whether clients see INT or BIGINT.
    Int(i64),
    /// A double; floats of clients are widened.
    Double(f64),
    /// A string.
    Text(String),
    /// A list; elements are of one type and may themselves be lists.
    List(Vec<Value>),
    /// A vector, dense or sparse.
    Vector(Vector),
    /// A dense matrix.
    Matrix(Matrix),
}

/// What the values of a param or attribute are: the SQL type in which clients read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BOOLEAN.
    Bool,
    /// INT.
    Int,
    /// BIGINT.
    Long,
    /// DOUBLE.
    Double,
    /// STRING.
    Text,
    /// A vector (`VectorUDT`).
    Vector,
    /// A matrix (`MatrixUDT`).
    Matrix,
    /// ARRAY<INT>.
    Ints,
    /// ARRAY<BIGINT>.
    Longs,
    /// ARRAY<DOUBLE>.
    Doubles,
    /// ARRAY<STRING>.
    Texts,
    /// ARRAY<ARRAY<DOUBLE>>.
    DoublesList,
    /// ARRAY<ARRAY<STRING>>.
    TextsList,
}

impl Kind {
    /// Returns the kind of a list's elements; `None` for kinds that are not lists.
    pub fn element(self) -> Option<Self> {
        Some(match self {
            Self::Ints => Self::Int,
            Self::Longs => Self::Long,
            Self::Doubles => Self::Double,
            Self::Texts => Self::Text,
            Self::DoublesList => Self::Doubles,
            Self::TextsList => Self::Texts,
            _ => return None,
        })
    }

    /// Returns the type as Spark Connect's message. Lists may hold nulls as far as the type says, though none ever
    /// does.
    fn data_type(self) -> sc::DataType {
        use sc::data_type as t;
        let kind = match self {
            Self::Bool => TypeKind::Boolean(t::Boolean::default()),
            Self::Int => TypeKind::Integer(t::Integer::default()),
            Self::Long => TypeKind::Long(t::Long::default()),
            Self::Double => TypeKind::Double(t::Double::default()),
            Self::Vector => udt(vector::JVM_CLASS),
            Self::Matrix => udt(matrix::JVM_CLASS),
            other => match other.element() {
                Some(element) => TypeKind::Array(Box::new(t::Array {
                    element_type: Some(Box::new(element.data_type())),
                    contains_null: true,
                    type_variation_reference: 0,
                })),
                None => TypeKind::String(t::String::default()),
            },
        };
        sc::DataType { kind: Some(kind) }
    }
}

/// Returns the message of a user-defined type, known to clients by its class on the JVM.
fn udt(class: &str) -> TypeKind {
    TypeKind::Udt(Box::new(sc::data_type::Udt {
        r#type: "udt".into(),
        jvm_class: Some(class.to_owned()),
        ..Default::default()
    }))
}

impl Value {
    /// Returns a list of strings.
    pub fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Self {
        Self::List(texts.into_iter().map(|t| Self::Text(t.into())).collect())
    }

    /// Returns a list of doubles.
    pub fn doubles(values: &[f64]) -> Self {
        Self::List(values.iter().copied().map(Self::Double).collect())
    }

    /// Returns a dense vector.
    pub fn dense(values: &[f64]) -> Self {
        Self::Vector(Vector::Dense(values.to_vec()))
    }

    /// Reads a literal that a client sends.
    ///
    /// Integers of all widths become [`Value::Int`], floats [`Value::Double`]; packed arrays and arrays of literals
    /// become the same list. A struct is a vector or a matrix by the number and types of its parts.
    ///
    /// # Errors
    /// If the literal is empty, or of a type that params do not have: dates, decimals, maps, intervals.
    #[allow(deprecated)] // PySpark still fills in element types.
    pub fn from_literal(literal: &Literal) -> Result<Self> {
        let Some(kind) = &literal.literal_type else {
            return Err(SparkError::invalid_plan("a literal is empty"));
        };
        Ok(match kind {
            LiteralType::Null(_) => Self::Null,
            LiteralType::Boolean(v) => Self::Bool(*v),
            LiteralType::Byte(v) | LiteralType::Short(v) | LiteralType::Integer(v) => Self::Int((*v).into()),
            LiteralType::Long(v) => Self::Int(*v),
            LiteralType::Float(v) => Self::Double((*v).into()),
            LiteralType::Double(v) => Self::Double(*v),
            LiteralType::String(v) => Self::Text(v.clone()),
            LiteralType::Array(array) => {
                Self::List(array.elements.iter().map(Self::from_literal).collect::<Result<_>>()?)
            }
            LiteralType::SpecializedArray(array) => specialized(array),
            LiteralType::Struct(fields) => structure(fields)?,
            other => return Err(SparkError::unsupported(format!("the param {other:?}"))),
        })
    }

    /// Returns the literal of a kind; integers become doubles if doubles are meant, and BIGINT if they exceed an INT.
    #[allow(deprecated)]
    pub fn to_literal(&self, kind: Kind) -> Literal {
        let literal_type = match (self, kind) {
            (Self::Bool(v), _) => LiteralType::Boolean(*v),
            (Self::Int(v), Kind::Double) => LiteralType::Double(*v as f64),
            (Self::Int(v), Kind::Long) => LiteralType::Long(*v),
            (Self::Int(v), _) => match i32::try_from(*v) {
                Ok(v) => LiteralType::Integer(v),
                Err(_) => LiteralType::Long(*v),
            },
            (Self::Double(v), _) => LiteralType::Double(*v),
            (Self::Text(v), _) => LiteralType::String(v.clone()),
            (Self::List(values), _) => {
                let element = kind.element().unwrap_or(Kind::Text);
                LiteralType::Array(lit::Array {
                    element_type: Some(element.data_type()),
                    elements: values.iter().map(|v| v.to_literal(element)).collect(),
                })
            }
            (Self::Vector(v), _) => vector_literal(v),
            (Self::Matrix(m), _) => matrix_literal(m),
            (Self::Null, _) => LiteralType::Null(kind.data_type()),
        };
        Literal {
            literal_type: Some(literal_type),
            ..Default::default()
        }
    }

    /// Reads the JSON of a saved model; `None` if it does not fit the kind.
    ///
    /// JSON cannot write some doubles, so they are strings there: `"NaN"`, `"Inf"` or `"Infinity"`, and their
    /// negatives.
    pub fn from_json(json: &serde_json::Value, kind: Kind) -> Option<Self> {
        use serde_json::Value as Json;
        Some(match (json, kind) {
            (Json::Null, _) => Self::Null,
            (Json::Bool(v), Kind::Bool) => Self::Bool(*v),
            (Json::Number(v), Kind::Double) => Self::Double(v.as_f64()?),
            (Json::Number(v), Kind::Int | Kind::Long) => Self::Int(v.as_i64()?),
            (Json::String(v), Kind::Double) => Self::Double(match v.as_str() {
                "NaN" => f64::NAN,
                "Inf" | "Infinity" => f64::INFINITY,
                "-Inf" | "-Infinity" => f64::NEG_INFINITY,
                _ => return None,
            }),
            (Json::String(v), Kind::Text) => Self::Text(v.clone()),
            (Json::Object(parts), Kind::Matrix) => Self::Matrix(matrix_of_json(parts)?),
            (Json::Object(parts), Kind::Vector) => Self::Vector(vector_of_json(parts)?),
            (Json::Array(values), kind) => {
                let element = kind.element()?;
                Self::List(
                    values
                        .iter()
                        .map(|v| Self::from_json(v, element))
                        .collect::<Option<_>>()?,
                )
            }
            _ => return None,
        })
    }

    /// Returns the JSON of a saved model, with `"NaN"`, `"Inf"` and `"-Inf"` for the doubles that JSON cannot write.
    ///
    /// A vector is an object of type, values and, if sparse, size and indices, as `JsonVectorConverter` writes it; a matrix one of
    /// its shape and values, as `JsonMatrixConverter` does.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Matrix(m) => json_of_matrix(m),
            Self::Vector(v) => json_of_vector(v),
            Self::Bool(v) => Json::Bool(*v),
            Self::Int(v) => Json::from(*v),
            Self::Double(v) if v.is_nan() => Json::from("NaN"),
            Self::Double(v) if v.is_infinite() => Json::from(if *v > 0.0 { "Inf" } else { "-Inf" }),
            Self::Double(v) => Json::from(*v),
            Self::Text(v) => Json::from(v.clone()),
            Self::List(values) => Json::Array(values.iter().map(Self::to_json).collect()),
        }
    }
}

/// Returns the JSON of a matrix.
fn json_of_matrix(matrix: &Matrix) -> serde_json::Value {
    serde_json::json!({
        "class": "matrix", "type": 1, "numRows": matrix.rows, "numCols": matrix.columns,
        "values": Value::doubles(&matrix.values).to_json(), "isTransposed": true,
    })
}

/// Reads the JSON of a dense matrix; `None` if it is none.
fn matrix_of_json(parts: &serde_json::Map<String, serde_json::Value>) -> Option<Matrix> {
    let size = |name: &str| usize::try_from(parts.get(name)?.as_i64()?).ok();
    let values = super::params::doubles_of(&Value::from_json(parts.get("values")?, Kind::Doubles)?)?;
    let is_dense = parts.get("type")?.as_i64()? == 1;
    let transposed = parts.get("isTransposed")?.as_bool()?;
    Matrix::from_storage(size("numRows")?, size("numCols")?, values, transposed).filter(|_| is_dense)
}

/// Returns the JSON of a vector.
fn json_of_vector(vector: &Vector) -> serde_json::Value {
    let values = Value::doubles(vector.view().values()).to_json();
    match vector {
        Vector::Dense(_) => serde_json::json!({ "type": 1, "values": values }),
        Vector::Sparse { size, indices, .. } => {
            serde_json::json!({ "type": 0, "size": size, "indices": indices, "values": values })
        }
    }
}

/// Reads the JSON of a vector; `None` if it is none.
fn vector_of_json(parts: &serde_json::Map<String, serde_json::Value>) -> Option<Vector> {
    let list = |name: &str, kind: Kind| match Value::from_json(parts.get(name)?, kind)? {
        Value::List(values) => Some(values),
        _ => None,
    };
    let doubles = list("values", Kind::Doubles)?.into_iter();
    let values = doubles.map(|v| if let Value::Double(x) = v { Some(x) } else { None });
    let values = values.collect::<Option<Vec<f64>>>()?;
    if parts.get("type")?.as_i64()? == 1 {
        return Some(Vector::Dense(values));
    }
    let ints = list("indices", Kind::Ints)?.into_iter();
    let indices = ints.map(|v| {
        if let Value::Int(i) = v {
            i32::try_from(i).ok()
        } else {
            None
        }
    });
    let size = usize::try_from(parts.get("size")?.as_i64()?).ok()?;
    Vector::sparse(size, indices.collect::<Option<_>>()?, values).ok()
}

impl std::fmt::Display for Value {
    /// Writes the value as Spark's messages print params: `[0.0,1.0]`, `-1.0`, `poisson`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Double(v) => f.write_str(&crate::values::text::double(*v)),
            Self::Text(v) => f.write_str(v),
            Self::List(values) => {
                let texts: Vec<String> = values.iter().map(Self::to_string).collect();
                write!(f, "[{}]", texts.join(","))
            }
            Self::Vector(v) => write!(f, "{}", v.view()),
            Self::Matrix(m) => write!(f, "{} x {} matrix", m.rows, m.columns),
        }
    }
}

/// Reads a packed array: what newer clients send for long lists of one type. An array without a type is empty.
fn specialized(array: &lit::SpecializedArray) -> Value {
    use lit::specialized_array::ValueType as V;
    Value::List(match &array.value_type {
        Some(V::Bools(v)) => v.values.iter().map(|x| Value::Bool(*x)).collect(),
        Some(V::Ints(v)) => v.values.iter().map(|x| Value::Int((*x).into())).collect(),
        Some(V::Longs(v)) => v.values.iter().map(|x| Value::Int(*x)).collect(),
        Some(V::Floats(v)) => v.values.iter().map(|x| Value::Double((*x).into())).collect(),
        Some(V::Doubles(v)) => v.values.iter().map(|x| Value::Double(*x)).collect(),
        Some(V::Strings(v)) => v.values.iter().map(|x| Value::Text(x.clone())).collect(),
        None => vec![],
    })
}

/// Reads a vector or matrix from its parts: (type, size, indices, values) or (type, rows, columns, …, values,
/// transposed).
///
/// The first part says which: 1 is dense, 0 sparse. Sparse matrices are refused, since no attribute or param takes one.
///
/// # Errors
/// If the parts are of other types, a size is negative, indices are not ascending, or a matrix lacks values.
#[allow(deprecated)]
fn structure(fields: &lit::Struct) -> Result<Value> {
    let bad = || SparkError::invalid_plan("a literal is neither a vector nor a matrix");
    let parts = fields
        .elements
        .iter()
        .map(Value::from_literal)
        .collect::<Result<Vec<_>>>()?;
    let size = |v: &Value| match v {
        Value::Int(n) => usize::try_from(*n).map_err(|_| bad()),
        _ => Err(bad()),
    };
    let doubles = |v: &Value| match v {
        Value::List(values) => values
            .iter()
            .map(|v| if let Value::Double(x) = v { Ok(*x) } else { Err(bad()) })
            .collect::<Result<Vec<f64>>>(),
        _ => Err(bad()),
    };
    match &parts[..] {
        [Value::Int(1), _, _, values] => Ok(Value::Vector(Vector::Dense(doubles(values)?))),
        [Value::Int(0), length, Value::List(indices), values] => {
            let indices = indices
                .iter()
                .map(|v| {
                    if let Value::Int(i) = v {
                        i32::try_from(*i).map_err(|_| bad())
                    } else {
                        Err(bad())
                    }
                })
                .collect::<Result<Vec<_>>>()?;
            Ok(Value::Vector(Vector::sparse(size(length)?, indices, doubles(values)?)?))
        }
        [Value::Int(1), rows, columns, _, _, values, Value::Bool(transposed)] => {
            Matrix::from_storage(size(rows)?, size(columns)?, doubles(values)?, *transposed)
                .map(Value::Matrix)
                .ok_or_else(bad)
        }
        _ => Err(bad()),
    }
}

/// Returns a struct literal of a user-defined type.
#[allow(deprecated)]
fn of_class(class: &str, elements: Vec<LiteralType>) -> LiteralType {
    LiteralType::Struct(lit::Struct {
        struct_type: Some(sc::DataType { kind: Some(udt(class)) }),
        elements: elements
            .into_iter()
            .map(|e| Literal {
                literal_type: Some(e),
                ..Default::default()
            })
            .collect(),
    })
}

/// Returns a null without a type, which stands for the parts that a dense vector or matrix lacks.
fn null() -> LiteralType {
    LiteralType::Null(sc::DataType {
        kind: Some(TypeKind::Null(sc::data_type::Null::default())),
    })
}

/// Returns doubles as one packed array: 8 bytes each on the wire, not a message each.
fn packed_doubles(values: &[f64]) -> LiteralType {
    LiteralType::SpecializedArray(lit::SpecializedArray {
        value_type: Some(lit::specialized_array::ValueType::Doubles(sc::Doubles {
            values: values.to_vec(),
        })),
    })
}

/// Returns integers as one packed array.
fn packed_ints(values: &[i32]) -> LiteralType {
    LiteralType::SpecializedArray(lit::SpecializedArray {
        value_type: Some(lit::specialized_array::ValueType::Ints(sc::Ints {
            values: values.to_vec(),
        })),
    })
}

/// Returns a vector as `VectorUDT` stores it: (type, size, indices, values), size and indices null if it is dense.
fn vector_literal(vector: &Vector) -> LiteralType {
    let elements = match vector {
        Vector::Dense(values) => vec![LiteralType::Byte(1), null(), null(), packed_doubles(values)],
        Vector::Sparse { size, indices, values } => vec![
            LiteralType::Byte(0),
            LiteralType::Integer(*size as i32),
            packed_ints(indices),
            packed_doubles(values),
        ],
    };
    of_class(vector::JVM_CLASS, elements)
}

/// Returns a matrix as `MatrixUDT` stores it: dense and transposed, since ours are stored row after row.
fn matrix_literal(matrix: &Matrix) -> LiteralType {
    let elements = vec![
        LiteralType::Byte(1),
        LiteralType::Integer(matrix.rows as i32),
        LiteralType::Integer(matrix.columns as i32),
        null(),
        null(),
        packed_doubles(&matrix.values),
        LiteralType::Boolean(true),
    ];
    of_class(matrix::JVM_CLASS, elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_over_the_wire() {
        let values = [
            (Value::Bool(true), Kind::Bool),
            (Value::Int(2000), Kind::Int),
            (Value::Double(f64::INFINITY), Kind::Double),
            (Value::texts(["a", "b"]), Kind::Texts),
            (
                Value::List(vec![Value::texts(["x"]), Value::texts(["y", "z"])]),
                Kind::TextsList,
            ),
            (Value::dense(&[1.0, -0.5]), Kind::Vector),
            (
                Value::Vector(Vector::sparse(4, vec![3], vec![2.0]).unwrap()),
                Kind::Vector,
            ),
            (Matrix::new(2, 2, vec![1.0, 2.0, 3.0, 4.0]).value(), Kind::Matrix),
        ];
        for (value, kind) in values {
            assert_eq!(Value::from_literal(&value.to_literal(kind)).unwrap(), value);
        }
    }

    #[test]
    fn doubles_that_json_has_not_are_texts() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.25] {
            let json = Value::Double(value).to_json();
            let Some(Value::Double(back)) = Value::from_json(&json, Kind::Double) else {
                panic!("{json} is no double");
            };
            assert_eq!(back.to_bits(), value.to_bits());
        }
    }
}
