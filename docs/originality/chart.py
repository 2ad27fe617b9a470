#!/usr/bin/env python3
"""Draws the measured curves as SVG, readable on light and dark pages. Usage: chart.py MEASURED.json PICTURE.svg"""
import json
import sys

WIDTH, HEIGHT = 960, 400
PANEL, GAP, LEFT, TOP, TALL = 190, 30, 70, 142, 180
# the change, its title, and the step that is put into words
CHANGES = [
    ("moved", "Sentences moved", 60),
    ("foreign", "Foreign text added", 60),
    ("deleted", "Sentences left out", 60),
    ("words", "Words changed", 20),
]
LANGUAGES = [("en", "English"), ("zh", "Chinese")]

STYLE = """
  .page { fill: #ffffff } .title { fill: #1f2328; font-size: 17px; font-weight: 600 }
  .text { fill: #59636e; font-size: 13px } .panel { fill: #1f2328; font-size: 14px; font-weight: 600 }
  .grid { stroke: #d8dee4 } .axis { stroke: #818b98 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round }
  .name { font-size: 13px; font-weight: 600 }
  .line.zh { stroke: #bc4c00 } .line.en { stroke: #0969da; stroke-dasharray: 1 5 }
  .name.zh { fill: #bc4c00 } .name.en { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .title, .panel { fill: #f0f6fc } .text { fill: #9198a1 }
    .grid { stroke: #2a313a } .axis { stroke: #656c76 }
    .line.zh { stroke: #f0883e } .line.en { stroke: #58a6ff }
    .name.zh { fill: #f0883e } .name.en { fill: #58a6ff }
  }
"""


def main(measured_path, picture_path):
    measured = json.load(open(measured_path, encoding="utf8"))
    curves = {(c["change"], c["language"]): c["steps"] for c in measured["curves"]}
    parts = [head(measured)]
    for place, (change, title, step) in enumerate(CHANGES):
        parts.append(panel(LEFT + place * (PANEL + GAP), title, step, place == 0, {
            language: curves[change, language] for language, _ in LANGUAGES
        }))
    parts.append(text(LEFT + (4 * PANEL + 3 * GAP) / 2, TOP + TALL + 48, "% of the text changed", "text", "middle"))
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="system-ui, -apple-system, \'Segoe UI\', \'Noto Sans\', sans-serif">\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )
    open(picture_path, "w", encoding="utf8").write(picture)


def head(measured):
    """The page, what the picture says, and which line is which."""
    texts = sum(source["texts"] for source in measured["texts"])
    apart = measured["pairs"]["two_sources"].values()
    pairs, copies = sum(it["pairs"] for it in apart), sum(it["copies"] for it in apart)
    lines = [
        "<title>Share of changed copies that the originality check finds</title>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        text(24, 36, "Share of copies found, by how much of the text was changed", "title"),
        text(24, 59, f"{texts:,} real texts. Pairs of unrelated texts taken for copies: {copies} of {pairs:,}.", "text"),
    ]
    for place, (language, name) in enumerate(LANGUAGES):
        x = WIDTH - 24 - 100 * (len(LANGUAGES) - place)
        lines.append(f'<path class="{language} line" d="M{x} 31h26"/>')
        lines.append(text(x + 33, 35.5, name, f"{language} name"))
    return "\n".join(lines)


def panel(left, title, step, with_labels, curves):
    # Rounded down: 100 % is said of nothing less.
    found = {int(100 * at["found"]) for steps in curves.values() for at in steps if at["percent"] == step}
    found = "–".join(str(percent) for percent in sorted(found))
    lines = [
        text(left, TOP - 36, title, "panel"),
        text(left, TOP - 17, f"{found} % found at {step} %", "text"),
    ]
    for percent in (0, 25, 50, 75, 100):
        y = across(percent)
        lines.append(f'<path class="{"grid" if percent else "axis"}" d="M{left} {y}h{PANEL}"/>')
        if with_labels:
            lines.append(text(left - 9, y + 4.5, f"{percent} %", "text", "end"))
    for percent in (0, 20, 40, 60):
        lines.append(text(left + along(percent), TOP + TALL + 21, percent, "text", "middle"))
    for language, steps in reversed(curves.items()):  # the dotted line on top
        points = " ".join(f"{left + along(s['percent']):.1f},{across(100 * s['found']):.1f}" for s in steps)
        lines.append(f'<polyline class="{language} line" points="{points}"/>')
    return "\n".join(lines)


def along(percent):
    return PANEL * percent / 60


def across(percent):
    return TOP + TALL * (1 - percent / 100)


def text(x, y, words, kind, anchor="start"):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
