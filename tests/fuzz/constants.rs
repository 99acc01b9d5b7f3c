//! What the planner computes of constants equals what tasks compute of columns with the same values.

use rand::rngs::SmallRng;

use super::session::Session;
use super::values::{call, expression};
use super::watch::{End, Target, fuzz};
use super::words;
use crate::engine::client::sql;

struct Constants(Session);

impl Target for Constants {
    fn new() -> Self {
        Self(Session::new())
    }

    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End {
        let values: Vec<String> = (0..2).map(|_| expression(rng, 1, false)).collect();
        // The table's columns are those of the two values, in turn.
        let shape = call(rng, 1, true);
        let folded = format!("SELECT {} AS r", with_columns(&shape, [&values[0], &values[1]]));
        let executed = format!(
            "SELECT {} AS r FROM (SELECT {} AS c0, {} AS c1 FROM range(0, 1, 1, 1))",
            with_columns(&shape, ["c0", "c1"]),
            values[0],
            values[1]
        );
        note(&format!("{folded}\n  {executed}"));
        let one = self.0.rows(sql(&folded));
        let two = self.0.rows(sql(&executed));
        if let (Some(Ok(one)), Some(Ok(two))) = (&one, &two)
            && one != two
            && ![&shape, &values[0], &values[1]].iter().any(|text| is_free(text))
        {
            return End::Wrong(format!("folded {one:?}, executed {two:?}"));
        }
        let end = self.0.end(one);
        match (&end, self.0.end(two)) {
            (End::Wrong(_), _) => end,
            (_, wrong @ End::Wrong(_)) => wrong,
            _ => end,
        }
    }
}

/// The call with other words for the table's columns; strings stay as they are.
fn with_columns(call: &str, columns: [&str; 2]) -> String {
    let words = words::split(call).into_iter().map(|word| match word.as_str() {
        "i" | "l" | "d" | "b" | "dt" => columns[0].to_owned(),
        "s" | "ts" | "arr" | "m" | "st" | "dec" => columns[1].to_owned(),
        _ => word,
    });
    words.collect()
}

/// Whether a call may answer otherwise each time, makes rows or drops them (a session whose gap is none), or names its result by its arguments.
fn is_free(call: &str) -> bool {
    const FREE: [&str; 21] = [
        "explode",
        "stack(",
        "inline",
        "json_tuple",
        "struct(",
        "arrays_zip(",
        "variant_explode",
        "window(",
        "rand",
        "uniform(",
        "uuid",
        "shuffle",
        "now",
        "current_",
        "localtime",
        "monotonically",
        "spark_partition",
        "unix_timestamp(",
        "typeof",
        "input_file",
        "curdate",
    ];
    FREE.iter().any(|name| call.contains(name))
}

#[test]
fn constants_are_what_columns_of_them_are() {
    fuzz::<Constants>("constants", 300);
}
