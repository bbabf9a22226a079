//! What a scalar is: the core schema of YAML 1.2.2, chapter 10.3.2, less what programs disagree on.

use saphyr_parser::ScalarStyle;
use zeroize::Zeroizing;

use super::Value;

/// The value of a scalar; `None` for a number that is refused: too large to be exact, infinite, or
/// with a leading zero, which Kubernetes' own reader takes as octal and YAML 1.2 as decimal.
pub(super) fn read(written: Zeroizing<String>, style: ScalarStyle) -> Option<Value> {
    if style != ScalarStyle::Plain {
        return Some(Value::String(written));
    }
    match written.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        text if is_not_finite(text) => None,
        text if is_integer(text) => integer(text).map(Value::Integer),
        text if is_float(text) => float(text).map(Value::Float),
        _ => Some(Value::String(written)),
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_not_finite(text: &str) -> bool {
    matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(unsigned(text), ".inf" | ".Inf" | ".INF")
}

fn digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

fn is_integer(text: &str) -> bool {
    match (text.strip_prefix("0o"), text.strip_prefix("0x")) {
        (Some(octal), _) => digits(octal, 8),
        (_, Some(hexadecimal)) => digits(hexadecimal, 16),
        _ => digits(unsigned(text), 10),
    }
}

fn integer(text: &str) -> Option<i64> {
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok();
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return i64::from_str_radix(hexadecimal, 16).ok();
    }
    if has_leading_zero(text) { None } else { text.parse().ok() }
}

fn has_leading_zero(text: &str) -> bool {
    let mut digits = unsigned(text).chars();
    digits.next() == Some('0') && digits.next().is_some_and(|c| c.is_ascii_digit())
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match unsigned(text).split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned(text), None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction, 10),
        Some((whole, fraction)) => digits(whole, 10) && (fraction.is_empty() || digits(fraction, 10)),
        None => digits(mantissa, 10),
    };
    mantissa && exponent.is_none_or(|exponent| digits(unsigned(exponent), 10))
}

fn float(text: &str) -> Option<f64> {
    if has_leading_zero(text) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}
