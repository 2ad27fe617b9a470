//! Reads HTML into tags and text, and writes it again with every tag closed.
//!
//! This is the first of two readers (see `article`). It keeps the second one's work within bounds: what it
//! writes is nested properly and never deep, repeated tags close each other, and only known attributes are left.
//! Where it reads broken markup differently from a browser, only looks suffer: the browser's reading decides
//! what is safe, and that is ammonia's.

use std::borrow::Cow;
use std::collections::HashMap;

use super::allow::{ISLANDS, RAW};

/// Deepest nesting that is kept; further tags are dropped and their text stays. Editors reach about 40.
const DEPTH_MAX: usize = 128;

const VOID: &[&str] = &["br", "col", "hr", "img", "wbr"];

/// Blocks that end a paragraph by their start.
const ENDS_PARAGRAPH: &[&str] = &[
    "blockquote",
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
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];

/// A start tag. Names are in lower case; values are as written, entities and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, &'a str)>,
    closes_itself: bool,
}

/// A piece of HTML. Comments, doctypes and processing instructions are no pieces, they vanish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text as written, with entities, possibly with a `<` that starts no tag.
    Text(&'a str),
    Open(Tag<'a>),
    Close(String),
}

/// The pieces of a text, read as the HTML standard's tokeniser does outside of raw text.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Tokens { rest: html }
    }

    /// Goes on before the end tag of a raw text element, or at the end if it has none.
    fn skip_raw(&mut self, name: &str) {
        let end = self.rest.match_indices("</").map(|(at, _)| at).find(|at| {
            let after = &self.rest.as_bytes()[at + 2..];
            after
                .get(..name.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
                && after
                    .get(name.len())
                    .is_some_and(|b| is_space(*b) || matches!(b, b'/' | b'>'))
        });
        self.rest = &self.rest[end.filter(|_| name != "plaintext").unwrap_or(self.rest.len())..];
    }

    /// Goes on after the end tag of an element that may hold others of its name, or at the end if it has none.
    fn skip_island(&mut self, island: &str) {
        let mut depth = 1usize;
        while depth > 0 {
            match self.next() {
                Some(Token::Open(tag)) if tag.name == island && !tag.closes_itself => depth += 1,
                Some(Token::Close(name)) if name == island => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Takes text up to the next `<`, at least one character.
    fn text(&mut self) -> Token<'a> {
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let end = self.rest[first..]
            .find('<')
            .map_or(self.rest.len(), |at| at + first);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Token::Text(text)
    }

    /// Skips what starts with `<!`, `<?` or `</` and is no tag.
    fn skip_comment(&mut self) {
        let Some(body) = self.rest.strip_prefix("<!--") else {
            self.rest = self.rest.find('>').map_or("", |at| &self.rest[at + 1..]);
            return;
        };
        let short = ["->", ">"].iter().find_map(|end| body.strip_prefix(end));
        let long = ["-->", "--!>"]
            .iter()
            .filter_map(|end| body.find(end).map(|at| (at, end.len())))
            .min();
        self.rest = short
            .or(long.map(|(at, length)| &body[at + length..]))
            .unwrap_or("");
    }

    /// Reads the tag whose name starts at byte `name_start`; a tag that never ends is dropped with all after it.
    fn tag(&mut self, name_start: usize) -> Option<Tag<'a>> {
        let html = self.rest;
        self.rest = "";
        let bytes = html.as_bytes();
        let find = |from: usize, stop: &dyn Fn(u8) -> bool| {
            bytes
                .get(from..)
                .and_then(|tail| tail.iter().position(|b| stop(*b)))
                .map(|at| from + at)
        };
        let not_space = |from: usize| find(from, &|b| !is_space(b));

        let name_end = find(name_start, &|b| is_space(b) || matches!(b, b'/' | b'>'))?;
        let mut tag = Tag {
            name: html[name_start..name_end].to_ascii_lowercase(),
            attributes: Vec::new(),
            closes_itself: false,
        };
        let mut at = name_end;
        loop {
            at = find(at, &|b| !is_space(b) && b != b'/')?;
            if bytes[at] == b'>' {
                tag.closes_itself = at > name_end && bytes[at - 1] == b'/';
                self.rest = &html[at + 1..];
                return Some(tag);
            }
            // A name may start with `=`; it ends before the next one.
            let attribute_end = find(at + 1, &|b| is_space(b) || matches!(b, b'/' | b'>' | b'='))?;
            let attribute = html[at..attribute_end].to_ascii_lowercase();
            at = not_space(attribute_end)?;
            let mut value = "";
            if bytes[at] == b'=' {
                at = not_space(at + 1)?;
                let quote = bytes[at];
                if matches!(quote, b'"' | b'\'') {
                    let end = find(at + 1, &|b| b == quote)?;
                    value = &html[at + 1..end];
                    at = end + 1;
                } else {
                    let end = find(at, &|b| is_space(b) || b == b'>')?;
                    value = &html[at..end];
                    at = end;
                }
            }
            tag.attributes.push((attribute, value));
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let second = |at: usize| self.rest.as_bytes().get(at).copied().unwrap_or(b' ');
            match (second(0), second(1)) {
                (b'<', b) if b.is_ascii_alphabetic() => return self.tag(1).map(Token::Open),
                (b'<', b'/') if second(2).is_ascii_alphabetic() => {
                    return self.tag(2).map(|tag| Token::Close(tag.name));
                }
                (b'<', b'!' | b'?') => self.skip_comment(),
                (b'<', b'/') if self.rest.len() > 2 => self.skip_comment(),
                _ => return Some(self.text()),
            }
        }
    }
}

/// Writes `html` again: the tags that `judge` keeps, each closed, and the text. Raw text elements and islands
/// (see `allow`) go with their content, other tags that `judge` refuses without it.
pub(super) fn rewrite(html: &str, judge: &mut dyn FnMut(&mut Tag) -> bool) -> String {
    let html = without_controls(html);
    let mut tokens = Tokens::new(&html);
    let mut writer = Writer {
        out: String::with_capacity(html.len()),
        ..Writer::default()
    };
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => writer.text(text),
            Token::Open(tag) if RAW.contains(&tag.name.as_str()) => tokens.skip_raw(&tag.name),
            Token::Open(tag) if ISLANDS.contains(&tag.name.as_str()) => {
                let is_drawing = matches!(tag.name.as_str(), "svg" | "math");
                if !(tag.closes_itself && is_drawing) {
                    tokens.skip_island(&tag.name);
                }
            }
            Token::Open(mut tag) => {
                let kept = judge(&mut tag);
                writer.open(&tag, kept);
            }
            Token::Close(name) => writer.close(&name),
        }
    }
    writer.close_to(0);
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    open: Vec<String>,
    /// How many start tags of a name were dropped whose end tags are still to come.
    dropped: HashMap<String, usize>,
    /// Browsers drop a line break right after `<pre>`; there must be none to drop.
    after_pre: bool,
}

impl Writer {
    fn text(&mut self, text: &str) {
        let text = if self.after_pre {
            text.trim_start_matches('\n')
        } else {
            text
        };
        self.after_pre &= text.is_empty();
        for (nth, piece) in text.split('<').enumerate() {
            if nth > 0 {
                self.out.push_str("&lt;");
            }
            self.out.push_str(piece);
        }
    }

    fn open(&mut self, tag: &Tag, kept: bool) {
        let void = VOID.contains(&tag.name.as_str());
        if kept {
            self.close_implied(&tag.name);
        }
        if !kept || (self.open.len() >= DEPTH_MAX && !void) {
            if !void {
                *self.dropped.entry(tag.name.clone()).or_default() += 1;
            }
            return;
        }
        self.out.push('<');
        self.out.push_str(&tag.name);
        for (name, value) in &tag.attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.out.push_str(
                &value
                    .replace('"', "&quot;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;"),
            );
            self.out.push('"');
        }
        self.out.push('>');
        self.after_pre = tag.name == "pre";
        if !void {
            self.open.push(tag.name.clone());
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(dropped) = self.dropped.get_mut(name).filter(|dropped| **dropped > 0) {
            *dropped -= 1;
        } else if let Some(at) = self.open.iter().rposition(|open| open == name) {
            self.close_to(at);
        }
    }

    /// Closes what a browser closes when an element of this name starts.
    fn close_implied(&mut self, name: &str) {
        match name {
            "li" => self.close_within(&["li"], &["ul", "ol"]),
            "dt" | "dd" => self.close_within(&["dt", "dd"], &["dl"]),
            "rt" | "rp" => self.close_within(&["rt", "rp"], &["ruby"]),
            "td" | "th" => self.close_within(&["td", "th"], &["tr", "table"]),
            "tr" => self.close_within(&["tr"], &["table"]),
            "caption" | "colgroup" | "thead" | "tbody" | "tfoot" => {
                self.close_within(&["caption", "colgroup", "thead", "tbody", "tfoot"], &["table"]);
            }
            "a" => self.close_within(&["a"], &["td", "th", "caption"]),
            _ => {}
        }
        if ENDS_PARAGRAPH.contains(&name) {
            self.close_within(&["p"], &["td", "th", "caption"]);
        }
    }

    /// Closes the innermost open element among `names`, unless one of `barriers` is further in.
    fn close_within(&mut self, names: &[&str], barriers: &[&str]) {
        let innermost = self
            .open
            .iter()
            .rposition(|open| names.contains(&open.as_str()) || barriers.contains(&open.as_str()));
        if let Some(at) = innermost.filter(|at| names.contains(&self.open[*at].as_str())) {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(name) = self.open.pop() {
                self.out.push_str("</");
                self.out.push_str(&name);
                self.out.push('>');
            }
        }
        self.after_pre = false;
    }
}

/// The text without control characters, line ends as line feeds.
fn without_controls(html: &str) -> Cow<'_, str> {
    let unwanted = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
    if !html.contains(unwanted) {
        return Cow::Borrowed(html);
    }
    let lines = html.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(lines.chars().filter(|c| !unwanted(*c)).collect())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}
