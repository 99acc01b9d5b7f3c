//! Java's patterns in the syntax of the crates (`java.util.regex.Pattern`): what Java refuses is refused, and what both have
//! under different rules is written out.
//!
//! ```text
//! Java                      here
//! \d \w \s                  [0-9] [a-zA-Z0-9_] [ \t\n\x0B\x0C\r], with (?U) those of Unicode
//! \h \v \R \X               sets of blanks and of line ends; a grapheme
//! \Q…\E \0141 \uD83D\uDE00  the characters
//! \p{Alpha} \p{IsLatin}     [a-zA-Z] \p{sc=Latin}
//! .                         anything but the five line ends, unless (?s)
//! $ \Z (?m)^                look-around at the five line ends; \z and \A for a text that has none
//! (?i)é                     é alone, unless (?iu)
//! (?x) a b # c              ab
//! ```
//!
//! Sets are in [`java_class`](super::java_class).

/// Where only `\n` ends a line, and where all five ends do.
const UNIX_END: &str = "(?=\\n?\\z)";
const ANY_END: &str = "(?:\\z|(?=\\r\\n\\z)|(?<!\\r)(?=\\n\\z)|(?=[\\r\\x{85}\\x{2028}\\x{2029}]\\z))";
const UNIX_LINE_END: &str = "(?=\\n|\\z)";
const ANY_LINE_END: &str = "(?:\\z|(?=[\\r\\x{85}\\x{2028}\\x{2029}])|(?<!\\r)(?=\\n))";
const UNIX_LINE_START: &str = "(?:(?:\\A|(?<=\\n))(?!\\z))";
const ANY_LINE_START: &str = "(?:(?:\\A|(?<=[\\n\\x{85}\\x{2028}\\x{2029}])|(?<=\\r)(?!\\n))(?!\\z))";

/// An extended grapheme cluster (UAX #29).
const GRAPHEME: &str = "(?:\\r\\n|[\\p{gcb=CN}\\r\\n]|\\p{gcb=PP}*(?:\\p{gcb=L}*(?:\\p{gcb=V}+|\\p{gcb=LV}\\p{gcb=V}*|\\p{gcb=LVT})\
    \\p{gcb=T}*|\\p{gcb=L}+|\\p{gcb=T}+|\\p{gcb=RI}\\p{gcb=RI}\
    |\\p{Extended_Pictographic}(?:\\p{gcb=EX}*\\p{gcb=ZWJ}\\p{Extended_Pictographic})*|[^\\p{gcb=CN}\\r\\n])\
    [\\p{gcb=EX}\\p{gcb=ZWJ}\\p{gcb=SM}]*)";

/// Matches no character.
pub(super) const NOTHING: &str = "[a&&b]";

/// Deepest groups and sets.
const DEEPEST: usize = 200;

/// A Java pattern in the syntax of the crates.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// The pattern for any text.
    pub(super) full: String,
    /// The pattern for a text without ends of lines where the anchors look for them.
    pub(super) plain: String,
    /// Which ends of lines matter.
    pub(super) ends: Ends,
    /// Whether even the plain one needs an engine that tries again.
    pub(super) backtracks: bool,
}

/// Which ends of lines the anchors of a pattern look for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Ends {
    /// None.
    #[default]
    None,
    /// The last of the text.
    Last,
    /// Each.
    Each,
}

/// What holds for the rest of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    /// Case does not matter (`i`), beyond ASCII only with the next.
    pub(super) insensitive: bool,
    /// Case is Unicode's (`u`).
    pub(super) unicode_case: bool,
    /// Classes are those of Unicode (`U`).
    pub(super) unicode: bool,
    /// Anchors match at each line (`m`).
    multiline: bool,
    /// The dot matches ends of lines (`s`).
    dot_all: bool,
    /// Only `\n` ends a line (`d`).
    unix_lines: bool,
    /// Blanks and comments are left out (`x`).
    comments: bool,
}

/// A pattern that is being read.
pub(super) struct Reader {
    chars: Vec<char>,
    at: usize,
    pub(super) flags: Flags,
    out: Translated,
    /// How many groups have been opened.
    groups: usize,
    names: Vec<String>,
    /// References to groups by number: where they stand in both patterns.
    references: Vec<(usize, usize, usize, bool)>,
    depth: usize,
}

/// Returns a Java pattern in the syntax of the crates; `None` if Java refuses it.
pub(super) fn translate(pattern: &str) -> Option<Translated> {
    let mut reader = Reader {
        chars: unquoted(pattern),
        at: 0,
        flags: Flags::default(),
        out: Translated::default(),
        groups: 0,
        names: Vec::new(),
        references: Vec::new(),
        depth: 0,
    };
    reader.alternatives()?;
    if reader.peek().is_some() {
        return None;
    }
    // A group that is not there matches nothing.
    for (full, plain, number, insensitive) in reader.references.iter().rev() {
        let reference = match (*number <= reader.groups, insensitive) {
            (false, _) => NOTHING.to_owned(),
            (true, true) => format!("(?i:\\{number})"),
            (true, false) => format!("(?:\\{number})"),
        };
        reader.out.full.insert_str(*full, &reference);
        reader.out.plain.insert_str(*plain, &reference);
    }
    Some(reader.out)
}

/// Writes `\Q…\E` out: letters and digits as they are, other ASCII with a backslash.
fn unquoted(pattern: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' || chars.peek() != Some(&'Q') {
            out.push(c);
            out.extend((c == '\\').then(|| chars.next()).flatten());
            continue;
        }
        chars.next();
        while let Some(c) = chars.next() {
            if c == '\\' && chars.peek() == Some(&'E') {
                chars.next();
                break;
            }
            if c.is_ascii() && !c.is_ascii_alphanumeric() {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// Returns a character that stands for itself, in a set and outside.
pub(super) fn literal(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() && !c.is_whitespace() {
        c.to_string()
    } else {
        format!("\\x{{{:x}}}", c as u32)
    }
}

impl Reader {
    /// Returns the next character, after blanks and comments if they are left out.
    pub(super) fn peek(&mut self) -> Option<char> {
        while self.flags.comments {
            match self.chars.get(self.at)? {
                ' ' | '\t'..='\r' => self.at += 1,
                '#' => {
                    let unix = self.flags.unix_lines;
                    let ends = |c: &char| match c {
                        '\n' => true,
                        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => !unix,
                        _ => false,
                    };
                    let rest = &self.chars[self.at..];
                    self.at += rest.iter().position(ends).unwrap_or(rest.len());
                    if self.chars.get(self.at).is_some_and(|c| !c.is_ascii()) {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
        self.chars.get(self.at).copied()
    }

    /// Takes the next character, as [`Self::peek`] sees it.
    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// Takes the next character as it is written.
    pub(super) fn take_raw(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied()?;
        self.at += 1;
        Some(c)
    }

    /// Takes a character if it is next.
    pub(super) fn takes(&mut self, c: char) -> bool {
        let is = self.peek() == Some(c);
        self.at += usize::from(is);
        is
    }

    /// Returns a character further on, as it is written.
    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.at + by).copied()
    }

    /// Goes a level deeper; `None` if that is too deep.
    pub(super) fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    /// Comes back from a level.
    pub(super) fn back(&mut self) {
        self.depth -= 1;
    }

    fn put(&mut self, text: &str) {
        self.out.full.push_str(text);
        self.out.plain.push_str(text);
    }

    /// Writes an anchor, for any text and for one without ends of lines.
    fn anchor(&mut self, full: &str, plain: &str, ends: Ends) {
        self.out.full.push_str(full);
        self.out.plain.push_str(&format!("(?:{plain})"));
        if ends > self.out.ends {
            self.out.ends = ends;
        }
    }

    /// Reads `a|b|c`, up to the end or a closing parenthesis.
    fn alternatives(&mut self) -> Option<()> {
        loop {
            self.sequence()?;
            if !self.takes('|') {
                return Some(());
            }
            self.put("|");
        }
    }

    fn sequence(&mut self) -> Option<()> {
        while let Some(c) = self.peek() {
            match c {
                '|' | ')' => break,
                '*' | '+' | '?' => return None,
                '(' => {
                    self.at += 1;
                    if !self.group()? {
                        continue;
                    }
                }
                '[' => {
                    self.at += 1;
                    let set = self.class()?;
                    self.put(&set);
                }
                '^' => {
                    self.at += 1;
                    match (self.flags.multiline, self.flags.unix_lines) {
                        (false, _) => self.put("(?:\\A)"),
                        (true, true) => self.anchor(UNIX_LINE_START, "\\A", Ends::Each),
                        (true, false) => self.anchor(ANY_LINE_START, "\\A", Ends::Each),
                    }
                }
                '$' => {
                    self.at += 1;
                    match (self.flags.multiline, self.flags.unix_lines) {
                        (false, _) => self.end(),
                        (true, true) => self.anchor(UNIX_LINE_END, "\\z", Ends::Each),
                        (true, false) => self.anchor(ANY_LINE_END, "\\z", Ends::Each),
                    }
                }
                '.' => {
                    self.at += 1;
                    self.put(match (self.flags.dot_all, self.flags.unix_lines) {
                        (true, _) => "(?s:.)",
                        (false, true) => "[^\\n]",
                        (false, false) => "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]",
                    });
                }
                // A quantifier of nothing.
                '{' => self.put("(?:)"),
                '\\' => {
                    self.at += 1;
                    self.escape()?;
                }
                c => {
                    self.at += 1;
                    self.character(c);
                }
            }
            self.quantifier()?;
        }
        Some(())
    }

    /// Writes the end of the text, or what stands before the end of its last line.
    fn end(&mut self) {
        let full = if self.flags.unix_lines { UNIX_END } else { ANY_END };
        self.anchor(full, "\\z", Ends::Last);
    }

    fn character(&mut self, c: char) {
        let text = literal(c);
        match (self.flags.insensitive, self.flags.unicode_case) {
            (true, true) => self.put(&format!("(?i:{text})")),
            (true, false) if c.is_ascii_alphabetic() => {
                self.put(&format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase()));
            }
            _ => self.put(&text),
        }
    }

    /// Reads what says how often the last thing is repeated, if anything does.
    fn quantifier(&mut self) -> Option<()> {
        match self.peek() {
            Some(c @ ('*' | '+' | '?')) => {
                self.at += 1;
                self.put(&c.to_string());
            }
            Some('{') => {
                self.at += 1;
                let least = self.count()?;
                let most = match self.take_raw()? {
                    '}' => Some(least),
                    ',' if self.ahead(0) == Some('}') => {
                        self.at += 1;
                        None
                    }
                    ',' => {
                        let most = self.count()?;
                        (self.take_raw()? == '}' && most >= least).then_some(())?;
                        Some(most)
                    }
                    _ => return None,
                };
                self.put(&match most {
                    Some(most) if most == least => format!("{{{least}}}"),
                    Some(most) => format!("{{{least},{most}}}"),
                    None => format!("{{{least},}}"),
                });
            }
            _ => return Some(()),
        }
        match self.peek() {
            Some('?') => {
                self.at += 1;
                self.put("?");
            }
            Some('+') => {
                self.at += 1;
                self.put("+");
                self.out.backtracks = true;
            }
            _ => {}
        }
        Some(())
    }

    /// Reads a number of digits.
    fn count(&mut self) -> Option<i32> {
        let digits = self.chars[self.at..].iter().take_while(|c| c.is_ascii_digit()).count();
        let text: String = self.chars[self.at..self.at + digits].iter().collect();
        self.at += digits;
        text.parse().ok()
    }

    /// Reads a group after its opening parenthesis. Returns whether it can be repeated: flags for the rest cannot.
    fn group(&mut self) -> Option<bool> {
        let before = self.flags;
        self.deeper()?;
        if !self.takes('?') {
            self.groups += 1;
            self.put("(");
        } else {
            match self.take_raw()? {
                c @ (':' | '=' | '!' | '>') => {
                    self.out.backtracks |= c != ':';
                    self.put(&format!("(?{c}"));
                }
                '<' => match self.take_raw()? {
                    c @ ('=' | '!') => {
                        self.out.backtracks = true;
                        self.put(&format!("(?<{c}"));
                    }
                    first => {
                        let name = self.name(first)?;
                        if self.names.contains(&name) {
                            return None;
                        }
                        self.groups += 1;
                        self.put(&format!("(?<{name}>"));
                        self.names.push(name);
                    }
                },
                first => {
                    self.at -= usize::from(first != '\0');
                    if !self.flag_letters()? {
                        self.back();
                        return Some(false);
                    }
                    self.put("(?:");
                }
            }
        }
        self.alternatives()?;
        (self.take()? == ')').then_some(())?;
        self.put(")");
        self.flags = before;
        self.back();
        Some(true)
    }

    /// Reads the rest of a group's name, up to its `>`.
    fn name(&mut self, first: char) -> Option<String> {
        let mut name = String::from(first);
        first.is_ascii_alphabetic().then_some(())?;
        loop {
            match self.take_raw()? {
                '>' => return Some(name),
                c if c.is_ascii_alphanumeric() => name.push(c),
                _ => return None,
            }
        }
    }

    /// Reads flags up to a colon or the parenthesis. Returns whether it was the colon.
    fn flag_letters(&mut self) -> Option<bool> {
        let (mut flags, mut on) = (self.flags, true);
        loop {
            match self.take_raw()? {
                'i' => flags.insensitive = on,
                'm' => flags.multiline = on,
                's' => flags.dot_all = on,
                'd' => flags.unix_lines = on,
                'u' => flags.unicode_case = on,
                'x' => flags.comments = on,
                'U' => (flags.unicode, flags.unicode_case) = (on, on),
                'c' => {}
                '-' if on => on = false,
                c @ (':' | ')') => {
                    self.flags = flags;
                    return Some(c == ':');
                }
                _ => return None,
            }
        }
    }

    /// Reads what follows a backslash outside of sets.
    fn escape(&mut self) -> Option<()> {
        let c = self.ahead(0)?;
        match c {
            '1'..='9' => self.reference()?,
            'k' => {
                self.at += 1;
                (self.take_raw()? == '<').then_some(())?;
                let first = self.take_raw()?;
                let name = self.name(first)?;
                self.names.contains(&name).then_some(())?;
                self.out.backtracks = true;
                let flag = if self.flags.insensitive { "i" } else { "" };
                self.put(&format!("(?{flag}:\\k<{name}>)"));
            }
            'A' | 'z' | 'b' | 'B' | 'G' => {
                self.at += 1;
                self.out.backtracks |= c == 'G';
                self.put(&format!("(?:\\{c})"));
            }
            'Z' => {
                self.at += 1;
                self.end();
            }
            'R' => {
                self.at += 1;
                self.put("(?:\\r\\n|[\\n\\x0B\\x0C\\r\\x{85}\\x{2028}\\x{2029}])");
            }
            'X' => {
                self.at += 1;
                self.put(GRAPHEME);
            }
            _ => match self.class_escape()? {
                Ok(c) => self.character(c),
                Err(set) => self.put(&format!("[{set}]")),
            },
        }
        Some(())
    }

    /// Reads a reference by number: as many digits as name a group that has been opened, at least one.
    fn reference(&mut self) -> Option<()> {
        let mut number = self.take_raw()?.to_digit(10)? as usize;
        while let Some(digit) = self.ahead(0).and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            number = longer;
            self.at += 1;
        }
        self.out.backtracks = true;
        let places = (self.out.full.len(), self.out.plain.len());
        self.references
            .push((places.0, places.1, number, self.flags.insensitive));
        Some(())
    }
}
