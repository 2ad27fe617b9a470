//! Play time of voices, by walking their frames.
//!
//! Counting frames is exact where a header could lie, and a file that does not consist of frames has no play
//! time. Only headers are read; the sound itself is not decoded.

use super::FileFormat;

/// Play time of one AMR frame (RFC 4867).
const AMR_FRAME_MS: u32 = 20;

/// Bytes of speech in an AMR frame by its type, without the type byte (3GPP TS 26.101); types in between are
/// reserved.
const AMR_BYTES: [Option<usize>; 16] = [
    Some(12),
    Some(13),
    Some(15),
    Some(17),
    Some(19),
    Some(20),
    Some(26),
    Some(31),
    Some(5),
    None,
    None,
    None,
    None,
    None,
    None,
    Some(0),
];

/// The same for AMR-WB (3GPP TS 26.201).
const AMR_WB_BYTES: [Option<usize>; 16] = [
    Some(17),
    Some(23),
    Some(32),
    Some(36),
    Some(40),
    Some(46),
    Some(50),
    Some(58),
    Some(60),
    Some(5),
    None,
    None,
    None,
    None,
    Some(0),
    Some(0),
];

/// Play time in milliseconds; `None` if this is no voice of that format.
pub(super) fn duration_ms(format: FileFormat, bytes: &[u8]) -> Option<u32> {
    match format {
        FileFormat::Amr => amr_ms(bytes.strip_prefix(b"#!AMR\n")?, &AMR_BYTES),
        FileFormat::AmrWb => amr_ms(bytes.strip_prefix(b"#!AMR-WB\n")?, &AMR_WB_BYTES),
        FileFormat::Mp3 => mp3_ms(bytes),
        FileFormat::Wav => wav_ms(bytes),
        FileFormat::Jpeg | FileFormat::Png | FileFormat::Gif | FileFormat::Bmp | FileFormat::Mp4 => None,
    }
}

/// A last frame that is cut short is not counted; recorders leave such.
fn amr_ms(mut frames: &[u8], sizes: &[Option<usize>; 16]) -> Option<u32> {
    let mut duration = 0u32;
    while let [kind, rest @ ..] = frames {
        if kind & 0b1000_0011 != 0 {
            return None;
        }
        let size = sizes[usize::from(kind >> 3)]?;
        let Some(next) = rest.get(size..) else { break };
        duration = duration.saturating_add(AMR_FRAME_MS);
        frames = next;
    }
    (duration > 0).then_some(duration)
}

/// Encodings of a WAV file whose samples all have the same size: PCM, float, A-law, µ-law, and PCM with a longer
/// header (RFC 2361).
const WAV_ENCODINGS: [u16; 5] = [1, 3, 6, 7, 0xfffe];

/// Counted from the samples that are there; what a header says about their number is not believed.
fn wav_ms(bytes: &[u8]) -> Option<u32> {
    let mut chunks = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut bytes_per_second = None;
    while let Some((head, rest)) = chunks.split_first_chunk::<8>() {
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let size = usize::try_from(size).ok()?;
        match &head[..4] {
            b"fmt " => bytes_per_second = Some(wav_bytes_per_second(rest.get(..size)?)?),
            b"data" => {
                let sound = u64::try_from(size.min(rest.len())).ok()?;
                let ms = (sound * 1000).checked_div(bytes_per_second?)?;
                return u32::try_from(ms).ok().filter(|ms| *ms > 0);
            }
            _ => {}
        }
        // Chunks begin at even places.
        chunks = rest.get(size.checked_add(size % 2)?..)?;
    }
    None
}

fn wav_bytes_per_second(format: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u16::from_le_bytes(format.get(at..at + 2)?.try_into().ok()?));
    let (encoding, channels, bits) = (number(0)?, number(2)?, number(14)?);
    let rate = u32::from_le_bytes(format.get(4..8)?.try_into().ok()?);
    let known = WAV_ENCODINGS.contains(&encoding) && bits % 8 == 0 && (8..=64).contains(&bits);
    let rate = known.then(|| u64::from(rate) * u64::from(channels) * u64::from(bits / 8))?;
    (rate > 0).then_some(rate)
}

/// What the header of one frame of MPEG audio layer III says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mp3Frame {
    /// Length with the header, in bytes.
    length: usize,
    samples: u32,
    /// In Hz.
    sample_rate: u32,
}

impl Mp3Frame {
    /// Reads the header at the start of `bytes`. Frames of free bit rate are not taken.
    pub(super) fn read(bytes: &[u8]) -> Option<Mp3Frame> {
        let &[first, second, third, _, ..] = bytes else {
            return None;
        };
        let is_layer_3 = first == 0xff && second & 0b1110_0110 == 0b1110_0010;
        if !is_layer_3 {
            return None;
        }
        let (divisor, is_mpeg_1) = match (second >> 3) & 3 {
            0 => (4, false),
            2 => (2, false),
            3 => (1, true),
            _ => return None,
        };
        let sample_rate = [44_100, 48_000, 32_000].get(usize::from((third >> 2) & 3))? / divisor;
        let rates: [u32; 14] = if is_mpeg_1 {
            [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        } else {
            [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
        };
        let kilobits = rates.get(usize::from(third >> 4).checked_sub(1)?)?;
        let samples = if is_mpeg_1 { 1152 } else { 576 };
        let padding = u32::from((third >> 1) & 1);
        let length = samples / 8 * kilobits * 1000 / sample_rate + padding;
        Some(Mp3Frame {
            length: usize::try_from(length).ok()?,
            samples,
            sample_rate,
        })
    }

    /// Whether another frame may follow in the same stream.
    fn goes_with(self, other: Mp3Frame) -> bool {
        (self.samples, self.sample_rate) == (other.samples, other.sample_rate)
    }
}

fn mp3_ms(bytes: &[u8]) -> Option<u32> {
    let mut at = find_mp3_pair(bytes, after_id3(bytes)?, None)?;
    let first = Mp3Frame::read(&bytes[at..])?;
    let mut frames = 0u64;
    loop {
        match bytes
            .get(at..)
            .and_then(Mp3Frame::read)
            .filter(|frame| frame.goes_with(first))
        {
            Some(frame) => {
                frames += 1;
                at += frame.length;
            }
            // Other tags may stand between frames, and after the last one.
            None => match find_mp3_pair(bytes, at, Some(first)) {
                Some(next) => at = next,
                None => break,
            },
        }
    }
    let ms = frames * u64::from(first.samples) * 1000 / u64::from(first.sample_rate);
    Some(u32::try_from(ms).unwrap_or(u32::MAX))
}

/// Where the first frame from `from` on begins that another frame follows directly; one header alone happens by
/// chance in any data.
fn find_mp3_pair(bytes: &[u8], from: usize, like: Option<Mp3Frame>) -> Option<usize> {
    (from..bytes.len()).find(|at| {
        let Some(frame) = Mp3Frame::read(&bytes[*at..]) else {
            return false;
        };
        let next = bytes.get(at + frame.length..).and_then(Mp3Frame::read);
        next.is_some_and(|next| next.goes_with(frame)) && like.is_none_or(|like| like.goes_with(frame))
    })
}

/// Where the ID3v2 tags at the start end; `None` if one claims more than there is.
fn after_id3(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some([b'I', b'D', b'3', _, _, flags, size @ ..]) = bytes.get(at..at + 10) {
        let size = size
            .iter()
            .fold(0usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let footer = if flags & 0x10 != 0 { 10 } else { 0 };
        at += 10 + size + footer;
        if at > bytes.len() {
            return None;
        }
    }
    Some(at)
}
