//! The temporary views that a plan may name: decoded when it does, since a memory sink's table may be large.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;

use crate::error::{Result, SparkError};
use crate::proto as sc;

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
