#!/usr/bin/env python3
"""Measures mvtop beside what people use today, on private servers, and writes BENCHMARKS.md: `make bench`.

Machines are noisy: the ratios within one run count, not the numbers. Every tool runs in a pseudo-terminal of 120 columns
and 40 rows against `mvtop demo --serve --quiet`. `--sizes 3230 --seconds 10` makes a short run.
"""
import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile

import measure
import report


@contextlib.contextmanager
def served(mvtop, *options):
    """A private server with the demo's data: its connection string."""
    command = [mvtop, "demo", "--serve", "--quiet", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        conninfo = process.stdout.readline().strip()
        measure.psql(conninfo, "VACUUM ANALYZE")
        yield conninfo
    finally:
        process.terminate()
        process.wait()


def say(what, figures):
    rounded = {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
    print(f"{what}: {json.dumps(rounded)}", file=sys.stderr, flush=True)
    return figures


def beside_others(mvtop, conninfo, seconds):
    """The small demo: everything that is compared with other tools."""
    tools, run = measure.tools(mvtop, conninfo), measure.run
    result = {
        "starts": say("starts", measure.starts(conninfo, tools)),
        "commands": say(
            "commands",
            {
                "document_ms": measure.median_of(15, lambda: run(["psql", "-X", conninfo, "-c", measure.DOCUMENT])),
                "check_ms": measure.median_of(15, lambda: run([mvtop, "check", conninfo])),
            },
        ),
    }
    # Nothing changes while they only watch: no job runs either.
    measure.psql(conninfo, "UPDATE cron.job SET active = false")
    result["tools"] = measure.watching(tools, max(seconds, 60))
    for name, figures in result["tools"].items():
        say(name, figures)
    with tempfile.TemporaryDirectory() as folder:
        result["keys"] = say("key to frame", measure.keys_while_hanging(mvtop, conninfo, folder))
    measure.make_tables(conninfo)
    result["drill"] = say("drill", measure.drill(mvtop, conninfo))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mvtop", default=os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release/mvtop"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[3230, 300_000, 1_000_000])
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000_000])
    parser.add_argument("--views", type=int, nargs="+", default=[1, 500])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--output", default="BENCHMARKS.md")
    options = parser.parse_args()
    mvtop, seconds = options.mvtop, options.seconds
    result = {"machine": machine(), "seconds": seconds, "sizes": {}, "runs": {}, "views": {}}
    result["micro"] = say("micro", report.criterion(os.environ.get("CARGO_TARGET_DIR", "target")))
    measure_size(mvtop, options.sizes[0], seconds, result, beside_others)
    for what, counts, add in [("runs", options.runs, measure.add_runs), ("views", options.views, measure.add_views)]:
        for count in counts:
            with served(mvtop) as conninfo:
                add(conninfo, count - (1 if what == "views" else 0))
                result[what][count] = say(f"{count} {what} at rest", measure.at_rest(mvtop, conninfo, min(seconds, 30)))
    # A run takes half an hour: what was measured so far is not lost with it.
    report.write(options.output, result)
    for size in options.sizes[1:]:
        measure_size(mvtop, size, seconds, result)
        report.write(options.output, result)
    print(json.dumps(result, indent=2))


def measure_size(mvtop, size, seconds, result, first=None):
    """What a view of so many rows costs."""
    with served(mvtop, "--scale", str(size)) as conninfo:
        if first:
            result |= first(mvtop, conninfo, seconds)
        figures = say(f"{size} rows", measure.comparisons(mvtop, conninfo))
        figures["rest"] = say(f"{size} rows at rest", measure.at_rest(mvtop, conninfo, seconds))
        # Between two comparisons of a large view lie minutes.
        window = max(seconds, 0 if size < 100_000 else 180 if size < 1_000_000 else 420)
        figures["writes"] = say(f"{size} rows with writes", measure.with_writes(mvtop, conninfo, window))
        result["sizes"][size] = figures


def machine():
    processor = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    memory = int(next(l for l in open("/proc/meminfo") if l.startswith("MemTotal")).split()[1]) // 1024 // 1024
    return f"{os.cpu_count()} cores of {processor}, {memory} GB"


if __name__ == "__main__":
    main()
