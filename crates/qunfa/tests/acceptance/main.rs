//! The acceptance list: every row of the document, S1–S143 and L1–L21, asked of the real server from outside.
//!
//! One file per section of the document. The name of a test begins with its row; `rows.tsv` lists the rows,
//! [`rows`] holds the two together, and `compat/acceptance.py` prints the table with the results.

mod answer;
#[path = "../e2e/common/mod.rs"]
mod common;
mod defects;
mod delete;
mod document;
mod event;
mod flow;
mod help;
mod later;
mod preview;
mod quotas;
mod rows;
mod send;
mod sendall;
mod status;
mod uploadimg;
mod uploadnews;
mod uploadvideo;
