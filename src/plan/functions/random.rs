//! Seeded random columns.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion_expr::{Expr, Volatility};

use crate::plan::kernel;

/// Uniform doubles in [0, 1), the same sequence for the same seed in every batch (SplitMix64; Spark's own draws differ).
pub fn uniform(seed: i64) -> Expr {
    kernel::call_with("rand", seed.to_string(), DataType::Float64, vec![], Volatility::Volatile, move |_, rows| {
        let mut state = seed as u64;
        let draws: Float64Array = (0..rows)
            .map(|_| {
                state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = state;
                z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
                Some(((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64)
            })
            .collect();
        Ok(Arc::new(draws))
    })
}
