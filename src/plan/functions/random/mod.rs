//! Functions that draw at random: with the same seed the same draws, in the order of the rows.
//!
//! Each call in a compiled plan has a generator per partition, seeded by its argument, or by the query's time, and the partition's
//! number, as in Spark. It draws on from batch to batch of a stream.

mod xor_shift;

pub use self::xor_shift::XorShift;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, Volatility};

use super::call::Call;
use super::collection::arrays;
use super::condition;
use super::entry::{Function, Nulls, array, literal, scalar};
use super::error::{non_foldable, out_of_range, unexpected_type};
use super::partition;
use super::row::{self, Cell};
use crate::error::{Result, SparkError};
use crate::kernels::{kernel, limits};
use crate::plan::scope::Typed;
use crate::values::java_random::JavaRandom;
use crate::values::types::is_numeric;
use crate::values::well::Poisson;

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

/// The generators of a call, one per partition.
struct Sources<G> {
    make: Box<dyn Fn(usize) -> G + Send + Sync>,
    of_partitions: Mutex<BTreeMap<usize, G>>,
}

impl<G> Sources<G> {
    /// Returns generators that are made of the number of a partition.
    fn new(make: impl Fn(usize) -> G + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            of_partitions: Mutex::default(),
        }
    }

    /// Draws from the generator of the task's partition.
    fn draw<T>(&self, draw: impl FnOnce(&mut G) -> T) -> T {
        let partition = partition::current();
        let mut generators = self.of_partitions.lock().unwrap_or_else(PoisonError::into_inner);
        let own = generators.entry(partition);
        draw(own.or_insert_with(|| (self.make)(partition)))
    }
}

/// Returns generators of a seed, to which each partition adds its number.
fn uniforms(seed: i64) -> Sources<XorShift> {
    Sources::new(move |partition| XorShift::new(seed.wrapping_add(partition as i64)))
}

/// Returns generators, with a seed or with one of the query's own; and the seed.
fn source(call: &Call<'_>, seed: Option<i64>) -> (i64, Sources<XorShift>) {
    let seed = seed.unwrap_or(call.context.now_us);
    (seed, uniforms(seed))
}

/// Returns the seed in the argument at `i`, if there is one: 0 for null, as in Spark.
///
/// # Errors
/// If it is not an INT or a BIGINT, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`; if it is not constant, what `not_constant` makes.
fn seed(call: &Call<'_>, i: usize, not_constant: impl FnOnce(&Typed) -> SparkError) -> Result<Option<i64>> {
    if !call.has(i) {
        return Ok(None);
    }
    let arg = call.arg(i)?;
    if !matches!(arg.data_type, DataType::Int32 | DataType::Int64 | DataType::Null) {
        return Err(unexpected_type(&call.label(), i + 1, &arg, &["INT", "BIGINT"]));
    }
    match super::fold(&arg.expr).map(|value| value.cast_to(&DataType::Int64)) {
        Some(Ok(ScalarValue::Int64(seed))) => Ok(Some(seed.unwrap_or(0))),
        _ => Err(not_constant(&arg)),
    }
}

/// Returns the seed in the argument at `i`, which must be a literal; `None` for null (`ExpressionWithRandomSeed`).
///
/// # Errors
/// If it is not, `INVALID_PARAMETER_VALUE.LONG`.
fn literal_seed(call: &Call<'_>, i: usize, function: &str) -> Result<Option<i64>> {
    if !call.has(i) {
        return Ok(None);
    }
    let arg = call.arg(i)?;
    match arg.literal() {
        Some(value) if value.is_null() => Ok(None),
        Some(ScalarValue::Int32(Some(seed))) => Ok(Some(i64::from(*seed))),
        Some(ScalarValue::Int64(Some(seed))) => Ok(Some(*seed)),
        _ => Err(SparkError::analysis(
            "INVALID_PARAMETER_VALUE.LONG",
            "22023",
            format!(
                "The value of parameter(s) `seed` in `{function}` is invalid: expects a long literal, but got \"{}\".",
                arg.name
            ),
        )),
    }
}

/// Makes `SEED_EXPRESSION_IS_UNFOLDABLE`.
fn unfoldable(label: &str, seed: &Typed) -> SparkError {
    SparkError::analysis(
        "SEED_EXPRESSION_IS_UNFOLDABLE",
        "42K08",
        format!(
            "The seed expression \"{}\" of the expression \"{label}\" must be foldable.",
            seed.name
        ),
    )
}

/// Returns a column of draws.
fn drawn<T: Cell>(
    call: &Call<'_>,
    to: DataType,
    label: String,
    seed: Option<i64>,
    options: &str,
    draw: impl Fn(&mut XorShift) -> T + Send + Sync + 'static,
) -> Typed {
    let (seed, source) = source(call, seed);
    row::drawn(call.name, format!("{seed}{options}"), to, label, move || {
        source.draw(|generator| draw(generator))
    })
}

/// Resolves `rand` and `randn` (`Rand`, `Randn`).
fn doubles(call: &Call<'_>, draw: fn(&mut XorShift) -> f64) -> Result<Typed> {
    let name = if call.name == "random" { "rand" } else { call.name };
    let label = call.label_as(name);
    let seed = seed(call, 0, |seed| unfoldable(&label, seed))?;
    Ok(drawn(call, DataType::Float64, label, seed, "", draw))
}

/// Resolves `uniform` (`Uniform`), in the common type of its bounds.
///
/// # Errors
/// If a bound is not constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`.
fn between(call: &Call<'_>) -> Result<Typed> {
    for (i, bound) in call.args[..2].iter().enumerate() {
        if !is_numeric(&bound.data_type) && !bound.data_type.is_null() {
            return Err(unexpected_type(&call.label(), i + 1, bound, &["NUMERIC"]));
        }
    }
    let (_, to) = condition::unified(call.context, call.name, &call.args[..2])?;
    let bound = |i: usize, name: &str| match super::fold(&call.double(i)?.expr) {
        Some(ScalarValue::Float64(Some(x))) => Ok(x),
        _ => Err(non_foldable(call, name, "NUMERIC")),
    };
    let (low, high) = (bound(0, "min")?, bound(1, "max")?);
    let options = format!(" {low} {high}");
    let seed = seed(call, 2, |_| non_foldable(call, "seed", "INT or BIGINT"))?;
    let drawn = drawn(call, DataType::Float64, call.label(), seed, &options, move |source| {
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
    let seed = seed(call, 1, |_| non_foldable(call, "seed", "INT or BIGINT"))?;
    Ok(drawn(
        call,
        DataType::Utf8,
        call.label(),
        seed,
        &options,
        move |source| {
            (0..length)
                .map(|_| char::from(CHARACTERS[(source.int() % 62).unsigned_abs() as usize]))
                .collect::<String>()
        },
    ))
}

/// Resolves `uuid` (`Uuid`): version 4, variant 1.
fn uuid(call: &Call<'_>) -> Result<Typed> {
    let seed = literal_seed(call, 0, "UUID")?;
    Ok(drawn(call, DataType::Utf8, call.label(), seed, "", |source| {
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
    let (seed, source) = source(call, literal_seed(call, 1, "shuffle")?);
    Ok(arrays::picked(call, list, seed.to_string(), move |list, row| {
        let mut at: Vec<Option<u32>> = super::list::span(list, row).map(|i| Some(i as u32)).collect();
        source.draw(|generator| {
            for i in (1..at.len()).rev() {
                at.swap(i, (generator.double() * (i + 1) as f64) as usize);
            }
        });
        Some(at)
    }))
}

/// Returns uniform doubles in [0, 1), for `sample`.
pub fn uniform(seed: i64) -> Expr {
    let source = uniforms(seed);
    row::drawn("rand", seed.to_string(), DataType::Float64, "", move || {
        source.draw(XorShift::double)
    })
    .expr
}

/// Returns how often each row is taken, about `share` times, as a list of so many elements: for `sample` with replacement, which makes
/// rows of them (`PoissonSampler`).
pub fn times(share: f64, seed: i64) -> Typed {
    // The seeds of the partitions are drawn one after the other.
    let numbers = Sources::new(move |partition| {
        let mut seeds = JavaRandom::new(seed);
        for _ in 0..partition {
            seeds.long();
        }
        Poisson::new(share, seeds.long())
    });
    let element = Arc::new(Field::new_list_field(DataType::Boolean, false));
    let to = DataType::List(element.clone());
    let expr = kernel::call_with(
        "times",
        format!("{share} {seed}"),
        to.clone(),
        vec![],
        Volatility::Volatile,
        move |_, rows| {
            let lengths: Vec<usize> = (0..rows).map(|_| numbers.draw(Poisson::draw) as usize).collect();
            let all = lengths.iter().sum();
            let offsets = OffsetBuffer::from_lengths(lengths);
            let elements = Arc::new(BooleanArray::from(vec![true; all]));
            Ok(Arc::new(ListArray::new(element.clone(), offsets, elements, None)) as ArrayRef)
        },
    );
    Typed::new(expr, to, "times")
}
