#!/usr/bin/env python3
"""The acceptance list with its results: one line for each row S1-S143 and L1-L21.

    compat/acceptance.py               runs the tests first
    compat/acceptance.py --from FILE   reads what `cargo test -p qunfa --test acceptance` printed ("-": standard input)
    compat/acceptance.py --page        runs nothing and prints docs/acceptance.md: the rows and the names of their tests

A row's tests are those whose names begin with its number: s007_..., l13_... Ends with 1 if a row has no
test, a failed or an ignored one, or if any other test of the binary failed.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROWS = ROOT / "crates/qunfa/tests/acceptance/rows.tsv"
COMMAND = ["cargo", "test", "--locked", "--workspace", "--all-features", "--test", "acceptance", "--no-fail-fast"]
RESULT = re.compile(r"^test (?:(\S+)::)?(\w+) \.\.\. (?:.*\s)?(ok|FAILED|ignored)\b")
LATE_RESULT = re.compile(r"^(?:.*\s)?(ok|FAILED|ignored)$")
OPEN_LINE = re.compile(r"^test (?:\S+::)?(\w+) \.\.\. ")


def rows():
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            number, words, section = line.split("\t")
            yield number, words, section


def row_of(name):
    match = re.match(r"(?:s(\d{3})|l(\d{2}))_", name)
    if not match:
        return None
    return f"S{int(match[1])}" if match[1] else f"L{int(match[2])}"


def results(lines):
    """Test name to ok, FAILED or ignored. What a test prints may stand between its name and its result."""
    found, waiting = {}, None
    for line in lines:
        if match := RESULT.match(line):
            found[match[2]], waiting = match[3], None
        elif match := OPEN_LINE.match(line):
            waiting = match[1]
        elif waiting and (match := LATE_RESULT.match(line)):
            found[waiting], waiting = match[1], None
    return found


def output(source):
    if source == "-":
        return sys.stdin.read().splitlines()
    if source:
        return pathlib.Path(source).read_text(encoding="utf-8", errors="replace").splitlines()
    run = subprocess.run(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
    lines = run.stdout.splitlines()
    if not any(line.startswith("test result:") for line in lines):
        sys.exit("the tests did not run to their end")
    return lines


def page():
    """The rows with the names of their tests, as Markdown."""
    names = {}
    for source in sorted((ROWS.parent).rglob("*.rs")):
        for name in re.findall(r"fn ((?:s\d{3}|l\d{2})_\w+)\(", source.read_text(encoding="utf-8")):
            names.setdefault(row_of(name), []).append((name, source.relative_to(ROOT)))
    yield "# The acceptance list: every statement of the document, and its tests"
    yield ""
    yield "<!-- Made by `compat/acceptance.py --page > docs/acceptance.md`; `make test` compares. -->"
    yield ""
    yield "S1 to S143 are the statements of the document of 2016, L1 to L21 the later rules. Each has at least one test that"
    yield "drives the server from outside, over HTTP; `make acceptance` runs them and prints this list with the results."
    yield ""
    yield "| row | statement | spec | tests |"
    yield "|---|---|---|---|"
    for number, words, section in rows():
        tests = "<br>".join(f"[`{name}`](../{source})" for name, source in sorted(names.get(number, [])))
        words = words.replace("<", "&lt;").replace("|", "\\|")
        yield f"| {number} | {words} | {section} | {tests} |"


def width(text):
    """Columns on a screen: Chinese characters take two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def cut(text, columns):
    kept = ""
    for char in text:
        if width(kept + char) > columns - 1:
            return kept + "…" + " " * (columns - width(kept) - 1)
        kept += char
    return kept + " " * (columns - width(kept))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", metavar="FILE", help="read the tests' output instead of running them")
    parser.add_argument("--page", action="store_true", help="print docs/acceptance.md")
    asked = parser.parse_args()
    if asked.page:
        print("\n".join(page()))
        return 0
    found = results(output(asked.source))
    tests = {}
    for name in sorted(found):
        tests.setdefault(row_of(name), []).append(name)
    bad = 0
    for number, words, _section in rows():
        names = tests.get(number, [])
        states = {found[name] for name in names}
        result = "ok" if states == {"ok"} else "NO TEST" if not names else ", ".join(sorted(states - {"ok"}))
        bad += result != "ok"
        print(f"{number:<5}{cut(words, 44)} {cut(result, 8)} {', '.join(names)}")
    others = [name for name in tests.get(None, []) if found[name] != "ok"]
    for name in others:
        print(f"{'':<5}{cut('beside the rows', 44)} {cut(found[name], 8)} {name}")
    count = sum(1 for _ in rows())
    print(f"{count - bad} of {count} rows ok, {bad} not; {len(others)} other tests not ok")
    return 1 if bad or others else 0


if __name__ == "__main__":
    sys.exit(main())
