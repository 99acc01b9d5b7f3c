//! The temporary views that a plan may name: decoded when it does, since a memory sink's table may be large.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;
use sha2::{Digest, Sha256};

use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::relation::RelType;

/// How the names of views begin that stand for kept rows; no statement can have such a name.
const KEPT: &str = "rivulet kept ";
/// How the names of views begin that stand for relations which a client knows by an id.
const NAMED: &str = "rivulet named ";

/// Returns the name of the view that stands for the rows of a relation where they are kept: by its message, but for the plan id.
/// `None` for an empty message.
pub fn kept_name(relation: &sc::Relation) -> Option<String> {
    let kind = relation.rel_type.as_ref()?;
    let mut bytes = Vec::with_capacity(kind.encoded_len());
    kind.encode(&mut bytes);
    let digest = Sha256::digest(&bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{}{hex}", prefix(kind)))
}

/// Returns how the names of views of relations of one size begin.
fn prefix(kind: &RelType) -> String {
    format!("{KEPT}{} ", kind.encoded_len())
}

/// Returns the name of the view of a relation that a client knows by an id.
pub fn named(id: &str) -> String {
    format!("{NAMED}{id}").to_lowercase()
}

/// Returns whether a view stands for kept rows.
pub fn is_kept(view: &str) -> bool {
    view.starts_with(KEPT)
}

/// Returns whether a view is a relation which a client knows by an id.
pub fn is_named(view: &str) -> bool {
    view.starts_with(NAMED)
}

/// Views by lower-case name.
#[derive(Debug, Default)]
pub struct Views {
    /// Views of the session, as bytes of `spark.connect.Relation`.
    encoded: BTreeMap<String, Buffer>,
    /// Views of the plan itself; they hide the session's.
    own: BTreeMap<String, sc::Relation>,
    /// Names of the session's views that were asked for.
    used: BTreeSet<String>,
}

impl Views {
    /// Returns the views of a session.
    pub fn of_session(encoded: BTreeMap<String, Buffer>) -> Self {
        Self {
            encoded,
            ..Self::default()
        }
    }

    /// Adds a view of the plan itself.
    pub fn insert(&mut self, name: String, relation: sc::Relation) {
        self.own.insert(name, relation);
    }

    /// Lists the views of the plan itself.
    pub fn own(&self) -> impl Iterator<Item = &sc::Relation> {
        self.own.values()
    }

    /// Removes a view of the plan itself.
    pub fn remove(&mut self, name: &str) {
        self.own.remove(name);
    }

    /// Returns a view, if there is one of this name in any case.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` if its bytes are no relation.
    pub fn find(&mut self, name: &str) -> Result<Option<sc::Relation>> {
        let name = name.to_lowercase();
        if let Some(own) = self.own.get(&name) {
            return Ok(Some(own.clone()));
        }
        let Some(bytes) = self.encoded.get(&name) else {
            return Ok(None);
        };
        let relation =
            sc::read::<sc::Relation>(bytes.as_slice()).map_err(|e| SparkError::invalid_plan(e.to_string()))?;
        self.used.insert(name);
        Ok(Some(relation))
    }

    /// Returns the name of the view that stands for a relation's rows, if they are kept, or are to be.
    pub fn kept(&self, relation: &sc::Relation) -> Option<String> {
        let kind = relation.rel_type.as_ref()?;
        self.names_after(KEPT).next()?;
        // A size is known without a look at all bytes, which may be a table's.
        self.names_after(&prefix(kind)).next()?;
        kept_name(relation).filter(|name| self.encoded.contains_key(name))
    }

    /// Returns whether a view's rows are there, and need not be computed first.
    pub fn has_rows(&self, name: &str) -> bool {
        self.encoded.get(name).is_some_and(|rows| !rows.is_empty())
    }

    /// Returns the session's views whose names begin with something.
    fn names_after<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a String> {
        let from = self.encoded.range(prefix.to_owned()..);
        from.map(|(name, _)| name)
            .take_while(move |name| name.starts_with(prefix))
    }

    /// Returns the names of the session's views that were asked for: executors need no others.
    pub fn used(&self) -> &BTreeSet<String> {
        &self.used
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn a_view_is_used_when_it_is_found_and_hidden_by_one_of_the_plan() {
        let relation = |id| sc::Relation {
            common: Some(sc::RelationCommon {
                plan_id: Some(id),
                ..Default::default()
            }),
            rel_type: None,
        };
        let encoded = ["a", "b", "c"].map(|name| (name.to_owned(), relation(1).encode_to_vec().into()));
        let mut views = Views::of_session(encoded.into());
        views.insert("c".into(), relation(2));
        assert_eq!(views.find("A").unwrap(), Some(relation(1)));
        assert_eq!(views.find("c").unwrap(), Some(relation(2)));
        assert_eq!(views.find("d").unwrap(), None);
        assert_eq!(views.used().iter().collect::<Vec<_>>(), ["a"]);
        views.remove("c");
        assert_eq!(views.find("C").unwrap(), Some(relation(1)));
        let mut broken = Views::of_session([("x".to_owned(), Buffer::from(vec![0xff_u8]))].into());
        assert!(broken.find("x").is_err());
    }
}
