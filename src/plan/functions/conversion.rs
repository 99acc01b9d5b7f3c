//! Casts by the name of their type.
//!
//! `int(x)` is `CAST(x AS INT)` in the session's mode, and keeps the name of its argument.
//!
//! There is one code for all of them; the table has an entry for each, because lists and clients show
//! them one by one.

use super::call::Call;
use super::entry::{Function, any, scalar};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::plan::type_message;

/// Casts by the name of their type.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("int", cast).takes(&[any("expr")]).returns("INT")
        .about("Casts a value to INT.")
        .example("int('42')", "42"),
    scalar("bigint", cast).takes(&[any("expr")]).returns("BIGINT")
        .about("Casts a value to BIGINT.")
        .example("bigint('42')", "42"),
    scalar("smallint", cast).takes(&[any("expr")]).returns("SMALLINT")
        .about("Casts a value to SMALLINT.")
        .example("smallint('42')", "42"),
    scalar("tinyint", cast).takes(&[any("expr")]).returns("TINYINT")
        .about("Casts a value to TINYINT.")
        .example("tinyint('42')", "42"),
    scalar("float", cast).takes(&[any("expr")]).returns("FLOAT")
        .about("Casts a value to FLOAT.")
        .example("float('4.5')", "4.5"),
    scalar("double", cast).takes(&[any("expr")]).returns("DOUBLE")
        .about("Casts a value to DOUBLE.")
        .example("double('4.5')", "4.5"),
    scalar("string", cast).takes(&[any("expr")]).returns("STRING")
        .about("Casts a value to STRING.")
        .example("string(42)", "42"),
    scalar("boolean", cast).takes(&[any("expr")]).returns("BOOLEAN")
        .about("Casts a value to BOOLEAN.")
        .example("boolean('yes')", "true"),
    scalar("date", cast).takes(&[any("expr")]).returns("DATE")
        .about("Casts a value to DATE.")
        .example("date('2024-02-29')", "2024-02-29"),
    scalar("timestamp", cast).takes(&[any("expr")]).returns("TIMESTAMP")
        .about("Casts a value to TIMESTAMP.")
        .example("timestamp('2024-02-29 12:30:00')", "2024-02-29 12:30:00"),
    scalar("binary", cast).takes(&[any("expr")]).returns("BINARY")
        .about("Casts a value to BINARY.")
        .example("binary('Rivulet')", "Rivulet"),
    scalar("decimal", cast).takes(&[any("expr")]).returns("DECIMAL")
        .about("Casts a value to DECIMAL.")
        .example("decimal('42')", "42"),
];

/// Resolves all of them: the name of the call is the type. A conversion function leaves no trace in the
/// column's name.
///
/// # Errors
/// If Spark does not cast between the two types.
fn cast(call: &Call<'_>) -> Result<Typed> {
    let mut out = call
        .context
        .cast(call.arg(0)?, &type_message::from_ddl_type(call.name)?)?;
    out.name.clone_from(&call.args[0].name);
    Ok(out)
}
