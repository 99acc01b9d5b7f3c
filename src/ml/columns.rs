//! Columns of a stage: finding and checking those that it reads, appending those that it makes.
//!
//! Every stage goes through the same three steps, and each step has one function here:
//!
//! ```text
//! find and check                 compute                     append
//! input_column, vectors,   ──▶   Body: arrays of one   ──▶   append: the input's columns,
//! strings, numbers, …            batch → one array           then one more
//! ```
//!
//! The checks are made when a plan is made, so a column of the wrong type is an error before any row is read. Messages
//! are those of Spark's `SchemaUtils`. A kernel runs per batch and sees no row of another batch.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::Result as DfResult;
use datafusion_expr::LogicalPlanBuilder;

use super::error::{illegal, invalid_value};
use super::params::Params;
use super::text::TextTerms;
use super::transform::Context;
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::names::Names;
use crate::plan::scope::typed_attribute;
use crate::plan::scope::{Resolved, Typed};
use crate::proto as sc;
use crate::values::{types, vector};

/// A column that a stage reads: its values and its name in messages.
pub(super) struct Input {
    /// The column as an expression with a type; casts that the stage needs are part of it.
    pub typed: Typed,
    /// The name by which the stage's params call the column, before any cast.
    pub name: String,
}

/// The kernel of a stage's column: takes the values of its inputs and the number of rows, returns the values of the
/// output.
///
/// The arrays are in the order of the inputs and all have that number of rows; the output must have it too.
pub type Body = Box<dyn Fn(&[ArrayRef], usize) -> DfResult<ArrayRef> + Send + Sync>;

impl Analyzer {
    /// Appends the one output column (`outputCol`) of a stage that needs no model.
    ///
    /// # Errors
    /// If a column named `outputCol` exists already.
    pub(super) fn stage(
        &mut self,
        input: Resolved,
        params: &Params,
        to_type: DataType,
        reads: Vec<Input>,
        body: Body,
    ) -> Result<Resolved> {
        self.stage_of(input, params, "", to_type, reads, body)
    }

    /// Appends the one output column (`outputCol`) of a stage or model.
    ///
    /// `id` is the model's cache id, or another word that changes what the kernel computes; it becomes part of the
    /// kernel's identity, so that two models with the same params are never taken for one expression.
    ///
    /// # Errors
    /// If a column named `outputCol` exists already.
    pub(super) fn stage_of(
        &mut self,
        input: Resolved,
        params: &Params,
        id: &str,
        to_type: DataType,
        reads: Vec<Input>,
        body: Body,
    ) -> Result<Resolved> {
        let to = params.text("outputCol")?;
        let options = format!("{id} {}", params.fingerprint());
        self.append(input, params, &options, &to, to_type, reads, body)
    }

    /// Appends one column to `input`: a kernel over other columns.
    ///
    /// The kernel is named after the stage, as it appears in `EXPLAIN`. `options` tells apart kernels of one name that
    /// compute differently: the optimiser merges calls whose name, options and arguments are equal.
    ///
    /// # Errors
    /// If `input` has a column named `to`; Spark's words are "Output column … already exists."
    #[allow(clippy::too_many_arguments)] // A column is made of just these.
    pub(super) fn append(
        &mut self,
        input: Resolved,
        params: &Params,
        options: &str,
        to: &str,
        to_type: DataType,
        reads: Vec<Input>,
        body: Body,
    ) -> Result<Resolved> {
        if input.output.iter().any(|a| a.name == to) {
            return Err(illegal(format!("Output column {to} already exists.")));
        }
        let args = reads.into_iter().map(|r| r.typed.expr).collect();
        let expr = kernel::call(params.operator.short(), options, to_type.clone(), args, body);
        let mut items: Vec<Typed> = input.output.iter().map(typed_attribute).collect();
        items.push(Typed {
            named: true,
            ..Typed::new(expr, to_type, to)
        });
        self.select_typed(input, items)
    }

    /// Puts a column in the place of the one of its name, or appends it (`Dataset.withColumn`).
    ///
    /// # Errors
    /// Those of the projection.
    pub(super) fn with_column(&mut self, input: Resolved, name: &str, typed: Typed) -> Result<Resolved> {
        let mut items: Vec<Typed> = input.output.iter().map(typed_attribute).collect();
        let typed = Typed {
            named: true,
            name: name.to_owned(),
            attribute: None,
            ..typed
        };
        match input.output.iter().position(|a| a.name == name) {
            Some(place) => items[place] = typed,
            None => items.push(typed),
        }
        self.select_typed(input, items)
    }

    /// Returns a column by name.
    ///
    /// A column of exactly that name comes first, then one found by the session's rule of case, then a field within a
    /// struct (`a.b`). Stages accept field access because Spark's `dataset.select(col(name))` does.
    ///
    /// # Errors
    /// `FIELD_NOT_FOUND` if no column or field has the name.
    pub(super) fn input_column(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let exact = Names::Exact.column(input, name);
        let found = exact.or_else(|| self.names().column(input, name));
        let typed = match found {
            Some(attribute) => typed_attribute(attribute),
            // A field within a struct.
            None => self.name(name, None, input).map_err(|_| field_not_found(name, input))?,
        };
        Ok(Input {
            typed,
            name: name.to_owned(),
        })
    }

    /// Returns a column of vectors (`VectorUDT`).
    ///
    /// # Errors
    /// If the column is unknown, or is not a column of vectors; arrays of doubles are not converted.
    pub(super) fn vectors(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        if vector::is_vector(&read.typed.data_type) {
            return Ok(read);
        }
        Err(SparkError::requirement(format!(
            "Column {name} must be of type class {}:{} but was actually {}.",
            vector::JVM_CLASS,
            super::error::VECTOR,
            types::simple_string(&read.typed.data_type)
        )))
    }

    /// Returns a column of vectors; lists of floats or doubles are cast to dense vectors.
    ///
    /// # Errors
    /// If the column is unknown or of another type.
    pub(super) fn points(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        let types = [
            vector::data_type(),
            types::list_of(DataType::Float64),
            types::list_of(DataType::Float32),
        ];
        let mut read = self.of_types(read, &types)?;
        if !vector::is_vector(&read.typed.data_type) {
            let doubles = types::list_of(DataType::Float64);
            let lists = cast_expr::cast(read.typed, &doubles, self.mode(), self.zone)?;
            let to = vector::data_type();
            let expr = kernel::call("list_to_vector", "", to.clone(), vec![lists.expr], |args, _| {
                Ok(vector::of_lists(&args[0])?)
            });
            read.typed = Typed::new(expr, to, name);
        }
        Ok(read)
    }

    /// Returns a column of lists of doubles.
    ///
    /// # Errors
    /// If the column is unknown or of another type.
    pub(super) fn double_lists(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        let doubles = types::list_of(DataType::Float64);
        self.of_types(read, &[doubles])
    }

    /// Checks that a column that was found is of one of some types.
    ///
    /// # Errors
    /// If it is of another one, in the words of `SchemaUtils.checkColumnTypes`.
    pub(super) fn of_types(&self, read: Input, allowed: &[DataType]) -> Result<Input> {
        if allowed.contains(&read.typed.data_type) {
            return Ok(read);
        }
        let names: Vec<String> = allowed.iter().map(types::simple_string).collect();
        Err(SparkError::requirement(format!(
            "Column {} must be of type equal to one of the following types: [{}] but was actually of type {}.",
            read.name,
            names.join(", "),
            types::simple_string(&read.typed.data_type)
        )))
    }

    /// Returns a column of lists of strings; lists may have null elements.
    ///
    /// # Errors
    /// If the column is unknown or of another type.
    pub(super) fn strings(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        match &read.typed.data_type {
            DataType::List(item) if types::is_string(item.data_type()) => Ok(read),
            other => Err(SparkError::requirement(format!(
                "Input type must be array<string> but got {}.",
                types::simple_string(other)
            ))),
        }
    }

    /// Checks that a column that was found holds numbers of any width, decimals included.
    ///
    /// # Errors
    /// If it holds anything else; strings that look like numbers are not converted.
    pub(super) fn numeric(&self, read: Input) -> Result<Input> {
        if types::is_numeric(&read.typed.data_type) {
            return Ok(read);
        }
        Err(SparkError::requirement(format!(
            "Column {} must be of type numeric but was actually of type {}.",
            read.name,
            types::simple_string(&read.typed.data_type)
        )))
    }

    /// Returns a column of numbers, in the type that it has; see [`Self::as_double`] for the cast.
    ///
    /// # Errors
    /// If the column is unknown or not numeric.
    pub(super) fn numbers(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        self.numeric(read)
    }

    /// Casts a column to DOUBLE by the session's cast rules. Null stays null, a long beyond 2^53 is rounded.
    ///
    /// # Errors
    /// If no cast leads from the column's type to DOUBLE.
    pub(super) fn as_double(&self, read: Input) -> Result<Input> {
        let typed = cast_expr::cast(read.typed, &DataType::Float64, self.mode(), self.zone)?;
        Ok(Input { typed, ..read })
    }

    /// Returns a column of lists of items of any type.
    ///
    /// # Errors
    /// If the column is unknown or of another type.
    pub(super) fn items(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        match &read.typed.data_type {
            DataType::List(_) => Ok(read),
            other => Err(SparkError::requirement(format!(
                "The input column must be array, but got {}.",
                types::simple_string(other)
            ))),
        }
    }

    /// Returns numbers as ids: integers of 32 bits, as `ALS` has them.
    ///
    /// # Errors
    /// If the column cannot be cast. Where it is run, `USER_RAISED_EXCEPTION` at a null or a fraction, `CAST_OVERFLOW` at a number
    /// out of range.
    pub(super) fn ids(&self, read: Input) -> Result<Input> {
        let name = read.name.clone();
        let (to, is_integer) = (DataType::Int32, read.typed.data_type == DataType::Int32);
        let text = cast_expr::as_string(read.typed.clone(), self.mode(), self.zone)?.expr;
        let id = cast_expr::cast(read.typed.clone(), &to, self.mode(), self.zone)?.expr;
        let number = self.as_double(read)?.typed.expr;
        let column = name.clone();
        let args = vec![number, id, text];
        let expr = kernel::call("als_id", column.clone(), to.clone(), args, move |args, _| {
            use arrow::array::{Array, AsArray, Int32Array};
            let numbers = args[0].as_primitive::<arrow::datatypes::Float64Type>();
            let ids = args[1].as_primitive::<arrow::datatypes::Int32Type>();
            let id = |row: usize| {
                if numbers.is_valid(row) && f64::from(ids.value(row)) == numbers.value(row) {
                    return Ok(ids.value(row));
                }
                let text = arrow::util::display::array_value_to_string(&args[2], row)?;
                let said = match (is_integer, numbers.is_null(row)) {
                    (true, _) => format!("{column} Ids MUST NOT be Null"),
                    (false, true) => "null".to_owned(),
                    (false, false) => format!(
                        "ALS only supports non-Null values in Integer range and without fractional part for column {column}, \
                         but got {text}"
                    ),
                };
                Err(invalid_value(said, &column, row))
            };
            let ids = (0..numbers.len()).map(id).collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(Int32Array::from(ids)))
        });
        let typed = Typed::new(expr, to, name.clone());
        Ok(Input { typed, name })
    }

    /// Returns a column of labels as strings: strings as they are, numbers as Spark's cast to STRING writes them
    /// (`1.0`).
    ///
    /// # Errors
    /// If the column is unknown, or neither of strings nor numeric.
    pub(super) fn label_text(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        if types::is_string(&read.typed.data_type) {
            return Ok(read);
        }
        if !types::is_numeric(&read.typed.data_type) {
            return Err(SparkError::requirement(format!(
                "The input column {name} must be either string type or numeric type, but got {}.",
                types::simple_string(&read.typed.data_type)
            )));
        }
        let typed = cast_expr::as_string(read.typed, self.mode(), self.zone)?;
        Ok(Input { typed, ..read })
    }

    /// Returns a column of labels to learn: as [`Self::label_text`], but NaN is null, which is not counted.
    fn known_labels(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let number = self.input_column(input, name)?.typed;
        let mut read = self.label_text(input, name)?;
        if number.data_type.is_floating() {
            let known = datafusion_expr::Expr::IsTrue(Box::new(datafusion_functions::expr_fn::isnan(number.expr)));
            read.typed.expr = datafusion_expr::when(datafusion_expr::not(known), read.typed.expr).end()?;
        }
        Ok(read)
    }

    /// Returns the recipe of a column that was made of one column of strings by tokenizing, filtering and hashing;
    /// `None` for other columns, and for expressions over such a column.
    pub(super) fn text_terms(&self, read: &Input) -> Option<TextTerms> {
        read.typed
            .attribute
            .as_ref()
            .and_then(|a| Context::seen(self)?.texts.get(&a.id))
            .cloned()
    }

    /// Keeps the rows whose inputs are all valid (`na.drop`), as `handleInvalid = "skip"` asks for.
    ///
    /// A null is invalid. `doubles` says for each input whether it holds doubles, in which NaN is invalid too; within
    /// vectors NaN is not looked for.
    pub(super) fn without_invalid(
        &mut self,
        input: Resolved,
        params: &Params,
        reads: &[Input],
        doubles: &[bool],
    ) -> Result<Resolved> {
        use arrow::array::{Array, AsArray, BooleanArray};
        use arrow::datatypes::Float64Type;
        let doubles = doubles.to_vec();
        let condition = kernel::call(
            "valid_values",
            params.fingerprint(),
            DataType::Boolean,
            reads.iter().map(|r| r.typed.expr.clone()).collect(),
            move |args, rows| {
                let valid = |row: usize| {
                    args.iter().zip(&doubles).all(|(column, double)| {
                        column.is_valid(row) && !(*double && column.as_primitive::<Float64Type>().value(row).is_nan())
                    })
                };
                Ok(Arc::new(BooleanArray::from((0..rows).map(valid).collect::<Vec<_>>())))
            },
        );
        filtered(input, condition)
    }

    /// Returns the opposite of a column of booleans, which is found as in an expression of SQL.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN` if the column is unknown, `DATATYPE_MISMATCH` if it is of another type.
    fn negated(&mut self, input: &Resolved, name: &str) -> Result<Typed> {
        use sc::expression::{ExprType, UnresolvedAttribute, UnresolvedFunction};
        let expression = |kind| sc::Expression {
            common: None,
            expr_type: Some(kind),
        };
        let column = expression(ExprType::UnresolvedAttribute(UnresolvedAttribute {
            unparsed_identifier: name.to_owned(),
            ..UnresolvedAttribute::default()
        }));
        let not = expression(ExprType::UnresolvedFunction(UnresolvedFunction {
            function_name: "not".to_owned(),
            arguments: vec![column],
            ..UnresolvedFunction::default()
        }));
        self.expression(&not, input)
    }

    /// Returns the columns that training reads, as doubles, strings, vectors or words, in the order that its summary
    /// takes them.
    ///
    /// # Errors
    /// If a column is unknown or of another type.
    pub(super) fn training_columns(
        &mut self,
        input: &Resolved,
        wanted: &[(String, Reads)],
    ) -> Result<Vec<datafusion_expr::Expr>> {
        let mut out = Vec::new();
        for (name, kind) in wanted {
            let read = match kind {
                Reads::Vectors => self.vectors(input, name)?,
                Reads::Points => self.points(input, name)?,
                Reads::DoubleLists => self.double_lists(input, name)?,
                Reads::Floats => {
                    let read = self.input_column(input, name)?;
                    self.as_double(self.of_types(read, &[DataType::Float64, DataType::Float32])?)?
                }
                Reads::Words => self.strings(input, name)?,
                Reads::Labels => self.known_labels(input, name)?,
                Reads::Negated => {
                    let typed = self.negated(input, name)?;
                    let name = name.clone();
                    Input { typed, name }
                }
                Reads::Numbers => {
                    let read = self.numbers(input, name)?;
                    self.as_double(read)?
                }
                Reads::VectorsOrDoubles => {
                    let read = self.input_column(input, name)?;
                    let is_read = vector::is_vector(&read.typed.data_type) || read.typed.data_type == DataType::Float64;
                    if !is_read {
                        return Err(illegal("requirement failed"));
                    }
                    read
                }
                Reads::Items => self.items(input, name)?,
                Reads::Ids => {
                    let read = self.numbers(input, name)?;
                    self.ids(read)?
                }
                Reads::Scores => {
                    let read = self.input_column(input, name)?;
                    if vector::is_vector(&read.typed.data_type) {
                        read
                    } else {
                        self.as_double(self.numeric(read)?)?
                    }
                }
            };
            out.push(read.typed.expr);
        }
        Ok(out)
    }
}

/// What a summary takes of a column: which types are allowed, and to which the column is cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Vectors (`VectorUDT`), dense or sparse.
    Vectors,
    /// Vectors, or lists of floats or doubles taken as dense vectors.
    Points,
    /// Lists of doubles.
    DoubleLists,
    /// Floats or doubles, cast to doubles.
    Floats,
    /// Lists of strings, as tokenizers make them.
    Words,
    /// Strings, or numbers as strings.
    Labels,
    /// Numbers of any width, cast to doubles.
    Numbers,
    /// Vectors or doubles, as they are.
    VectorsOrDoubles,
    /// Vectors as they are, or numbers cast to doubles: raw predictions come as either.
    Scores,
    /// Numbers of any width that are integers of 32 bits; others, and null, are errors of their rows.
    Ids,
    /// Lists of items of any type.
    Items,
    /// Booleans, true for false; null stays null.
    Negated,
}

/// Keeps the rows for which `condition` is true; false and null drop a row. The columns keep their ids.
///
/// # Errors
/// If `condition` is not of type BOOLEAN.
pub(super) fn filtered(input: Resolved, condition: datafusion_expr::Expr) -> Result<Resolved> {
    let plan = LogicalPlanBuilder::from(input.plan.clone())
        .filter(condition)?
        .build()?;
    Ok(input.over(plan))
}

/// Returns the error of an unknown column (`FIELD_NOT_FOUND`), with the names that the input has.
pub(super) fn field_not_found(name: &str, input: &Resolved) -> SparkError {
    let fields: Vec<String> = input.output.iter().map(|a| format!("`{}`", a.name)).collect();
    let fields = fields.join(", ");
    SparkError::new(
        Exception::IllegalArgument,
        "FIELD_NOT_FOUND",
        "42704",
        format!("No such struct field `{name}` in {fields}."),
    )
    .with("fieldName", format!("`{name}`"))
    .with("fields", fields)
}
