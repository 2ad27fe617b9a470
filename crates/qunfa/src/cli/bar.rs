//! Progress bars on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that shows a word, how much is done of how much, and how long it takes; nothing when `quiet`.
pub fn bar(quiet: bool) -> ProgressBar {
    let target = match quiet {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let style = ProgressStyle::with_template("{msg:24} {bar:32} {human_pos}/{human_len} {eta}");
    ProgressBar::with_draw_target(Some(0), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Moves the bar to `done` of `all` of `what`.
pub fn show(bar: &ProgressBar, what: &str, done: u64, all: u64) {
    if bar.message() != what {
        bar.set_message(what.to_owned());
    }
    bar.set_length(all);
    bar.set_position(done);
}
