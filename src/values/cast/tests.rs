use super::*;
use crate::error::Result;

fn text_to(text: &str, to: &DataType, mode: Mode) -> Result<ArrayRef> {
    let input: ArrayRef = Arc::new(StringArray::from(vec![text]));
    cast_array(&input, to, mode, Zone::UTC).map_err(SparkError::from)
}

#[test]
fn malformed_text_is_an_error_under_ansi_and_null_elsewhere() {
    let error = text_to("abc", &DataType::Int32, Mode::Ansi).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("CAST_INVALID_INPUT"));
    assert!(error.message.contains("'abc'"));
    assert!(text_to("abc", &DataType::Int32, Mode::Try).unwrap().is_null(0));
    assert_eq!(
        text_to("2.9", &DataType::Int32, Mode::Legacy)
            .unwrap()
            .as_primitive::<Int32Type>()
            .value(0),
        2
    );
}

#[test]
fn a_long_that_does_not_fit_an_int_overflows_under_ansi_and_wraps_in_legacy_mode() {
    let input: ArrayRef = Arc::new(Int64Array::from(vec![1i64 << 32 | 7]));
    let error: SparkError = cast_array(&input, &DataType::Int32, Mode::Ansi, Zone::UTC)
        .unwrap_err()
        .into();
    assert_eq!(error.condition.as_deref(), Some("CAST_OVERFLOW"));
    let wrapped = cast_array(&input, &DataType::Int32, Mode::Legacy, Zone::UTC).unwrap();
    assert_eq!(wrapped.as_primitive::<Int32Type>().value(0), 7);
}
