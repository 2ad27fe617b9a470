//! Attacks: whatever goes in, only listed tags and attributes with harmless values come out.

use proptest::prelude::*;

use super::super::{LinkPolicy, markup, sanitise};
use super::{ALL_ALLOWED, NOTHING_ALLOWED, OWN_ALLOWED};

/// The allow-list once more, written down independently.
const TAGS: &str = " a b blockquote br caption cite code col colgroup dd del div dl dt em figcaption figure h1 h2 \
    h3 h4 h5 h6 hr i img ins li mark mp-miniprogram ol p pre q rp rt ruby s section small span strike strong sub \
    sup table tbody td tfoot th thead tr u ul wbr ";

const ATTRIBUTES: &str = " align alt border cellpadding cellspacing colspan data-ratio data-type data-w dir height \
    href lang rel reversed rowspan span src start style title type valign value width ";

/// Asserts that `html` comes out harmless, and comes out the same the second time.
#[track_caller]
fn check(html: &str) {
    for policy in [&NOTHING_ALLOWED, &OWN_ALLOWED, &ALL_ALLOWED] {
        let clean = sanitise(html, policy);
        assert_harmless(&clean, html);
        assert_eq!(sanitise(&clean, policy), clean, "twice: {html:?}");
    }
}

#[track_caller]
fn assert_harmless(clean: &str, html: &str) {
    let says = format!("{html:?} became {clean:?}");
    for token in markup::Tokens::new(clean) {
        let tag = match token {
            markup::Token::Text(text) => {
                assert!(!text.contains(['<', '>']), "stray bracket: {says}");
                continue;
            }
            markup::Token::Close(name) => {
                assert!(TAGS.contains(&format!(" {name} ")), "end of {name}: {says}");
                continue;
            }
            markup::Token::Open(tag) => tag,
        };
        assert!(TAGS.contains(&format!(" {} ", tag.name)), "{}: {says}", tag.name);
        for (name, value) in &tag.attributes {
            let known = ATTRIBUTES.contains(&format!(" {name} ")) || name.starts_with("data-miniprogram-");
            assert!(known, "{name}: {says}");
            assert!(!value.contains(['<', '>', '"']), "{name} breaks out: {says}");
            let value = value.to_lowercase();
            match name.as_str() {
                "href" => assert!(
                    value.starts_with("http://") || value.starts_with("https://"),
                    "href: {says}"
                ),
                "src" => assert!(value.starts_with("http") || value.starts_with('/'), "src: {says}"),
                "rel" => assert_eq!(value, "noopener nofollow", "{says}"),
                "style" => {
                    let words = [
                        "url",
                        "expression",
                        "position",
                        "@",
                        "\\",
                        "/*",
                        "behavior",
                        "binding",
                        "script",
                    ];
                    assert!(words.iter().all(|word| !value.contains(word)), "style: {says}");
                }
                _ => {}
            }
        }
    }
    assert!(!clean.contains("<!"), "comment: {says}");
}

/// Vectors after the cheat sheets of OWASP, PortSwigger and Cure53, and the advisories of ammonia, DOMPurify and
/// bleach.
const VECTORS: &[&str] = &[
    // Scripts, in all spellings.
    "<script>alert(1)</script>",
    "<SCRIPT SRC=http://xss.example/a.js></SCRIPT>",
    "<script/src=data:,alert(1)>",
    "<script x>alert(1)</script y>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<SCRIPT>alert(1);//<</SCRIPT>",
    "<script>alert(1)",
    "<script><!--<script>alert(1)</script>--></script>",
    "<script\n>alert(1)</script\n>",
    "<script\u{0}>alert(1)</script>",
    "<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "</script><script>alert(1)</script>",
    "<script>a='</script><img src=x onerror=alert(1)>'</script>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
    // Handlers.
    "<img src=x onerror=alert(1)>",
    "<img src=\"https://own.example/a\" onerror=\"alert(1)\">",
    "<img/src=https://own.example/a/onerror=alert(1)>",
    "<img \"\"\"><script>alert(1)</script>\">",
    "<IMG SRC=# onmouseover=\"alert('x')\">",
    "<img src=https://own.example/a OnLoAd =alert(1)>",
    "<img src='https://own.example/a'onerror=alert(1)>",
    "<img src=`x`onerror=alert(1)>",
    "<img src=x on\u{0}error=alert(1)>",
    "<img src=x\u{a0}onerror=alert(1)>",
    "<img =\"onerror=alert(1)\" src=x>",
    "<body onload=alert(1)>",
    "<p onclick=alert(1)>x</p>",
    "<section onpointerenter=alert(1)>x</section>",
    "<div style=\"width:1px\" onanimationstart=alert(1) onfocus=alert(1) tabindex=1 autofocus>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)></textarea>",
    "<keygen autofocus onfocus=alert(1)>",
    "<a onclick=alert(1) href=\"http://e.org\">x</a>",
    "<mp-miniprogram onclick=alert(1) data-miniprogram-appid=\"x\" data-miniprogram-\"onclick=1>",
    "<b/onclick=alert(1)>x",
    // Addresses.
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\" javascript:alert(1)\">x</a>",
    "<a href=\"\u{1}javascript:alert(1)\">x</a>",
    "<a href=\"java\tscript:alert(1)\">x</a>",
    "<a href=\"java\nscript:alert(1)\">x</a>",
    "<a href=\"java&#10;script:alert(1)\">x</a>",
    "<a href=\"java&Tab;script:alert(1)\">x</a>",
    "<a href=\"java&NewLine;script&colon;alert(1)\">x</a>",
    "<a href=\"&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)\">x</a>",
    "<a href=\"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)\">x</a>",
    "<a href=\"&#0000106avascript:alert(1)\">x</a>",
    "<a href=\"jav&#x0;ascript:alert(1)\">x</a>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=\"javascript://e.org/%0aalert(1)\">x</a>",
    "<a href=\"http://e.org\" href=\"javascript:alert(1)\">x</a>",
    "<a href=\"javascript:alert(1)\" href=\"http://e.org\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">x</a>",
    "<a href=\"blob:https://e.org/1\">x</a>",
    "<a href=\"file:///etc/passwd\">x</a>",
    "<a href=\"filesystem:https://e.org/x\">x</a>",
    "<a href=\"feed:javascript:alert(1)\">x</a>",
    "<a href=\"view-source:javascript:alert(1)\">x</a>",
    "<a xlink:href=\"javascript:alert(1)\">x</a>",
    "<a href=\"http://e.org/\"><a href=\"javascript:alert(1)\">x</a></a>",
    "<a href=\"http://e.org/&quot; onclick=&quot;alert(1)\">x</a>",
    "<a href=\"http://e.org/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">x</a>",
    "<a href=\"//javascript:alert(1)\">x</a>",
    "<a href=\"\u{feff}javascript:alert(1)\">x</a>",
    "<img src=\"javascript:alert(1)\">",
    "<img src=\"jav&#x0A;ascript:alert(1);\">",
    "<img src=\"data:image/svg+xml,<svg onload=alert(1)>\">",
    "<img data-src=\"javascript:alert(1)\">",
    "<img src=\"/\\\\evil.example/x\">",
    "<img src=\"/a&quot;onerror=&quot;alert(1)\">",
    "<img dynsrc=\"javascript:alert(1)\" lowsrc=\"javascript:alert(1)\">",
    "<table background=\"javascript:alert(1)\"><td background=\"javascript:alert(1)\">x",
    "<blockquote cite=\"javascript:alert(1)\">x</blockquote>",
    "<form action=\"javascript:alert(1)\"><button formaction=\"javascript:alert(1)\">x</button></form>",
    "<isindex type=image src=1 onerror=alert(1)>",
    // Elements that load or run.
    "<iframe src=\"javascript:alert(1)\"></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<iframe src=\"http://e.org\" <b>x</b>",
    "<frameset><frame src=\"javascript:alert(1)\"></frameset>",
    "<object data=\"javascript:alert(1)\"><param name=x></object>",
    "<embed src=\"javascript:alert(1)\">",
    "<applet code=x>y</applet>",
    "<base href=\"javascript:alert(1)//\">",
    "<link rel=stylesheet href=\"http://e.org/x.css\">",
    "<link rel=import href=\"data:text/html,x\">",
    "<meta http-equiv=\"refresh\" content=\"0;url=javascript:alert(1)\">",
    "<portal src=\"javascript:alert(1)\">",
    "<template><script>alert(1)</script></template>",
    "<template><img src=x onerror=alert(1)>",
    "<div shadowrootmode=open><template shadowrootmode=open><script>alert(1)</script></template></div>",
    "<dialog open onclose=alert(1)>x</dialog>",
    // SVG and MathML.
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert(1)</script></svg>",
    "<svg><script href=\"data:,alert(1)\"/></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
    "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><text>x</text></a>",
    "<svg><set attributeName=onmouseover to=alert(1)></svg>",
    "<svg><use href=\"data:image/svg+xml;base64,PHN2Zz4=\"/></svg>",
    "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><title><style><img src=x onerror=alert(1)></style></title></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<svg><p><style><g title=\"</style><img src=x onerror=alert(1)>\">",
    "<svg/><img src=x onerror=alert(1)>",
    "<math><a xlink:href=\"javascript:alert(1)\">x</a></math>",
    "<math href=\"javascript:alert(1)\">x</math>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math><mtext><table><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<math><maction actiontype=\"statusline#http://e.org\" xlink:href=\"javascript:alert(1)\">x",
    // Raw text and mutations.
    "<style>@import 'javascript:alert(1)';</style>",
    "<style><img src=\"</style><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\">",
    "<noframes><p title=\"</noframes><img src=x onerror=alert(1)>\">",
    "<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<title><p title=\"</title><img src=x onerror=alert(1)>\">",
    "<plaintext><script>alert(1)</script>",
    "<p>x<plaintext>y</plaintext><img src=x onerror=alert(1)>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!---><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<![><img src=x onerror=alert(1)>",
    "<?xml version=\"1.0\"?><img src=x onerror=alert(1)>",
    "<?import namespace=\"t\" implementation=\"#default#time2\">",
    "</ onclick=alert(1)><img src=x onerror=alert(1)>",
    "<!DOCTYPE html [<!ENTITY x \"<script>alert(1)</script>\">]>&x;",
    "<table><tr><td><a href=\"http://e.org\"><table><a href=\"javascript:alert(1)\">x",
    "<a><table><td><a><table><td><a><b>x</a>",
    "<p><button><p>x<form><p>y",
    "<b><p><i></b></p></i><u></b>",
    "<select><style><img src=x onerror=alert(1)></style></select>",
    "<select><iframe><select><img src=x onerror=alert(1)>",
    "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "<img title='\"><img src=x onerror=alert(1)>'>",
    "<p title=\"`><img src=x onerror=alert(1)>\">x",
    "<p title='&lt;script>alert(1)&lt;/script>'>x",
    "<p title=\"&quot;&gt;&lt;img src=x onerror=alert(1)&gt;\">x</p>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<<p title=x>img src=x onerror=alert(1)>",
    "<<!-- x -->script>alert(1)<<!-- x -->/script>",
    "<im<svg></svg>g src=x onerror=alert(1)>",
    "<p <img src=x onerror=alert(1)>",
    "<p title=\"<img src=x onerror=alert(1)>",
    "<p/title=\"a\"/onclick=\"alert(1)\">",
    "＜script＞alert(1)＜/script＞",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    // Styles.
    "<p style=\"background:url(javascript:alert(1))\">x</p>",
    "<p style=\"background:u\\72l(http://e.org)\">x</p>",
    "<p style=\"background:&#117;rl(http://e.org)\">x</p>",
    "<p style=\"width:expression(alert(1))\">x</p>",
    "<p style=\"width:exp/**/ression(alert(1))\">x</p>",
    "<p style=\"w\\69 dth:ｅｘｐｒｅｓｓｉｏｎ(alert(1))\">x</p>",
    "<p style=\"-moz-binding:url('http://e.org/x.xml#x')\">x</p>",
    "<p style=\"behavior:url(x.htc)\">x</p>",
    "<p style=\"position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999\">x</p>",
    "<p style=\"color:red;/*;*/position:fixed\">x</p>",
    "<p style='font-family:\"x;position:fixed;y\"'>x</p>",
    "<p style=\"color:red;}</style><script>alert(1)</script>\">x</p>",
    "<p style=\"color:red&quot; onclick=&quot;alert(1)\">x</p>",
    "<p style=\"background-image:image-set('http://e.org/x' 1x)\">x</p>",
    "<p style=\"content:attr(x);color:env(x)\">x</p>",
    "<p style=\"@import 'http://e.org/x.css'\">x</p>",
    "<p style=\"margin-top:-1000px\">x</p>",
];

#[test]
fn no_vector_survives_as_markup() {
    for html in VECTORS {
        check(html);
        check(&format!("<p>before</p>{html}<p>after</p>"));
        check(&format!("<table><tr><td>{html}"));
        check(&format!("<a href=\"http://e.org\"><b>{html}</b></a>"));
    }
}

#[test]
fn scripts_and_frames_leave_no_text() {
    for html in [
        "<script>",
        "<style>",
        "<iframe>",
        "<svg>",
        "<math>",
        "<textarea>",
        "<template>",
        "<object>",
    ] {
        let end = html.replace('<', "</");
        assert_eq!(
            sanitise(&format!("a{html}gone{end}b"), &NOTHING_ALLOWED),
            "ab",
            "{html}"
        );
        assert_eq!(sanitise(&format!("a{html}gone"), &NOTHING_ALLOWED), "a", "{html}");
    }
}

/// A policy must be asked about the address that the browser will follow.
#[test]
fn the_policy_sees_addresses_with_entities_resolved() {
    let policy = LinkPolicy {
        any_link: false,
        own_image: &|src| src == "https://own.example/?a=1&b=2",
        own_article: &|href| href == "https://own.example/s?a=1&lt=2",
    };
    for html in [
        "<img src=\"https://own.example/?a=1&amp;b=2\">",
        "<a href=\"https://own.example/s?a=1&amp;lt=2\" rel=\"noopener nofollow\">x</a>",
    ] {
        assert_eq!(sanitise(html, &policy), html);
    }
}

const PIECES: &[&str] = &[
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<b title=1>",
    "<i>",
    "</i>",
    "<a href=http://e.org>",
    "<a>",
    "</a>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "<th>",
    "<caption>",
    "<tbody>",
    "<colgroup>",
    "<col>",
    "<ul>",
    "<li>",
    "</ul>",
    "<dl>",
    "<dt>",
    "<dd>",
    "<ruby>",
    "<rt>",
    "<pre>",
    "</pre>",
    "<section>",
    "</section>",
    "<h1>",
    "<h2>",
    "</h1>",
    "<hr>",
    "<br>",
    "</br>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mtext>",
    "<mglyph>",
    "</math>",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<template>",
    "</template>",
    "<select>",
    "<option>",
    "</select>",
    "<form>",
    "</form>",
    "<button>",
    "<textarea>",
    "</textarea>",
    "<title>",
    "</title>",
    "<noscript>",
    "<iframe>",
    "</iframe>",
    "<frameset>",
    "<body>",
    "<html>",
    "<head>",
    "<image>",
    "<img src=//own.example/a>",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<",
    ">",
    "\"",
    "'",
    "=",
    "/",
    "&lt;",
    "&amp;",
    "&",
    "&nbsp",
    "\n",
    "\r",
    "\0",
    " ",
    "x",
    "字",
    "<nobr>",
    "<s style=\"color:red;top:0\">",
    "<p style='",
    "title=\"",
    "onclick=",
    "<mp-miniprogram ",
    "data-miniprogram-appid=",
    "<foreignObject>",
    "<annotation-xml encoding=text/html>",
    "<plaintext>",
    "<x-y>",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_mixture_of_pieces_survives_as_markup(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn no_text_makes_the_rules_panic(html in any::<String>(), style in any::<String>()) {
        check(&html);
        check(&format!("<p style='{style}'>{html}"));
        check(&format!("<a href={html}><img data-src={style}>"));
    }
}
