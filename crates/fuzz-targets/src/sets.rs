//! Blocks of followers.

use domain::block::{Block, encoded_contains};
use roaring::RoaringBitmap;

/// Spans that a set is built of; more of them tell nothing new.
const SPANS_MAX: usize = 32;

/// Stored bytes are a block or damage, and sets are what a general library says they are.
pub fn block(data: &[u8]) {
    read(data);
    // Few inputs carry the right checksum by themselves.
    let sum = crc32fast::hash(data);
    read(&[data, &sum.to_le_bytes()].concat());
    let (left, right) = data.split_at(data.len() / 2);
    let (ours, theirs) = (built(left), built(right));
    let (mut both, mut either, mut only) = (ours.0.clone(), ours.0.clone(), ours.0.clone());
    both.intersect(&theirs.0);
    either.unite(&theirs.0);
    only.subtract(&theirs.0);
    same(&both, &(&ours.1 & &theirs.1));
    same(&either, &(&ours.1 | &theirs.1));
    same(&only, &(&ours.1 - &theirs.1));
    let mut rest = ours.0;
    let taken = rest.take(&theirs.0);
    assert_eq!((taken, rest), (both, only));
}

fn read(data: &[u8]) {
    let Ok(stored) = Block::decode(data) else { return };
    same(&stored, &stored.places().map(u32::from).collect());
    for place in [0, 1, 63, 64, 4_095, 32_768, 65_535] {
        assert_eq!(
            encoded_contains(data, place),
            Ok(stored.contains(place)),
            "place {place}"
        );
    }
}

/// A set out of spans: first place and length.
fn built(data: &[u8]) -> (Block, RoaringBitmap) {
    let (mut block, mut model) = (Block::empty(), RoaringBitmap::new());
    for span in data.chunks_exact(3).take(SPANS_MAX) {
        let first = u16::from_be_bytes([span[0], span[1]]);
        let last = first.saturating_add(u16::from(span[2]) * 16);
        model.insert_range(u32::from(first)..=u32::from(last));
        for place in first..=last {
            block.insert(place);
        }
    }
    (block, model)
}

fn same(block: &Block, model: &RoaringBitmap) {
    assert_eq!(u64::from(block.count()), model.len());
    assert!(block.places().map(u32::from).eq(model.iter()));
    let stored = block.encode();
    assert!(stored.len() <= 8_197);
    assert_eq!(Block::decode(&stored).as_ref(), Ok(block));
}
