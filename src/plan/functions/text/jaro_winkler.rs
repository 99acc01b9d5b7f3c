//! `jaro_winkler_similarity`: how much two strings look alike, with weight on their beginnings.
//! Characters are Java's, UTF-16.
//!
//! The measure of Winkler (1990): Jaro's similarity, plus a tenth of what is missing to 1 for each of
//! at most four characters of a common beginning.

use arrow::datatypes::DataType;

use crate::error::Result;
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;

/// Characters of a common beginning that count.
const PREFIX: usize = 4;
/// What each of them is worth.
const SCALE: f64 = 0.1;

/// Resolves `jaro_winkler_similarity`; takes as many steps as the product of the lengths.
pub fn jaro_winkler_similarity(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Float64, vec![call.text(0)?, call.text(1)?], |r| {
        Ok(Some(similarity(r.text(0), r.text(1))))
    })
}

/// Returns the similarity of two strings: 1 for equal ones, 0 without any match.
fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<u16>, Vec<u16>) = (a.encode_utf16().collect(), b.encode_utf16().collect());
    let jaro = jaro(&a, &b);
    let prefix = a.iter().zip(&b).take(PREFIX).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * SCALE * (1.0 - jaro)
}

/// Returns Jaro's similarity: characters match if they are equal and not farther apart than half the
/// longer string.
fn jaro(a: &[u16], b: &[u16]) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut matched = Vec::new();
    for (i, x) in a.iter().enumerate() {
        let near = i.saturating_sub(reach)..(i + reach + 1).min(b.len());
        if let Some(j) = near.into_iter().find(|j| !taken[*j] && b[*j] == *x) {
            taken[j] = true;
            matched.push(*x);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let others = b.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(y, _)| y);
    let out_of_order = matched.iter().zip(others).filter(|(x, y)| x != y).count();
    let m = matched.len() as f64;
    (m / a.len() as f64 + m / b.len() as f64 + (m - out_of_order as f64 / 2.0) / m) / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that Spark 4.3 printed.
    #[test]
    fn similarities_equal_sparks() {
        for (a, b, expected) in [
            ("MARTHA", "MARHTA", 0.961_111_111_111_111_1),
            ("DIXON", "DICKSONX", 0.813_333_333_333_333_2),
            ("JELLYFISH", "SMELLYFISH", 0.896_296_296_296_296_4),
            ("größe", "grösse", 0.875_555_555_555_555_6),
            ("abcd", "dcba", 0.5),
            ("zabcxxxx", "ybcaxxxx", 0.845_238_095_238_095_2),
            ("👋a", "👋b", 0.822_222_222_222_222_2),
            ("ab", "ba", 0.0),
            ("123", "132", 0.6),
            ("ABC Corporation", "ABC Corp", 0.906_666_666_666_666_6),
            ("", "", 1.0),
            ("a", "", 0.0),
        ] {
            assert!(
                (similarity(a, b) - expected).abs() < 1e-12,
                "{a} {b}: {}",
                similarity(a, b)
            );
        }
    }
}
