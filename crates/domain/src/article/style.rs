//! Which inline styles an article may carry.
//!
//! Only declarations of listed properties with plain values stay. Nothing here can load (`url()`), leave the
//! article's place on the page (`position`, `z-index`, `transform`, negative margins) or be read in two ways
//! (escapes, comments): a declaration with such characters is dropped whole. Background pictures are lost by this.

use std::borrow::Cow;

const PROPERTIES: &[&str] = &[
    "align-items",
    "align-self",
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-left-radius",
    "border-bottom-right-radius",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-left-radius",
    "border-top-right-radius",
    "border-top-style",
    "border-top-width",
    "border-width",
    "box-shadow",
    "box-sizing",
    "clear",
    "color",
    "direction",
    "display",
    "flex",
    "flex-basis",
    "flex-direction",
    "flex-flow",
    "flex-grow",
    "flex-shrink",
    "flex-wrap",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "justify-content",
    "letter-spacing",
    "line-break",
    "line-height",
    "list-style",
    "list-style-position",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "opacity",
    "overflow",
    "overflow-wrap",
    "overflow-x",
    "overflow-y",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-align-last",
    "text-decoration",
    "text-decoration-color",
    "text-decoration-line",
    "text-decoration-style",
    "text-indent",
    "text-shadow",
    "text-transform",
    "unicode-bidi",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
    "writing-mode",
];

const FUNCTIONS: &[&str] = &[
    "calc",
    "hsl",
    "hsla",
    "linear-gradient",
    "radial-gradient",
    "rgb",
    "rgba",
];

/// The harmless declarations of a `style` attribute; the very same text when all are harmless, `None` when none is.
pub(super) fn harmless(style: &str) -> Option<Cow<'_, str>> {
    let mut kept: Vec<&str> = Vec::new();
    let mut all = true;
    for declaration in style
        .split(';')
        .map(str::trim)
        .filter(|declaration| !declaration.is_empty())
    {
        if is_harmless(declaration) {
            kept.push(declaration);
        } else {
            all = false;
        }
    }
    match (kept.is_empty(), all) {
        (true, _) => None,
        (false, true) => Some(Cow::Borrowed(style)),
        (false, false) => Some(Cow::Owned(kept.join("; ") + ";")),
    }
}

fn is_harmless(declaration: &str) -> bool {
    let Some((property, value)) = declaration.split_once(':') else {
        return false;
    };
    let property = property.trim_end().to_ascii_lowercase();
    PROPERTIES.contains(&property.as_str())
        && is_plain_value(value)
        && !(property.starts_with("margin") && moves_back(value))
}

/// Whether the value holds only plain characters, closed quotes and brackets, and known functions.
fn is_plain_value(value: &str) -> bool {
    let mut quote = None;
    let mut depth = 0usize;
    let mut word_start = 0;
    let mut previous = ' ';
    for (at, c) in value.char_indices() {
        let word = c.is_alphanumeric() || matches!(c, '-' | '_');
        let sign = matches!(
            c,
            ' ' | '#' | '.' | ',' | '%' | '+' | '*' | '/' | '!' | '\'' | '"' | '(' | ')'
        );
        if !word && !sign || (previous, c) == ('/', '*') {
            return false;
        }
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => {
                let name = value[word_start..at].to_ascii_lowercase();
                // A bracket without a name groups inside `calc`.
                if !FUNCTIONS.contains(&name.as_str()) && (depth == 0 || !name.is_empty()) {
                    return false;
                }
                depth += 1;
            }
            (None, ')') if depth == 0 => return false,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        if !word {
            word_start = at + c.len_utf8();
        }
        previous = c;
    }
    quote.is_none() && depth == 0
}

/// Whether a margin could pull the element over what stands before it.
fn moves_back(value: &str) -> bool {
    value.contains('-') || value.contains('(')
}
