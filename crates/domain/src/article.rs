//! What an article may hold: titles, texts, links and the HTML of the body.
//!
//! Everything here is decided once, when the article is handed in; what [`prepare`] returns is stored and shown
//! as it is, under a content policy without scripts (SEC8). Covers, and which pictures and articles are the
//! account's own, are known to the caller only and come in through [`LinkPolicy`].
//!
//! The body goes through two readers that know nothing of each other: `markup` drops and balances tags, and
//! bounds the work a hostile body can cause; ammonia parses the rest as a browser does and applies `allow`.
//! The result is what neither of them would change any more, so sanitising twice is sanitising once.

mod address;
mod allow;
mod markup;
pub mod pictures;
mod style;
#[cfg(test)]
mod tests;

use thiserror::Error;

/// Longest title of an article, in characters (mass-send §6).
pub const TITLE_CHARACTERS_MAX: usize = 64;
/// Longest author of an article, in bytes (mass-send §6).
pub const AUTHOR_BYTES_MAX: usize = 64;
/// A body of this many characters is too long already (mass-send §6: "≥ 20 000 characters").
pub const CONTENT_CHARACTERS_LIMIT: usize = 20_000;
/// A body of this many bytes is too long already, before and after sanitising (mass-send §6: "≥ 1 MB").
pub const CONTENT_BYTES_LIMIT: usize = 1 << 20;
/// Longest target of 阅读原文 as handed in, in bytes (mass-send §6).
pub const SOURCE_URL_BYTES_MAX: usize = 1024;
/// Longest digest, in characters (mass-send §6).
pub const DIGEST_CHARACTERS_MAX: usize = 120;
/// Default digest of `uploadnews` and `add_news`, in characters (mass-send §6, reading 14).
pub const DIGEST_DEFAULT_NEWS: usize = 64;
/// Default digest of drafts, in characters (mass-send §6, reading 14).
pub const DIGEST_DEFAULT_DRAFT: usize = 54;
/// Longest text message, in bytes of UTF-8 (mass-send §8.2).
pub const TEXT_BYTES_MAX: usize = 2048;
/// Longest title of a video for mass send, in characters (mass-send §7).
pub const VIDEO_TITLE_CHARACTERS_MAX: usize = 128;
/// Longest description of a video for mass send, in characters (mass-send §7).
pub const VIDEO_DESCRIPTION_CHARACTERS_MAX: usize = 512;

/// How often two readers may disagree about a body before it is reduced to its text. Bodies from editors agree
/// after one round, and all that fuzzing found after three.
const ROUNDS_MAX: usize = 8;

/// One article as the caller sent it; what was absent is empty (mass-send §6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArticleDraft {
    /// Headline, required.
    pub title: String,
    /// Who wrote it; may be empty.
    pub author: String,
    /// The body as HTML, required.
    pub content: String,
    /// Target of 阅读原文; empty for none.
    pub content_source_url: String,
    /// Summary shown in the card; absent or blank, the body's first characters are taken.
    pub digest: Option<String>,
    /// Whether the cover is shown at the top of the body.
    pub show_cover_pic: bool,
    /// Whether followers may comment.
    pub need_open_comment: bool,
    /// Whether only followers may comment.
    pub only_fans_can_comment: bool,
}

/// One article that has passed the rules and may be stored and shown as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Headline, as sent.
    pub title: String,
    /// Who wrote it, as sent; may be empty.
    pub author: String,
    /// The body as sanitised HTML. Empty when nothing of it was allowed.
    pub content: String,
    /// Target of 阅读原文: empty, or an absolute http(s) URL.
    pub content_source_url: String,
    /// Summary shown in the card; empty when the body has no text.
    pub digest: String,
    /// Whether the cover is shown at the top of the body.
    pub show_cover_pic: bool,
    /// Whether followers may comment.
    pub need_open_comment: bool,
    /// Whether only followers may comment.
    pub only_fans_can_comment: bool,
}

/// Why an article is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ArticleRefusal {
    /// No title, or only white space (mass-send §6, 40227).
    #[error("the title is empty")]
    TitleEmpty,
    /// More than 64 characters of title (mass-send §6, 45003).
    #[error("the title is longer than {TITLE_CHARACTERS_MAX} characters")]
    TitleTooLong,
    /// More than 64 bytes of author (mass-send §6, 40192).
    #[error("the author is longer than {AUTHOR_BYTES_MAX} bytes")]
    AuthorTooLong,
    /// No body, or only white space (mass-send §6, 44004).
    #[error("the content is empty")]
    ContentEmpty,
    /// A body of 20,000 characters or 1 MiB, or more (mass-send §6, 45002).
    #[error("the content has {CONTENT_CHARACTERS_LIMIT} characters, {CONTENT_BYTES_LIMIT} bytes, or more")]
    ContentTooLong,
    /// 阅读原文 leads to something other than an http or https address (mass-send §6, 41039).
    #[error("the source URL is not an http or https address")]
    SourceUrlInvalid,
    /// More than 1 KiB of source URL (mass-send §6, 45005).
    #[error("the source URL is longer than {SOURCE_URL_BYTES_MAX} bytes")]
    SourceUrlTooLong,
    /// More than 120 characters of digest (mass-send §6, 45004).
    #[error("the digest is longer than {DIGEST_CHARACTERS_MAX} characters")]
    DigestTooLong,
}

/// Why a text message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextRefusal {
    /// Nothing, or only white space (mass-send §8.2, 44004).
    #[error("the text is empty")]
    Empty,
    /// More than 2048 bytes (mass-send §8.2, 45002).
    #[error("the text is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

/// Why the words of a video are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VideoTextRefusal {
    /// No title, or only white space (mass-send §7: required; 40227 as for articles).
    #[error("the title of the video is empty")]
    TitleEmpty,
    /// More than 128 characters of title (mass-send §7, 45003).
    #[error("the title of the video is longer than {VIDEO_TITLE_CHARACTERS_MAX} characters")]
    TitleTooLong,
    /// More than 512 characters of description (mass-send §7, 45004).
    #[error("the description of the video is longer than {VIDEO_DESCRIPTION_CHARACTERS_MAX} characters")]
    DescriptionTooLong,
}

/// Which links and pictures an article of this account may hold (mass-send §6, SEC8).
///
/// Both questions get the address with entities resolved, spelled as it would be kept, and must answer the same
/// way each time they are asked.
pub struct LinkPolicy<'a> {
    /// The account has the pay permission: every http(s) link stays.
    pub any_link: bool,
    /// Whether an address is a picture the account may show (from `uploadimg` or `add_material`). It may be
    /// asked about addresses without scheme (`//host/…`, `/…`), never about `data:` and its like.
    pub own_image: &'a dyn Fn(&str) -> bool,
    /// Whether an http(s) address is an article published on this server; such links always stay.
    pub own_article: &'a dyn Fn(&str) -> bool,
}

/// Applies the rules of mass-send §6 in the order of its table and returns the article as it will be shown.
/// `digest_default` is the length of a digest made from the text: [`DIGEST_DEFAULT_NEWS`] or
/// [`DIGEST_DEFAULT_DRAFT`].
pub fn prepare(
    draft: &ArticleDraft,
    digest_default: usize,
    policy: &LinkPolicy,
) -> Result<Article, ArticleRefusal> {
    if draft.title.trim().is_empty() {
        return Err(ArticleRefusal::TitleEmpty);
    }
    if longer_than(&draft.title, TITLE_CHARACTERS_MAX) {
        return Err(ArticleRefusal::TitleTooLong);
    }
    if draft.author.len() > AUTHOR_BYTES_MAX {
        return Err(ArticleRefusal::AuthorTooLong);
    }
    if draft.content.trim().is_empty() {
        return Err(ArticleRefusal::ContentEmpty);
    }
    if draft.content.len() >= CONTENT_BYTES_LIMIT || longer_than(&draft.content, CONTENT_CHARACTERS_LIMIT - 1)
    {
        return Err(ArticleRefusal::ContentTooLong);
    }
    let content_source_url = normalise_source_url(&draft.content_source_url)?;
    let given_digest = draft.digest.as_deref().filter(|digest| !digest.trim().is_empty());
    if given_digest.is_some_and(|digest| longer_than(digest, DIGEST_CHARACTERS_MAX)) {
        return Err(ArticleRefusal::DigestTooLong);
    }
    let content = sanitise(&draft.content, policy);
    if content.len() >= CONTENT_BYTES_LIMIT {
        return Err(ArticleRefusal::ContentTooLong);
    }
    Ok(Article {
        title: draft.title.clone(),
        author: draft.author.clone(),
        digest: given_digest.map_or_else(|| default_digest(&content, digest_default), str::to_owned),
        content,
        content_source_url,
        show_cover_pic: draft.show_cover_pic,
        need_open_comment: draft.need_open_comment,
        only_fans_can_comment: draft.only_fans_can_comment,
    })
}

/// The body with everything taken out that an article may not hold (SEC8): scripts, styles, frames and drawings
/// with their content, other unknown tags without it, links and pictures as `policy` says. Sanitising the result
/// again changes nothing. Total and about linear for a body of any size.
pub fn sanitise(html: &str, policy: &LinkPolicy) -> String {
    let mut current = markup::rewrite(html, &mut allow::sort_out);
    for _ in 0..ROUNDS_MAX {
        let parsed = allow::clean(&current);
        let judged = markup::rewrite(&parsed, &mut |tag| {
            allow::sort_out(tag) && allow::admit(tag, policy)
        });
        if parsed == current && judged == current {
            return current;
        }
        current = judged;
    }
    text_only(&current)
}

/// The text of `html` without markup: entities resolved, white space joined to single spaces, nothing from
/// scripts and styles. Not HTML any more: whoever shows it in a page escapes it.
pub fn plain_text(html: &str) -> String {
    let tidy = markup::rewrite(html, &mut |tag| {
        tag.attributes.clear();
        allow::sort_out(tag)
    });
    let mut pieces = String::with_capacity(tidy.len());
    for token in markup::Tokens::new(&tidy) {
        match token {
            markup::Token::Text(text) => pieces.push_str(text),
            markup::Token::Open(tag) if allow::is_inline(&tag.name) => {}
            markup::Token::Close(name) if allow::is_inline(&name) => {}
            markup::Token::Open(_) | markup::Token::Close(_) => pieces.push(' '),
        }
    }
    let text = allow::resolve_entities(&pieces).replace(['\u{200b}', '\u{feff}'], "");
    let mut joined = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// A plain text as HTML: one paragraph for each line that has something on it.
pub fn paragraphs(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("<p>{}</p>", escaped(line)))
        .collect()
}

/// The digest of an article that came without one: the first `characters` of its text (reading 14).
pub fn default_digest(html: &str, characters: usize) -> String {
    let start: String = plain_text(html).chars().take(characters).collect();
    start.trim_end().to_owned()
}

/// The target of 阅读原文 as it will be linked (mass-send §6). Empty stays empty; an http(s) address stays as
/// spelled, as far as browsers agree how to read it; a bare `www.qq.com` gets `http://`. Other schemes, and
/// addresses with a user name in front of the host, are refused.
pub fn normalise_source_url(url: &str) -> Result<String, ArticleRefusal> {
    if url.len() > SOURCE_URL_BYTES_MAX {
        return Err(ArticleRefusal::SourceUrlTooLong);
    }
    let url = url.trim();
    if url.is_empty() {
        return Ok(String::new());
    }
    match address::http(url) {
        Some(address) => Ok(address.into_owned()),
        None => address::bare(url).ok_or(ArticleRefusal::SourceUrlInvalid),
    }
}

/// Decides whether `content` may be sent as a text message (mass-send §8.2).
pub fn check_text(content: &str) -> Result<(), TextRefusal> {
    if content.trim().is_empty() {
        return Err(TextRefusal::Empty);
    }
    if content.len() > TEXT_BYTES_MAX {
        return Err(TextRefusal::TooLong);
    }
    Ok(())
}

/// Decides whether a video may carry this title and description (mass-send §7); the description may be empty.
pub fn check_video_text(title: &str, description: &str) -> Result<(), VideoTextRefusal> {
    if title.trim().is_empty() {
        return Err(VideoTextRefusal::TitleEmpty);
    }
    if longer_than(title, VIDEO_TITLE_CHARACTERS_MAX) {
        return Err(VideoTextRefusal::TitleTooLong);
    }
    if longer_than(description, VIDEO_DESCRIPTION_CHARACTERS_MAX) {
        return Err(VideoTextRefusal::DescriptionTooLong);
    }
    Ok(())
}

/// One paragraph with the text of `html`: what is left of a body on which the readers never agree.
fn text_only(html: &str) -> String {
    let text = plain_text(html);
    if text.is_empty() {
        return text;
    }
    format!("<p>{}</p>", escaped(&text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Whether `text` has more than `characters` characters; reads no further than it must.
fn longer_than(text: &str, characters: usize) -> bool {
    text.chars().nth(characters).is_some()
}
