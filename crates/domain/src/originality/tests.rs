//! Tables for the check; what it finds in real texts is measured, see `docs/originality.md`.

mod verdicts;

use super::*;

/// A poem, too short for a signature.
const MOONLIGHT: &str = "<p>床前明月光，疑是地上霜。举头望明月，低头思故乡。</p>";

const ENGLISH: &str = "<p>When in the Course of human events, it becomes necessary for one people to dissolve the \
    political bands which have connected them with another, a decent respect to the opinions of mankind requires \
    that they should declare the causes which impel them to the separation.</p>";

/// `count` sentences of 22 Chinese characters; those of two topics have nothing in common but 记者报道.
fn sentences(topic: u64, count: u64) -> Vec<String> {
    let character = |place: u64| char::from_u32(0x4e00 + (text::mix(topic << 32 | place) % 3_000) as u32);
    (0..count)
        .map(|number| {
            let start: String = (0..9)
                .filter_map(|place| character(number * 18 + place))
                .collect();
            let end: String = (9..18)
                .filter_map(|place| character(number * 18 + place))
                .collect();
            format!("<p>{start}，记者报道，{end}。</p>")
        })
        .collect()
}

const SPRING: u64 = 1;
const AUTUMN: u64 = 2;

fn common_bands(a: &str, b: &str) -> usize {
    let theirs: Vec<(u8, u64)> = fingerprint(b).bands().collect();
    fingerprint(a)
        .bands()
        .filter(|band| theirs.contains(band))
        .count()
}

#[test]
fn only_letters_and_digits_count_in_lower_case_and_ordinary_width() {
    for (text, expected) in [
        ("", ""),
        ("，。！？…—🎉 \u{200b}\u{3000}\n", ""),
        ("Hello, World!", "helloworld"),
        ("ＱＦ２０２６", "qf2026"),
        ("群 发，\u{feff}消息。", "群发消息"),
        ("ÄÖÜ ẞ", "äöüß"),
        ("3.14%", "314"),
    ] {
        assert_eq!(
            normalise(text).into_iter().collect::<String>(),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn a_piece_is_4_characters_of_chinese_and_12_of_english() {
    for (text, expected) in [
        ("明月光", 0),
        ("明月光疑", 1),
        ("明，月光疑。是", 2),
        ("明月明月明月明月", 2),
        ("hello world", 0),
        ("hello worlds!", 0),
        ("hello, worldly", 1),
        ("中文 and english", 2),
    ] {
        assert_eq!(Pieces::of_text(text).len(), expected, "{text:?}");
    }
}

#[test]
fn stored_keys_never_change() {
    let short: Vec<(u8, u64)> = fingerprint(MOONLIGHT).bands().collect();
    assert_eq!(short, [(0, 14_422_539_293_339_167_897)]);
    for (text, first, last, all) in [
        (
            sentences(SPRING, 20).concat(),
            6_847_758_517_407_990_423,
            9_361_871_022_521_108_175,
            2_429_143_609_512_048_971,
        ),
        (
            ENGLISH.to_owned(),
            17_768_995_987_800_032_021,
            816_189_427_530_523_673,
            8_704_684_196_882_721_975,
        ),
    ] {
        let keys: Vec<(u8, u64)> = fingerprint(&text).bands().collect();
        let sum = keys.iter().fold(0, |sum: u64, (band, key)| {
            sum.rotate_left(7) ^ key ^ u64::from(*band)
        });
        assert_eq!((keys[1], keys[BANDS], keys.len()), ((1, first), (64, last), 65));
        assert_eq!(sum, all);
    }
}

#[test]
fn markup_white_space_punctuation_case_and_width_make_no_difference() {
    let original = "<p>Spring, 2026: 花园里开满了花。</p>";
    let copy = "<section><b>ＳＰＲＩＮＧ</b>２０２６<br>花园里&nbsp;开满了花！</section>";
    assert_eq!(fingerprint(original), fingerprint(copy));
    assert!(likeness(original, copy).is_copy());
}

#[test]
fn a_short_text_is_found_unchanged_only() {
    assert_eq!(common_bands(MOONLIGHT, MOONLIGHT), 1);
    assert!(likeness(MOONLIGHT, MOONLIGHT).is_copy());
    let changed = MOONLIGHT.replace("故乡", "家乡");
    assert_eq!(common_bands(MOONLIGHT, &changed), 0);
    let likeness = likeness(MOONLIGHT, &changed);
    assert!(likeness.overlap > 0.8 && !likeness.is_copy());
}

#[test]
fn a_text_without_letters_and_digits_resembles_nothing() {
    for nothing in ["", "<p></p>", "<p>……！</p>", "<p>🎉</p>"] {
        assert_eq!(fingerprint(nothing).bands().count(), 0, "{nothing}");
        assert!(!likeness(nothing, nothing).is_copy(), "{nothing}");
    }
}

#[test]
fn what_copyists_do_is_found() {
    let original = sentences(SPRING, 60);
    let whole = original.concat();
    let backwards: String = original.iter().rev().map(String::as_str).collect();
    let a_third = original[..20].concat();
    let foreign = sentences(AUTUMN, 60).concat();
    for (name, copy) in [
        ("unchanged", whole.clone()),
        ("sentences in another order", backwards),
        ("two thirds left out", a_third.clone()),
        ("as much foreign text added", format!("{foreign}{whole}")),
        ("a name changed throughout", whole.replace("记者报道", "本台消息")),
    ] {
        assert!(common_bands(&whole, &copy) > 0, "{name}");
        assert!(likeness(&whole, &copy).is_copy(), "{name}");
        assert_eq!(likeness(&whole, &copy), likeness(&copy, &whole), "{name}");
    }
    for (name, other) in [
        ("another text", foreign.clone()),
        (
            "a passage quoted",
            format!("{foreign}{}", original[..10].concat()),
        ),
    ] {
        assert!(!likeness(&whole, &other).is_copy(), "{name}");
    }
}

#[test]
fn shares_are_counted_exactly() {
    let a = Pieces::of_text("明月光疑是地上"); // 4 pieces
    let b = Pieces::of_text("明月光疑是"); // the first 2 of them
    let likeness = Likeness::of(&a, &b);
    assert_eq!(
        (likeness.shared, likeness.jaccard, likeness.overlap),
        (2, 0.5, 1.0)
    );
    assert!(!likeness.same);
}

#[test]
fn the_signature_estimates_the_common_share() {
    let text = sentences(SPRING, 200);
    let whole = Pieces::of_html(&text.concat());
    for kept in [20, 50, 100, 150, 200] {
        let part = Pieces::of_html(&text[..kept].concat());
        let exact = Likeness::of(&whole, &part).jaccard;
        let estimate = Fingerprint::of(&whole).estimate(&Fingerprint::of(&part));
        assert!(
            estimate.is_some_and(|it| (it - exact).abs() < 0.13),
            "{kept}: {estimate:?} {exact}"
        );
    }
}
