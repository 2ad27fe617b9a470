//! The allow-list of article bodies, and ammonia set up with it.
//!
//! Both readers ask the same tables. Ammonia's filter cannot see the account, so it only keeps addresses that
//! could be allowed at all; [`admit`] asks the account's policy afterwards, on ammonia's own spelling.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::markup::Tag;
use super::{LinkPolicy, address, style};

/// Tags that stay, without those in `INLINE`.
const BLOCKS: &[&str] = &[
    "blockquote",
    "br",
    "caption",
    "col",
    "colgroup",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "mp-miniprogram",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Tags that stay and do not part words.
const INLINE: &[&str] = &[
    "a", "b", "cite", "code", "del", "em", "i", "img", "ins", "mark", "q", "rp", "rt", "ruby", "s", "small",
    "span", "strike", "strong", "sub", "sup", "u", "wbr",
];

/// Elements whose content the browser does not read as markup; they go with it.
pub(super) const RAW: &[&str] = &[
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "textarea",
    "title",
    "xmp",
];

/// Elements with rules of their own inside; they go with all they hold.
pub(super) const ISLANDS: &[&str] = &[
    "applet", "canvas", "datalist", "frameset", "math", "object", "select", "svg", "template",
];

const ATTRIBUTES: &[&str] = &["align", "dir", "lang", "style", "title"];

const ATTRIBUTES_BY_TAG: &[(&str, &[&str])] = &[
    ("a", &["href"]),
    ("col", &["span", "width"]),
    ("colgroup", &["span", "width"]),
    (
        "img",
        &[
            "alt",
            "data-ratio",
            "data-type",
            "data-w",
            "height",
            "src",
            "width",
        ],
    ),
    ("li", &["value"]),
    ("ol", &["reversed", "start", "type"]),
    ("table", &["border", "cellpadding", "cellspacing", "width"]),
    ("td", &["colspan", "height", "rowspan", "valign", "width"]),
    ("th", &["colspan", "height", "rowspan", "valign", "width"]),
];

/// Mini-program markup is kept as sent (mass-send §6).
const MINI_PROGRAM: &str = "data-miniprogram-";

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::new();
    cleaner
        .tags(BLOCKS.iter().chain(INLINE).copied().collect())
        .clean_content_tags(RAW.iter().chain(ISLANDS).copied().collect())
        .generic_attributes(ATTRIBUTES.iter().copied().collect())
        .generic_attribute_prefixes(HashSet::from([MINI_PROGRAM]))
        .tag_attributes(
            ATTRIBUTES_BY_TAG
                .iter()
                .map(|&(tag, names)| (tag, names.iter().copied().collect()))
                .collect(),
        )
        .tag_attribute_values(HashMap::new())
        .url_schemes(HashSet::from(["http", "https"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener nofollow"))
        .attribute_filter(keep_attribute);
    cleaner
});

/// Parses `html` as a browser does and writes what the allow-list leaves of it.
pub(super) fn clean(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// Text with entities resolved, given text with entities and without tags.
pub(super) fn resolve_entities(text: &str) -> String {
    unescape(&Builder::empty().clean(text).to_string()).into_owned()
}

/// Whether a tag of this name joins the text before and after it.
pub(super) fn is_inline(name: &str) -> bool {
    INLINE.contains(&name)
}

/// Drops unknown attributes and says whether the tag stays. Looks at no values, so it is safe to ask before
/// entities are resolved.
pub(super) fn sort_out(tag: &mut Tag) -> bool {
    if !BLOCKS.contains(&tag.name.as_str()) && !INLINE.contains(&tag.name.as_str()) {
        return false;
    }
    if tag.name == "img" {
        take_data_src(tag);
    }
    let mut seen: Vec<String> = Vec::new();
    let name = &tag.name;
    tag.attributes.retain(|(attribute, _)| {
        let fresh = is_known_attribute(name, attribute) && !seen.contains(attribute);
        if fresh {
            seen.push(attribute.clone());
        }
        fresh
    });
    true
}

/// Asks the account's policy about a tag that [`clean`] has written; may take the link out of it.
pub(super) fn admit(tag: &mut Tag, policy: &LinkPolicy) -> bool {
    match tag.name.as_str() {
        "a" => {
            tag.attributes.retain(|(name, value)| {
                name != "href" || policy.any_link || (policy.own_article)(&unescape(value))
            });
            tag.attributes
                .iter()
                .any(|(name, _)| name == "href" || name == "data-miniprogram-appid")
        }
        "img" => tag
            .attributes
            .iter()
            .any(|(name, value)| name == "src" && !value.is_empty() && (policy.own_image)(&unescape(value))),
        _ => true,
    }
}

/// WeChat's editors write the address of a picture into `data-src` and at most a placeholder into `src`.
fn take_data_src(tag: &mut Tag) {
    let has_src = tag.attributes.iter().any(|(name, value)| {
        let value = value.trim_start();
        name == "src"
            && !value.is_empty()
            && !value
                .get(..5)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    });
    if has_src || !tag.attributes.iter().any(|(name, _)| name == "data-src") {
        return;
    }
    tag.attributes.retain(|(name, _)| name != "src");
    for (name, _) in &mut tag.attributes {
        if name == "data-src" {
            *name = "src".to_owned();
        }
    }
}

fn is_known_attribute(tag: &str, attribute: &str) -> bool {
    if let Some(rest) = attribute.strip_prefix(MINI_PROGRAM) {
        let is_word = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        return is_word && matches!(tag, "a" | "mp-miniprogram");
    }
    // `rel` is ammonia's own to write.
    (tag, attribute) == ("a", "rel")
        || ATTRIBUTES.contains(&attribute)
        || ATTRIBUTES_BY_TAG
            .iter()
            .any(|(name, known)| *name == tag && known.contains(&attribute))
}

/// Ammonia's filter: what stays of an attribute, its value with entities resolved.
fn keep_attribute<'v>(tag: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    match (tag, attribute) {
        ("a", "href") => address::http(value),
        ("img", "src") => address::picture(value),
        (_, "style") => style::harmless(value),
        _ => is_known_attribute(tag, attribute).then_some(Cow::Borrowed(value)),
    }
}

/// Resolves the five entities that ammonia writes.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    // `&amp;` last: what it uncovers is text.
    let plain = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}");
    Cow::Owned(plain.replace("&amp;", "&"))
}
