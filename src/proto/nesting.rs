//! How deep messages nest in bytes, told without recursion and before anything is made of them.

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

include!(concat!(env!("OUT_DIR"), "/nesting.rs"));

/// Levels of messages within messages that are read: as many as Spark's server takes.
pub const MAX_LEVELS: usize = 1024;

/// A message, or a group of a field that is not known, whose end is ahead.
struct Open {
    /// Place in the table; `None` of a group, whose fields are not known.
    message: Option<usize>,
    /// Bytes that are left of the whole at its end.
    left_at_end: usize,
}

/// Returns whether messages nest deeper than [`MAX_LEVELS`] in a message of this name. Damaged bytes are looked at up to the
/// damage, as reading them would.
pub fn is_too_deep(name: &str, mut bytes: &[u8]) -> bool {
    let Ok(root) = MESSAGES.binary_search_by(|(other, _)| (*other).cmp(name)) else {
        debug_assert!(false, "{name} is not one of Spark's messages");
        return true;
    };
    let mut open = vec![Open {
        message: Some(root),
        left_at_end: 0,
    }];
    while let Some(Open { message, left_at_end }) = open.last() {
        if bytes.len() <= *left_at_end {
            open.pop();
            continue;
        }
        let (message, end) = (*message, *left_at_end);
        let Ok((field, wire)) = decode_key(&mut bytes) else {
            return false;
        };
        let skipped = match wire {
            WireType::Varint => decode_varint(&mut bytes).map_or(usize::MAX, |_| 0),
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup => {
                open.push(Open {
                    message: None,
                    left_at_end: end,
                });
                0
            }
            WireType::EndGroup => {
                open.pop();
                0
            }
            WireType::LengthDelimited => {
                let Ok(Ok(length)) = decode_varint(&mut bytes).map(usize::try_from) else {
                    return false;
                };
                if length > bytes.len() {
                    return false;
                }
                match message.and_then(|at| nested(at, field)) {
                    Some(inner) => {
                        open.push(Open {
                            message: Some(inner),
                            left_at_end: bytes.len() - length,
                        });
                        0
                    }
                    None => length,
                }
            }
        };
        if skipped > bytes.len() {
            return false;
        }
        bytes.advance(skipped);
        if open.len() > MAX_LEVELS + 1 {
            return true;
        }
    }
    false
}

/// Returns the message that a field of the message at a place in the table holds.
fn nested(at: usize, field: u32) -> Option<usize> {
    let fields = MESSAGES[at].1;
    let found = fields.binary_search_by_key(&field, |(number, _)| *number).ok()?;
    Some(usize::from(fields[found].1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto as sc;
    use crate::proto::relation::RelType;
    use prost::Message;

    /// A relation in `filters` filters: two levels each.
    fn filtered(filters: usize) -> Vec<u8> {
        let mut relation = sc::Relation {
            common: None,
            rel_type: Some(RelType::Range(sc::Range::default())),
        };
        for _ in 0..filters {
            let filter = sc::Filter {
                input: Some(Box::new(relation)),
                condition: None,
            };
            relation = sc::Relation {
                common: None,
                rel_type: Some(RelType::Filter(Box::new(filter))),
            };
        }
        relation.encode_to_vec()
    }

    /// Runs where the stack is as large as a driver's: an unoptimised build needs more than a test has.
    fn on_a_large_stack(test: fn()) {
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn messages_are_read_down_to_the_last_level_and_not_below() {
        on_a_large_stack(|| {
            // The range is one level, each filter two.
            assert!(sc::read::<sc::Relation>(&filtered(511)).is_ok());
            let error = sc::read::<sc::Relation>(&filtered(512)).map(|_| ()).unwrap_err();
            assert_eq!(error.to_string(), "it nests messages deeper than 1024 levels");
        });
    }

    #[test]
    fn a_text_that_looks_like_messages_is_a_text() {
        on_a_large_stack(|| {
            let view = sc::Relation {
                common: None,
                rel_type: Some(RelType::LocalRelation(sc::LocalRelation {
                    data: Some(filtered(600)),
                    schema: None,
                })),
            };
            assert!(sc::read::<sc::Relation>(&view.encode_to_vec()).is_ok());
        });
    }

    #[test]
    fn groups_count_and_damaged_bytes_are_for_the_reader() {
        // Field 1000 as a group, opened again and again.
        let mut key = Vec::new();
        prost::encoding::encode_key(1000, WireType::StartGroup, &mut key);
        assert!(is_too_deep("spark.connect.Relation", &key.repeat(100_000)));
        for bytes in [
            &[0xff][..],
            &[0x12, 200],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x09, 1],
        ] {
            assert!(!is_too_deep("spark.connect.Relation", bytes), "{bytes:?}");
            assert!(sc::read::<sc::Relation>(bytes).is_err(), "{bytes:?}");
        }
    }
}
