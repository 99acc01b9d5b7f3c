//! Functions of arrays that take a lambda. Those of maps are in [`super::map`].
//!
//! ```text
//! transform(a, x -> x + b)       a       [1 2] [3]      flattened  1 2 3
//!                                b       10    20       repeated   10 10 20
//!                                body over flattened columns       11 12 23
//!                                result  [11 12] [23]
//! ```
//!
//! A lambda is resolved over variables of its own and compiled once (`body`); it runs over the
//! elements of all rows of a batch together.

pub(super) mod body;
pub(super) mod higher_order;

use super::entry::*;

/// Functions of arrays that take a lambda: forms, because a lambda is not a value.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    form("transform", higher_order::transform).takes(&[array("expr"), lambda("func", "(T[, INT]) -> ANY")]).returns("ARRAY")
        .about("Applies a lambda to each element, and to its position from 0 if it takes two arguments.")
        .example("transform(array(1, 2, 3), (x, i) -> x + i)", "[1, 3, 5]"),
    form("filter", higher_order::filter).takes(&[array("expr"), lambda("func", "(T[, INT]) -> BOOLEAN")])
        .returns("the type of the array")
        .about("Returns the elements for which a lambda is true.")
        .example("filter(array(1, 2, 3), x -> x % 2 == 1)", "[1, 3]"),
    form("exists", higher_order::exists).takes(&[array("expr"), lambda("pred", "T -> BOOLEAN")]).returns("BOOLEAN")
        .null_if("Null if the array is null, or if the lambda is true for no element and null for one.")
        .about("Tests whether a lambda is true for an element.")
        .example("exists(array(1, 2, 3), x -> x % 2 == 0)", "true"),
    form("forall", higher_order::forall).takes(&[array("expr"), lambda("pred", "T -> BOOLEAN")]).returns("BOOLEAN")
        .null_if("Null if the array is null, or if the lambda is false for no element and null for one.")
        .about("Tests whether a lambda is true for all elements.")
        .example("forall(array(1, 2, 3), x -> x % 2 == 0)", "false"),
    form("aggregate", higher_order::reduce).aliases(&["reduce"])
        .takes(&[array("expr"), literal("start", "ANY"), lambda("merge", "(A, T) -> A"), lambda("finish", "A -> ANY").optional()])
        .returns("the type of the start, or of the finishing lambda")
        .null_if("Null if the array is null; a lambda sees null elements.")
        .about("Folds the elements by a lambda, from a start value, then applies the finishing lambda.")
        .example("aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)", "60"),
    form("zip_with", higher_order::zip_with).takes(&[array("left"), array("right"), lambda("func", "(T, U) -> ANY")])
        .returns("ARRAY")
        .about("Joins two arrays element by element with a lambda; the shorter one is filled up with nulls.")
        .example("zip_with(array(1, 2, 3), array('a', 'b', 'c'), (x, y) -> (y, x))", "[{a, 1}, {b, 2}, {c, 3}]"),
];
