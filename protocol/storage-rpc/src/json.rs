//! Reading JSON of strangers.

use serde_json::Value;

/// Most values in one text. The longest honest request lists as many message hashes as fit into
/// the largest body, and those are fewer.
const MAX_VALUES: usize = 262_144;

/// Parses JSON as long as it does not hold more values than any request needs. A value takes some
/// tens of bytes in memory and may take two in the text, so the size of the text alone bounds
/// nothing.
pub(crate) fn parse(text: &[u8]) -> Option<Value> {
    // Every value but the first needs a separator before it and has a byte itself.
    if text.len() / 2 > MAX_VALUES && !has_few_values(text) {
        return None;
    }
    serde_json::from_slice(text).ok()
}

/// Counts what begins a further value. Quotes are followed so that text in strings does not
/// count; in what is no JSON the count means nothing, and the parser refuses that.
fn has_few_values(text: &[u8]) -> bool {
    let mut left = MAX_VALUES;
    let mut in_string = false;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b',' | b'[' | b'{' if !in_string => match left.checked_sub(1) {
                Some(rest) => left = rest,
                None => return false,
            },
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(item: &str, count: usize) -> Vec<u8> {
        format!("[{}]", vec![item; count].join(",")).into_bytes()
    }

    #[test]
    fn many_values_are_refused_however_they_are_written() {
        let least = list("0", MAX_VALUES);
        assert!(parse(&least).is_some());
        let too_many = [
            list("0", MAX_VALUES + 1),
            list("[]", MAX_VALUES),
            list("{}", MAX_VALUES),
            list(r#"{"a":0}"#, MAX_VALUES),
            list(r#""\\""#, MAX_VALUES + 1),
        ];
        for text in too_many {
            assert!(serde_json::from_slice::<Value>(&text).is_ok());
            assert!(parse(&text).is_none());
        }
    }

    #[test]
    fn long_texts_with_few_values_pass() {
        let hash = format!("\"{}\"", "A".repeat(43));
        // As many hashes as fit into ten mebibytes.
        assert!(parse(&list(&hash, 10 * 1024 * 1024 / 46)).is_some());
        // Separators and escaped quotes inside strings.
        let inside = r#",[{\""#.repeat(200_000);
        let commas = format!(r#"{{"a":"{inside}\\","b":"{inside}"}}"#);
        assert!(parse(commas.as_bytes()).is_some());
    }
}
