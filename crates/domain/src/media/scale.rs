//! Smaller forms of pictures for pages, and how large a picture is shown (reading 15).
//!
//! Only pictures that passed the upload's checks come here, so the limits of SEC9 hold. Moving pictures and
//! bitmaps have no smaller form. What a smaller form loses are the notes of the camera: its turn is applied,
//! its colour profile kept, place and date are gone.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::FilterType,
    metadata::Orientation,
};

use super::{FileFormat, PICTURE_ALLOC_MAX};

/// The widths in pixels that pages ask for: a phone's column at one to three pixels a point, a card's cover.
pub const WIDTHS: [u16; 4] = [320, 640, 960, 1280];

/// Quality of smaller JPEGs, 1 to 100: no difference is seen at the size at which they are shown.
const JPEG_QUALITY: u8 = 82;

/// Width and height in pixels, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

/// How large a picture is shown, by its header alone; `None` for what is no picture.
pub fn picture_size(bytes: &[u8]) -> Option<PictureSize> {
    quietly(|| {
        let (mut decoder, _) = decoder(bytes)?;
        let (width, height) = decoder.dimensions();
        let turned = lies_on_its_side(decoder.orientation().ok()?);
        Some(match turned {
            true => PictureSize {
                width: height,
                height: width,
            },
            false => PictureSize { width, height },
        })
    })
}

/// The picture at `width` pixels across, in its own format. `None` when it is no wider, has no smaller form, or
/// would not take fewer bytes: then the picture itself is the answer. May take a second and 128 MiB (SEC9).
pub fn scaled_picture(bytes: &[u8], width: u16) -> Option<Vec<u8>> {
    quietly(|| scale(bytes, u32::from(width))).filter(|smaller| smaller.len() < bytes.len())
}

fn scale(bytes: &[u8], width: u32) -> Option<Vec<u8>> {
    let (mut decoder, format) = decoder(bytes)?;
    if !matches!(format, FileFormat::Jpeg | FileFormat::Png) {
        return None;
    }
    let orientation = decoder.orientation().ok()?;
    let profile = decoder.icc_profile().ok()?;
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    if picture.width() <= width {
        return None;
    }
    let height = (u64::from(picture.height()) * u64::from(width)).div_ceil(u64::from(picture.width()));
    let height = u32::try_from(height).ok()?.max(1);
    // A box first: the fine filter then looks at few pixels, and the result is the same to the eye.
    if picture.width() > 4 * width {
        picture = picture.thumbnail_exact(2 * width, (2 * height).max(1));
    }
    write(
        &picture.resize_exact(width, height, FilterType::CatmullRom),
        format,
        profile,
    )
}

fn write(picture: &DynamicImage, format: FileFormat, profile: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    // A profile that is not taken is left out.
    let encoded = match format {
        FileFormat::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
            let _ = profile.is_some_and(|profile| encoder.set_icc_profile(profile).is_ok());
            match picture {
                DynamicImage::ImageLuma8(grey) => {
                    encoder.write_image(grey, grey.width(), grey.height(), ExtendedColorType::L8)
                }
                coloured => {
                    let rgb = coloured.to_rgb8();
                    encoder.write_image(&rgb, rgb.width(), rgb.height(), ExtendedColorType::Rgb8)
                }
            }
        }
        _ => {
            let mut encoder = PngEncoder::new(&mut out);
            let _ = profile.is_some_and(|profile| encoder.set_icc_profile(profile).is_ok());
            picture.write_with_encoder(encoder)
        }
    };
    encoded.ok().map(|()| out)
}

fn decoder(bytes: &[u8]) -> Option<(impl ImageDecoder + '_, FileFormat)> {
    let format = FileFormat::detect(bytes)?;
    let mut reader = ImageReader::with_format(
        Cursor::new(bytes),
        match format {
            FileFormat::Jpeg => image::ImageFormat::Jpeg,
            FileFormat::Png => image::ImageFormat::Png,
            FileFormat::Gif => image::ImageFormat::Gif,
            FileFormat::Bmp => image::ImageFormat::Bmp,
            FileFormat::Amr | FileFormat::AmrWb | FileFormat::Mp3 | FileFormat::Mp4 | FileFormat::Wav => {
                return None;
            }
        },
    );
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PICTURE_ALLOC_MAX);
    reader.limits(limits);
    reader.into_decoder().ok().map(|decoder| (decoder, format))
}

fn lies_on_its_side(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

/// The decoders are meant not to panic, but what they read was made by strangers.
fn quietly<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with so much detail that fewer pixels are fewer bytes.
    fn drawn(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let noise = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
            image::Rgb([(x / 8) as u8, (y / 8) as u8, (noise >> 13) as u8])
        });
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).expect("encodes");
        out.into_inner()
    }

    /// The same JPEG with the camera's note that it lies on its side.
    fn on_its_side(jpeg: &[u8]) -> Vec<u8> {
        let exif: &[u8] = b"\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00";
        [&jpeg[..2], exif, &jpeg[2..]].concat()
    }

    fn size(width: u32, height: u32) -> Option<PictureSize> {
        Some(PictureSize { width, height })
    }

    #[test]
    fn a_picture_becomes_as_wide_as_asked_and_keeps_its_shape_and_format() {
        for format in [image::ImageFormat::Jpeg, image::ImageFormat::Png] {
            for (width, height, expected) in
                [(1600, 900, 360), (3000, 3000, 640), (700, 350, 320), (1500, 2, 1)]
            {
                let bytes = drawn(width, height, format);
                let smaller = scaled_picture(&bytes, 640).expect("smaller");
                assert_eq!(picture_size(&smaller), size(640, expected), "{format:?} {width}");
                assert_eq!(FileFormat::detect(&smaller), FileFormat::detect(&bytes));
            }
        }
    }

    #[test]
    fn a_picture_that_would_not_get_smaller_has_no_smaller_form() {
        let jpeg = drawn(640, 10, image::ImageFormat::Jpeg);
        assert_eq!(scaled_picture(&jpeg, 640), None);
        assert_eq!(scaled_picture(&jpeg, 1280), None);
        for format in [image::ImageFormat::Gif, image::ImageFormat::Bmp] {
            let bytes = drawn(800, 20, format);
            assert_eq!(
                (scaled_picture(&bytes, 320), picture_size(&bytes)),
                (None, size(800, 20))
            );
        }
        for bad in [&b""[..], b"\xff\xd8\xff", &jpeg[..40], b"#!AMR\n"] {
            assert_eq!((scaled_picture(bad, 320), picture_size(bad)), (None, None));
        }
    }

    #[test]
    fn a_photograph_taken_on_the_side_is_turned() {
        let jpeg = on_its_side(&drawn(900, 600, image::ImageFormat::Jpeg));
        assert_eq!(picture_size(&jpeg), size(600, 900));
        let smaller = scaled_picture(&jpeg, 320).expect("smaller");
        assert_eq!(picture_size(&smaller), size(320, 480));
    }
}
