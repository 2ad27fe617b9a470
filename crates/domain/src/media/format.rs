//! Signatures: the format that a file claims by its first bytes.
//!
//! Our own where the `infer` crate looks at too little (PNG, BMP) or knows no difference (AMR, layers of MPEG
//! audio); `infer` for the many brands of MPEG-4.

use super::FileFormat;
use super::voice::Mp3Frame;

/// Sizes of the second header of a bitmap, from OS/2 1.x to Windows 5.
const BITMAP_HEADER_SIZES: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];

pub(super) fn detect(bytes: &[u8]) -> Option<FileFormat> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(FileFormat::Jpeg)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(FileFormat::Png)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(FileFormat::Gif)
    } else if bytes.starts_with(b"BM") && is_bitmap(bytes) {
        Some(FileFormat::Bmp)
    } else if bytes.starts_with(b"#!AMR\n") {
        Some(FileFormat::Amr)
    } else if bytes.starts_with(b"#!AMR-WB\n") {
        Some(FileFormat::AmrWb)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") {
        Some(FileFormat::Wav)
    } else if infer::video::is_mp4(bytes) || infer::video::is_m4v(bytes) {
        Some(FileFormat::Mp4)
    } else if bytes.starts_with(b"ID3") || Mp3Frame::read(bytes).is_some() {
        Some(FileFormat::Mp3)
    } else {
        None
    }
}

fn is_bitmap(bytes: &[u8]) -> bool {
    bytes
        .get(14..18)
        .and_then(|size| size.try_into().ok())
        .is_some_and(|size| BITMAP_HEADER_SIZES.contains(&u32::from_le_bytes(size)))
}
