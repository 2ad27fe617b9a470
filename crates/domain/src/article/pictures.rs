//! Pictures of a body when it is shown: found, and given what a page knows of them.
//!
//! Works on what [`super::sanitise`] wrote and nothing else: there a `<` always starts a tag, values stand in double
//! quotes and hold no bracket. What is stored stays as it is.

use std::borrow::Cow;

const START: &str = "<img ";

/// An attribute of a picture: its name, and its value with entities resolved.
pub type Attribute<'a> = (&'a str, Cow<'a, str>);

/// The addresses of all pictures of a body, in order.
pub fn picture_addresses(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    rewrite_pictures(body, &mut |attributes| {
        let source = attributes.iter().find(|(name, _)| *name == "src");
        found.extend(source.map(|(_, value)| value.to_string()));
    });
    found
}

/// The body with the attributes of its pictures, in order, as `change` leaves them.
pub fn rewrite_pictures(body: &str, change: &mut dyn FnMut(&mut Vec<Attribute>)) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, from)) = rest.split_once(START) {
        let Some((tag, after)) = from.split_once('>') else {
            break;
        };
        out.push_str(before);
        out.push_str("<img");
        let mut attributes = attributes(tag);
        change(&mut attributes);
        for (name, value) in attributes {
            out.push_str(&format!(" {name}=\"{}\"", escaped(&value)));
        }
        out.push('>');
        rest = after;
    }
    out.push_str(rest);
    out
}

fn attributes(tag: &str) -> Vec<Attribute<'_>> {
    let mut found = Vec::new();
    let mut rest = tag.trim_start();
    while let Some((name, from)) = rest.split_once("=\"") {
        let Some((value, after)) = from.split_once('"') else {
            break;
        };
        found.push((name, super::allow::unescape(value)));
        rest = after.trim_start();
    }
    found
}

fn escaped(value: &str) -> String {
    super::escaped(value)
        .replace('"', "&quot;")
        .replace('\u{a0}', "&nbsp;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{LinkPolicy, sanitise};

    const ALL: LinkPolicy = LinkPolicy {
        any_link: true,
        own_image: &|_| true,
        own_article: &|_| true,
    };

    #[test]
    fn a_body_whose_pictures_nobody_changes_stays_as_it_was_written() {
        for html in [
            "",
            "<p>没有图</p>",
            "<p>a<img src=\"/a.png\"><img alt='\"<x>&amp;&nbsp;' src='/b?c=1&d=2' style='width:50%'/>c</p>",
            "<p title='<img src=/c>'>&lt;img src=x&gt; <img src=\"http://a.example/ä\"></p>",
        ] {
            let body = sanitise(html, &ALL);
            assert_eq!(rewrite_pictures(&body, &mut |_| {}), body);
        }
    }

    #[test]
    fn pictures_are_found_in_order_with_their_addresses_resolved() {
        let body = sanitise("<p><img src='/b?c=1&d=2'>x<img src='/a'></p>", &ALL);
        assert_eq!(picture_addresses(&body), ["/b?c=1&d=2", "/a"]);
    }

    #[test]
    fn sec08_what_is_added_cannot_leave_its_attribute() {
        let body = sanitise("<p><img src='/a' alt='&quot; onerror=&quot;x'></p>", &ALL);
        let changed = rewrite_pictures(&body, &mut |attributes| {
            attributes.push(("data-x", "\"><script>".into()));
        });
        assert!(
            changed.contains("data-x=\"&quot;&gt;&lt;script&gt;\""),
            "{changed}"
        );
        assert_eq!(changed.matches('<').count(), body.matches('<').count());
        assert!(!changed.contains("\" onerror"), "{changed}");
    }

    #[test]
    fn text_that_only_looks_like_a_picture_is_left_alone() {
        for odd in ["<img ", "a<img src=\"x", "<img >", "<image src=\"a\">"] {
            rewrite_pictures(odd, &mut |_| {});
        }
        assert_eq!(rewrite_pictures("a<img src=\"x", &mut |_| {}), "a<img src=\"x");
    }
}
