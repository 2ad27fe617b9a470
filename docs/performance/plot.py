#!/usr/bin/env python3
"""Writes the tables and plots of docs/performance.md from the JSON beside this script.

    qunfa bench … --json docs/performance/NAME.json     makes the numbers
    docs/performance/plot.py                            writes page and plots anew
    docs/performance/plot.py --check                    fails when the page's tables are not those of the JSON

Only the standard library: the plots are SVG bars.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parent / "performance.md"


def load(bench):
    """The records of a bench, SQLite first, one node before several."""
    records = [json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))]
    return sorted((r for r in records if r["bench"] == bench), key=lambda r: (r["store"] != "sqlite", r.get("nodes", 1), r["followers"]))


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def store(record):
    name = {"sqlite": "SQLite", "postgres": "PostgreSQL"}[record["store"]]
    nodes = record.get("nodes", 1)
    return name if nodes == 1 else f"{name}, {nodes} nodes"


def millis(spread):
    return f"{number(spread['median'], 1)} (to {number(spread['max'], 1)})"


def table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


def faster(record, kind):
    side = record.get(kind) or {}
    ratio = side.get("ratio_of_medians")
    return f"**{number(ratio)}** ({number(side['finish_ms']['median'], 1)} ms)" if ratio else "–"


def send_table():
    rows = []
    for r in load("send"):
        usual = r.get("rows")
        rows.append([
            store(r), number(r["followers"]), str(r["rounds"]), millis(r["accept_ms"]), millis(r["finish_ms"]),
            number(r["cold_finish_ms"], 1),
            millis(usual["finish_ms"]) if usual else "–",
            *(faster(r, kind) for kind in ("to_all", "to_tag")),
            number((r["peak_memory_bytes"] or 0) / 1e6), number(r["load"], 1)])
    head = ["store", "followers", "sends", "call to answer, ms", "call to SEND_SUCCESS, ms", "first after a restart, ms",
            "a row per follower, ms", "times faster, to all", "to the tag", "memory at most, MB", "load"]
    return table(head, rows)


def import_table():
    rows = [[store(r), number(r["followers"]), number(r["import_rows_per_second"]), number(r["raw_rows_per_second"]),
             number(r["ratio"], 2), number(r["load"], 1)] for r in load("import")]
    return table(["store", "followers", "rows a second", "raw, rows a second", "ratio", "load"], rows)


def reads_table():
    rows = []
    for r in load("inbox") + load("api"):
        bare = r["bare"]
        rows.append([store(r), "a bare answer", number(bare["per_second"]), number(bare["p99_ms"], 2),
                     number(bare["processor_us"]), "1", "1", number(r["load"], 1)])
        for c in r["calls"]:
            rows.append([store(r), f"`{c['call']}`", number(c["per_second"]), number(c["p99_ms"], 2),
                         number(c["processor_us"]), f"**{number(c['ratio'], 2)}**",
                         number(c["processor_ratio"], 2), number(r["load"], 1)])
    head = ["store", "call", "a second", "p99, ms", "server's processor, µs", "ratio", "ratio of processor time", "load"]
    return table(head, rows)


def tag_table():
    rows = []
    for r in load("tag"):
        for k in r["kinds"]:
            usual = k["rows"]
            rows.append([store(r), number(r["followers"]), k["kind"], number(k["per_second"]), millis(k["call_ms"]),
                         number(usual["per_second"]) if usual else "–",
                         f"**{number(usual['ratio'], 2)}**" if usual else "–", number(r["load"], 1)])
    head = ["store", "followers before", "call", "calls a second", "a call, ms", "by rows, a second", "ratio", "load"]
    return table(head, rows)


WAYS = {"web_socket": "qunfa, WebSocket", "sse": "qunfa, SSE", "event_loop": "a bare event loop", "nats": "NATS core"}


def live_table():
    rows = []
    for r in load("live"):
        ways = {way["way"]: way for way in r["ways"]}
        for name, way in ways.items():
            beside = lambda other, key: (f"{number(way[key] / ways[other][key], 2)}"
                                         if other in ways and name in ("web_socket", "sse") else "–")
            idle = way["idle_bytes"]
            rows.append([number(r["connections"]), WAYS[name], number(way["single_ms"]["median"], 1), number(way["burst_ms"]["median"], 1),
                         number(way["burst_per_second"]), beside("event_loop", "single_per_second"),
                         beside("nats", "single_per_second"), beside("nats", "burst_per_second"),
                         number(idle / 1000, 1) if idle is not None else "–", number(r["load"], 1)])
    head = ["readers online", "way", "one event to all, ms", "a burst of 20, ms", "deliveries a second in a burst",
            "one event, of the loop", "one event, of NATS", "burst, of NATS", "an idle connection, kB", "load"]
    return table(head, rows)


TABLES = {"live": live_table, "send": send_table, "import": import_table, "tag": tag_table, "reads": reads_table}


def bars(title, unit, values):
    """Horizontal bars, for people who look at it on white or on black."""
    width, left, step = 720, 250, 30
    top = max((value for _, value in values), default=1) or 1
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{step * len(values) + 50}" '
             'font-family="sans-serif" font-size="13" fill="#7a7a7a">', f'<text x="8" y="22" font-size="15">{title}</text>']
    for place, (name, value) in enumerate(values):
        y = 40 + step * place
        length = max(2, (width - left - 110) * value / top)
        colour = "#07c160" if place % 2 == 0 else "#b0b7bd"
        lines += [f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>',
                  f'<rect x="{left}" y="{y}" width="{length:.1f}" height="20" rx="3" fill="{colour}"/>',
                  f'<text x="{left + length + 6:.1f}" y="{y + 15}">{number(value, 0 if value >= 100 else 1)} {unit}</text>']
    return "\n".join([*lines, "</svg>", ""])


def plots():
    sends = [pair for r in load("send") if r.get("rows") for pair in [
        (f"{store(r)}, qunfa", r["finish_ms"]["median"]),
        (f"{store(r)}, a row per follower", r["rows"]["finish_ms"]["median"])]]
    if sends:
        yield "send.svg", bars("From the call to SEND_SUCCESS", "ms", sends)
    reads = [pair for r in load("inbox") + load("api") for c in r["calls"] for pair in [
        (f"{store(r)}, {c['call'].split('/', 1)[1]}", c["per_second"]), ("a bare answer", r["bare"]["per_second"])]]
    lives = [(WAYS[way["way"]], way["burst_per_second"]) for r in load("live") for way in r["ways"]]
    if lives:
        yield "live.svg", bars("Deliveries a second in a burst of 20", "", lives)
    if reads:
        yield "reads.svg", bars("Answers a second", "", reads)


def plotted(name):
    """The picture of a table, where there is one."""
    pictures = {"send": ("From the call to SEND_SUCCESS", "send.svg"), "reads": ("Answers a second", "reads.svg"),
                "live": ("Deliveries a second", "live.svg")}
    title, file = pictures.get(name, ("", ""))
    return f"\n\n![{title}](performance/{file})" if file in dict(plots()) else ""


def page():
    text = PAGE.read_text()
    for name, make in TABLES.items():
        pattern = rf"(<!-- table {name} -->\n)(?:.*?\n)??(<!-- end -->)"
        text, count = re.subn(pattern, lambda m: m[1] + make() + plotted(name) + "\n" + m[2], text, flags=re.S)
        assert count == 1, f"the page has no place for the table {name}"
    return text


def main():
    wanted = page()
    if "--check" in sys.argv:
        drawn = all((HERE / name).read_text() == svg for name, svg in plots())
        if wanted != PAGE.read_text() or not drawn:
            sys.exit("docs/performance.md is not made from its JSON: run docs/performance/plot.py")
        return
    PAGE.write_text(wanted)
    for name, svg in plots():
        (HERE / name).write_text(svg)


main()
