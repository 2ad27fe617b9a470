//! A kept call as a `curl` command that makes it again.

use super::log::Call;

/// The command, for a shell; the files of a form are named as the client named them.
pub fn command(call: &Call, base: &str) -> String {
    let mut url = format!("{base}{}", call.path);
    if !call.query.is_empty() {
        url.push('?');
        url.push_str(&call.query);
    }
    let mut words = vec!["curl".to_owned(), "-sS".to_owned()];
    if url.contains(['[', ']', '{', '}']) {
        words.push("--globoff".to_owned());
    }
    let has_body = call.body.text.is_some() || !call.body.parts.is_empty();
    if !(call.method == "GET" && !has_body || call.method == "POST" && has_body) {
        words.push(format!("-X {}", quoted(&call.method)));
    }
    words.push(quoted(&url));
    for (name, value) in &call.headers {
        let is_form = name == "content-type" && !call.body.parts.is_empty();
        if !is_form && matches!(name.as_str(), "content-type" | "authorization") {
            words.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
        }
    }
    if let Some(text) = &call.body.text {
        words.push(format!("--data-raw {}", quoted(text)));
    }
    for part in &call.body.parts {
        words.push(match (&part.filename, &part.value) {
            (Some(file), _) => {
                let kind = part
                    .content_type
                    .as_ref()
                    .map_or_else(String::new, |kind| format!(";type={kind}"));
                format!(
                    "-F {}",
                    quoted(&format!("{}=@{}{kind}", part.name, plain_name(file)))
                )
            }
            (None, value) => {
                let value = value.as_deref().unwrap_or_default();
                format!("--form-string {}", quoted(&format!("{}={value}", part.name)))
            }
        });
    }
    let command = words.join(" ");
    if call.body.is_whole() || call.body.text.is_none() {
        return command;
    }
    format!("# the body was too long and is cut off here\n{command}")
}

/// The last part of a name, without what curl would read as an option of the form.
fn plain_name(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = name
        .chars()
        .filter(|letter| !matches!(letter, ';' | ',' | '"'))
        .collect();
    if plain.is_empty() {
        "file".to_owned()
    } else {
        plain
    }
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+".contains(letter);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{
        body::{KeptBody, Part},
        log::tests::call,
    };

    #[test]
    fn a_json_call_is_made_again_with_its_token_and_its_quotes() {
        let mut call = call("a", 0, None);
        call.headers = vec![
            ("content-type".into(), "application/json".into()),
            ("user-agent".into(), "x".into()),
        ];
        call.body = KeptBody::of(None, "{\"text\":\"it's\"}".as_bytes(), 15);
        assert_eq!(
            command(&call, "http://127.0.0.1:8080"),
            "curl -sS 'http://127.0.0.1:8080/cgi-bin/message/mass/sendall?access_token=T' \
             -H 'content-type: application/json' --data-raw '{\"text\":\"it'\\''s\"}'"
        );
    }

    #[test]
    fn a_form_names_its_file_and_nothing_of_a_path() {
        let mut call = call("a", 0, None);
        call.headers = vec![("content-type".into(), "multipart/form-data; boundary=B".into())];
        call.body.parts = vec![
            Part {
                name: "media".into(),
                filename: Some("../../a;type=x,b.jpg".into()),
                content_type: Some("image/jpeg".into()),
                bytes: 4,
                value: None,
            },
            Part {
                name: "description".into(),
                filename: None,
                content_type: None,
                bytes: 2,
                value: Some("{}".into()),
            },
        ];
        let command = command(&call, "http://h");
        assert!(
            command.ends_with("-F 'media=@atype=xb.jpg;type=image/jpeg' --form-string 'description={}'"),
            "{command}"
        );
    }

    #[test]
    fn a_call_without_body_says_its_method_where_it_must() {
        let mut call = call("a", 0, None);
        assert!(command(&call, "http://h").starts_with("curl -sS -X POST "));
        call.method = "GET".into();
        assert!(command(&call, "http://h").starts_with("curl -sS 'http://h/cgi-bin"));
    }
}
