//! Trees as people read them (`toDebugString`).

use std::fmt::Write;

use super::Tree;
use crate::values::text::double;

/// What comes next.
enum Next {
    /// A node, by its place, indented by a number of spaces.
    Node(usize, usize),
    /// A line that is ready.
    Line(String),
}

/// Returns the decisions of a tree, a line each, indented by a number of spaces.
pub fn lines(tree: &Tree, indent: usize) -> String {
    let mut out = String::new();
    let mut todo = vec![Next::Node(0, indent)];
    while let Some(next) = todo.pop() {
        let (at, indent) = match next {
            Next::Node(at, indent) => (at, indent),
            Next::Line(line) => {
                out.push_str(&line);
                continue;
            }
        };
        let (Some(node), space) = (tree.nodes.get(at), " ".repeat(indent)) else {
            continue;
        };
        if node.is_leaf() {
            let _ = writeln!(out, "{space}Predict: {}", double(node.prediction));
            continue;
        }
        let (left, right) = if node.categories == 0 {
            let threshold = double(node.left_values[0]);
            (format!("<= {threshold}"), format!("> {threshold}"))
        } else {
            let names: Vec<String> = node.left_values.iter().map(|v| double(*v)).collect();
            let names = names.join(",");
            (format!("in {{{names}}}"), format!("not in {{{names}}}"))
        };
        let _ = writeln!(out, "{space}If (feature {} {left})", node.feature);
        todo.push(Next::Node(node.right as usize, indent + 1));
        todo.push(Next::Line(format!("{space}Else (feature {} {right})\n", node.feature)));
        todo.push(Next::Node(node.left as usize, indent + 1));
    }
    out
}
