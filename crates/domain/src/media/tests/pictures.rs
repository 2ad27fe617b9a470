//! Pictures, made by the `image` crate's encoders, by hand, or (where it cannot write such) kept as base64.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::super::*;

/// 16 × 8 pixels in ten scans, one of them with refinement; written by libjpeg.
const PROGRESSIVE_JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqe\
    JmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpK\
    SkpKSkpKSkpKSkpKSkpKT/wgARCAAIABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAVAQEBAAAAAAAAAAAAAAAAAAABAv/\
    aAAwDAQACEAMQAAABlUJ//8QAFhAAAwAAAAAAAAAAAAAAAAAAAAED/9oACAEBAAEFAlMUz//EABcRAAMBAAAAAAAAAAAAAAAAAAABAgP/2gAI\
    AQMBAT8Bytn/xAAWEQEBAQAAAAAAAAAAAAAAAAABAAL/2gAIAQIBAT8BdN//xAAUEAEAAAAAAAAAAAAAAAAAAAAQ/9oACAEBAAY/Aj//xAAUE\
    AEAAAAAAAAAAAAAAAAAAAAQ/9oACAEBAAE/IQP/2gAMAwEAAgADAAAAEHP/xAAVEQEBAAAAAAAAAAAAAAAAAAAAUf/aAAgBAwEBPxCl/8QAFB\
    EBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAgEBPxBv/8QAFRABAQAAAAAAAAAAAAAAAAAAAGH/2gAIAQEAAT8Qkk//2Q==";

/// 16 × 8 pixels in four colours, as print shops write them.
const CMYK_JPEG: &str = "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAoHB4jHhkoIyEjLSsoMDxkQTw3Nzx7WF1JZJGAmZaPgIyKoLTmw6Cq2q2K\
    jMj/y9ru9f///5vB////+v/m/f/4/8AAFAgACAAQBEMRAE0RAFkRAEsRAP/EABcAAQEBAQAAAAAAAAAAAAAAAAAFAwT/xAAYEAEAAwEAAAAAAA\
    AAAAAAAAAABBVBYv/aAA4EQwBNAFkASwAAPwDhi4yreRZWYuFbyD//2Q==";

const PICTURES: [FileFormat; 4] = [
    FileFormat::Jpeg,
    FileFormat::Png,
    FileFormat::Gif,
    FileFormat::Bmp,
];

/// What people put behind a picture.
const TAILS: [&[u8]; 6] = [
    b"\0",
    b"\0\0\0\0\0\0\0\0",
    b"PK\x03\x04\x14\0\0\0\0\0 evil.jar PK\x05\x06\0\0",
    b"<html><script>alert(1)</script></html>",
    b"<?php system($_GET['c']); ?>",
    b"\xff\xd9\xff\xd8\xff\xd9;IEND\xae\x42\x60\x82",
];

/// A picture of 17 × 9 pixels.
pub(super) fn picture(format: FileFormat) -> Vec<u8> {
    let format = match format {
        FileFormat::Png => ImageFormat::Png,
        FileFormat::Gif => ImageFormat::Gif,
        FileFormat::Bmp => ImageFormat::Bmp,
        _ => ImageFormat::Jpeg,
    };
    let pixels = RgbImage::from_fn(17, 9, |x, y| Rgb([(x * 15) as u8, (y * 28) as u8, 90]));
    encode(&DynamicImage::ImageRgb8(pixels), format)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("memory takes every picture");
    bytes.into_inner()
}

fn decoded(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).expect("the constant is base64")
}

#[track_caller]
fn check(bytes: &[u8], expected: Result<(usize, u32, u32), MediaRefusal>) {
    let checked = check_upload(MediaKind::Image, bytes);
    let found = checked.map(|c| {
        (
            c.length,
            c.width.unwrap_or_default(),
            c.height.unwrap_or_default(),
        )
    });
    assert_eq!(found, expected);
}

#[test]
fn a_clean_picture_keeps_all_its_bytes() {
    for format in PICTURES {
        let bytes = picture(format);
        check(&bytes, Ok((bytes.len(), 17, 9)));
        let checked =
            check_upload(MediaKind::Image, &bytes).map(|checked| (checked.format, checked.duration_ms));
        assert_eq!(checked, Ok((format, None)));
    }
    for jpeg in [decoded(PROGRESSIVE_JPEG), decoded(CMYK_JPEG)] {
        check(&jpeg, Ok((jpeg.len(), 16, 8)));
    }
}

#[test]
fn what_follows_the_end_of_a_picture_is_cut() {
    let others = [
        decoded(PROGRESSIVE_JPEG),
        decoded(CMYK_JPEG),
        run_length_bitmap(),
        core_bitmap(),
    ];
    for clean in PICTURES.map(picture).into_iter().chain(others) {
        let length = check_upload(MediaKind::Image, &clean)
            .expect("the picture is clean")
            .length;
        assert_eq!(length, clean.len());
        for tail in TAILS {
            let padded = [&clean, tail].concat();
            let checked = check_upload(MediaKind::Image, &padded).map(|checked| checked.length);
            assert_eq!(checked, Ok(length), "{:?}", String::from_utf8_lossy(tail));
        }
        let twice = [&clean[..], &clean].concat();
        assert_eq!(
            check_upload(MediaKind::Image, &twice).map(|checked| checked.length),
            Ok(length)
        );
    }
}

#[test]
fn a_picture_that_is_cut_short_is_refused() {
    let others = [
        decoded(PROGRESSIVE_JPEG),
        decoded(CMYK_JPEG),
        run_length_bitmap(),
        core_bitmap(),
    ];
    for clean in PICTURES.map(picture).into_iter().chain(others) {
        // A GIF may lack its last byte, the trailer.
        let whole = if clean.starts_with(b"GIF") {
            clean.len() - 1
        } else {
            clean.len()
        };
        for length in 1..whole {
            let refusal = check_upload(MediaKind::Image, &clean[..length]);
            let expected = [Err(MediaRefusal::FormatRefused), Err(MediaRefusal::Undecodable)];
            assert!(
                expected.contains(&refusal),
                "{length} of {}: {refusal:?}",
                clean.len()
            );
        }
    }
}

#[test]
fn a_signature_with_nonsense_behind_it_is_undecodable() {
    for signature in [&b"\xff\xd8\xff\xe0"[..], b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
        for nonsense in [
            &b""[..],
            b"plain text, renamed",
            &[0; 500],
            &[0xff; 500],
            b"\xff\xd9",
        ] {
            check(&[signature, nonsense].concat(), Err(MediaRefusal::Undecodable));
        }
    }
    assert_eq!(
        check_article_image(b"\xff\xd8\xff renamed.txt"),
        Err(MediaRefusal::Undecodable)
    );
}

#[test]
fn no_changed_byte_makes_the_check_panic() {
    let others = [
        decoded(PROGRESSIVE_JPEG),
        decoded(CMYK_JPEG),
        run_length_bitmap(),
        core_bitmap(),
    ];
    for clean in PICTURES.map(picture).into_iter().chain(others) {
        for at in 0..clean.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, clean[at] ^ 1] {
                let mut changed = clean.clone();
                changed[at] = value;
                if let Ok(checked) = check_upload(MediaKind::Image, &changed) {
                    assert!(checked.length <= changed.len());
                }
            }
        }
    }
}

#[test]
fn a_header_that_claims_too_many_pixels_is_refused_before_decoding() {
    for (width, height) in [(60_000, 60_000), (5001, 5000), (65_535, 65_535)] {
        for format in PICTURES {
            let bomb = with_size(picture(format), width, height);
            assert_eq!(FileFormat::detect(&bomb), Some(format));
            check(&bomb, Err(MediaRefusal::PictureTooLarge));
        }
    }
    let huge = u32::from(u16::MAX) * 30_000;
    check(
        &with_size(picture(FileFormat::Png), huge, huge),
        Err(MediaRefusal::PictureTooLarge),
    );
}

#[test]
fn twenty_five_million_pixels_pass_and_one_row_more_does_not() {
    for (height, passes) in [(5000, true), (5001, false)] {
        let bytes = encode(&DynamicImage::new_luma8(5000, height), ImageFormat::Png);
        let expected = if passes {
            Ok((bytes.len(), 5000, height))
        } else {
            Err(MediaRefusal::PictureTooLarge)
        };
        check(&bytes, expected);
    }
}

#[test]
fn sixteen_bits_per_colour_reach_the_memory_limit_first() {
    let mut bytes = encode(&DynamicImage::new_rgba16(4, 4), ImageFormat::Png);
    check(&bytes, Ok((bytes.len(), 4, 4)));
    bytes = with_size(bytes, 4200, 4200);
    check(&bytes, Err(MediaRefusal::PictureTooLarge));
}

#[test]
fn a_progressive_jpeg_reaches_the_memory_limit_first() {
    let frame = |height: u16| {
        let mut jpeg = decoded(PROGRESSIVE_JPEG);
        let at = jpeg
            .windows(2)
            .position(|mark| mark == [0xff, 0xc2])
            .expect("it is progressive");
        jpeg[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
        jpeg[at + 7..at + 9].copy_from_slice(&5000_u16.to_be_bytes());
        jpeg
    };
    // Colours at half size: three bytes of pixels and three of coefficients each.
    check(&frame(4474), Err(MediaRefusal::PictureTooLarge));
    let refusal = check_upload(MediaKind::Image, &frame(4473));
    assert_ne!(refusal, Err(MediaRefusal::PictureTooLarge));
}

#[test]
fn a_jpeg_of_endless_scans_is_refused() {
    let jpeg = decoded(PROGRESSIVE_JPEG);
    let mark = |at: usize| {
        jpeg.windows(2)
            .skip(at)
            .position(|mark| mark == [0xff, 0xda])
            .map(|found| found + at)
    };
    let first = mark(0).expect("it has scans");
    let end = first
        + 2
        + jpeg[first + 2..]
            .windows(2)
            .position(|b| b[0] == 0xff && b[1] != 0)
            .expect("more");
    for (copies, expected) in [
        (20, Ok((jpeg.len() + 20 * (end - first), 16, 8))),
        (21, Err(MediaRefusal::Undecodable)),
    ] {
        let repeated = jpeg[first..end].repeat(copies);
        check(&[&jpeg[..end], &repeated, &jpeg[end..]].concat(), expected);
    }
}

#[test]
fn an_article_takes_a_picture_of_one_mebibyte_and_no_more() {
    let jpeg = picture(FileFormat::Jpeg);
    let full = with_comments(&jpeg, ARTICLE_IMAGE_BYTES_MAX);
    assert_eq!(full.len(), 1_048_576);
    let checked = check_article_image(&full).map(|checked| (checked.format, checked.length));
    assert_eq!(checked, Ok((FileFormat::Jpeg, 1_048_576)));
    let over = with_comments(&jpeg, ARTICLE_IMAGE_BYTES_MAX + 1);
    assert_eq!(
        check_article_image(&over),
        Err(MediaRefusal::TooLarge(MediaKind::Image))
    );
}

#[test]
fn a_cover_is_a_jpeg_of_at_most_64_kibibytes() {
    let jpeg = picture(FileFormat::Jpeg);
    let full = with_comments(&jpeg, 65_536);
    let checked = check_upload(MediaKind::Thumb, &full).map(|checked| checked.length);
    assert_eq!(checked, Ok(65_536));
    let over = with_comments(&jpeg, 65_537);
    assert_eq!(
        check_upload(MediaKind::Thumb, &over),
        Err(MediaRefusal::TooLarge(MediaKind::Thumb))
    );
    assert_eq!(
        check_upload(MediaKind::Thumb, &picture(FileFormat::Png)),
        Err(MediaRefusal::FormatRefused)
    );
}

#[test]
fn an_end_mark_inside_a_segment_or_chunk_is_not_the_end() {
    let jpeg = picture(FileFormat::Jpeg);
    let comment = [
        &jpeg[..2],
        b"\xff\xfe\x00\x08\xff\xd9\xff\xd8\xff\xd9",
        &jpeg[2..],
    ]
    .concat();
    check(&comment, Ok((comment.len(), 17, 9)));
    let png = picture(FileFormat::Png);
    let text = png_chunk(b"tEXt", b"a\0\0\0\0\0IEND\xae\x42\x60\x82");
    let png = [&png[..33], &text, &png[33..]].concat();
    check(&png, Ok((png.len(), 17, 9)));
    let gif = picture(FileFormat::Gif);
    let table = 3 << ((gif[10] & 7) + 1);
    let start = if gif[10] & 0x80 != 0 { 13 + table } else { 13 };
    let gif = [&gif[..start], b"\x21\xfe\x03;;;\0", &gif[start..]].concat();
    check(&gif, Ok((gif.len(), 17, 9)));
}

#[test]
fn a_gif_without_trailer_is_whole() {
    let gif = picture(FileFormat::Gif);
    check(&gif[..gif.len() - 1], Ok((gif.len() - 1, 17, 9)));
}

#[test]
fn a_bitmap_header_cannot_claim_the_tail() {
    let clean = picture(FileFormat::Bmp);
    for (tail, kept) in [
        (&b"\0\0"[..], 2), // as photo software pads
        (b"\0\0\0\0", 0),
        (b"PK\x03\x04 evil", 0),
    ] {
        let mut bytes = [&clean, tail].concat();
        let claimed = u32::try_from(bytes.len()).expect("the picture is small");
        bytes[2..6].copy_from_slice(&claimed.to_le_bytes());
        check(&bytes, Ok((clean.len() + kept, 17, 9)));
    }
    for claimed in [0, 14, u32::MAX] {
        let mut bytes = clean.clone();
        bytes[2..6].copy_from_slice(&u32::to_le_bytes(claimed));
        check(&bytes, Ok((clean.len(), 17, 9)));
    }
}

#[test]
fn a_bitmap_keeps_the_colour_profile_behind_its_pixels() {
    let bytes = profile_bitmap();
    check(&bytes, Ok((bytes.len(), 2, 1)));
    check(&[&bytes[..], b"PK\x03\x04"].concat(), Ok((bytes.len(), 2, 1)));
}

/// The picture with another size in its header; everything else stays.
fn with_size(mut bytes: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    match FileFormat::detect(&bytes) {
        Some(FileFormat::Png) => {
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            let sum = crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&sum.to_be_bytes());
        }
        Some(FileFormat::Gif) => {
            bytes[6..8].copy_from_slice(&(width as u16).to_le_bytes());
            bytes[8..10].copy_from_slice(&(height as u16).to_le_bytes());
        }
        Some(FileFormat::Bmp) => {
            bytes[18..22].copy_from_slice(&width.to_le_bytes());
            bytes[22..26].copy_from_slice(&height.to_le_bytes());
        }
        _ => {
            let start_of_frame = bytes
                .windows(2)
                .position(|mark| mark == [0xff, 0xc0])
                .expect("a baseline JPEG");
            let size = start_of_frame + 5;
            bytes[size..size + 2].copy_from_slice(&(height as u16).to_be_bytes());
            bytes[size + 2..size + 4].copy_from_slice(&(width as u16).to_be_bytes());
        }
    }
    bytes
}

/// A JPEG blown up to exactly `length` bytes by comments, which belong to it.
fn with_comments(jpeg: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = jpeg[..2].to_vec();
    let mut missing = length - jpeg.len();
    while missing > 0 {
        // Never leave fewer than the four bytes that an empty comment takes.
        let segment = if missing <= 60_000 { missing } else { 50_000 };
        let size = u16::try_from(segment - 2).expect("a segment is small");
        bytes.extend([0xff, 0xfe]);
        bytes.extend(size.to_be_bytes());
        bytes.extend(vec![b'x'; segment - 4]);
        missing -= segment;
    }
    bytes.extend(&jpeg[2..]);
    bytes
}

fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [&kind[..], data].concat();
    let length = u32::try_from(data.len()).expect("the chunk is small");
    [&length.to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// File header and header of a bitmap with `colours` palette entries; `pixels` and what follows come after.
fn bitmap(header_size: u32, sizes: &[u8], palette: &[u8], rest: &[u8]) -> Vec<u8> {
    let start = 14 + header_size + palette.len() as u32;
    let size = start + rest.len() as u32;
    let mut header = [&header_size.to_le_bytes()[..], sizes].concat();
    header.resize(header_size as usize, 0);
    [
        b"BM",
        &size.to_le_bytes()[..],
        &[0; 4],
        &start.to_le_bytes(),
        &header,
        palette,
        rest,
    ]
    .concat()
}

/// 4 × 2 pixels, 8 bits, run lengths: a run, a line end, literals with padding, the end mark.
fn run_length_bitmap() -> Vec<u8> {
    let sizes = [
        &[4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0][..],
        &[0; 12],
        &[2, 0, 0, 0],
    ]
    .concat();
    bitmap(
        40,
        &sizes,
        &[0, 0, 0, 0, 255, 255, 255, 0],
        &[4, 1, 0, 0, 0, 3, 1, 0, 1, 0, 1, 1, 0, 1],
    )
}

/// 3 × 1 pixels, 24 bits, with the header of OS/2.
fn core_bitmap() -> Vec<u8> {
    bitmap(
        12,
        &[3, 0, 1, 0, 1, 0, 24, 0],
        &[],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0],
    )
}

/// 2 × 1 pixels, 24 bits, with an embedded profile of five bytes behind them.
fn profile_bitmap() -> Vec<u8> {
    let mut sizes = vec![0; 120];
    sizes[0] = 2;
    sizes[4] = 1;
    sizes[8] = 1;
    sizes[10] = 24;
    sizes[52..56].copy_from_slice(b"DEBM");
    sizes[108] = 124 + 8;
    sizes[112] = 5;
    bitmap(
        124,
        &sizes,
        &[],
        &[1, 2, 3, 4, 5, 6, 0, 0, b'p', b'r', b'o', b'f', b'i'],
    )
}
