//! Spans of time as people write them: `90s`, `30m`, `2h`, `3d`, `1h30m`.

/// The seconds of a span.
pub fn parse_span(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no span of time such as 90s, 30m, 2h, 3d or 1h30m");
    let mut seconds: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|each: char| !each.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, behind) = rest.split_at(digits);
        let mut behind = behind.chars();
        let unit = match behind.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        seconds = number
            .checked_mul(unit)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(wrong)?;
        rest = behind.as_str();
    }
    match text.is_empty() {
        true => Err(wrong()),
        false => Ok(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_units() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("30m", 1_800),
            ("2h", 7_200),
            ("3d", 259_200),
            ("1h30m", 5_400),
        ] {
            assert_eq!(parse_span(text), Ok(seconds), "{text}");
        }
        for bad in [
            "",
            "2",
            "h",
            "-2h",
            "2 h",
            "1.5h",
            "2w",
            "2hh",
            "9999999999999999999s",
            "9223372036854775807d",
        ] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }
}
