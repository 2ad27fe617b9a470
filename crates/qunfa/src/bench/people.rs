//! The followers of a measurement: the same for both sides, made from their number.

/// Whether this follower carries the tag of the measurement; spread evenly, without a pattern in a block.
pub(super) fn is_tagged(number: u64, density: f64) -> bool {
    // SplitMix64: neighbouring numbers fall independently.
    let mut state = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^= state >> 31;
    (state >> 11) as f64 / (1_u64 << 53) as f64 <= density && density > 0.0
}

/// The tag of the measurement.
pub(super) const TAG: &str = "bench";

/// The follower's external id.
pub(super) fn external_id(number: u64) -> String {
    format!("user-{number:09}")
}

/// The follower's nickname.
pub(super) fn nickname(number: u64) -> String {
    format!("读者{number}")
}

/// The import file of `followers` followers, a piece at a time.
pub(super) fn csv(followers: u64, density: f64) -> impl Iterator<Item = String> {
    const ROWS: u64 = 4_096;
    let header = std::iter::once("external_id,nickname,language,tags\n".to_owned());
    let pieces = (0..followers.div_ceil(ROWS)).map(move |piece| {
        let mut text = String::with_capacity(ROWS as usize * 48);
        for number in piece * ROWS..followers.min((piece + 1) * ROWS) {
            let tag = if is_tagged(number, density) { TAG } else { "" };
            text.push_str(&external_id(number));
            text.push(',');
            text.push_str(&nickname(number));
            text.push_str(",zh_CN,");
            text.push_str(tag);
            text.push('\n');
        }
        text
    });
    header.chain(pieces)
}

/// The same file to read from.
pub(super) struct CsvFile {
    pieces: Box<dyn Iterator<Item = String>>,
    piece: std::io::Cursor<Vec<u8>>,
}

impl CsvFile {
    pub(super) fn new(followers: u64, density: f64) -> Self {
        Self {
            pieces: Box::new(csv(followers, density)),
            piece: std::io::Cursor::default(),
        }
    }
}

impl std::io::Read for CsvFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.read(buffer)?;
        if count > 0 {
            return Ok(count);
        }
        match self.pieces.next() {
            Some(piece) => {
                self.piece = std::io::Cursor::new(piece.into_bytes());
                self.piece.read(buffer)
            }
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_has_the_density_that_was_asked_for() {
        for density in [0.0, 0.01, 0.5, 1.0] {
            let tagged = (0..100_000).filter(|number| is_tagged(*number, density)).count();
            assert!(
                (tagged as f64 / 100_000.0 - density).abs() < 0.01,
                "{density}: {tagged}"
            );
        }
    }

    #[test]
    fn the_file_holds_every_follower_once() {
        let text: String = csv(10_000, 0.5).collect();
        assert_eq!(text.lines().count(), 10_001);
        assert!(text.ends_with('\n') && text.contains("\nuser-000009999,"));
    }
}
