//! Files made in memory: clean, cut short, with something behind them, and lying about themselves. Pictures are
//! in `tests::pictures`, voices in `tests::voices`.

mod pictures;
mod voices;

use super::*;

#[test]
fn kinds_and_formats_are_named_and_found_by_their_names() {
    for kind in MediaKind::ALL {
        assert_eq!(MediaKind::from_word(kind.word()), Some(kind));
    }
    for word in ["", "news", "Image", "image "] {
        assert_eq!(MediaKind::from_word(word), None, "{word:?}");
    }
    for format in FileFormat::ALL {
        assert_eq!(FileFormat::from_extension(format.extension()), Some(format));
    }
}

#[test]
fn formats_are_told_by_signature_alone() {
    for (bytes, expected) in [
        (&b"\xff\xd8\xff\xe0"[..], Some(FileFormat::Jpeg)),
        (b"\x89PNG\r\n\x1a\n", Some(FileFormat::Png)),
        (b"\x89PNG", None),
        (b"GIF89a", Some(FileFormat::Gif)),
        (b"GIF87a", Some(FileFormat::Gif)),
        (b"GIF88a", None),
        (b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", Some(FileFormat::Bmp)),
        (b"BM is a text that starts like a bitmap", None),
        (b"#!AMR\n", Some(FileFormat::Amr)),
        (b"#!AMR-WB\n", Some(FileFormat::AmrWb)),
        (b"#!AMR_MC1.0\n", None),
        (b"#!/bin/sh\n", None),
        (b"ID3\x04\0\0\0\0\0\0", Some(FileFormat::Mp3)),
        (b"\xff\xfb\x90\0", Some(FileFormat::Mp3)),
        (b"\xff\xf1\x50\x80\0\0\0", None), // AAC
        (b"\0\0\0\x18ftypmp42", Some(FileFormat::Mp4)),
        (b"\0\0\0\x18ftypisom", Some(FileFormat::Mp4)),
        (b"\0\0\0\x18ftypM4V ", Some(FileFormat::Mp4)),
        (b"\0\0\0\x18ftypqt  ", None),
        (b"\0\0\0\x18ftypavif", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"RIFF\0\0\0\0WAVEfmt ", Some(FileFormat::Wav)),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"II*\0\x08\0\0\0", None),
        (b"MM\0*\0\0\0\x08", None),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", None),
        (b"<?xml version=\"1.0\"?><svg>", None),
        (b"<html>", None),
        (b"PK\x03\x04", None),
        (b"%PDF-1.7", None),
        (b"\0", None),
        (b"", None),
    ] {
        assert_eq!(
            FileFormat::detect(bytes),
            expected,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn size_is_checked_before_the_signature() {
    for kind in MediaKind::ALL {
        let noise = vec![0; kind.bytes_max() + 1];
        assert_eq!(check_upload(kind, &noise), Err(MediaRefusal::TooLarge(kind)));
        assert_eq!(check_upload(kind, &noise[1..]), Err(MediaRefusal::FormatRefused));
        assert_eq!(check_upload(kind, &[]), Err(MediaRefusal::Empty));
    }
    let noise = vec![0; ARTICLE_IMAGE_BYTES_MAX + 1];
    assert_eq!(
        check_article_image(&noise),
        Err(MediaRefusal::TooLarge(MediaKind::Image))
    );
    assert_eq!(check_article_image(&noise[1..]), Err(MediaRefusal::FormatRefused));
    assert_eq!(check_article_image(&[]), Err(MediaRefusal::Empty));
}

#[test]
fn each_kind_takes_its_own_formats_only() {
    let mp4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat".to_vec();
    let files = [
        (FileFormat::Jpeg, pictures::picture(FileFormat::Jpeg)),
        (FileFormat::Png, pictures::picture(FileFormat::Png)),
        (FileFormat::Gif, pictures::picture(FileFormat::Gif)),
        (FileFormat::Bmp, pictures::picture(FileFormat::Bmp)),
        (FileFormat::Amr, voices::amr(10)),
        (FileFormat::AmrWb, voices::amr_wb(10)),
        (FileFormat::Mp3, voices::mp3(10)),
        (FileFormat::Mp4, mp4),
    ];
    for (format, bytes) in files {
        for kind in MediaKind::ALL {
            let expected = if kind.formats().contains(&format) {
                Ok((format, bytes.len()))
            } else {
                Err(MediaRefusal::FormatRefused)
            };
            let checked = check_upload(kind, &bytes).map(|checked| (checked.format, checked.length));
            assert_eq!(checked, expected, "{format:?} as {kind:?}");
        }
        let in_article = check_article_image(&bytes).map(|checked| checked.format);
        let expected = match format {
            FileFormat::Jpeg | FileFormat::Png => Ok(format),
            _ => Err(MediaRefusal::FormatRefused),
        };
        assert_eq!(in_article, expected, "{format:?} in an article");
    }
}
