//! What a query may know of its session: user, catalog, version; and of its own types.
//!
//! All are constants of the plan. There is one user, one catalog and one schema.

use datafusion_common::ScalarValue;

use super::call::{Call, label};
use super::entry::{Form, Function, Nulls, any, form, scalar, string};
use super::error::unexpected_type;
use super::{constant, constant_text};
use crate::error::Result;
use crate::plan::extract;
use crate::plan::names::Names;
use crate::plan::scan::METADATA;
use crate::plan::scope::{Typed, typed_attribute};
use crate::settings::SPARK_VERSION;
use crate::values::types::{is_string, simple_string};

/// What a query may know of its session and of its own types.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("typeof", type_of).takes(&[any("expr")]).returns("STRING").nulls(Nulls::Never)
        .about("Returns Spark's name of the type of a value.")
        .example("typeof(array(1))", "array<int>"),
    scalar("version", |c| { Ok(constant_text(format!("{SPARK_VERSION} 0000000000000000000000000000000000000000"), c.label())) })
        .returns("STRING").nulls(Nulls::Never)
        .about("Returns the version of Spark that the engine follows, and a revision.")
        .varies("version()"),
    scalar("current_user", |c| Ok(constant_text("rivulet", c.label()))).aliases(&["session_user", "user"]).returns("STRING")
        .nulls(Nulls::Never)
        .about("Returns the name of the user.")
        .varies("current_user()"),
    scalar("current_catalog", |c| Ok(constant_text("spark_catalog", c.label()))).returns("STRING").nulls(Nulls::Never)
        .about("Returns the name of the current catalog.")
        .example("current_catalog()", "spark_catalog"),
    scalar("current_database", |c| { Ok(constant_text("default", c.label_as("current_schema"))) }).aliases(&["current_schema"])
        .returns("STRING").nulls(Nulls::Never)
        .about("Returns the name of the current schema.")
        .example("current_database()", "default"),
    scalar("current_path", |c| Ok(constant_text("system.builtin,system.session,spark_catalog.default", c.label()))).returns("STRING")
        .nulls(Nulls::Never)
        .about("Returns where names of functions are looked for, in order.")
        .example("current_path()", "system.builtin,system.session,spark_catalog.default"),
    scalar("collation", collation).takes(&[string("expr")]).returns("STRING").nulls(Nulls::Never)
        .about("Returns the name of the collation of a string: all compare by their bytes.")
        .example("collation('Rivulet')", "SYSTEM.BUILTIN.UTF8_BINARY"),
    form("input_file_name", |_, form| input_file(form, "file_path")).returns("STRING").nulls(Nulls::Never)
        .about("Returns the path of the file that the row comes from, the empty string if it is not known.")
        .example("input_file_name()", ""),
    form("input_file_block_start", |_, form| input_file(form, "file_block_start")).returns("BIGINT").nulls(Nulls::Never)
        .about("Returns where the part of the file begins that the row comes from, -1 if it is not known.")
        .example("input_file_block_start()", "-1"),
    form("input_file_block_length", |_, form| input_file(form, "file_block_length")).returns("BIGINT").nulls(Nulls::Never)
        .about("Returns how long the part of the file is that the row comes from, -1 if it is not known.")
        .example("input_file_block_length()", "-1"),
];

/// Resolves what is known of the row's file (`InputFileName`): a field of its metadata, if the relation is that of files.
fn input_file(form: &Form<'_>, field: &str) -> Result<Typed> {
    let label = label(form.name, &[]);
    let Some(metadata) = form.scope.hidden.iter().find(|a| a.name == METADATA) else {
        return Ok(match field {
            "file_path" => constant_text("", label),
            _ => constant(ScalarValue::Int64(Some(-1)), label),
        });
    };
    let found = extract::fields(typed_attribute(metadata), &[field.to_owned()], Names::Exact)?;
    Ok(Typed::new(found.expr, found.data_type, label))
}

/// Resolves `collation` (`Collation`).
///
/// # Errors
/// If the argument is not a STRING, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn collation(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    if !is_string(&arg.data_type) && !arg.data_type.is_null() {
        return Err(unexpected_type(&call.label(), 1, &arg, &["STRING"]));
    }
    Ok(constant_text("SYSTEM.BUILTIN.UTF8_BINARY", call.label()))
}

/// Resolves `typeof`: a constant, for rows of one column have one type.
fn type_of(call: &Call<'_>) -> Result<Typed> {
    Ok(constant_text(simple_string(&call.args[0].data_type), call.label()))
}
