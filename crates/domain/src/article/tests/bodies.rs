//! Honest bodies: what editors write must come through, and links and pictures follow the policy.

use std::fmt::Write as _;

use super::super::{LinkPolicy, sanitise, style};
use super::{ALL_ALLOWED, NOTHING_ALLOWED, OWN_ALLOWED};

#[track_caller]
fn check(policy: &LinkPolicy, html: &str, expected: &str) {
    let once = sanitise(html, policy);
    assert_eq!(once, expected, "{html}");
    assert_eq!(sanitise(&once, policy), once, "twice: {html}");
}

#[test]
fn bodies_from_editors_come_through_unchanged() {
    for html in [
        "",
        "plain text, 中文 &amp; more",
        "<p>Hello</p>\n<p>World</p>",
        "<section style=\"margin: 0px; padding: 10px 5px;\"><p style=\"color: rgb(63, 63, 63);\">字</p></section>",
        "<p><strong>a</strong><em>b</em><b>c</b><i>d</i><u>e</u><s>f</s><sub>g</sub><sup>h</sup></p>",
        "<h1>1</h1><h2>2</h2><h3>3</h3><h4>4</h4><h5>5</h5><h6>6</h6><hr>",
        "<blockquote><p>quoted</p></blockquote><pre><code>if a &lt; b {\n  x\n}</code></pre>",
        "<ul><li>a</li><li>b<ol start=\"3\"><li>c</li></ol></li></ul>",
        "<table width=\"100%\"><tbody><tr><th colspan=\"2\">h</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>",
        "<figure><img src=\"https://own.example/a\" alt=\"x\" data-ratio=\"0.5\"><figcaption>c</figcaption></figure>",
        "<mp-miniprogram data-miniprogram-appid=\"wx12\" data-miniprogram-path=\"p?a=1&amp;b=2\"></mp-miniprogram>",
        "<p>a<br>b</p>",
        "<ruby>漢<rp>(</rp><rt>han</rt><rp>)</rp></ruby>",
        "<p style=\"font-family: &quot;PingFang SC&quot;, 微软雅黑; line-height: 1.75em\">x</p>",
    ] {
        check(&ALL_ALLOWED, html, html);
    }
}

#[test]
fn broken_markup_is_closed_and_unknown_tags_leave_their_text() {
    for (html, expected) in [
        ("<p>one<p>two", "<p>one</p><p>two</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        (
            "<table><tr><td>a<td>b",
            "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>",
        ),
        ("<B>x", "<b>x</b>"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
        ("<center><font color=red>x</font></center>", "x"),
        ("x</p></div></section>", "x"),
        ("<section><bogus></section>x</bogus>", "<section></section>x"),
        ("a < b > c & d", "a &lt; b &gt; c &amp; d"),
        ("<p>x<", "<p>x&lt;</p>"),
        ("<p>x</", "<p>x&lt;/</p>"),
        ("<p>x<a hr", "<p>x</p>"),
        ("<pre>\n\n\n\n\n\n\n\n\n\n\n\nx</pre>", "<pre>x</pre>"),
        ("<p class=\"evil\" id=\"x\" data-x=\"1\">x</p>", "<p>x</p>"),
        ("a\u{0}b\u{8}c\r\nd", "abc\nd"),
        (
            "<form><input><button>go</button><select><option>x</select></form>",
            "go",
        ),
        ("<video src=\"x\">no video</video>", "no video"),
        ("<p title='a\"b<c>'>x</p>", "<p title=\"a&quot;b&lt;c&gt;\">x</p>"),
        (
            "<html><head><title>t</title></head><body><p>x</p></body></html>",
            "<p>x</p>",
        ),
    ] {
        check(&ALL_ALLOWED, html, expected);
    }
}

#[test]
fn links_stay_with_the_pay_permission_or_to_own_articles() {
    let link = "<a href=\"https://e.org\">text</a>";
    check(&NOTHING_ALLOWED, link, "text");
    check(
        &ALL_ALLOWED,
        link,
        "<a href=\"https://e.org\" rel=\"noopener nofollow\">text</a>",
    );
    let own = "<a href=\"https://own.example/s/1?a=1&b=2\">text</a>";
    check(&NOTHING_ALLOWED, own, "text");
    check(
        &OWN_ALLOWED,
        own,
        "<a href=\"https://own.example/s/1?a=1&amp;b=2\" rel=\"noopener nofollow\">text</a>",
    );
    check(
        &OWN_ALLOWED,
        "<p><a href='https://e.org/'>a <b>b</b></a> c</p>",
        "<p>a <b>b</b> c</p>",
    );
}

#[test]
fn links_to_anything_but_the_web_lose_their_tag() {
    for (html, expected) in [
        ("<a>x</a>", "x"),
        ("<a name=\"top\">x</a>", "x"),
        ("<a href=\"#top\">x</a>", "x"),
        ("<a href=\"/a\">x</a>", "x"),
        ("<a href=\"//e.org\">x</a>", "x"),
        ("<a href=\"www.qq.com\">x</a>", "x"),
        ("<a href=\"tel:1\">x</a>", "x"),
        ("<a href=\"http://u:p@e.org\">x</a>", "x"),
        (
            "<a href=\"http://e.org\" target=\"_top\" rel=\"opener\" ping=\"http://p\">x</a>",
            "<a href=\"http://e.org\" rel=\"noopener nofollow\">x</a>",
        ),
        (
            "<a href=\"http://e.org\">x<a href=\"#\">y</a>z</a>",
            "<a href=\"http://e.org\" rel=\"noopener nofollow\">x</a>yz",
        ),
        (
            "<a data-miniprogram-appid=\"wx1\" href=\"\">x</a>",
            "<a data-miniprogram-appid=\"wx1\" rel=\"noopener nofollow\">x</a>",
        ),
        ("<p data-miniprogram-appid=\"wx1\">x</p>", "<p>x</p>"),
    ] {
        check(&ALL_ALLOWED, html, expected);
    }
}

#[test]
fn a_mini_program_link_stays_without_its_foreign_address() {
    check(
        &NOTHING_ALLOWED,
        "<a data-miniprogram-appid=\"wx1\" href=\"http://e.org\">x</a>",
        "<a data-miniprogram-appid=\"wx1\" rel=\"noopener nofollow\">x</a>",
    );
}

#[test]
fn only_own_pictures_stay() {
    let own = "<img src=\"https://own.example/1?wx_fmt=png\">";
    for (html, expected) in [
        (own, own),
        ("<img src=\"//own.example/1\">", "<img src=\"//own.example/1\">"),
        ("<img src=\"https://foreign.example/1\">", ""),
        ("<p>a<img src=\"https://foreign.example/1\">b</p>", "<p>ab</p>"),
        ("<img data-src=\"https://own.example/1?wx_fmt=png\">", own),
        (
            "<img src=\"\" data-src=\"https://own.example/1?wx_fmt=png\">",
            own,
        ),
        (
            "<img src=\"data:image/gif;base64,AA==\" data-src=\"https://own.example/1?wx_fmt=png\">",
            own,
        ),
        (
            "<img src=\"https://foreign.example/1\" data-src=\"https://own.example/1\">",
            "",
        ),
        ("<img data-src=\"https://foreign.example/1\">", ""),
        (
            "<img src=\"https://own.example/1?wx_fmt=png\" data-src=\"https://own.example/2\">",
            own,
        ),
        (
            "<img src=\"https://foreign.example/1\" src=\"https://own.example/1\">",
            "",
        ),
        ("<img>", ""),
        ("<img src=\"data:image/png;base64,AA==\">", ""),
        (
            "<img src=\"https://own.example/1?wx_fmt=png\" srcset=\"https://foreign.example/1 2x\" class=c>",
            own,
        ),
        ("<image src=\"https://own.example/1\">", ""),
        ("<img src=\"HTTPS://own.example/1?wx_fmt=png\">", own),
        ("<img src=\"https://own.example@foreign.example/\">", ""),
    ] {
        check(&OWN_ALLOWED, html, expected);
    }
}

#[test]
fn styles_keep_harmless_declarations_only() {
    for (style, expected) in [
        ("color: red", Some("color: red")),
        ("COLOR:RED;font-size:14px", Some("COLOR:RED;font-size:14px")),
        ("color: red; position: fixed; top: 0", Some("color: red;")),
        ("position:absolute", None),
        ("", None),
        (";;", None),
        ("background: url(https://e.org/x)", None),
        ("background: URL('x')", None),
        ("background: u\\72l(x)", None),
        ("background: url/**/(x)", None),
        ("background-image: linear-gradient(red, blue)", None),
        (
            "background: linear-gradient(to right, rgb(1, 2, 3) 0%, #fff 100%)",
            Some("background: linear-gradient(to right, rgb(1, 2, 3) 0%, #fff 100%)"),
        ),
        ("width: expression(alert(1))", None),
        (
            "width: calc(100% - (2 * 5px))",
            Some("width: calc(100% - (2 * 5px))"),
        ),
        ("width: (1)", None),
        ("color: var(--x)", None),
        ("color: red; } body { display: none", Some("color: red;")),
        ("font-family: 'a;position:fixed;b'", None),
        ("font-family: \"unclosed", None),
        ("color: rgb(1,2", None),
        ("color: red)", None),
        ("-moz-binding: x", None),
        ("behavior: x", None),
        ("margin: -100px", None),
        ("margin-top: calc(0px - 9px)", None),
        ("margin: 0 auto !important", Some("margin: 0 auto !important")),
        ("letter-spacing: -1px", Some("letter-spacing: -1px")),
        ("color", None),
        ("color: <b>", None),
        ("color: a:b", None),
        ("@import 'x'", None),
        (
            "z-index: 9; transform: scale(9); opacity: 0.5",
            Some("opacity: 0.5;"),
        ),
    ] {
        assert_eq!(style::harmless(style).as_deref(), expected, "{style}");
        let once = style::harmless(style).unwrap_or_default().into_owned();
        assert_eq!(style::harmless(&once).unwrap_or_default(), once, "twice: {style}");
    }
}

#[test]
fn deep_nesting_is_cut_and_its_text_stays() {
    let html = format!("{}x{}", "<section>".repeat(1000), "</section>".repeat(1000));
    let expected = format!("{}x{}", "<section>".repeat(128), "</section>".repeat(128));
    check(&ALL_ALLOWED, &html, &expected);
    // The end of a tag that was cut does not end one that stayed.
    let html = format!("{}x</section>y</section>z", "<section>".repeat(129));
    let expected = format!(
        "{}xy</section>z{}",
        "<section>".repeat(128),
        "</section>".repeat(127)
    );
    check(&ALL_ALLOWED, &html, &expected);
}

#[test]
fn hostile_repetition_neither_blows_up_nor_takes_long() {
    let formats = (0..1200).fold(String::from("<p>"), |mut html, n| {
        let _ = write!(html, "<b title={n}>");
        html
    });
    let began = std::time::Instant::now();
    for html in [
        formats.clone() + &"<p>x".repeat(2500),
        formats.clone() + &"</p>x<p>".repeat(1200),
        formats + &"<table><td>x".repeat(900),
        "<table><tr><td><b>".repeat(1000),
        "<a href=http://e.org><table>".repeat(700),
        "<b><p></b>".repeat(2000),
        "</p>".repeat(5000),
        "<a".repeat(10_000),
        "<!--".repeat(5000),
        "<svg>".repeat(4000),
        "<b a b c d e f ".repeat(1300),
        "<section>".repeat(100_000),
        "<i>".repeat(100_000) + &"</b>".repeat(100_000),
        "&".repeat(20_000),
    ] {
        let clean = sanitise(&html, &ALL_ALLOWED);
        assert!(
            clean.len() < 6 * html.len() + 1000,
            "{} of {}",
            clean.len(),
            html.len()
        );
        assert_eq!(sanitise(&clean, &ALL_ALLOWED), clean);
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
