//! What is kept of a request's body: its text, or what its parts are.

use serde::Serialize;

/// Bytes of a text that are kept.
pub const TEXT_MAX: usize = 64 << 10;
/// Bytes of a form's field that are kept.
const FIELD_MAX: usize = 4 << 10;
/// Parts of a form that are kept.
const PARTS_MAX: usize = 20;

/// A body as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptBody {
    /// How long it was.
    pub length: u64,
    /// Its text; cut after [`TEXT_MAX`] bytes.
    pub text: Option<String>,
    /// The parts of a form.
    pub parts: Vec<Part>,
}

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The name of the field.
    pub name: String,
    /// The name of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// What the client says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// How many bytes.
    pub bytes: u64,
    /// The value of a field that is no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl KeptBody {
    /// What is kept of a body of `length` bytes that begins with `bytes`.
    pub fn of(content_type: Option<&str>, bytes: &[u8], length: u64) -> Self {
        if let Some(boundary) = content_type.and_then(boundary) {
            let parts = parts(bytes, &boundary);
            return Self {
                length,
                text: None,
                parts,
            };
        }
        let end = bytes.len().min(TEXT_MAX);
        let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        Self {
            length,
            text: Some(text).filter(|text| !text.is_empty()),
            parts: Vec::new(),
        }
    }

    /// Whether all of a text is kept.
    pub fn is_whole(&self) -> bool {
        self.length <= TEXT_MAX as u64
    }

    /// How much memory it takes, about.
    pub fn bytes(&self) -> usize {
        let parts: usize = self
            .parts
            .iter()
            .map(|part| part.value.as_ref().map_or(0, String::len) + 128)
            .sum();
        self.text.as_ref().map_or(0, String::len) + parts
    }
}

fn boundary(content_type: &str) -> Option<String> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let value = rest
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    Some(value.trim_matches('"').to_owned()).filter(|value| !value.is_empty())
}

fn parts(bytes: &[u8], boundary: &str) -> Vec<Part> {
    let mark = format!("--{boundary}").into_bytes();
    let mut starts = Vec::new();
    let mut from = 0;
    while let Some(at) = find(bytes.get(from..).unwrap_or_default(), &mark) {
        starts.push(from + at);
        from += at + mark.len();
        if starts.len() > PARTS_MAX {
            break;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| part(bytes.get(start + mark.len()..end)?))
        .collect()
}

fn part(bytes: &[u8]) -> Option<Part> {
    let bytes = bytes.strip_prefix(b"\r\n")?;
    let split = find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..split)?).into_owned();
    let body = bytes.get(split + 4..)?;
    let body = body.strip_suffix(b"\r\n").unwrap_or(body);
    let mut part = Part {
        name: String::new(),
        filename: None,
        content_type: None,
        bytes: body.len() as u64,
        value: None,
    };
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-disposition") {
            part.name = parameter(value, "name").unwrap_or_default();
            part.filename = parameter(value, "filename");
        } else if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.trim().to_owned());
        }
    }
    if part.filename.is_none() {
        let kept = body.get(..body.len().min(FIELD_MAX)).unwrap_or_default();
        part.value = Some(String::from_utf8_lossy(kept).into_owned());
    }
    Some(part)
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim_matches('"').to_owned())
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_and_a_form_is_described() {
        let text = KeptBody::of(Some("application/json"), br#"{"a":1}"#, 7);
        assert_eq!(text.text.as_deref(), Some(r#"{"a":1}"#));
        let form = "--B\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.jpg\"\r\n\
            Content-Type: image/jpeg\r\n\r\nJPEG\r\n--B\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n\
            {}\r\n--B--\r\n";
        let kept = KeptBody::of(
            Some("multipart/form-data; boundary=B"),
            form.as_bytes(),
            form.len() as u64,
        );
        assert_eq!(kept.text, None);
        let shown = serde_json::to_string(&kept.parts).expect("JSON");
        assert_eq!(
            shown,
            r#"[{"name":"media","filename":"a.jpg","content_type":"image/jpeg","bytes":4},{"name":"description","bytes":2,"value":"{}"}]"#
        );
    }

    #[test]
    fn a_form_that_is_none_is_no_trouble() {
        for body in ["", "--B", "--B\r\n", "--B\r\nx\r\n\r\n", "--B--"] {
            let kept = KeptBody::of(Some("multipart/form-data; boundary=B"), body.as_bytes(), 0);
            assert!(kept.parts.is_empty(), "{body:?}");
        }
    }
}
