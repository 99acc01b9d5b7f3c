//! `show()`: rows as a table of text (`Dataset.showString`).
