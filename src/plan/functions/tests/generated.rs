//! Filters above generators, which the generator answers itself where they ask of its own columns alone.

use std::collections::BTreeMap;

use super::run;

const TEXTS: &str =
    "(VALUES (1, 'a #b #b'), (2, '#c  ##d'), (3, ''), (4, NULL), (5, '#'), (6, 'é#f #é')) AS t(id, text)";

/// Returns the rows of a query, cells with blanks between.
fn rows(query: &str) -> Vec<String> {
    let frame = run::sql(query, &BTreeMap::new(), &run::Tables::default()).expect(query);
    frame.lines()
}

#[test]
fn words_of_a_text_are_those_of_its_split_whatever_a_filter_asks_of_them() {
    let of = |condition: &str| {
        rows(&format!(
            "SELECT id, w FROM (SELECT id, explode(split(text, ' ')) AS w FROM {TEXTS}) WHERE {condition}"
        ))
    };
    assert_eq!(
        of("startswith(w, '#')"),
        ["1 #b", "1 #b", "2 #c", "2 ##d", "5 #", "6 #é"]
    );
    assert_eq!(of("startswith(w, '##') OR id = 5"), ["2 ##d", "5 #"]);
    assert_eq!(of("startswith(w, '#') AND length(w) > 2"), ["2 ##d"]);
    assert_eq!(of("startswith(w, '#') AND id > 2 AND w <> '#'"), ["6 #é"]);
    assert_eq!(of("id < 3 AND startswith(w, '#b')"), ["1 #b", "1 #b"]);
    assert_eq!(of("w = '' AND startswith(w, '')"), ["2 ", "3 "]);
    assert_eq!(of("startswith(w, '# ')"), [] as [&str; 0]);
    assert_eq!(of("w IS NULL"), [] as [&str; 0]);
    assert_eq!(of("w LIKE '#_'"), ["1 #b", "1 #b", "2 #c", "6 #é"]);
    assert_eq!(of("startswith(w, NULL)"), [] as [&str; 0]);
}

#[test]
fn other_splits_and_outer_generators_are_lists() {
    let of = |call: &str, condition: &str| {
        rows(&format!(
            "SELECT id, w FROM (SELECT id, {call} AS w FROM {TEXTS}) WHERE {condition}"
        ))
    };
    assert_eq!(of("explode(split(text, '[ ]+'))", "startswith(w, '#')").len(), 6);
    assert_eq!(
        of("explode(split(text, ' ', 2))", "startswith(w, '#')"),
        ["1 #b #b", "2 #c", "5 #", "6 #é"]
    );
    assert_eq!(of("explode_outer(split(text, ' '))", "w IS NULL"), ["4 null"]);
    assert_eq!(of("explode_outer(split(text, ' '))", "startswith(w, '##')"), ["2 ##d"]);
}

#[test]
fn generators_of_several_columns_are_asked_for_any_of_them() {
    let lists = "(VALUES (1, array(5, 6, NULL)), (2, array()), (3, NULL), (4, array(7, 8))) AS t(id, list)";
    let of = |call: &str, condition: &str| {
        rows(&format!(
            "SELECT * FROM (SELECT id, {call} FROM {lists}) WHERE {condition}"
        ))
    };
    assert_eq!(of("posexplode(list)", "pos > 0"), ["1 1 6", "1 2 null", "4 1 8"]);
    assert_eq!(of("posexplode(list)", "col > 5 AND pos = 1 AND id = 4"), ["4 1 8"]);
    assert_eq!(of("explode(list)", "col > 5"), ["1 6", "4 7", "4 8"]);
    assert_eq!(
        of(
            "inline(transform(list, x -> named_struct('a', x, 'b', -x)))",
            "a + b = 0 AND b < -6"
        ),
        ["4 7 -7", "4 8 -8"]
    );
}
