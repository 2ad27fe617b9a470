//! Voices, made by hand: silence in valid frames.

use super::super::*;

/// AMR of 12.2 kbit/s: `frames` times 20 ms.
pub(super) fn amr(frames: usize) -> Vec<u8> {
    let mut frame = [0; 32];
    frame[0] = 7 << 3 | 4;
    [b"#!AMR\n", &frame.repeat(frames)[..]].concat()
}

/// AMR-WB of 23.85 kbit/s: `frames` times 20 ms.
pub(super) fn amr_wb(frames: usize) -> Vec<u8> {
    let mut frame = [0; 61];
    frame[0] = 8 << 3 | 4;
    [b"#!AMR-WB\n", &frame.repeat(frames)[..]].concat()
}

/// MP3 of 128 kbit/s at 44.1 kHz: `frames` times 1152 samples, about 26 ms.
pub(super) fn mp3(frames: usize) -> Vec<u8> {
    mp3_frame([0xff, 0xfb, 0x90, 0x00], 417).repeat(frames)
}

fn mp3_frame(header: [u8; 4], length: usize) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame.resize(length, 0);
    frame
}

fn id3(size: u8) -> Vec<u8> {
    [b"ID3\x04\0\0\0\0\0", &[size][..], &vec![0; usize::from(size)]].concat()
}

#[track_caller]
fn check(bytes: &[u8], expected: Result<u32, MediaRefusal>) {
    let checked = check_upload(MediaKind::Voice, bytes);
    if let Ok(checked) = checked {
        assert_eq!(
            (checked.length, checked.width, checked.height),
            (bytes.len(), None, None)
        );
    }
    assert_eq!(
        checked.map(|checked| checked.duration_ms.unwrap_or_default()),
        expected
    );
}

#[test]
fn an_amr_voice_plays_20_ms_a_frame_and_at_most_60_s() {
    for (frames, expected) in [
        (0, Err(MediaRefusal::FormatRefused)),
        (1, Ok(20)),
        (150, Ok(3000)),
        (3000, Ok(60_000)),
        (3001, Err(MediaRefusal::TooLong)),
    ] {
        check(&amr(frames), expected);
        check(&amr_wb(frames), expected);
    }
}

#[test]
fn amr_frames_of_all_sizes_are_counted() {
    let kinds = [
        (0, 12),
        (1, 13),
        (2, 15),
        (3, 17),
        (4, 19),
        (5, 20),
        (6, 26),
        (7, 31),
        (8, 5),
        (15, 0),
    ];
    let mut bytes = b"#!AMR\n".to_vec();
    for (kind, size) in kinds {
        bytes.push(kind << 3 | 4);
        bytes.extend(vec![0xff; size]);
    }
    check(&bytes, Ok(200));
}

#[test]
fn amr_with_other_things_in_it_is_refused() {
    for nonsense in [
        &b"plain text"[..],
        b"PK\x03\x04",
        b"\x7c\x80",
        b"\x4c\0\0\0\0",
        &[0xff; 40],
    ] {
        check(&[b"#!AMR\n", nonsense].concat(), Err(MediaRefusal::FormatRefused));
        check(
            &[&amr(5)[..], nonsense].concat(),
            Err(MediaRefusal::FormatRefused),
        );
    }
}

#[test]
fn a_last_amr_frame_that_is_cut_short_does_not_count() {
    let bytes = amr(10);
    check(&bytes[..bytes.len() - 1], Ok(180));
    check(&bytes[..10], Err(MediaRefusal::FormatRefused));
}

#[test]
fn an_mp3_voice_plays_as_long_as_its_frames() {
    for (frames, expected) in [
        (1, Err(MediaRefusal::FormatRefused)),
        (2, Ok(52)),
        (100, Ok(2612)),
        (2297, Ok(60_003)),
        (2301, Ok(60_107)),
        (2302, Err(MediaRefusal::TooLong)),
        (4000, Err(MediaRefusal::TooLong)),
    ] {
        check(&mp3(frames), expected);
    }
}

#[test]
fn mp3_of_all_versions_and_rates_is_understood() {
    for (header, length, expected) in [
        ([0xff, 0xfb, 0x90, 0x00], 417, 2612),
        ([0xff, 0xfa, 0x92, 0x00], 418, 2612), // with checksum and padding
        ([0xff, 0xfb, 0x14, 0x00], 96, 2400),
        ([0xff, 0xfb, 0xe8, 0x00], 1440, 3600),
        ([0xff, 0xf3, 0x80, 0x00], 208, 2612),
        ([0xff, 0xf3, 0x18, 0x00], 36, 3600),
        ([0xff, 0xe3, 0x18, 0x00], 72, 7200),
        ([0xff, 0xe3, 0x84, 0x00], 384, 4800),
    ] {
        check(&mp3_frame(header, length).repeat(100), Ok(expected));
    }
}

#[test]
fn a_changing_bit_rate_is_counted_frame_by_frame() {
    let mut bytes = Vec::new();
    for _ in 0..50 {
        bytes.extend(mp3_frame([0xff, 0xfb, 0x90, 0x00], 417));
        bytes.extend(mp3_frame([0xff, 0xfb, 0x50, 0x00], 208));
    }
    check(&bytes, Ok(2612));
}

#[test]
fn tags_around_mp3_frames_do_not_matter() {
    let frames = mp3(100);
    let id3v1 = [&b"TAG"[..], &[0; 125]].concat();
    for bytes in [
        [&id3(90), &frames[..]].concat(),
        [&id3(0), &id3(127), &frames[..]].concat(),
        [&id3(90), &[0; 300][..], &frames].concat(),
        [&frames[..], &id3v1].concat(),
        [&id3(90), &frames[..], b"APETAGEX plus text", &id3v1].concat(),
        [&frames[..417 * 50], &id3(9), &frames[417 * 50..]].concat(),
    ] {
        check(&bytes, Ok(2612));
    }
}

#[test]
fn an_mp3_without_frames_is_refused() {
    for bytes in [
        id3(100),
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec(),
        [&id3(5)[..], &[0; 1000]].concat(),
        [&id3(5)[..], b"<html><script>alert(1)</script></html>"].concat(),
        b"ID3".to_vec(),
        b"\xff\xfb\x90\0".to_vec(),
        mp3_frame([0xff, 0xfb, 0x00, 0x00], 417).repeat(5), // free bit rate
        mp3_frame([0xff, 0xfd, 0x90, 0x00], 417).repeat(5), // layer II
        mp3_frame([0xff, 0xeb, 0x90, 0x00], 417).repeat(5), // reserved version
    ] {
        check(&bytes, Err(MediaRefusal::FormatRefused));
    }
}

#[test]
fn an_mp3_header_cannot_shorten_the_play_time() {
    let mut bytes = mp3(2400);
    bytes[36..40].copy_from_slice(b"Xing");
    bytes[40..48].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 5]);
    check(&bytes, Err(MediaRefusal::TooLong));
}

#[test]
fn no_changed_byte_makes_the_check_panic() {
    for clean in [amr(4), amr_wb(4), mp3(4), [id3(20), mp3(3)].concat()] {
        for at in 0..clean.len() {
            for value in [0, 0x7f, 0x80, 0xff, clean[at] ^ 1] {
                let mut changed = clean.clone();
                changed[at] = value;
                let _ = check_upload(MediaKind::Voice, &changed);
                let _ = check_upload(MediaKind::Voice, &changed[..at]);
            }
        }
    }
}

/// A WAV file of `ms` milliseconds, 8 kHz, 16 bits, one channel.
fn wav(ms: usize) -> Vec<u8> {
    let sound = vec![0; ms * 16];
    let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
    for (number, size) in [(1_u32, 2), (1, 2), (8_000, 4), (16_000, 4), (2, 2), (16, 2)] {
        bytes.extend_from_slice(&number.to_le_bytes()[..size]);
    }
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&u32::try_from(sound.len()).expect("small").to_le_bytes());
    bytes.extend_from_slice(&sound);
    bytes
}

#[test]
fn a_wav_is_a_permanent_voice_only_and_its_samples_are_counted() {
    let duration = |bytes: &[u8]| check_material(MediaKind::Voice, bytes).map(|checked| checked.duration_ms);
    assert_eq!(duration(&wav(1_500)), Ok(Some(1_500)));
    assert_eq!(duration(&wav(60_000)), Ok(Some(60_000)));
    assert_eq!(duration(&wav(60_001)), Err(MediaRefusal::TooLong));
    assert_eq!(
        check_upload(MediaKind::Voice, &wav(1_500)),
        Err(MediaRefusal::FormatRefused)
    );
    let mut lying = wav(1_500);
    let at = lying.len() - 1_500 * 16 - 4;
    lying[at..at + 4].fill(0xff);
    assert_eq!(duration(&lying), Ok(Some(1_500)), "only what is there counts");
    for cut in [11, 12, 20, 30, 50, 60] {
        assert_eq!(
            duration(&wav(1_500)[..cut]),
            Err(MediaRefusal::FormatRefused),
            "{cut}"
        );
    }
    assert_eq!(
        duration(b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff"),
        Err(MediaRefusal::FormatRefused)
    );
}
