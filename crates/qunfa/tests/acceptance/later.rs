//! L1–L21: rules that the platform added later.

mod accounts;
mod callback;
mod messages;
mod once;
mod originality;
mod protection;
