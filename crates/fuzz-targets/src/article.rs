//! The HTML of articles (SEC8).

use domain::article::{LinkPolicy, default_digest, paragraphs, plain_text, sanitise};
use quick_xml::{Reader, events::Event};

/// Elements that run, load or catch something.
const DANGEROUS: [&str; 16] = [
    "script", "style", "iframe", "frame", "object", "embed", "applet", "svg", "math", "form", "input",
    "link", "meta", "base", "template", "noscript",
];
/// Attributes that hold an address.
const ADDRESSES: [&str; 8] = [
    "href",
    "src",
    "action",
    "formaction",
    "data",
    "poster",
    "background",
    "xlink:href",
];

/// Sanitising twice is sanitising once; nothing that runs survives, by the eyes of another reader.
pub fn article(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    for any_link in [false, true] {
        let policy = LinkPolicy {
            any_link,
            own_image: &|url| url.starts_with("http://own.example/"),
            own_article: &|url| url.starts_with("http://own.example/s/"),
        };
        let clean = sanitise(&html, &policy);
        assert_eq!(
            sanitise(&clean, &policy),
            clean,
            "sanitising twice is sanitising once: {html:?}"
        );
        harmless(&clean);
    }
    let text = plain_text(&html);
    assert!(!text.contains("  "), "white space is joined: {text:?}");
    assert!(default_digest(&html, 54).chars().count() <= 54);
    harmless(&paragraphs(&html));
}

/// Reads tags as a plain XML reader does, which knows nothing of HTML.
fn harmless(html: &str) {
    let mut reader = Reader::from_str(html);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    loop {
        let tag = match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => tag,
            Ok(Event::Eof) => return,
            Ok(Event::Text(_) | Event::End(_) | Event::GeneralRef(_)) => continue,
            other => panic!("no plain markup: {other:?} in {html:?}"),
        };
        let name = tag.name().as_ref().to_ascii_lowercase();
        assert!(!DANGEROUS.contains(&name.as_str()), "<{name}> in {html:?}");
        for attribute in tag.html_attributes() {
            let attribute = attribute.unwrap_or_else(|error| panic!("{error} in {html:?}"));
            let key = attribute.key.as_ref().to_ascii_lowercase();
            assert!(
                !key.starts_with("on") && key != "srcdoc" && key != "srcset",
                "{key} in {html:?}"
            );
            let value = attribute.value.to_ascii_lowercase();
            // As a browser reads an address: without white space and control characters in front or within.
            let value: String = value.chars().filter(|letter| *letter > ' ').collect();
            if ADDRESSES.contains(&key.as_str()) {
                let scheme = ["http:", "https:", "/", "#"];
                assert!(
                    scheme.iter().any(|scheme| value.starts_with(scheme)),
                    "{key}={value} in {html:?}"
                );
            }
            assert!(
                !value.contains("javascript:") || !key.eq("style"),
                "{key}={value} in {html:?}"
            );
        }
    }
}
