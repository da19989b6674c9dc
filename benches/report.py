"""Writes what was measured into BENCHMARKS.md, between its marks, and the picture of the growth beside it."""
import glob
import json
import math
import os
import re


# When groups are compared.
LOOKS = {
    "first": "by the first look, rows moved",
    "moved": "again, a row moved since",
    "stands": "again, rows moved, none since",
    "refreshed": "after a refresh, none moved",
    "healed": "again, none moved",
}


def criterion(target):
    """The medians of the micro-benchmarks, in µs."""
    found = {}
    for path in glob.glob(os.path.join(target, "criterion", "**", "new", "estimates.json"), recursive=True):
        name = json.load(open(os.path.join(os.path.dirname(path), "benchmark.json")))["full_id"]
        found[name] = json.load(open(path))["median"]["point_estimate"] / 1000
    return found


def rows(result):
    """What, what must be, what was measured, whether it holds."""
    tools, starts, commands = result["tools"], result["starts"], result["commands"]
    own, watch, activity = tools["mvtop"], tools["psql \\watch"], tools["pg_activity"]
    small, last = next(iter(result["sizes"].values())), list(result["sizes"].items())[-1]

    def row(what, must, said, holds):
        return f"| {what} | {must} | {said} | {'yes' if holds else '**no**'} |"

    def ratio(what, must, one, other, limit, unit="ms"):
        return row(what, must, f"{one / (other or math.nan):.2f} ({one:.3g} {unit} to {other:.3g} {unit})", one <= limit * other)

    yield ratio("start to first data, to psql's `SELECT 1`", "≤ 1.5", starts["mvtop"], starts["SELECT 1"], 1.5)
    yield ratio("start to first data, to pg_activity's first screen", "≤ 0.5", starts["mvtop"], starts["pg_activity"], 0.5)
    yield ratio("`check`, to the incident document's queries in psql", "≤ 1", commands["check_ms"], commands["document_ms"], 1)
    if top := tools.get("pg_top"):
        yield ratio("processor time a minute at rest, to pg_top's", "≤ 1", own["cpu_s_per_min"], top["cpu_s_per_min"], 1, "s")
    yield ratio("processor time a minute at rest, to pg_activity's", "≤ 0.25", own["cpu_s_per_min"], activity["cpu_s_per_min"], 0.25, "s")
    memory = [own["peak_kb"], result["drill"]["ejecutivos_peak_kb"], result["drill"]["drill_peak_kb"]]
    said = " / ".join(f"{kb / 1000:.1f}" for kb in memory) + f" MB (pg_activity {activity['peak_kb'] / 1000:.0f})"
    yield row("peak memory: 3,230 rows / 10,000 ejecutivos / drill into 100,000 rows", "≤ 12 / 24 / 32 MB", said, all(kb <= mb * 1000 for kb, mb in zip(memory, (12, 24, 32))))
    yield ratio("bytes a second to the terminal at rest, to psql `\\watch`'s", "≤ 1", own["bytes_per_s"], watch["bytes_per_s"], 1, "B")
    for size, figures in result["sizes"].items():
        rest = figures["rest"]
        yield row(f"statements at rest, {size:,} rows", "1 a second, ≤ 1.5 ms", f"{rest['per_s']:.2f} a second, {rest['mean_ms']:.2f} ms", rest["per_s"] <= 1.1 and rest["mean_ms"] <= 1.5)
    # A run may leave something out: then there is no row for it.
    for what in (what for what in ("runs", "views") if result[what]):
        (few, least), (many, most) = list(result[what].items())[0], list(result[what].items())[-1]
        yield ratio(f"a pulse with {many:,} {what}, to one with {few:,}", "≤ 2", most["mean_ms"], least["mean_ms"], 2)
    yield row(f"server time at rest, {last[0]:,} rows", "≤ 0.2 % of a core", f"{last[1]['rest']['core_percent']:.3f} %", last[1]["rest"]["core_percent"] <= 0.2)
    for size, figures in ((size, f) for size, f in result["sizes"].items() if "writes" in f):
        percent = figures["writes"]["core_percent"]
        yield row(f"server time with steady writes, {size:,} rows", "≤ 2 % of a core", f"{percent:.2f} %, {figures['writes']['comparisons']} comparisons", percent <= 2)
    for size, figures in result["sizes"].items():
        for kind, when in LOOKS.items():
            one, other = figures[f"groups_{kind}_ms"], figures[f"counts_{kind}_ms"]
            yield ratio(f"groups compared {when}, to the bare counts, {size:,} rows", "≤ 1.25", one, other, 1.25)
        yield ratio(f"all values compared, to a plain REFRESH, {size:,} rows", "≤ 1", figures["values_ms"], figures["refresh_ms"], 1)
    for how, ms in result["keys"].items():
        yield row(f"key to frame, 99th percentile, {how}", "≤ 16 ms", f"{ms:.1f} ms", ms <= 16)
    for name, us in result["micro"].items():
        if "frame" in name:
            yield row(name, "≤ 2 ms", f"{us / 1000:.2f} ms", us <= 2000)
    drill = result["drill"]
    yield ratio("drill into 100,000 rows: first page, to the comparison", "≤ 1.2", drill["first_page_ms"], drill["comparison_ms"], 1.2)
    yield row("drill into 100,000 rows: any scroll, 99th percentile", "≤ 16 ms", f"{drill['scroll_p99_ms']:.1f} ms", drill["scroll_p99_ms"] <= 16)


def table(result):
    lines = [
        f"Measured on {result['machine']}, {result['seconds']} s each.",
        "",
        "| what | must be | measured | holds |",
        "|---|---|---|---|",
        *rows(result),
        "",
        "Micro-benchmarks (`cargo bench`, medians): " + ", ".join(f"{n} {us:,.1f} µs" for n, us in sorted(result["micro"].items())) + ".",
        "",
        "![cost against size](benches/growth.svg)",
    ]
    return "\n".join(lines)


def write(path, result):
    text = open(path, encoding="utf-8").read()
    begin, end = "<!-- measured -->", "<!-- end -->"
    body = f"{begin}\n{table(result)}\n{end}"
    open(path, "w", encoding="utf-8").write(re.sub(f"{begin}.*{end}", lambda _: body, text, flags=re.S))
    growth = os.path.join(os.path.dirname(os.path.abspath(__file__)), "growth.svg")
    open(growth, "w", encoding="utf-8").write(picture(result))


def picture(result):
    """Server time against the number of rows, on two logarithmic axes."""
    sizes = result["sizes"]
    lines = {
        "pulse": ("#0072b2", [(n, f["rest"]["mean_ms"]) for n, f in sizes.items()]),
        "bare counts": ("#999999", [(n, f["counts_healed_ms"]) for n, f in sizes.items()]),
        "groups, none moved": ("#009e73", [(n, f["groups_healed_ms"]) for n, f in sizes.items()]),
        "groups, some moved": ("#d55e00", [(n, f["groups_moved_ms"]) for n, f in sizes.items()]),
        "all values": ("#cc79a7", [(n, f["values_ms"]) for n, f in sizes.items()]),
        "plain REFRESH": ("#000000", [(n, f["refresh_ms"]) for n, f in sizes.items()]),
    }
    width, height, left, bottom = 720, 420, 70, 50
    xs, ys = [math.log10(n) for n in sizes], [-1, 5]
    span = (max(xs) - min(xs)) or 1

    def place(n, ms):
        x = left + (math.log10(n) - min(xs)) / span * (width - left - 190)
        return x, height - bottom - (math.log10(max(ms, 0.1)) - ys[0]) / (ys[1] - ys[0]) * (height - bottom - 20)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>']
    for power in range(ys[0], ys[1] + 1):
        y = place(min(sizes), 10.0**power)[1]
        label = f"{10**power:,} ms" if power >= 0 else "0.1 ms"
        parts.append(f'<path d="M{left} {y:.1f}H{width - 190}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for n in sizes:
        parts.append(f'<text x="{place(n, 1)[0]:.1f}" y="{height - 28}" text-anchor="middle">{n:,}</text>')
    parts.append(f'<text x="{(left + width - 190) / 2}" y="{height - 8}" text-anchor="middle">rows of the view</text>')
    taken = []
    for name, (colour, points) in sorted(lines.items(), key=lambda l: -l[1][1][-1][1]):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*p) for p in points))
        y = place(*points[-1])[1]
        while any(abs(y - other) < 15 for other in taken):
            y += 1
        taken.append(y)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/><text x="{width - 180}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
