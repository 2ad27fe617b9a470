//! Pictures: where they end, and whether they can really be decoded.
//!
//! The end is found by walking the file's own structure, before decoding, so that what is decoded is exactly
//! what is kept. A picture whose structure stops before its end mark is not decodable.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Checked, FileFormat, MediaRefusal, PICTURE_ALLOC_MAX, PICTURE_PIXELS_MAX};

/// Most scans of a progressive JPEG. Each costs time for all pixels; libjpeg writes 10, optimisers about 20.
const JPEG_SCANS_MAX: usize = 30;

/// Photo software rounds the end of a bitmap up to a word.
const BITMAP_PADDING_MAX: usize = 3;

pub(super) fn check(format: FileFormat, bytes: &[u8]) -> Result<Checked, MediaRefusal> {
    let whole = |end| Walk {
        end,
        coefficient_bytes: 0,
    };
    let (image_format, walk) = match format {
        FileFormat::Jpeg => (ImageFormat::Jpeg, walk_jpeg(bytes)),
        FileFormat::Png => (ImageFormat::Png, png_end(bytes).map(whole)),
        FileFormat::Gif => (ImageFormat::Gif, gif_end(bytes).map(whole)),
        FileFormat::Bmp => (ImageFormat::Bmp, bmp_end(bytes).map(whole)),
        FileFormat::Amr | FileFormat::AmrWb | FileFormat::Mp3 | FileFormat::Mp4 | FileFormat::Wav => {
            return Err(MediaRefusal::FormatRefused);
        }
    };
    let Walk {
        end,
        coefficient_bytes,
    } = walk.ok_or(MediaRefusal::Undecodable)?;
    let kept = bytes.get(..end).ok_or(MediaRefusal::Undecodable)?;
    // The decoders are meant not to panic, but they read hostile bytes.
    let (width, height) = catch_unwind(AssertUnwindSafe(|| decode(image_format, kept, coefficient_bytes)))
        .unwrap_or(Err(MediaRefusal::Undecodable))?;
    Ok(Checked {
        format,
        length: kept.len(),
        width: Some(width),
        height: Some(height),
        duration_ms: None,
    })
}

/// What walking a file found out without decoding it.
struct Walk {
    /// Where the picture ends.
    end: usize,
    /// What a progressive JPEG keeps in memory besides its pixels; the decoder's own limit does not count it.
    coefficient_bytes: u64,
}

/// Decodes the picture (of a moving one, its first) and returns width and height.
fn decode(format: ImageFormat, bytes: &[u8], coefficient_bytes: u64) -> Result<(u32, u32), MediaRefusal> {
    let refusal = |error| match error {
        ImageError::Limits(_) => MediaRefusal::PictureTooLarge,
        _ => MediaRefusal::Undecodable,
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PICTURE_ALLOC_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let memory = decoder.total_bytes().saturating_add(coefficient_bytes);
    if pixels > PICTURE_PIXELS_MAX || memory > PICTURE_ALLOC_MAX {
        return Err(MediaRefusal::PictureTooLarge);
    }
    DynamicImage::from_decoder(decoder).map_err(refusal)?;
    Ok((width, height))
}

/// To the end-of-image mark, over segments and over the entropy-coded data of each scan.
fn walk_jpeg(bytes: &[u8]) -> Option<Walk> {
    let mut coefficient_bytes = 0;
    let mut scans = 0;
    let mut at = 2;
    loop {
        // To the next mark: over entropy-coded data, where 0xff is followed by 0, a restart mark or fill.
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        let mark = *bytes.get(at + 1)?;
        match mark {
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => {
                return Some(Walk {
                    end: at + 2,
                    coefficient_bytes,
                });
            }
            _ => {
                let length = usize::from(u16::from_be_bytes(array(bytes, at + 2)?));
                let segment = bytes.get(at + 4..at + 2 + length)?;
                match mark {
                    0xc2 => coefficient_bytes = coefficient_bytes.max(progressive_bytes(segment)?),
                    0xda if scans == JPEG_SCANS_MAX => return None,
                    0xda => scans += 1,
                    _ => {}
                }
                at += 2 + length;
            }
        }
    }
}

/// Memory for the coefficients of a progressive JPEG, two bytes each, by its frame header: precision, height,
/// width, then name, sampling and table of each component.
fn progressive_bytes(frame: &[u8]) -> Option<u64> {
    let height = u64::from(u16::from_be_bytes(array(frame, 1)?));
    let width = u64::from(u16::from_be_bytes(array(frame, 3)?));
    let samplings = || {
        frame
            .get(6..)
            .unwrap_or_default()
            .chunks_exact(3)
            .map(|c| (c[1] >> 4, c[1] & 15))
    };
    let across = u64::from(samplings().map(|(across, _)| across).max()?).max(1);
    let down = u64::from(samplings().map(|(_, down)| down).max()?).max(1);
    let samples: u64 = samplings()
        .map(|(across, down)| u64::from(across) * u64::from(down))
        .sum();
    Some(2 * width * height * samples / (across * down))
}

/// After the `IEND` chunk.
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(array(bytes, at)?);
        let kind: [u8; 4] = array(bytes, at + 4)?;
        at = at.checked_add(usize::try_from(length).ok()?)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if &kind == b"IEND" {
            return Some(at);
        }
    }
}

/// After the trailer, walking over extensions and frames. A file that stops between two blocks is whole too:
/// some writers leave the trailer out, and browsers show it.
fn gif_end(bytes: &[u8]) -> Option<usize> {
    let table = |flags: u8| {
        if flags & 0x80 != 0 {
            3usize << ((flags & 7) + 1)
        } else {
            0
        }
    };
    let mut at = 13 + table(*bytes.get(10)?);
    let mut frames = 0;
    while at < bytes.len() {
        at = match bytes[at] {
            0x21 => after_sub_blocks(bytes, at + 2)?,
            0x2c => {
                frames += 1;
                after_sub_blocks(bytes, at + 11 + table(*bytes.get(at + 9)?))?
            }
            0x3b => return Some(at + 1),
            _ => return None,
        };
    }
    (at == bytes.len() && frames > 0).then_some(at)
}

fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let size = usize::from(*bytes.get(at)?);
        at += 1 + size;
        if size == 0 {
            return Some(at);
        }
    }
}

/// After the pixels, and after the colour profile where one follows them. The size in the file header is only
/// believed where it says no more than that, give or take padding.
fn bmp_end(bytes: &[u8]) -> Option<usize> {
    let claimed = u32_at(bytes, 2)?;
    let pixels_start = u32_at(bytes, 10)?;
    let header_size = u32_at(bytes, 14)?;
    let old = header_size == 12;
    let (width, height, bits) = if old {
        let [width, height, bits] =
            [18, 20, 24].map(|at| array(bytes, at).map(u16::from_le_bytes).map(usize::from));
        (width?, height?, bits?)
    } else {
        let side = |at| array(bytes, at).map(i32::from_le_bytes).map(i32::unsigned_abs);
        let bits = u16::from_le_bytes(array(bytes, 28)?);
        (
            usize::try_from(side(18)?).ok()?,
            usize::try_from(side(22)?).ok()?,
            usize::from(bits),
        )
    };
    let compression = if old { 0 } else { u32_at(bytes, 30)? };
    let mut end = match compression {
        1 | 2 => run_lengths_end(bytes, pixels_start, compression == 2)?,
        _ => {
            let row = width.checked_mul(bits)?.checked_add(31)? / 32 * 4;
            // Unreadable sizes end the walk, but huge ones shall be refused for their pixels, by the decoder.
            pixels_start
                .saturating_add(row.saturating_mul(height))
                .min(bytes.len())
        }
    };
    if header_size >= 124 && array(bytes, 14 + 56) == Some(*b"DEBM") {
        let profile_end = 14usize
            .checked_add(u32_at(bytes, 14 + 112)?)?
            .checked_add(u32_at(bytes, 14 + 116)?)?;
        end = end.max(profile_end.min(bytes.len()));
    }
    let padded = claimed > end && claimed - end <= BITMAP_PADDING_MAX && claimed <= bytes.len();
    Some(if padded { claimed } else { end })
}

/// After the end mark of run-length encoded pixels.
fn run_lengths_end(bytes: &[u8], mut at: usize, four_bits: bool) -> Option<usize> {
    loop {
        let [count, value]: [u8; 2] = array(bytes, at)?;
        at += 2;
        if count > 0 {
            continue;
        }
        match value {
            0 => {}
            1 => return Some(at),
            2 => at += 2,
            literals => {
                let size = if four_bits { literals.div_ceil(2) } else { literals };
                at += usize::from(size).next_multiple_of(2);
            }
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(array(bytes, at)?)).ok()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
