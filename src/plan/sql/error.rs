//! Why something is not Spark SQL, under Spark's own error conditions.
//!
//! Sentences, conditions, SQLSTATEs and parameters are those of Spark's parser, so that code written
//! against Spark recognises them; only what Rivulet itself does not support is worded here.

use std::fmt;

use crate::error::{Exception, SparkError};

/// Where in the text an error was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Counted from 1.
    pub line: u64,
    /// Characters before it in its line, counted from 0 as Spark's `pos` is.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(line {}, pos {})", self.line, self.column)
    }
}

/// An error of the SQL front end. Each variant is one of Spark's error conditions, or a family of them.
///
/// ```
/// use rivulet::plan::sql::{SqlError, parse_statement};
///
/// let error = parse_statement("SELECT 1 FROM t GROUP BY 2").unwrap_err();
/// assert_eq!(error, SqlError::GroupByPosition { index: 2, size: 1 });
/// assert_eq!((error.condition().as_str(), error.sql_state()), ("GROUP_BY_POS_OUT_OF_RANGE", "42805"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The text does not follow the grammar.
    #[error("Syntax error at or near {error}{hint}.")]
    Syntax {
        /// The offending token in quotes, or `end of input`.
        error: String,
        /// What may help, empty or starting with `: `.
        hint: String,
        /// Where the token starts.
        position: Position,
    },
    /// The text is empty where a statement, an expression or a type is needed.
    #[error("Syntax error, unexpected empty statement.")]
    Empty,
    /// Spark accepts it (or another database does), Rivulet does not.
    #[error("The feature is not supported: {description}.")]
    Unsupported {
        /// Last part of the condition, in capitals.
        feature: &'static str,
        /// The statement or clause, in words.
        description: String,
    },
    /// No such type.
    #[error("Unsupported data type {type_name}.")]
    UnsupportedType {
        /// The name in quotes, in capitals.
        type_name: String,
    },
    /// A type that needs parameters has none (`ARRAY`), or has the wrong ones.
    #[error("Incomplete complex type: {kind}.")]
    IncompleteType {
        /// `ARRAY`, `MAP` or `STRUCT`.
        kind: &'static str,
    },
    /// `CHAR` or `VARCHAR` without a length.
    #[error("DataType {type_name} requires a length parameter.")]
    MissingSize {
        /// The name in quotes, in capitals.
        type_name: String,
    },
    /// A decimal type or literal with more digits than 38.
    #[error("Decimal precision {precision} exceeds max precision 38.")]
    DecimalPrecision {
        /// Digits asked for.
        precision: u64,
    },
    /// A numeric literal that its suffix's type cannot hold.
    #[error("Numeric literal {literal} is outside the valid range for {type_name}.")]
    NumericRange {
        /// The digits with the sign, without the suffix.
        literal: String,
        /// The type of the suffix.
        type_name: &'static str,
    },
    /// `DATE'..'`, `TIMESTAMP'..'`, `X'..'`: the string is not a value of the type.
    #[error("The value of the typed literal {value_type} is invalid: {value}.")]
    TypedLiteral {
        /// The type in quotes, in capitals.
        value_type: String,
        /// The text in single quotes.
        value: String,
    },
    /// `INTERVAL ..`: the string is not an interval, or mixes units that do not go together.
    #[error("Error parsing '{input}' to interval.")]
    Interval {
        /// Last part of the condition, in capitals.
        reason: &'static str,
        /// The interval as written.
        input: String,
    },
    /// `GROUP BY 7` where the select list is shorter.
    #[error("GROUP BY position {index} is not in select list (valid range is [1, {size}]).")]
    GroupByPosition {
        /// As written, counted from 1.
        index: i64,
        /// Items of the select list.
        size: usize,
    },
    /// `LIMIT` or `OFFSET` is not a constant, not an integer, negative or too large.
    #[error("The limit like expression {expression} is invalid.")]
    Limit {
        /// Last part of the condition, in capitals.
        reason: &'static str,
        /// The expression in double quotes.
        expression: String,
    },
    /// `OVER w` without a `WINDOW w AS ..`.
    #[error("Window specification is not defined in the WINDOW clause for {name}.")]
    MissingWindow {
        /// As written.
        name: String,
    },
    /// A frame that starts at `UNBOUNDED FOLLOWING` or ends at `UNBOUNDED PRECEDING`.
    #[error(
        "Cannot resolve \"{units} BETWEEN {lower} AND {upper}\" due to data type mismatch: Window frame upper bound \"{upper}\" does not follow the lower bound \"{lower}\"."
    )]
    FrameBound {
        /// `ROWS` or `RANGE`.
        units: String,
        /// Where it starts.
        lower: String,
        /// Where it ends.
        upper: String,
    },
    /// Two tables of one `WITH` have the same name.
    #[error("CTE definition can't have duplicate names: {names}.")]
    DuplicateCte {
        /// In quotes.
        names: String,
    },
    /// A table of WITH RECURSIVE names itself where it cannot.
    #[error(
        "Invalid recursive definition found. Recursive queries must contain an UNION or an UNION ALL statement with 2 children. The first child needs to be the anchor term without any recursive references. Any top level inner CTE must not contain self references."
    )]
    RecursiveCte,
    /// A table of WITH RECURSIVE is a UNION without ALL.
    #[error(
        "The UNION operator is not yet supported within recursive common table expressions (WITH clauses that refer to themselves, directly or indirectly). Please use UNION ALL instead."
    )]
    RecursiveUnion,
    /// `SHOW foo FUNCTIONS`.
    #[error("Invalid SQL syntax: SHOW {scope} FUNCTIONS not supported.")]
    FunctionScope {
        /// In backticks, in lower case.
        scope: String,
    },
    /// Nested or chained deeper, or repeated more often, than the engine follows.
    #[error("The statement, including potential SQL functions and referenced views, was too complex to parse.")]
    TooComplex,
}

impl SqlError {
    /// Returns Spark's error condition, with its sub-condition after a dot.
    pub fn condition(&self) -> String {
        match self {
            Self::Syntax { .. } => "PARSE_SYNTAX_ERROR".into(),
            Self::Empty => "PARSE_EMPTY_STATEMENT".into(),
            Self::Unsupported { feature, .. } => format!("UNSUPPORTED_FEATURE.{feature}"),
            Self::UnsupportedType { .. } => "UNSUPPORTED_DATATYPE".into(),
            Self::IncompleteType { kind } => format!("INCOMPLETE_TYPE_DEFINITION.{kind}"),
            Self::MissingSize { .. } => "DATATYPE_MISSING_SIZE".into(),
            Self::DecimalPrecision { .. } => "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION".into(),
            Self::NumericRange { .. } => "INVALID_NUMERIC_LITERAL_RANGE".into(),
            Self::TypedLiteral { .. } => "INVALID_TYPED_LITERAL".into(),
            Self::Interval { reason, .. } => format!("INVALID_INTERVAL_FORMAT.{reason}"),
            Self::GroupByPosition { .. } => "GROUP_BY_POS_OUT_OF_RANGE".into(),
            Self::Limit { reason, .. } => format!("INVALID_LIMIT_LIKE_EXPRESSION.{reason}"),
            Self::MissingWindow { .. } => "MISSING_WINDOW_SPECIFICATION".into(),
            Self::FrameBound { .. } => "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_INVALID_BOUND".into(),
            Self::DuplicateCte { .. } => "DUPLICATED_CTE_NAMES".into(),
            Self::RecursiveCte => "INVALID_RECURSIVE_CTE".into(),
            Self::RecursiveUnion => "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE".into(),
            Self::FunctionScope { .. } => "INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE".into(),
            Self::TooComplex => "FAILED_TO_PARSE_TOO_COMPLEX".into(),
        }
    }

    /// Returns the SQLSTATE of the condition.
    pub fn sql_state(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "42601",
            Self::Empty => "42617",
            Self::Unsupported { .. } | Self::UnsupportedType { .. } => "0A000",
            Self::IncompleteType { .. } | Self::MissingSize { .. } => "42K01",
            Self::DecimalPrecision { .. } | Self::NumericRange { .. } => "22003",
            Self::TypedLiteral { .. } => "42604",
            Self::Interval { .. } => "22006",
            Self::GroupByPosition { .. } => "42805",
            Self::Limit { .. } => "42K0E",
            Self::MissingWindow { .. } => "42P20",
            Self::FrameBound { .. } => "42K09",
            Self::DuplicateCte { .. } => "42602",
            Self::RecursiveCte | Self::RecursiveUnion => "42836",
            Self::FunctionScope { .. } => "42000",
            Self::TooComplex => "54001",
        }
    }

    /// Returns the parameters of the message, under Spark's names, in the order of the message.
    pub fn message_parameters(&self) -> Vec<(String, String)> {
        let pairs: Vec<(&str, String)> = match self {
            Self::Syntax { error, hint, .. } => vec![("error", error.clone()), ("hint", hint.clone())],
            Self::Empty | Self::TooComplex | Self::RecursiveCte | Self::RecursiveUnion => vec![],
            Self::Unsupported { description, .. } => vec![("feature", description.clone())],
            Self::UnsupportedType { type_name } => vec![("typeName", type_name.clone())],
            Self::IncompleteType { kind } => vec![("elementType", format!("<{kind}>"))],
            Self::MissingSize { type_name } => vec![("type", type_name.clone())],
            Self::DecimalPrecision { precision } => {
                vec![("precision", precision.to_string()), ("maxPrecision", "38".into())]
            }
            Self::NumericRange { literal, type_name, .. } => {
                vec![
                    ("rawStrippedQualifier", literal.clone()),
                    ("typeName", (*type_name).into()),
                ]
            }
            Self::TypedLiteral { value_type, value } => {
                vec![("valueType", value_type.clone()), ("value", value.clone())]
            }
            Self::Interval { input, .. } => vec![("input", input.clone())],
            Self::GroupByPosition { index, size } => vec![("index", index.to_string()), ("size", size.to_string())],
            Self::Limit { expression, .. } => vec![("expr", expression.clone())],
            Self::MissingWindow { name } => vec![("windowName", name.clone())],
            Self::FrameBound { lower, upper, .. } => vec![("lower", lower.clone()), ("upper", upper.clone())],
            Self::DuplicateCte { names } => vec![("duplicateNames", names.clone())],
            Self::FunctionScope { scope } => vec![("scope", scope.clone())],
        };
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }

    /// Makes a syntax error at a token as written.
    pub(super) fn near(token: &str, position: Position) -> Self {
        Self::Syntax {
            error: format!("'{token}'"),
            hint: String::new(),
            position,
        }
    }

    /// Makes a syntax error at the end of the text.
    pub(super) fn at_end(position: Position) -> Self {
        Self::Syntax {
            error: "end of input".into(),
            hint: String::new(),
            position,
        }
    }

    /// Makes the error of a clause or statement that is not supported.
    pub(super) fn unsupported(feature: &'static str, description: impl Into<String>) -> Self {
        Self::Unsupported {
            feature,
            description: description.into(),
        }
    }
}

impl From<SqlError> for SparkError {
    /// Errors of grammar become a `ParseException`, all others an `AnalysisException`.
    fn from(error: SqlError) -> Self {
        let exception = match error {
            SqlError::Syntax { .. } | SqlError::Empty => Exception::Parse,
            _ => Exception::Analysis,
        };
        let mut out = SparkError::new(exception, &error.condition(), error.sql_state(), error.to_string());
        out.parameters.extend(error.message_parameters());
        out
    }
}
