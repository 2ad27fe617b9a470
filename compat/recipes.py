#!/usr/bin/env python3
"""Holds the programs shown in the Markdown pages equal to the files that the suites run.

    compat/recipes.py            fails, and says where, when a page and a file differ
    compat/recipes.py --write    puts the files into the pages

A page of docs/ shows a file (its path is relative to the repository's root, and inside compat/) like this:

    <!-- recipe: compat/go/recipes/silenceper/main.go -->
    ```go
    …
    ```
    <!-- /recipe -->
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN = re.compile(r"^<!-- recipe: (\S+) -->$")
MARKER = re.compile(r"<!--\s*/?recipe\b")
END = "<!-- /recipe -->"
LANGUAGES = {".go": "go", ".java": "java", ".js": "js", ".mjs": "js", ".py": "python"}


class Broken(Exception):
    """What is wrong with a page, with its line."""


def shown(name: str) -> list[str]:
    """The lines between the markers when the page shows the file as it is."""
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT / "compat"):
        raise Broken(f"{name} is not in compat/")
    if not path.is_file():
        raise Broken(f"there is no {name}")
    if path.suffix not in LANGUAGES:
        raise Broken(f"{name}: no language is known for {path.suffix!r}")
    lines = path.read_text(encoding="utf-8").splitlines()
    if any(line.lstrip().startswith("```") for line in lines):
        raise Broken(f"{name} has a line that would end the block")
    return [f"```{LANGUAGES[path.suffix]}", *lines, "```"]


def difference(found: list[str], wanted: list[str]) -> str:
    for number, (here, there) in enumerate(zip(found, wanted), 1):
        if here != there:
            return f"line {number} of the block is {here!r}, wanted {there!r}"
    return f"the block has {len(found)} lines, wanted {len(wanted)}"


def renew(text: str) -> tuple[str, list[str], int]:
    """The page as it should be, what was wrong, and how many recipes it shows."""
    renewed: list[str] = []
    wrong: list[str] = []
    recipes = 0
    lines = text.splitlines()
    place = 0
    while place < len(lines):
        line = lines[place]
        begin = BEGIN.match(line)
        if not begin:
            if MARKER.search(line):
                wrong.append(f"line {place + 1}: a recipe marker out of place: {line.strip()}")
            renewed.append(line)
            place += 1
            continue
        recipes += 1
        try:
            end = lines.index(END, place + 1)
            if any(BEGIN.match(inner) for inner in lines[place + 1 : end]):
                raise ValueError
        except ValueError:
            wrong.append(f"line {place + 1}: this recipe has no end")
            renewed.extend(lines[place:])
            break
        found = lines[place + 1 : end]
        try:
            wanted = shown(begin[1])
        except Broken as error:
            wrong.append(f"line {place + 1}: {error}")
            wanted = found
        if found != wanted:
            wrong.append(f"line {place + 1}: {begin[1]}: {difference(found, wanted)}")
        renewed.extend([line, *wanted, END])
        place = end + 1
    return "\n".join(renewed) + "\n", wrong, recipes


def main() -> int:
    parser = argparse.ArgumentParser(description="Holds the pages of docs/ equal to the recipes of compat/.")
    parser.add_argument("--write", action="store_true", help="put the files into the pages")
    write = parser.parse_args().write
    total = failures = 0
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        renewed, wrong, recipes = renew(text)
        total += recipes
        if write and recipes and renewed != text:
            page.write_text(renewed, encoding="utf-8")
            print(f"recipes: wrote {page.relative_to(ROOT)}")
            _, wrong, _ = renew(renewed)
        for one in wrong:
            print(f"recipes: {page.relative_to(ROOT)}: {one}", file=sys.stderr)
        failures += len(wrong)
    if total == 0:
        print("recipes: no page of docs/ shows one", file=sys.stderr)
        return 1
    if failures:
        print("recipes: compat/recipes.py --write puts the files into the pages", file=sys.stderr)
        return 1
    print(f"recipes: {total} shown as they are run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
