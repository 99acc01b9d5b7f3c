//! Strings found and compared: positions, distances, sounds, checks.
//!
//! Positions count characters from 1; 0 says that nothing was found.
//!
//! ```text
//! instr('Rivulet', 'u')         4        levenshtein('kitten', 'sitting')      3
//! locate('l', 'hello', 4)       4        levenshtein('kitten', 'sitting', 2)   -1
//! locate('l', 'hello', 0)       0        soundex('Miller')                     M460
//! find_in_set('ab', 'b,ab')     2        luhn_check('8112189876')              true
//! ```

use arrow::datatypes::DataType;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::limits;
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::scope::Typed;

/// Resolves `instr` (`StringInstr`); with a position or an occurrence as [`nth_position`].
///
/// When it runs, an occurrence below 1 is `INVALID_PARAMETER_VALUE.OCCURRENCE`.
pub fn instr(call: &Call<'_>) -> Result<Typed> {
    if call.has(2) {
        let args = vec![call.text(0)?, call.text(1)?, call.int(2)?, call.int_or(3, 1)?];
        let label = call.label_or(2, &["1", "1"]);
        return Ok(row::call(call.name, "nth", DataType::Int32, args, label, |r| {
            nth_position(r.text(0), r.text(1), r.int(2), r.int(3)).map(Some)
        }));
    }
    call.strict(DataType::Int32, vec![call.text(0)?, call.text(1)?], |r| {
        Ok(Some(position(r.text(0), r.text(1), 1)))
    })
}

/// Resolves `charindex`: `instr` with its arguments in the other order, or `locate` from a position on.
pub fn charindex(call: &Call<'_>) -> Result<Typed> {
    if call.has(2) {
        return locate(call);
    }
    call.strict(DataType::Int32, vec![call.text(1)?, call.text(0)?], |r| {
        Ok(Some(position(r.text(0), r.text(1), 1)))
    })
}

/// Resolves `locate` (`StringLocate`); a null start position is answered with 0.
pub fn locate(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.text(0)?, call.text(1)?, call.int_or(2, 1)?];
    let label = call.label_or(2, &["1"]);
    Ok(row::with_nulls(call.name, "", DataType::Int32, args, label, |r| {
        // A null start position is answered with 0, other nulls with null (`StringLocate`).
        if r.is_null(2) {
            return Ok(Some(0));
        }
        Ok((!r.is_null(0) && !r.is_null(1)).then(|| position(r.text(1), r.text(0), r.int(2))))
    }))
}

/// Resolves `levenshtein` (`Levenshtein`). With a threshold the whole distance is computed, too, and -1
/// returned if it is greater.
///
/// When it runs, two strings that are too long together are `RIVULET_TOO_MANY_STEPS`.
pub fn levenshtein(call: &Call<'_>) -> Result<Typed> {
    let mut args = vec![call.text(0)?, call.text(1)?];
    let limited = call.has(2);
    if limited {
        args.push(call.int(2)?);
    }
    call.strict(DataType::Int32, args, move |r| {
        let (a, b) = (r.text(0), r.text(1));
        limits::steps("levenshtein", (a.len() as u64).saturating_mul(b.len() as u64))?;
        let found = crate::values::text::distance(a, b) as i32;
        Ok(Some(if limited && found > r.int(2) { -1 } else { found }))
    })
}

/// Resolves `soundex` (`SoundEx`).
pub fn soundex_code(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?], |r| Ok(Some(soundex(r.text(0)))))
}

/// Resolves `find_in_set` (`FindInSet`); a string with a comma is in no list.
pub fn find_in_set(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int32, vec![call.text(0)?, call.text(1)?], |r| {
        let wanted = r.text(0);
        if wanted.contains(',') {
            return Ok(Some(0));
        }
        let at = r.text(1).split(',').position(|p| p == wanted);
        Ok(Some(at.map_or(0, |i| i as i32 + 1)))
    })
}

/// Resolves `luhn_check` (`Luhncheck`).
pub fn luhn_check(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Boolean, vec![call.text(0)?], |r| Ok(Some(luhn(r.text(0)))))
}

/// Returns the position of `part` in characters from 1, looking from position `from`; 0 if it is not
/// there. An empty part is found at 1.
fn position(text: &str, part: &str, from: i32) -> i32 {
    if from < 1 {
        return 0;
    }
    if part.is_empty() {
        return 1;
    }
    let skip = from as usize - 1;
    let Some((start, _)) = text.char_indices().nth(skip) else {
        return 0;
    };
    text[start..]
        .find(part)
        .map_or(0, |at| (text[start..start + at].chars().count() + skip) as i32 + 1)
}

/// Returns the position in characters from 1 of an occurrence of `part`, looking from the position `from` on, or backwards from the
/// end if it is negative; 0 if it is not there or `from` is 0. Occurrences may overlap, and an empty part is found at 1.
///
/// # Errors
/// If the occurrence is below 1, `INVALID_PARAMETER_VALUE.OCCURRENCE`.
fn nth_position(text: &str, part: &str, from: i32, occurrence: i32) -> Result<i32> {
    if occurrence < 1 {
        return Err(SparkError::new(
            Exception::Runtime,
            "INVALID_PARAMETER_VALUE.OCCURRENCE",
            "22023",
            format!(
                "The value of parameter(s) `occurrence` in `instr` is invalid: expects a positive integer, but got {occurrence}."
            ),
        ));
    }
    let skip = from.unsigned_abs() as usize;
    if from == 0 {
        return Ok(0);
    }
    if part.is_empty() {
        return Ok(1);
    }
    let nth = occurrence as usize - 1;
    let starts = text.char_indices().enumerate().map(|(at, (byte, _))| (at, byte));
    let found = |&(_, byte): &(usize, usize)| text[byte..].starts_with(part);
    let at = if from > 0 {
        starts.skip(skip - 1).filter(found).nth(nth)
    } else {
        let starts: Vec<_> = starts.collect();
        starts.into_iter().rev().skip(skip - 1).filter(found).nth(nth)
    };
    Ok(at.map_or(0, |(at, _)| at as i32 + 1))
}

/// Returns the sound of a string (`UTF8String.soundex`): its first letter and three digits. One that
/// does not begin with an ASCII letter is its own sound.
fn soundex(text: &str) -> String {
    // Digit by letter from A; 0 is dropped, 7 (H, W) joins its neighbours.
    /// The Soundex digit of each letter from A; 0 is dropped, 7 (H, W) joins its neighbours.
    const CODES: &[u8; 26] = b"01230127022455012623017202";
    let bytes = text.as_bytes();
    let Some(first) = bytes.first().map(u8::to_ascii_uppercase).filter(u8::is_ascii_uppercase) else {
        return text.to_owned();
    };
    let mut out = String::from(char::from(first));
    let mut last = CODES[usize::from(first - b'A')];
    for byte in &bytes[1..] {
        let upper = byte.to_ascii_uppercase();
        if !upper.is_ascii_uppercase() {
            last = b'0';
            continue;
        }
        let code = CODES[usize::from(upper - b'A')];
        if code == b'7' {
            continue;
        }
        if code != b'0' && code != last {
            out.push(char::from(code));
            if out.len() == 4 {
                break;
            }
        }
        last = code;
    }
    format!("{out:0<4}")
}

/// Returns whether digits pass the Luhn check; false for anything but digits, and for none.
fn luhn(text: &str) -> bool {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') * if i % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_equal_sparks() {
        for (text, sound) in [
            ("Miller", "M460"),
            ("Ashcraft", "A261"),
            ("Tymczak", "T522"),
            ("", ""),
            ("Çelik", "Çelik"),
            ("anna", "A500"),
        ] {
            assert_eq!(soundex(text), sound);
        }
    }
}
