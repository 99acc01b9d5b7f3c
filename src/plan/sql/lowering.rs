//! The state that turning one statement into messages needs.
//!
//! The files beside this one add methods to [`Lowering`], each for one kind of node of sqlparser's
//! tree.

use prost::Message;
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, WindowSpec};
use std::collections::BTreeMap;

use super::error::SqlError;
use super::tokens::Tokens;
use crate::proto as sc;

/// How deep expressions and queries may nest in each other. A level of function calls takes sqlparser 18 KiB of stack
/// even at opt-level z.
pub(super) const MAX_NESTING: usize = 50;
/// How many CTEs may build on each other: each adds its relations to the depth of the plan.
const MAX_CTE_DEPTH: usize = 64;
/// How many bytes of messages one statement may repeat, for CTEs named twice and the like.
const MAX_REPEATED_BYTES: usize = 4 << 20;

/// A table of a `WITH` clause, ready to stand wherever it is named.
pub(super) struct Cte {
    /// As written; compared in any case.
    pub name: String,
    /// Its query.
    pub relation: sc::Relation,
    /// How many CTEs it builds on, one on the other.
    pub depth: usize,
}

/// What is known while a statement's tree becomes messages: which tables, windows and lambda parameters are in scope,
/// and which subqueries were met.
#[derive(Default)]
pub(super) struct Lowering {
    /// The subqueries met, each with its plan id, those inside before those around them.
    pub references: Vec<sc::Relation>,
    /// The `WITH` clauses in scope, the innermost last.
    pub ctes: Vec<Vec<Cte>>,
    /// The `WINDOW` clauses of the selects around, by lower-case name, the innermost last.
    pub windows: Vec<BTreeMap<String, WindowSpec>>,
    /// The parameters of the lambdas around, the innermost last.
    pub lambdas: Vec<Vec<String>>,
    /// The deepest CTE named since it was last reset.
    pub cte_depth: usize,
    /// How many bytes of messages have been copied so far.
    repeated_bytes: usize,
    /// The newest plan id, which is negative.
    last_plan_id: i64,
}

impl Lowering {
    /// Registers a subquery and returns its plan id: -1, -2, … so that no client's id is met.
    pub fn refer(&mut self, mut relation: sc::Relation) -> i64 {
        self.last_plan_id -= 1;
        relation.common.get_or_insert_default().plan_id = Some(self.last_plan_id);
        self.references.push(relation);
        self.last_plan_id
    }

    /// Returns a name that no statement can have, and that is not in this one yet.
    pub fn fresh_name(&mut self, kind: &str) -> String {
        self.last_plan_id -= 1;
        format!("\u{0}{kind} {}", -self.last_plan_id)
    }

    /// Wraps a statement's relation with the subqueries its expressions refer to; without any it is
    /// returned as it is.
    pub fn with_references(self, root: sc::Relation) -> sc::Relation {
        if self.references.is_empty() {
            return root;
        }
        let references = self.references;
        let with = sc::WithRelations {
            root: Some(Box::new(root)),
            references,
        };
        super::message::relation(sc::relation::RelType::WithRelations(Box::new(with)))
    }

    /// Copies a message and counts it against what a statement may repeat.
    ///
    /// # Errors
    /// If that is too much, [`SqlError::TooComplex`]: CTEs that name each other twice would double with
    /// every step.
    pub fn repeat<M: Message + Clone>(&mut self, message: &M) -> Result<M, SqlError> {
        self.repeated_bytes += message.encoded_len();
        if self.repeated_bytes > MAX_REPEATED_BYTES {
            Err(SqlError::TooComplex)
        } else {
            Ok(message.clone())
        }
    }

    /// Copies the CTE of that name; `None` if there is none in scope.
    ///
    /// # Errors
    /// If too much has been copied, or CTEs build on each other too deeply, [`SqlError::TooComplex`].
    pub fn cte(&mut self, name: &str) -> Result<Option<(String, sc::Relation)>, SqlError> {
        let found = self
            .ctes
            .iter()
            .rev()
            .flat_map(|scope| scope.iter().rev())
            .find(|cte| cte.name.eq_ignore_ascii_case(name));
        let Some(cte) = found else { return Ok(None) };
        self.repeated_bytes += cte.relation.encoded_len();
        self.cte_depth = self.cte_depth.max(cte.depth);
        if self.repeated_bytes > MAX_REPEATED_BYTES || cte.depth > MAX_CTE_DEPTH {
            return Err(SqlError::TooComplex);
        }
        Ok(Some((cte.name.clone(), cte.relation.clone())))
    }

    /// Returns the lambda parameter of that name, as its lambda wrote it; names are compared in any case.
    pub fn lambda_parameter(&self, name: &str) -> Option<String> {
        let parameters = self.lambdas.iter().rev().flatten();
        parameters
            .into_iter()
            .find(|parameter| parameter.eq_ignore_ascii_case(name))
            .cloned()
    }
}

/// Returns a name as Spark takes it.
///
/// # Errors
/// If it is a string, which sqlparser also accepts as a name, `PARSE_SYNTAX_ERROR`.
pub(super) fn ident(name: &Ident) -> Result<String, SqlError> {
    match name.quote_style {
        None | Some('`') => Ok(name.value.clone()),
        Some(_) => {
            let start = name.span.start;
            let position = super::error::Position {
                line: start.line,
                column: start.column.saturating_sub(1),
            };
            Err(SqlError::near(&format!("'{}'", name.value), position))
        }
    }
}

/// Returns the parts of a dotted name.
///
/// # Errors
/// If a part is not a plain name, `UNSUPPORTED_FEATURE.IDENTIFIER_CLAUSE`.
pub(super) fn object_name(name: &ObjectName) -> Result<Vec<String>, SqlError> {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(name) => ident(name),
        other => Err(SqlError::unsupported("IDENTIFIER_CLAUSE", other.to_string())),
    };
    name.0.iter().map(part).collect()
}

/// Parses tokens with one of sqlparser's entry points, up to the end of the text.
///
/// # Errors
/// If there is nothing to parse, `PARSE_EMPTY_STATEMENT`; if the tokens do not fit or some are left,
/// `PARSE_SYNTAX_ERROR` at the first of them; if they nest too deeply, [`SqlError::TooComplex`].
pub(super) fn parse_all<T>(
    tokens: &Tokens<'_>,
    from: usize,
    entry: impl FnOnce(&mut sqlparser::parser::Parser<'_>) -> Result<T, sqlparser::parser::ParserError>,
) -> Result<T, SqlError> {
    let dialect = super::dialect::Spark;
    let remaining = tokens.tokens.get(from..).unwrap_or_default().to_vec();
    if remaining.is_empty() {
        return Err(if from == 0 {
            SqlError::Empty
        } else {
            tokens.error_at(from)
        });
    }
    let mut parser = sqlparser::parser::Parser::new(&dialect)
        .with_recursion_limit(MAX_NESTING)
        .with_tokens_with_locations(remaining);
    let parsed = entry(&mut parser).map_err(|error| tokens.error_of(&error))?;
    let end = parser.peek_token_ref();
    if end.token == sqlparser::tokenizer::Token::EOF {
        return Ok(parsed);
    }
    let unexpected = parser.expected_ref::<T>("end of statement", end);
    Err(unexpected
        .err()
        .map_or(SqlError::TooComplex, |error| tokens.error_of(&error)))
}
