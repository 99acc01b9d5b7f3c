//! `java.time` patterns of `date_format` and `to_timestamp`.
