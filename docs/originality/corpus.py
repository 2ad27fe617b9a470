#!/usr/bin/env python3
"""Writes texts of Debian documentation packages to a folder, one file per page: LANGUAGE/PACKAGE/PAGE.txt.

The packages are fetched with apt-get into a temporary folder; nothing is installed, and nothing of them is kept
but the texts in the folder. Usage: corpus.py FOLDER
"""
import glob
import gzip
import html
import os
import re
import subprocess
import sys
import tempfile

CHARACTERS_MIN, CHARACTERS_MAX = 300, 20_000  # letters and digits; an article has fewer than 20,000 characters
HAN = re.compile(r"[\u4e00-\u9fff]")
LETTER = re.compile(r"[^\W_]")


def libreoffice(page):
    """The part of a help page that a reader sees as its text."""
    body = page[page.find('<div id="DisplayArea"') : page.find('<div id="SearchFrame"')]
    return without_tags(re.split(r'<div id="relatedtopics|<div class="relatedtopics', body)[0])


def gnome(page):
    """A page of the desktop help without the names of its authors."""
    return without_tags(re.sub(r"<info>.*?</info>", " ", page, flags=re.S))


def without_tags(markup):
    markup = re.sub(r"</(p|h\d|li|td|title|item)>|<br */?>", "\n", markup)
    text = html.unescape(re.sub(r"<[^>]*>", "", markup))
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"[ \t]+", " ", text)).strip()


def manual(path):
    """A manual page as `man` shows it, without the head and foot line."""
    source = gzip.open(path).read()
    if len(source) < 200 or source.startswith(b".so "):
        return ""
    shown = subprocess.run(
        ["groff", "-k", "-Kutf8", "-mandoc", "-Tutf8", "-rLL=2000n", "-P-cbou"],
        input=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout.decode("utf8", "replace")
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    return "\n".join(re.sub(r"\s+", " ", line) for line in lines[1:-1])


def read(extract):
    return lambda path: extract(open(path, encoding="utf8").read())


# language, package, pages, how to read one
SOURCES = [
    ("zh", "libreoffice-help-zh-cn", "usr/share/libreoffice/help/zh-CN/text/**/*.html", read(libreoffice)),
    ("zh", "manpages-zh", "usr/share/man/zh_CN/man*/*.gz", manual),
    ("en", "libreoffice-help-en-us", "usr/share/libreoffice/help/en-US/text/**/*.html", read(libreoffice)),
    ("en", "gnome-user-docs", "usr/share/help/C/gnome-help/*.page", read(gnome)),
    ("en", "manpages", "usr/share/man/man*/*.gz", manual),
]


def main(folder):
    with tempfile.TemporaryDirectory() as fetched:
        subprocess.run(["apt-get", "download", "-qq", *(package for _, package, _, _ in SOURCES)],
                       cwd=fetched, check=True, stderr=subprocess.DEVNULL)
        for language, package, pattern, extract in SOURCES:
            [archive] = glob.glob(f"{fetched}/{package}_*.deb")
            unpacked = f"{fetched}/{package}"
            subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
            written = write(folder, language, package, sorted(glob.glob(f"{unpacked}/{pattern}", recursive=True)), extract)
            version = os.path.basename(archive).split("_")[1].replace("%3a", ":")
            print(f"{package} {version}: {written} texts", file=sys.stderr)


def write(folder, language, package, paths, extract):
    """Writes the pages that are long enough and mostly in the language; a text that repeats one is left out."""
    os.makedirs(f"{folder}/{language}/{package}", exist_ok=True)
    seen = set()
    for path in paths:
        text = extract(path)
        letters = len(LETTER.findall(text))
        is_chinese = len(HAN.findall(text)) > letters / 2
        if not CHARACTERS_MIN <= letters <= CHARACTERS_MAX or is_chinese != (language == "zh") or text in seen:
            continue
        seen.add(text)
        name = re.sub(r"\W+", "-", "-".join(path.split("/")[-4:]))
        with open(f"{folder}/{language}/{package}/{name}.txt", "w", encoding="utf8") as out:
            out.write(text)
    return len(seen)


if __name__ == "__main__":
    main(sys.argv[1])
