//! What a query may know of its session: user, catalog, version; and of its own types.
//!
//! All are constants of the plan. There is one user, one catalog and one schema.

use super::call::Call;
use super::constant_text;
use super::entry::{Function, Nulls, any, scalar};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::settings::SPARK_VERSION;
use crate::values::types::simple_string;

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
    scalar("input_file_name", |c| Ok(constant_text("", c.label()))).returns("STRING").nulls(Nulls::Never)
        .about("Returns the path of the file that the row comes from, the empty string if it is not known.")
        .example("input_file_name()", ""),
];

/// Resolves `typeof`: a constant, for rows of one column have one type.
fn type_of(call: &Call<'_>) -> Result<Typed> {
    Ok(constant_text(simple_string(&call.args[0].data_type), call.label()))
}
