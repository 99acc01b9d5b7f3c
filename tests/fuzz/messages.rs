//! Connect's requests with bytes changed, lost and doubled.

use prost::Message;
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rivulet::connect::protocol::Method;
use rivulet::plan::sql::{Statement, parse_statement};
use rivulet::proto as sc;
use rivulet::proto::plan::OpType;

use super::session::Session;
use super::watch::{End, Target, fuzz};
use super::words;
use crate::engine::client::SESSION;

struct Messages {
    session: Session,
    plans: Vec<Vec<u8>>,
}

/// Damages bytes in one of the usual ways.
pub fn damage(rng: &mut SmallRng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..rng.random_range(1..6) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.random_range(0..bytes.len());
        let until = (at + rng.random_range(1..32)).min(bytes.len());
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = *[0, 1, 0x7f, 0x80, 0xff].choose(rng).expect("some"),
            2 => {
                bytes.drain(at..until);
            }
            3 => {
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            5 => bytes[at] = rng.random(),
            _ => {
                let other = others.choose(rng).expect("there are others");
                let from = rng.random_range(0..other.len().max(1));
                let to = (from + rng.random_range(1..64)).min(other.len());
                if from < to {
                    bytes.splice(at..until, other[from..to].iter().copied());
                }
            }
        }
    }
}

impl Target for Messages {
    fn new() -> Self {
        let relations = words::statements()
            .into_iter()
            .filter_map(|text| match parse_statement(&text) {
                Ok(Statement::Query(relation)) => Some(relation.encode_to_vec()),
                _ => None,
            });
        Self {
            session: Session::new(),
            plans: relations.collect(),
        }
    }

    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End {
        let mut bytes = self.plans.choose(rng).expect("there are plans").clone();
        damage(rng, &mut bytes, &self.plans);
        // The plan inside stays a plan: what is damaged outside it is not read at all.
        let Ok(relation) = rivulet::proto::read::<sc::Relation>(&bytes) else {
            note("a message that is not read");
            let method = *[
                Method::ExecutePlan,
                Method::AnalyzePlan,
                Method::Config,
                Method::Interrupt,
            ]
            .choose(rng)
            .expect("some");
            let call = self.session.cluster.request(method, bytes, &mut Default::default());
            let ended = self
                .session
                .ends(call)
                .then(|| self.session.cluster.calls.remove(&call));
            return match ended.flatten().and_then(|call| call.ended) {
                Some(Err(_)) | None => End::Refused("unreadable".into()),
                Some(Ok(())) => End::Answered,
            };
        };
        note(&format!("{relation:?}"));
        if rng.random_bool(0.3) {
            let schema = sc::analyze_plan_request::Analyze::Schema(sc::analyze_plan_request::Schema {
                plan: Some(sc::Plan {
                    op_type: Some(OpType::Root(relation)),
                }),
            });
            let request = sc::AnalyzePlanRequest {
                session_id: SESSION.into(),
                analyze: Some(schema),
                ..Default::default()
            };
            let call =
                self.session
                    .cluster
                    .request(Method::AnalyzePlan, request.encode_to_vec(), &mut Default::default());
            let ended = self.session.cluster.calls.remove(&call).and_then(|call| call.ended);
            return self.session.end(ended.map(|end| end.map(|()| vec![])));
        }
        let answer = self.session.rows(relation);
        self.session.end(answer)
    }
}

#[test]
fn messages_end_in_an_answer_or_an_error_of_their_own() {
    fuzz::<Messages>("messages", 4000);
}
