//! Files (accounts §3.1, mass-send §5).

use super::Upload;
use crate::{
    common::files,
    help::made::{gif, jpeg_of, mp3},
};
pub const UPLOADS: &[Upload] = &[
    Upload {
        path: "/cgi-bin/media/upload",
        query: "type=image",
        good: || files::png(9, 9),
        cases: &[
            ("no type", "", || files::png(9, 9), 40004),
            ("empty type", "type=", || files::png(9, 9), 40004),
            ("unknown type", "type=news", || files::png(9, 9), 40004),
            ("a voice", "type=image", files::amr, 40005),
            ("broken", "type=image", || files::png(9, 9)[..40].to_vec(), 40137),
            ("too large", "type=image", || jpeg_of((10 << 20) + 1), 40009),
        ],
    },
    Upload {
        path: "/cgi-bin/media/upload",
        query: "type=voice",
        good: mp3,
        cases: &[
            ("a picture", "type=voice", || files::png(9, 9), 40005),
            ("too long", "type=voice", || long_amr(61), 45007),
            ("a minute", "type=voice", || long_amr(60), 0),
            ("too large", "type=voice", || mp3().repeat(140), 40010),
        ],
    },
    Upload {
        path: "/cgi-bin/media/upload",
        query: "type=video",
        good: files::mp4,
        cases: &[
            ("a voice", "type=video", files::amr, 40005),
            (
                "too large",
                "type=video",
                || large(files::mp4(), (10 << 20) + 1),
                40011,
            ),
        ],
    },
    Upload {
        path: "/cgi-bin/media/upload",
        query: "type=thumb",
        good: || files::jpeg(64, 64),
        cases: &[
            ("a PNG", "type=thumb", || files::png(9, 9), 40005),
            ("too large", "type=thumb", || jpeg_of((64 << 10) + 1), 40012),
            ("as large as may be", "type=thumb", || jpeg_of(64 << 10), 0),
        ],
    },
    Upload {
        path: "/cgi-bin/media/uploadimg",
        query: "",
        good: || files::jpeg(9, 9),
        cases: &[
            ("a GIF", "", gif, 40005),
            ("broken", "", || files::png(9, 9)[..40].to_vec(), 40137),
            ("too large", "", || jpeg_of((1 << 20) + 1), 40009),
        ],
    },
    Upload {
        path: "/cgi-bin/material/add_material",
        query: "type=image",
        good: || files::png(9, 9),
        cases: &[
            ("no type", "", || files::png(9, 9), 40004),
            ("unknown type", "type=news", || files::png(9, 9), 40004),
            ("a voice", "type=image", files::amr, 40005),
            ("broken", "type=image", || files::png(9, 9)[..40].to_vec(), 40137),
            ("too large", "type=image", || jpeg_of((10 << 20) + 1), 40009),
        ],
    },
    Upload {
        path: "/cgi-bin/material/add_material",
        query: "type=voice",
        good: mp3,
        cases: &[("too long", "type=voice", || long_amr(61), 45007)],
    },
    Upload {
        path: "/cgi-bin/material/add_material",
        query: "type=thumb",
        good: || files::jpeg(9, 9),
        cases: &[("too large", "type=thumb", || jpeg_of((64 << 10) + 1), 40012)],
    },
];

/// AMR of so many seconds.
fn long_amr(seconds: usize) -> Vec<u8> {
    let second = files::amr();
    let (head, frames) = second.split_at(6);
    [head, &frames.repeat(seconds)].concat()
}

fn large(mut bytes: Vec<u8>, size: usize) -> Vec<u8> {
    bytes.resize(size, 0);
    bytes
}
