//! Real files in memory.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// A picture with something to see, as JPEG.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    picture(width, height, ImageFormat::Jpeg)
}

/// The same as PNG.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    picture(width, height, ImageFormat::Png)
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 3) as u8, (y * 5) as u8, (x ^ y) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, format)
        .expect("a picture can be written");
    bytes.into_inner()
}

/// A second of AMR.
pub fn amr() -> Vec<u8> {
    let mut bytes = b"#!AMR\n".to_vec();
    for _ in 0..50 {
        bytes.push(0x3c);
        bytes.extend_from_slice(&[0x55; 31]);
    }
    bytes
}

/// The smallest thing that begins like an MP4.
pub fn mp4() -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0x18];
    bytes.extend_from_slice(b"ftypisom\0\0\x02\0isomiso2");
    bytes.extend_from_slice(&[0, 0, 0, 8]);
    bytes.extend_from_slice(b"mdat");
    bytes
}
