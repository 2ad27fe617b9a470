#!/usr/bin/env bash
# Measures the originality check with texts of Debian packages, and draws the picture of docs/originality.md.
# Runs on Debian 12; needs apt-get, groff, python3 and cargo. Takes some minutes. Keeps none of the texts.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 docs/originality/corpus.py "$work/texts"
# Only the measured crate is optimised, so that not everything has to be built again.
cargo run --quiet --config profile.dev.package.domain.opt-level=3 -p domain --example originality -- "$work/texts" \
    >"$work/measured.json"
mv "$work/measured.json" docs/originality/measured.json
python3 docs/originality/chart.py docs/originality/measured.json docs/pictures/originality.svg
