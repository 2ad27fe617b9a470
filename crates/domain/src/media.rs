//! What may be uploaded: pictures, voices, videos and covers, judged by their bytes alone.
//!
//! Names and declared types are never looked at (SEC9). The checks go from cheap to dear: size, signature,
//! then the content: pictures are really decoded, the play time of voices is counted. Nothing is re-encoded;
//! what follows the end of a picture is cut, so [`Checked::length`] says how many leading bytes to keep.

mod format;
mod picture;
pub mod scale;
#[cfg(test)]
mod tests;
mod voice;

use thiserror::Error;

/// How long temporary media live, in seconds: three days (accounts §3.1).
pub const MEDIA_LIFE_SECONDS: u64 = 3 * 24 * 60 * 60;
/// Largest picture, in bytes (accounts §3.1, today's limit).
pub const IMAGE_BYTES_MAX: usize = 10 << 20;
/// Largest voice, in bytes (accounts §3.1).
pub const VOICE_BYTES_MAX: usize = 2 << 20;
/// Largest video, in bytes (accounts §3.1).
pub const VIDEO_BYTES_MAX: usize = 10 << 20;
/// Largest cover, in bytes (accounts §3.1).
pub const THUMB_BYTES_MAX: usize = 64 << 10;
/// Largest picture inside an article, in bytes (mass-send §5, reading 5).
pub const ARTICLE_IMAGE_BYTES_MAX: usize = 1 << 20;
/// Longest voice, in milliseconds (accounts §3.1: 60 s).
pub const VOICE_MS_MAX: u32 = 60_000;
/// Most pixels of a picture (SEC9).
pub const PICTURE_PIXELS_MAX: u64 = 25_000_000;
/// Most memory that decoding a picture may take, in bytes (SEC9). Pictures with 16 bits per colour and
/// progressive JPEGs reach it before [`PICTURE_PIXELS_MAX`], the latter at 15 to 22 Mpx.
pub const PICTURE_ALLOC_MAX: u64 = 128 << 20;

/// An MP3 encoder adds up to four frames of its own to a recording; that much over the limit is let pass.
const MP3_PADDING_MS: u32 = 120;

/// What a file is uploaded as: the `type` of `media/upload` (accounts §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A voice of at most 60 s.
    Voice,
    /// A video.
    Video,
    /// A cover: a small JPEG.
    Thumb,
}

impl MediaKind {
    /// All kinds, in the order of the document.
    pub const ALL: [MediaKind; 4] = [
        MediaKind::Image,
        MediaKind::Voice,
        MediaKind::Video,
        MediaKind::Thumb,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            MediaKind::Image => "image",
            MediaKind::Voice => "voice",
            MediaKind::Video => "video",
            MediaKind::Thumb => "thumb",
        }
    }

    /// The kind that a word on the wire names; spelled exactly so.
    pub fn from_word(word: &str) -> Option<MediaKind> {
        MediaKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Largest file of this kind, in bytes (accounts §3.1).
    pub fn bytes_max(self) -> usize {
        match self {
            MediaKind::Image => IMAGE_BYTES_MAX,
            MediaKind::Voice => VOICE_BYTES_MAX,
            MediaKind::Video => VIDEO_BYTES_MAX,
            MediaKind::Thumb => THUMB_BYTES_MAX,
        }
    }

    /// The formats taken as this kind (accounts §3.1).
    pub fn formats(self) -> &'static [FileFormat] {
        match self {
            MediaKind::Image => &[
                FileFormat::Jpeg,
                FileFormat::Png,
                FileFormat::Gif,
                FileFormat::Bmp,
            ],
            MediaKind::Voice => &[FileFormat::Amr, FileFormat::AmrWb, FileFormat::Mp3],
            MediaKind::Video => &[FileFormat::Mp4],
            MediaKind::Thumb => &[FileFormat::Jpeg],
        }
    }

    /// The formats taken as permanent material of this kind (accounts §4). WMA is not among them: its play time
    /// is only claimed by a header, and could not be checked.
    pub fn material_formats(self) -> &'static [FileFormat] {
        match self {
            MediaKind::Voice => &[
                FileFormat::Amr,
                FileFormat::AmrWb,
                FileFormat::Mp3,
                FileFormat::Wav,
            ],
            MediaKind::Image | MediaKind::Video | MediaKind::Thumb => self.formats(),
        }
    }
}

/// A file format that the server takes; all others have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// JPEG picture.
    Jpeg,
    /// PNG picture.
    Png,
    /// GIF picture, moving or not.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// AMR narrow-band speech, 8 kHz.
    Amr,
    /// AMR wide-band speech, 16 kHz.
    AmrWb,
    /// MPEG audio layer III.
    Mp3,
    /// MPEG-4 video.
    Mp4,
    /// Uncompressed sound; as permanent voice only.
    Wav,
}

impl FileFormat {
    /// All formats.
    pub const ALL: [FileFormat; 9] = [
        FileFormat::Jpeg,
        FileFormat::Png,
        FileFormat::Gif,
        FileFormat::Bmp,
        FileFormat::Amr,
        FileFormat::AmrWb,
        FileFormat::Mp3,
        FileFormat::Mp4,
        FileFormat::Wav,
    ];

    /// The format whose signature `bytes` begin with. Says nothing about what follows.
    pub fn detect(bytes: &[u8]) -> Option<FileFormat> {
        format::detect(bytes)
    }

    /// The `Content-Type` to serve it with.
    pub fn content_type(self) -> &'static str {
        match self {
            FileFormat::Jpeg => "image/jpeg",
            FileFormat::Png => "image/png",
            FileFormat::Gif => "image/gif",
            FileFormat::Bmp => "image/bmp",
            FileFormat::Amr => "audio/amr",
            FileFormat::AmrWb => "audio/amr-wb",
            FileFormat::Mp3 => "audio/mpeg",
            FileFormat::Mp4 => "video/mp4",
            FileFormat::Wav => "audio/wav",
        }
    }

    /// The ending of a file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            FileFormat::Jpeg => "jpg",
            FileFormat::Png => "png",
            FileFormat::Gif => "gif",
            FileFormat::Bmp => "bmp",
            FileFormat::Amr => "amr",
            FileFormat::AmrWb => "awb",
            FileFormat::Mp3 => "mp3",
            FileFormat::Mp4 => "mp4",
            FileFormat::Wav => "wav",
        }
    }

    /// The format with this ending, to read back what [`FileFormat::extension`] wrote.
    pub fn from_extension(extension: &str) -> Option<FileFormat> {
        FileFormat::ALL
            .into_iter()
            .find(|format| format.extension() == extension)
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MediaRefusal {
    /// No bytes at all (mass-send §5, 44001).
    #[error("the file is empty")]
    Empty,
    /// More bytes than its kind may have (accounts §3.1: image 40009, voice 40010, video 40011, thumb 40012;
    /// a picture inside an article counts as image, mass-send §5).
    #[error("the {} file is too large", .0.word())]
    TooLarge(MediaKind),
    /// Not a format of its kind, or a voice that is broken (mass-send §5, accounts §3.1, 40005).
    #[error("the file format is not accepted")]
    FormatRefused,
    /// The signature of a picture, but no picture, or a JPEG of more scans than anyone writes (mass-send §5,
    /// reading 4, 40137).
    #[error("the picture cannot be decoded")]
    Undecodable,
    /// A voice of more than 60 s (accounts §3.1, 45007).
    #[error("the voice plays longer than {VOICE_MS_MAX} ms")]
    TooLong,
    /// A picture of more than 25 Mpx, or one that takes more than 128 MiB to decode (SEC9, 40009).
    #[error("the picture has too many pixels")]
    PictureTooLarge,
}

/// What a check found out about a file that may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// What the bytes are.
    pub format: FileFormat,
    /// How many leading bytes to keep; the rest, if any, does not belong to the picture. Voices and videos are
    /// kept whole.
    pub length: usize,
    /// Width in pixels, of pictures.
    pub width: Option<u32>,
    /// Height in pixels, of pictures.
    pub height: Option<u32>,
    /// Play time in milliseconds, of voices.
    pub duration_ms: Option<u32>,
}

/// Decides whether `bytes` may be stored as temporary media of this kind (accounts §3.1, SEC9).
pub fn check_upload(kind: MediaKind, bytes: &[u8]) -> Result<Checked, MediaRefusal> {
    check_kind(kind, kind.formats(), bytes)
}

fn check_kind(kind: MediaKind, formats: &[FileFormat], bytes: &[u8]) -> Result<Checked, MediaRefusal> {
    let format = check_shape(kind, kind.bytes_max(), formats, bytes)?;
    match kind {
        MediaKind::Image | MediaKind::Thumb => picture::check(format, bytes),
        MediaKind::Voice => check_voice(format, bytes),
        MediaKind::Video => Ok(Checked {
            format,
            length: bytes.len(),
            width: None,
            height: None,
            duration_ms: None,
        }),
    }
}

/// Decides whether `bytes` may be kept as permanent material of this kind (accounts §4).
pub fn check_material(kind: MediaKind, bytes: &[u8]) -> Result<Checked, MediaRefusal> {
    check_kind(kind, kind.material_formats(), bytes)
}

/// Decides whether `bytes` may be a picture inside an article, as `uploadimg` takes it (mass-send §5, SEC9).
pub fn check_article_image(bytes: &[u8]) -> Result<Checked, MediaRefusal> {
    let formats = &[FileFormat::Jpeg, FileFormat::Png];
    let format = check_shape(MediaKind::Image, ARTICLE_IMAGE_BYTES_MAX, formats, bytes)?;
    picture::check(format, bytes)
}

/// The cheap checks: size, then signature.
fn check_shape(
    kind: MediaKind,
    bytes_max: usize,
    formats: &[FileFormat],
    bytes: &[u8],
) -> Result<FileFormat, MediaRefusal> {
    if bytes.is_empty() {
        return Err(MediaRefusal::Empty);
    }
    if bytes.len() > bytes_max {
        return Err(MediaRefusal::TooLarge(kind));
    }
    FileFormat::detect(bytes)
        .filter(|format| formats.contains(format))
        .ok_or(MediaRefusal::FormatRefused)
}

fn check_voice(format: FileFormat, bytes: &[u8]) -> Result<Checked, MediaRefusal> {
    let duration_ms = voice::duration_ms(format, bytes).ok_or(MediaRefusal::FormatRefused)?;
    let padding = if format == FileFormat::Mp3 {
        MP3_PADDING_MS
    } else {
        0
    };
    if duration_ms > VOICE_MS_MAX + padding {
        return Err(MediaRefusal::TooLong);
    }
    Ok(Checked {
        format,
        length: bytes.len(),
        width: None,
        height: None,
        duration_ms: Some(duration_ms),
    })
}
