//! Tables for the rules of articles; bodies are in `tests::bodies`, attacks in `tests::attacks`.

mod attacks;
mod bodies;

use super::*;

pub(super) const NOTHING_ALLOWED: LinkPolicy = LinkPolicy {
    any_link: false,
    own_image: &|_| false,
    own_article: &|_| false,
};

pub(super) const OWN_ALLOWED: LinkPolicy = LinkPolicy {
    any_link: false,
    own_image: &|src| src.trim_start_matches("https:").starts_with("//own.example/"),
    own_article: &|href| href.starts_with("https://own.example/s/"),
};

pub(super) const ALL_ALLOWED: LinkPolicy = LinkPolicy {
    any_link: true,
    own_image: &|_| true,
    own_article: &|_| true,
};

fn draft() -> ArticleDraft {
    ArticleDraft {
        title: "Spring".to_owned(),
        content: "<p>Hello</p>".to_owned(),
        ..ArticleDraft::default()
    }
}

#[track_caller]
fn check(draft: &ArticleDraft, expected: Result<(), ArticleRefusal>) {
    assert_eq!(
        prepare(draft, DIGEST_DEFAULT_NEWS, &NOTHING_ALLOWED).map(|_| ()),
        expected
    );
}

#[test]
fn a_title_is_required_and_has_at_most_64_characters() {
    for (title, expected) in [
        ("", Err(ArticleRefusal::TitleEmpty)),
        (" \u{3000}\t", Err(ArticleRefusal::TitleEmpty)),
        ("春", Ok(())),
        (&"春".repeat(64), Ok(())),
        (&"春".repeat(65), Err(ArticleRefusal::TitleTooLong)),
        (&"a".repeat(65), Err(ArticleRefusal::TitleTooLong)),
    ] {
        check(
            &ArticleDraft {
                title: title.to_owned(),
                ..draft()
            },
            expected,
        );
    }
}

#[test]
fn an_author_has_at_most_64_bytes() {
    for (author, expected) in [
        (String::new(), Ok(())),
        ("a".repeat(64), Ok(())),
        ("李".repeat(21), Ok(())),
        ("李".repeat(22), Err(ArticleRefusal::AuthorTooLong)),
        ("a".repeat(65), Err(ArticleRefusal::AuthorTooLong)),
    ] {
        check(&ArticleDraft { author, ..draft() }, expected);
    }
}

#[test]
fn content_is_required_and_stays_below_20000_characters() {
    for (content, expected) in [
        (String::new(), Err(ArticleRefusal::ContentEmpty)),
        (" \r\n".to_owned(), Err(ArticleRefusal::ContentEmpty)),
        ("字".repeat(19_999), Ok(())),
        ("字".repeat(20_000), Err(ArticleRefusal::ContentTooLong)),
        (
            "a".repeat(CONTENT_BYTES_LIMIT),
            Err(ArticleRefusal::ContentTooLong),
        ),
        ("<script>1</script>".to_owned(), Ok(())),
    ] {
        check(&ArticleDraft { content, ..draft() }, expected);
    }
}

#[test]
fn a_given_digest_has_at_most_120_characters() {
    for (digest, expected) in [
        (Some("述".repeat(120)), Ok(())),
        (Some("述".repeat(121)), Err(ArticleRefusal::DigestTooLong)),
        (Some(String::new()), Ok(())),
        (None, Ok(())),
    ] {
        check(&ArticleDraft { digest, ..draft() }, expected);
    }
}

#[test]
fn a_source_url_is_checked_for_length_first() {
    let long = |bytes: usize| format!("https://e.org/{}", "a".repeat(bytes - 14));
    for (content_source_url, expected) in [
        (long(1024), Ok(())),
        (long(1025), Err(ArticleRefusal::SourceUrlTooLong)),
        (
            format!("javascript:{}", "a".repeat(1024)),
            Err(ArticleRefusal::SourceUrlTooLong),
        ),
        (
            "javascript:alert(1)".to_owned(),
            Err(ArticleRefusal::SourceUrlInvalid),
        ),
    ] {
        check(
            &ArticleDraft {
                content_source_url,
                ..draft()
            },
            expected,
        );
    }
}

#[test]
fn the_first_broken_rule_of_the_table_is_named() {
    let broken = ArticleDraft {
        title: String::new(),
        author: "a".repeat(65),
        content: String::new(),
        content_source_url: "file:///etc/passwd".to_owned(),
        digest: Some("a".repeat(121)),
        ..ArticleDraft::default()
    };
    check(&broken, Err(ArticleRefusal::TitleEmpty));
    let broken = ArticleDraft {
        title: "T".to_owned(),
        ..broken
    };
    check(&broken, Err(ArticleRefusal::AuthorTooLong));
    let broken = ArticleDraft {
        author: String::new(),
        ..broken
    };
    check(&broken, Err(ArticleRefusal::ContentEmpty));
    let broken = ArticleDraft {
        content: "c".to_owned(),
        ..broken
    };
    check(&broken, Err(ArticleRefusal::SourceUrlInvalid));
    let broken = ArticleDraft {
        content_source_url: String::new(),
        ..broken
    };
    check(&broken, Err(ArticleRefusal::DigestTooLong));
}

#[test]
fn a_prepared_article_keeps_what_was_sent_and_fills_in_the_rest() {
    let prepared = prepare(
        &ArticleDraft {
            author: "Li".to_owned(),
            content: "<p>Hello<script>alert(1)</script></p>".to_owned(),
            content_source_url: "www.qq.com".to_owned(),
            show_cover_pic: true,
            need_open_comment: true,
            ..draft()
        },
        DIGEST_DEFAULT_NEWS,
        &NOTHING_ALLOWED,
    );
    let expected = Article {
        title: "Spring".to_owned(),
        author: "Li".to_owned(),
        content: "<p>Hello</p>".to_owned(),
        content_source_url: "http://www.qq.com".to_owned(),
        digest: "Hello".to_owned(),
        show_cover_pic: true,
        need_open_comment: true,
        only_fans_can_comment: false,
    };
    assert_eq!(prepared, Ok(expected));
}

#[test]
fn a_missing_or_blank_digest_is_the_start_of_the_text() {
    let content = format!("<h1>标题</h1><p>{}</p>", "文".repeat(100));
    for (digest, length, expected) in [
        (None, 64, format!("标题 {}", "文".repeat(61))),
        (Some(" "), 54, format!("标题 {}", "文".repeat(51))),
        (Some("own"), 54, "own".to_owned()),
    ] {
        let digest = digest.map(str::to_owned);
        let prepared = prepare(
            &ArticleDraft {
                content: content.clone(),
                digest,
                ..draft()
            },
            length,
            &NOTHING_ALLOWED,
        );
        assert_eq!(prepared.map(|article| article.digest), Ok(expected));
    }
}

#[test]
fn plain_text_has_no_markup_and_single_spaces() {
    for (html, expected) in [
        ("", ""),
        ("a  b\n\nc", "a b c"),
        ("<p>one</p><p>two</p>", "one two"),
        ("wo<b>rd</b>s", "words"),
        ("a<br>b", "a b"),
        ("<td>x</td><td>y</td>", "x y"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&copy;&hellip;&#20013;&#x6587;&nbsp;x", "©…中文 x"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("a<script>alert(1)</script><style>p{}</style>b", "ab"),
        ("a<!-- no -->b", "ab"),
        ("2 < 3 and 3 > 2", "2 < 3 and 3 > 2"),
        ("<img alt=\"x\" src=\"y\">z", "z"),
        ("\u{feff}a\u{200b}b", "ab"),
        ("<unknown>kept</unknown>", "kept"),
        ("<p title=\"a>b\">c", "c"),
    ] {
        assert_eq!(plain_text(html), expected, "{html}");
    }
}

#[test]
fn a_body_without_agreement_is_reduced_to_a_clean_paragraph() {
    for (html, expected) in [
        ("", ""),
        ("<b>1 &lt; 2 &amp; x</b><p>&nbsp;y", "<p>1 &lt; 2 &amp; x y</p>"),
        ("<svg>x</svg>", ""),
    ] {
        assert_eq!(text_only(html), expected, "{html}");
        assert_eq!(sanitise(expected, &NOTHING_ALLOWED), expected);
    }
}

#[test]
fn a_default_digest_counts_characters_and_ends_in_no_space() {
    for (html, characters, expected) in [
        ("<p>ab cd</p>", 3, "ab"),
        ("<p>春夏秋冬</p>", 2, "春夏"),
        ("&lt;b&gt;", 2, "<b"),
        ("", 64, ""),
    ] {
        assert_eq!(default_digest(html, characters), expected, "{html}");
    }
}

#[test]
fn source_urls_lead_to_http_and_https_only() {
    let refused = Err(ArticleRefusal::SourceUrlInvalid);
    for (url, expected) in [
        ("", Ok("")),
        ("  ", Ok("")),
        ("https://example.org/a?b=c#d", Ok("https://example.org/a?b=c#d")),
        (" https://example.org ", Ok("https://example.org")),
        (
            "https://appsto.re/xx#wechat_redirect",
            Ok("https://appsto.re/xx#wechat_redirect"),
        ),
        (
            "https://itun.es/i6x#wechat_redirect",
            Ok("https://itun.es/i6x#wechat_redirect"),
        ),
        ("www.qq.com", Ok("http://www.qq.com")),
        ("www.qq.com/a?u=http://b/", Ok("http://www.qq.com/a?u=http://b/")),
        ("www.qq.com:8080/a", Ok("http://www.qq.com:8080/a")),
        ("http://127.0.0.1:80/", Ok("http://127.0.0.1:80/")),
        ("HTTP://E.org/A", Ok("http://e.org/A")),
        ("http://e.org/中", Ok("http://e.org/%E4%B8%AD")),
        ("http:\\\\e.org\\a", Ok("http://e.org/a")),
        ("http:/e.org", Ok("http://e.org/")),
        ("http://例子.中国/", Ok("http://xn--fsqu00a.xn--fiqs8s/")),
        ("http://e.org/a b", Ok("http://e.org/a%20b")),
        ("javascript:alert(1)", refused),
        ("JaVaScRiPt:alert(1)", refused),
        ("java\nscript:alert(1)", refused),
        ("\u{1}javascript:alert(1)", refused),
        ("java.script:alert(1)", refused),
        ("file:///etc/passwd", refused),
        ("data:text/html,x", refused),
        ("vbscript:x", refused),
        ("ftp://e.org/", refused),
        ("weixin://dl/chat", refused),
        ("itms-apps://itunes.apple.com/app/id1", refused),
        ("//e.org/a", refused),
        ("/a/b", refused),
        ("#top", refused),
        ("hello", refused),
        ("localhost:80", refused),
        (".com", refused),
        ("http://", refused),
        ("http://user@e.org/", refused),
        ("http://user:pass@e.org/", refused),
        (
            "https://good.example\\@evil.example/",
            Ok("https://good.example/@evil.example/"),
        ),
        ("http://@e.org/", refused),
        ("user@www.qq.com", refused),
        ("www.qq.com:x@evil.example", refused),
        ("www.qq.com:", refused),
        ("http://e.org:99999/", refused),
        ("http://[::1", refused),
        ("http://e.org/\u{0}", refused),
    ] {
        let normalised = normalise_source_url(url);
        assert_eq!(normalised, expected.map(str::to_owned), "{url:?}");
        if let Ok(normalised) = normalised {
            assert_eq!(
                normalise_source_url(&normalised),
                Ok(normalised.clone()),
                "{url:?} again"
            );
        }
    }
}

#[test]
fn a_text_message_has_1_to_2048_bytes() {
    for (content, expected) in [
        (String::new(), Err(TextRefusal::Empty)),
        (" \n\u{3000}".to_owned(), Err(TextRefusal::Empty)),
        ("hello".to_owned(), Ok(())),
        ("a".repeat(2048), Ok(())),
        ("a".repeat(2049), Err(TextRefusal::TooLong)),
        ("春".repeat(683), Err(TextRefusal::TooLong)),
        (" ".repeat(3000), Err(TextRefusal::Empty)),
    ] {
        assert_eq!(check_text(&content), expected, "{} bytes", content.len());
    }
}

#[test]
fn a_video_has_a_title_and_perhaps_a_description() {
    for (title, description, expected) in [
        ("", "", Err(VideoTextRefusal::TitleEmpty)),
        (" ", "", Err(VideoTextRefusal::TitleEmpty)),
        ("Launch", "", Ok(())),
        (&*"片".repeat(128), &*"述".repeat(512), Ok(())),
        (&*"片".repeat(129), "", Err(VideoTextRefusal::TitleTooLong)),
        (
            "Launch",
            &*"述".repeat(513),
            Err(VideoTextRefusal::DescriptionTooLong),
        ),
    ] {
        assert_eq!(check_video_text(title, description), expected, "{title}");
    }
}
