//! A query by hand: `Q='SELECT …' cargo test debug -- --nocapture`, over the tables of the goldens.

use super::run::{Tables, sql};

/// Prints schema and rows, or the error, of each query in `Q`; `;;` separates them.
#[test]
fn debug() {
    let Ok(query) = std::env::var("Q") else { return };
    let top = std::path::PathBuf::from(std::env::var("RIVULET_GOLDENS").unwrap()).join("sql/tables");
    let tables = Tables::read(&top);
    for q in query.split(";;") {
        match sql(q, &Default::default(), &tables) {
            Ok(f) => {
                println!("{}", f.schema);
                for r in f.rows.iter().take(20) {
                    println!("{r}");
                }
            }
            Err(e) => println!("ERR {e}"),
        }
    }
}
