//! The little XML that callbacks need: elements with text, no attributes, no DTD, no entities of one's own.

use std::borrow::Cow;
use std::fmt::Display;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

/// Elements within each other that are still read.
const DEPTH_MAX: usize = 16;

/// A text as a CDATA section, or several if it has `]]>` inside. Characters that XML forbids are left out.
pub fn cdata(text: &str) -> String {
    let allowed: Cow<'_, str> = match text.chars().all(is_xml_char) {
        true => text.into(),
        false => text
            .chars()
            .filter(|&letter| is_xml_char(letter))
            .collect::<String>()
            .into(),
    };
    format!("<![CDATA[{}]]>", allowed.replace("]]>", "]]]]><![CDATA[>"))
}

fn is_xml_char(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Elements one after the other, without white space between them.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    /// An element with a text.
    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.raw(name, &cdata(text))
    }

    /// An element with a number.
    pub(super) fn number(self, name: &str, number: impl Display) -> Self {
        self.raw(name, &number.to_string())
    }

    /// An element with what is already XML.
    pub(super) fn raw(mut self, name: &str, content: &str) -> Self {
        for part in ["<", name, ">", content, "</", name, ">"] {
            self.0.push_str(part);
        }
        self
    }

    /// All elements.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// XML that is not what a callback sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the XML is not that of a callback")]
pub struct XmlError;

/// An element with its text and its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// The text directly inside it.
    pub text: String,
    /// The elements directly inside it, in order.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document. Documents with a DTD, an entity beyond the five, or deep nesting are refused.
    pub fn parse(xml: &str) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(xml);
        let mut open = vec![Element::default()];
        loop {
            match reader.read_event().map_err(|_| XmlError)? {
                Event::Start(start) => open_element(&mut open, start.name().as_ref())?,
                Event::Empty(start) => {
                    open_element(&mut open, start.name().as_ref())?;
                    close_element(&mut open)?;
                }
                Event::End(_) => close_element(&mut open)?,
                Event::Text(text) => innermost(&mut open)?.text.push_str(&text.xml10_content()),
                Event::CData(text) => innermost(&mut open)?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => innermost(&mut open)?.text.push_str(&resolve(&entity)?),
                Event::Comment(_) | Event::Decl(_) => {}
                Event::DocType(_) | Event::PI(_) => return Err(XmlError),
                Event::Eof => break,
            }
        }
        only_root(open)
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The number in the first child of this name.
    pub fn child_number(&self, name: &str) -> Option<i64> {
        self.child_text(name)?.parse().ok()
    }
}

fn open_element(open: &mut Vec<Element>, name: &str) -> Result<(), XmlError> {
    if open.len() > DEPTH_MAX {
        return Err(XmlError);
    }
    open.push(Element {
        name: name.to_owned(),
        ..Element::default()
    });
    Ok(())
}

fn close_element(open: &mut Vec<Element>) -> Result<(), XmlError> {
    let closed = open.pop().ok_or(XmlError)?;
    innermost(open)?.children.push(closed);
    Ok(())
}

fn innermost(open: &mut [Element]) -> Result<&mut Element, XmlError> {
    open.last_mut().ok_or(XmlError)
}

fn resolve(entity: &BytesRef<'_>) -> Result<String, XmlError> {
    if let Some(letter) = entity.resolve_char_ref().map_err(|_| XmlError)? {
        return Ok(letter.to_string());
    }
    resolve_xml_entity(&entity.xml10_content())
        .map(str::to_owned)
        .ok_or(XmlError)
}

/// The one element of a document in which everything was closed.
fn only_root(open: Vec<Element>) -> Result<Element, XmlError> {
    let [document] = <[Element; 1]>::try_from(open).map_err(|_| XmlError)?;
    if !document.text.trim().is_empty() {
        return Err(XmlError);
    }
    let [root] = <[Element; 1]>::try_from(document.children).map_err(|_| XmlError)?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_cdata() {
        for text in ["", "a<b>&amp;", "]]>", "a]]]>b]]>", "中文 😀", "]]", "]]>]]>"] {
            let document = format!("<xml><A>{}</A></xml>", cdata(text));
            assert_eq!(
                Element::parse(&document).expect("XML").child_text("A"),
                Some(text)
            );
        }
    }

    #[test]
    fn characters_that_xml_forbids_are_left_out() {
        assert_eq!(cdata("a\u{0}\u{8}b\u{fffe}\nc"), "<![CDATA[ab\nc]]>");
    }

    #[test]
    fn the_five_entities_and_character_references_are_understood() {
        let element = Element::parse("<xml><A>&lt;&amp;&gt;&quot;&apos;&#20013;</A></xml>").expect("XML");
        assert_eq!(element.child_text("A"), Some("<&>\"'中"));
    }

    #[test]
    fn what_no_callback_sends_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        let documents = [
            "",
            "text",
            "<xml>",
            "<xml></other>",
            "<xml/><xml/>",
            "<xml>&other;</xml>",
            "<!DOCTYPE xml [<!ENTITY a \"b\">]><xml>&a;</xml>",
            "<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml/>",
            &deep,
        ];
        for document in documents {
            assert_eq!(Element::parse(document), Err(XmlError), "{document}");
        }
    }
}
