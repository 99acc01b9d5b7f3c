//! Errors that a query raises on purpose.
//!
//! Both functions have the type VOID. Their kernels run for every row that reaches them, so a branch of
//! CASE that is not taken raises nothing.

use std::sync::Arc;

use arrow::array::NullArray;
use arrow::datatypes::DataType;

use super::call::Call;
use super::entry::{Function, boolean, scalar, string};
use super::row;
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;

/// Errors that a query raises on purpose.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("assert_true", assert_true).takes(&[boolean("expr"), string("message").optional()]).returns("VOID")
        .null_if("Always null.")
        .about("Raises an error if the argument is false or null.")
        .example("assert_true(0 < 1)", "NULL"),
    scalar("raise_error", raise_error).takes(&[string("expr"), string("errorParams").optional()]).returns("VOID")
        .null_if("Never returns.")
        .about("Raises an error with a message.")
        .example("if(true, 'fine', raise_error('not fine'))", "fine"),
];

/// Resolves `assert_true`; a null is not true. Without a message, the condition is named.
///
/// When it runs, `USER_RAISED_EXCEPTION`.
fn assert_true(call: &Call<'_>) -> Result<Typed> {
    let default = format!("'{}' is not true!", call.args[0].name);
    let args = vec![call.boolean(0)?, call.text_or(1, &default)?];
    let label = call.label_or(1, &[&default]);
    let out = row::with_nulls::<i32>(call.name, "", DataType::Int32, args, label, |r| {
        if !r.is_null(0) && r.boolean(0) {
            return Ok(None);
        }
        Err(raised(if r.is_null(1) { "null" } else { r.text(1) }))
    });
    Ok(void(out))
}

/// Resolves `raise_error`. Of two arguments the second is the message.
///
/// When it runs, `USER_RAISED_EXCEPTION`, with the message `null` for a null one.
fn raise_error(call: &Call<'_>) -> Result<Typed> {
    let message = call.text(call.args.len() - 1)?;
    let label = if call.has(1) {
        call.label()
    } else {
        let text = &call.args[0].name;
        format!("raise_error(USER_RAISED_EXCEPTION, map(errorMessage, {text}))")
    };
    let out = row::with_nulls::<i32>(call.name, "", DataType::Int32, vec![message], label, |r| {
        Err(raised(if r.is_null(0) { "null" } else { r.text(0) }))
    });
    Ok(void(out))
}

/// Returns the call with the type VOID: evaluated for what it may raise.
fn void(typed: Typed) -> Typed {
    let expr = kernel::call("void", "", DataType::Null, vec![typed.expr], |_, rows| {
        Ok(Arc::new(NullArray::new(rows)))
    });
    Typed {
        expr,
        data_type: DataType::Null,
        ..typed
    }
}

/// Makes `USER_RAISED_EXCEPTION` with a message.
fn raised(message: &str) -> SparkError {
    SparkError::new(Exception::Runtime, "USER_RAISED_EXCEPTION", "P0001", message).with("errorMessage", message)
}
