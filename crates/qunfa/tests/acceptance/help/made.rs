//! Files of further formats, made by code, and one of a wanted size.

use crate::common::files;

/// A GIF, a bitmap.
pub fn gif() -> Vec<u8> {
    picture(image::ImageFormat::Gif)
}

pub fn bmp() -> Vec<u8> {
    picture(image::ImageFormat::Bmp)
}

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_pixel(8, 8, image::Rgb([9, 99, 199]));
    pixels
        .write_to(&mut bytes, format)
        .expect("a picture can be written");
    bytes.into_inner()
}

/// A WebP of one pixel.
pub fn webp() -> Vec<u8> {
    let mut bytes = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0".to_vec();
    bytes.extend_from_slice(&[
        0x2f, 0, 0, 0, 0x10, 0x07, 0x10, 0x11, 0x11, 0x88, 0x88, 0xfe, 0x07, 0,
    ]);
    bytes
}

/// A second of MP3.
pub fn mp3() -> Vec<u8> {
    let mut frame = vec![0xff, 0xfb, 0x90, 0x00];
    frame.resize(417, 0);
    frame.repeat(38)
}

/// A JPEG of exactly so many bytes: comments fill it up in front of the picture.
pub fn jpeg_of(bytes: usize) -> Vec<u8> {
    let picture = files::jpeg(64, 64);
    let mut missing = bytes.checked_sub(picture.len()).expect("enough bytes");
    let mut whole = picture[..2].to_vec();
    while missing > 0 {
        // Marker and length are four bytes; what is left over must again hold a comment or nothing.
        let part = match missing {
            0..=65_537 => missing,
            rest => (rest - 4).min(65_000),
        };
        assert!(part >= 4);
        whole.extend_from_slice(&[0xff, 0xfe]);
        whole.extend_from_slice(&(part as u16 - 2).to_be_bytes());
        whole.resize(whole.len() + part - 4, b' ');
        missing -= part;
    }
    whole.extend_from_slice(&picture[2..]);
    assert_eq!(whole.len(), bytes);
    whole
}
