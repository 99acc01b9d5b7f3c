//! `transform`, `filter`, `aggregate` and the other functions that take a lambda.
