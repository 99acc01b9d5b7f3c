//! What the table says of one function: names, arguments, result, nulls, a sentence, an example, and the code.
//!
//! Entries are constants, made with the builders below:
//!
//! ```
//! use rivulet::plan::functions::entry::*;
//!
//! const FIRST: Function = scalar("first_of_two", |call| call.arg(0))
//!     .takes(&[any("a"), any("b").optional()])
//!     .returns("the type of the first argument")
//!     .about("Returns the first of two values.")
//!     .example("first_of_two(1, 2)", "1");
//! assert_eq!(FIRST.expected(), "[1, 2]");
//! assert!(FIRST.check_arity("first_of_two", 3).is_err());
//! ```
//!
//! Words are part of the interface. `returns` and the types of arguments are Spark's type names, in
//! capitals, or a sentence without a verb (`the type of the argument`); `about` begins with a verb in
//! the third person and ends with a full stop; what nulls do is only said if it is not what the kind of
//! function does anyway.

use crate::error::Result;
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::aggregate::collecting::OrderKey;
use crate::plan::functions::call::Call;
use crate::plan::scope::{Resolved, Typed};
use crate::proto as sc;

/// One function of Spark SQL.
///
/// Entries are `const` data: the table costs nothing at run time, and the compiler checks that every
/// entry has code.
#[derive(Clone, Copy)]
pub struct Function {
    /// The name, in lower case.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: &'static [&'static str],
    /// What it takes, in order.
    pub arguments: &'static [Argument],
    /// The type of the result, in words where it depends on the arguments.
    pub returns: &'static str,
    /// What nulls among the arguments do.
    pub nulls: Nulls,
    /// One line that begins with a verb in the third person.
    pub description: &'static str,
    /// A call with its answer.
    pub example: Example,
    /// The code.
    pub body: Body,
    /// The code of `f(…) WITHIN GROUP (ORDER BY …)`, for aggregates that have this form.
    pub within_group: Option<WithinGroup>,
    /// Whether Spark lists it: functions that only clients and the parser call are not.
    pub listed: bool,
}

/// Resolves a call whose arguments are resolved, and as many as the entry allows.
pub type Resolve = fn(&Call<'_>) -> Result<Typed>;
/// Resolves a call from its unresolved arguments.
pub type ResolveForm = fn(&mut Analyzer, &Form<'_>) -> Result<Typed>;
/// Resolves an ordered aggregate: the call, the keys, and the label.
pub type WithinGroup = fn(&Call<'_>, Vec<OrderKey>, String) -> Result<Typed>;

/// The code of a function, by what it makes of its rows.
///
/// SQL calls all of them the same way. What differs is where they may stand: a window function needs
/// OVER, a generator a select list or LATERAL VIEW.
#[derive(Clone, Copy)]
pub enum Body {
    /// One value per row.
    Scalar(Resolve),
    /// One value per group.
    Aggregate(Resolve),
    /// One value per row, from the rows around it; only with `OVER`.
    Window(Resolve),
    /// Several rows per row.
    Generator(Resolve),
    /// One value per row or group, from arguments that are more than values: lambdas, stars, grouping columns.
    Form(ResolveForm),
}

/// A call before its arguments are resolved.
pub struct Form<'a> {
    /// The name as called, in lower case.
    pub name: &'a str,
    /// The arguments as the message has them.
    pub args: &'a [sc::Expression],
    /// `f(DISTINCT …)`.
    pub distinct: bool,
    /// The columns that the arguments may name.
    pub scope: &'a Resolved,
}

/// One argument of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// The name in messages and in clients.
    pub name: &'static str,
    /// What stands there.
    pub kind: Kind,
    /// Whether it must stand there.
    pub presence: Presence,
}

/// What stands in the place of an argument. The text is its type.
///
/// Clients read a bare string in the place of a `Column` as a column's name, and in the place of a
/// `Literal` as itself, as PySpark's functions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value of each row: clients read a bare string as a column's name.
    Column(&'static str),
    /// A value that is mostly the same for all rows: clients read a bare string as that string.
    Literal(&'static str),
    /// A lambda function; the text shows its shape.
    Lambda(&'static str),
}

/// Whether an argument must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It need not, and means something else when it is missing.
    Optional,
    /// It need not: this value is used instead.
    Default(&'static str),
    /// It is given any number of times. Several arguments of this presence repeat together.
    Repeated,
}

/// What nulls do.
///
/// ```
/// use rivulet::plan::functions::{entry::Nulls, registry};
///
/// assert_eq!(registry::find("upper").map(|f| f.nulls), Some(Nulls::Strict));
/// assert_eq!(registry::find("max").map(|f| f.nulls.sentence()), Some("Skips nulls; null if nothing is left."));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// A null argument makes a null.
    Strict,
    /// Nulls are left out; null if nothing is left.
    Skipped,
    /// The result is never null.
    Never,
    /// Something else, in words.
    Other(&'static str),
}

impl Nulls {
    /// Returns the rule as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Strict => "Null if an argument is null.",
            Self::Skipped => "Skips nulls; null if nothing is left.",
            Self::Never => "Never null.",
            Self::Other(text) => text,
        }
    }
}

/// A call with its answer, for people and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// What follows `SELECT`.
    pub sql: &'static str,
    /// The answer as text: cells apart by tabs, rows by line ends. `None` if it differs from run to run.
    pub answer: Option<&'static str>,
}

/// Makes an entry with nothing but name, code and null behaviour.
const fn function(name: &'static str, body: Body, nulls: Nulls) -> Function {
    Function {
        name,
        aliases: &[],
        arguments: &[],
        returns: "",
        nulls,
        description: "",
        example: Example { sql: "", answer: None },
        body,
        within_group: None,
        listed: true,
    }
}

/// Makes a function of the values of one row. A null argument makes a null, unless the entry says
/// otherwise.
pub const fn scalar(name: &'static str, body: Resolve) -> Function {
    function(name, Body::Scalar(body), Nulls::Strict)
}

/// Makes a function of the values of a group. It skips nulls, unless the entry says otherwise.
pub const fn aggregate(name: &'static str, body: Resolve) -> Function {
    function(name, Body::Aggregate(body), Nulls::Skipped)
}

/// Makes a function of the rows of a window. It returns an INT and never null, unless the entry says
/// otherwise.
pub const fn window(name: &'static str, body: Resolve) -> Function {
    function(name, Body::Window(body), Nulls::Never).returns("INT")
}

/// Makes a function that makes rows. A null makes no rows, unless the entry says otherwise.
pub const fn generator(name: &'static str, body: Resolve) -> Function {
    function(name, Body::Generator(body), Nulls::Other("A null makes no row.")).returns("rows")
}

/// Makes a function whose arguments are more than values: it resolves them itself.
pub const fn form(name: &'static str, body: ResolveForm) -> Function {
    function(name, Body::Form(body), Nulls::Strict)
}

impl Function {
    /// Sets the arguments, in order.
    pub const fn takes(mut self, arguments: &'static [Argument]) -> Self {
        self.arguments = arguments;
        self
    }

    /// Sets the result's type, in words.
    pub const fn returns(mut self, returns: &'static str) -> Self {
        self.returns = returns;
        self
    }

    /// Sets what it does: one line.
    pub const fn about(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Sets a call that answers the same each time; the tests run it and compare with Spark's answer.
    pub const fn example(mut self, sql: &'static str, answer: &'static str) -> Self {
        self.example = Example {
            sql,
            answer: Some(answer),
        };
        self
    }

    /// Sets a call that answers something else each time.
    pub const fn varies(mut self, sql: &'static str) -> Self {
        self.example = Example { sql, answer: None };
        self
    }

    /// Sets other names.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Sets what nulls do, if it is not what functions of this body usually do.
    pub const fn nulls(mut self, nulls: Nulls) -> Self {
        self.nulls = nulls;
        self
    }

    /// Sets what nulls do, in words.
    pub const fn null_if(self, text: &'static str) -> Self {
        self.nulls(Nulls::Other(text))
    }

    /// Leaves it out of lists, but not out of calls.
    pub const fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }

    /// Sets the code of the form with `WITHIN GROUP`.
    pub const fn within_group(mut self, body: WithinGroup) -> Self {
        self.within_group = Some(body);
        self
    }
}

/// Makes an argument of a kind, which must be given.
const fn argument(name: &'static str, kind: Kind) -> Argument {
    Argument {
        name,
        kind,
        presence: Presence::Required,
    }
}

/// Makes a value of each row, of a type in words.
pub const fn value(name: &'static str, data_type: &'static str) -> Argument {
    argument(name, Kind::Column(data_type))
}

/// Makes a value that is mostly a literal, of a type in words.
pub const fn literal(name: &'static str, data_type: &'static str) -> Argument {
    argument(name, Kind::Literal(data_type))
}

/// Makes a lambda of this shape.
pub const fn lambda(name: &'static str, shape: &'static str) -> Argument {
    argument(name, Kind::Lambda(shape))
}

/// Makes a value of any type.
pub const fn any(name: &'static str) -> Argument {
    value(name, "ANY")
}

/// Makes a BOOLEAN.
pub const fn boolean(name: &'static str) -> Argument {
    value(name, "BOOLEAN")
}

/// Makes a number of any type.
pub const fn number(name: &'static str) -> Argument {
    value(name, "NUMERIC")
}

/// Makes a DOUBLE.
pub const fn double(name: &'static str) -> Argument {
    value(name, "DOUBLE")
}

/// Makes an INT.
pub const fn int(name: &'static str) -> Argument {
    value(name, "INT")
}

/// Makes a BIGINT.
pub const fn long(name: &'static str) -> Argument {
    value(name, "BIGINT")
}

/// Makes a STRING.
pub const fn string(name: &'static str) -> Argument {
    value(name, "STRING")
}

/// Makes a STRING that is mostly a literal: a pattern, a format, a unit.
pub const fn text(name: &'static str) -> Argument {
    literal(name, "STRING")
}

/// Makes a BINARY.
pub const fn binary(name: &'static str) -> Argument {
    value(name, "BINARY")
}

/// Makes a DATE.
pub const fn date(name: &'static str) -> Argument {
    value(name, "DATE")
}

/// Makes a TIMESTAMP.
pub const fn timestamp(name: &'static str) -> Argument {
    value(name, "TIMESTAMP")
}

/// Makes an ARRAY.
pub const fn array(name: &'static str) -> Argument {
    value(name, "ARRAY")
}

/// Makes a MAP.
pub const fn map(name: &'static str) -> Argument {
    value(name, "MAP")
}

impl Argument {
    /// Lets it be missing; this value is used then.
    pub const fn or(mut self, default: &'static str) -> Self {
        self.presence = Presence::Default(default);
        self
    }

    /// Lets it be missing.
    pub const fn optional(mut self) -> Self {
        self.presence = Presence::Optional;
        self
    }

    /// Lets it be given any number of times, none included.
    pub const fn repeated(mut self) -> Self {
        self.presence = Presence::Repeated;
        self
    }
}
