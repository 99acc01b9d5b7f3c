//! Functions that draw at random: with the same seed the same draws, in the order of the rows.
//!
//! Each call in a compiled plan has one generator, seeded by its argument or by the query's time, which draws
//! on from batch to batch. Unlike Spark's, it is not seeded per partition, so only the draws of the first
//! partition equal Spark's.

mod xor_shift;

use std::sync::{Mutex, PoisonError};

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use self::xor_shift::XorShift;
use super::call::Call;
use super::collection::arrays;
use super::condition;
use super::entry::{Function, Nulls, array, literal, scalar};
use super::error::{non_foldable, out_of_range};
use super::row::{self, Cell};
use crate::error::Result;
use crate::kernels::limits;
use crate::plan::scope::Typed;

/// Functions that draw at random. They are volatile: the optimizer neither folds nor merges nor repeats
/// them.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("rand", |c| doubles(c, XorShift::double)).aliases(&["random"]).takes(&[literal("seed", "BIGINT").optional()])
        .returns("DOUBLE").nulls(Nulls::Never)
        .about("Draws a number from 0 to 1, 1 excluded, all equally likely.")
        .varies("rand()"),
    scalar("randn", |c| doubles(c, XorShift::gaussian)).takes(&[literal("seed", "BIGINT").optional()]).returns("DOUBLE")
        .nulls(Nulls::Never)
        .about("Draws a number from the standard normal distribution.")
        .varies("randn()"),
    scalar("uniform", between)
        .takes(&[literal("min", "NUMERIC"), literal("max", "NUMERIC"), literal("seed", "BIGINT").optional()])
        .returns("the common type of the bounds").nulls(Nulls::Never)
        .about("Draws a number from `min` to `max`, all equally likely.")
        .varies("uniform(10, 20)"),
    scalar("randstr", randstr).takes(&[literal("length", "INT"), literal("seed", "BIGINT").optional()]).returns("STRING")
        .nulls(Nulls::Never)
        .about("Draws a string of letters and digits.")
        .varies("randstr(5)"),
    scalar("uuid", uuid).takes(&[literal("seed", "BIGINT").optional()]).returns("STRING").nulls(Nulls::Never)
        .about("Draws a UUID of version 4.")
        .varies("uuid()"),
    scalar("shuffle", shuffle).takes(&[array("array"), literal("seed", "BIGINT").optional()]).returns("the type of the array")
        .about("Returns the elements of an array in a random order.")
        .varies("shuffle(array(1, 20, 3, 5))"),
];

/// Returns the generator of a call, with the seed in the argument at `i` or with one of the query's
/// own; and the seed.
fn source(call: &Call<'_>, i: usize) -> (i64, Mutex<XorShift>) {
    let seed = call.constant_int(i).unwrap_or(call.context.now_us);
    (seed, Mutex::new(XorShift::new(seed)))
}

/// Returns a column of draws.
fn drawn<T: Cell>(
    call: &Call<'_>,
    to: DataType,
    label: String,
    i: usize,
    options: &str,
    draw: impl Fn(&mut XorShift) -> T + Send + Sync + 'static,
) -> Typed {
    let (seed, source) = source(call, i);
    row::drawn(call.name, format!("{seed}{options}"), to, label, move || {
        draw(&mut source.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// Resolves `rand` and `randn` (`Rand`, `Randn`).
fn doubles(call: &Call<'_>, draw: fn(&mut XorShift) -> f64) -> Result<Typed> {
    let name = if call.name == "random" { "rand" } else { call.name };
    Ok(drawn(call, DataType::Float64, call.label_as(name), 0, "", draw))
}

/// Resolves `uniform` (`Uniform`), in the common type of its bounds.
///
/// # Errors
/// If a bound is not constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`.
fn between(call: &Call<'_>) -> Result<Typed> {
    let (_, to) = condition::unified(call.context, call.name, &call.args[..2])?;
    let bound = |i: usize, name: &str| match super::fold(&call.double(i)?.expr) {
        Some(ScalarValue::Float64(Some(x))) => Ok(x),
        _ => Err(non_foldable(call, name, "NUMERIC")),
    };
    let (low, high) = (bound(0, "min")?, bound(1, "max")?);
    let options = format!(" {low} {high}");
    let drawn = drawn(call, DataType::Float64, call.label(), 2, &options, move |source| {
        low + (high - low) * source.double()
    });
    let mut out = call.context.cast(drawn, &to)?;
    out.name = call.label();
    Ok(out)
}

/// Resolves `randstr` (`RandStr`): digits and letters, all equally likely.
fn randstr(call: &Call<'_>) -> Result<Typed> {
    /// What `randstr` draws from.
    const CHARACTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let Some(length) = call.constant_int(0) else {
        return Err(non_foldable(call, "length", "INT or SMALLINT"));
    };
    let label = call.label();
    let length = u64::try_from(length).map_err(|_| out_of_range(&label, "`length`", "[0, 2147483647]", length))?;
    limits::value("randstr", length)?;
    let options = format!(" {length}");
    Ok(drawn(call, DataType::Utf8, call.label(), 1, &options, move |source| {
        (0..length)
            .map(|_| char::from(CHARACTERS[(source.double() * 62.0) as usize]))
            .collect::<String>()
    }))
}

/// Resolves `uuid` (`Uuid`): version 4, variant 1.
fn uuid(call: &Call<'_>) -> Result<Typed> {
    Ok(drawn(call, DataType::Utf8, call.label(), 0, "", |source| {
        let high = source.long() & !0xf000 | 0x4000;
        let low = source.long() & !(0b11 << 62) | 1 << 63;
        let hex = format!("{high:016x}{low:016x}");
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }))
}

/// Resolves `shuffle` (`Shuffle`), by Fisher and Yates.
fn shuffle(call: &Call<'_>) -> Result<Typed> {
    let (list, _) = call.list(0)?;
    let (seed, source) = source(call, 1);
    Ok(arrays::picked(call, list, seed.to_string(), move |list, row| {
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at: Vec<Option<u32>> = super::list::span(list, row).map(|i| Some(i as u32)).collect();
        for i in (1..at.len()).rev() {
            at.swap(i, (source.double() * (i + 1) as f64) as usize);
        }
        Some(at)
    }))
}

/// Returns uniform doubles in [0, 1), for `sample`.
pub fn uniform(seed: i64) -> Expr {
    let source = Mutex::new(XorShift::new(seed));
    row::drawn("rand", seed.to_string(), DataType::Float64, "", move || {
        source.lock().unwrap_or_else(PoisonError::into_inner).double()
    })
    .expr
}
