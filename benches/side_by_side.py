#!/usr/bin/env python3
"""Measures mvtop beside what people use today, in one run on one private server: `make bench`.

Every tool runs in a pseudo-terminal of 120 columns and 40 rows against `mvtop demo --serve --quiet`. Machines are noisy:
the ratios within one run count, not the numbers.
"""
import argparse
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time

COLUMNS, ROWS = 120, 40
TICKS = os.sysconf("SC_CLK_TCK")
WATCH = (
    "SELECT max(vista_actualizada_at), count(*) FROM mv_conversaciones_dashboard"
    " UNION ALL SELECT now(), count(*) FROM conversaciones_whatsapp \\watch 1\n"
)
# The incident document's verification queries, one after the other.
DOCUMENT = """
SELECT MAX(vista_actualizada_at), COUNT(*) FROM mv_conversaciones_dashboard;
SELECT COUNT(*) FROM conversaciones_whatsapp;
SELECT COUNT(*) FROM prospectos WHERE ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531' AND coordinacion_id = 'e590fed1-6d65-43e0-80ab-ff819ce63eee';
SELECT COUNT(*) FROM conversaciones_whatsapp c INNER JOIN prospectos p ON c.prospecto_id = p.id WHERE p.ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531' AND p.coordinacion_id = 'e590fed1-6d65-43e0-80ab-ff819ce63eee';
SELECT COUNT(*) FROM mv_conversaciones_dashboard WHERE ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531' AND coordinacion_id = 'e590fed1-6d65-43e0-80ab-ff819ce63eee';
SELECT COUNT(*) FROM mv_conversaciones_dashboard WHERE ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531' AND coordinacion_id = '3f41a10b-60b1-4c2b-b097-a83968353af5';
SELECT COUNT(*) FROM mv_conversaciones_dashboard WHERE coordinacion_id = 'e590fed1-6d65-43e0-80ab-ff819ce63eee';
SELECT COUNT(*) FROM mv_conversaciones_dashboard WHERE ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531';
SELECT jobid, jobname, schedule, active FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
SELECT start_time, end_time, status FROM cron.job_run_details WHERE jobid = 3 ORDER BY start_time DESC LIMIT 5;
"""


class Terminal:
    """A program in a pseudo-terminal, its output counted."""

    def __init__(self, command, environment=None):
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", **(environment or {})})
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.bytes = 0
        self.text = b""

    def read_for(self, seconds, until=None):
        """Reads for so long, or until the output holds `until`; the seconds since the start when it did."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:
                break
            if not chunk:
                break
            self.bytes += len(chunk)
            self.text = (self.text + chunk)[-200_000:]
            # Answer a program that asks for the cursor's place.
            if b"\x1b[6n" in chunk:
                os.write(self.fd, b"\x1b[1;1R")
            if until and until.search(plain(self.text)):
                return time.monotonic() - self.began
        return None

    def send(self, text):
        os.write(self.fd, text.encode())

    def cpu(self):
        """Seconds of processor time so far, children included (a Python tool may have some)."""
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return sum(int(f) for f in fields[11:15]) / TICKS

    def peak(self):
        """Peak resident memory in kB."""
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.pid}/status").read())[1])

    def close(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
            self.read_for(1)
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def plain(raw):
    """Terminal output without its control sequences, as far as searching needs."""
    return re.sub(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]", b" ", raw)


def psql(conninfo, sql, *options):
    command = ["psql", conninfo, "-XqAt", *options, "-c", sql]
    return subprocess.check_output(command, text=True).strip()


def median_of(times, action):
    """The median seconds of an action."""
    lengths = []
    for _ in range(times):
        began = time.monotonic()
        action()
        lengths.append(time.monotonic() - began)
    return statistics.median(lengths)


def run(command):
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def pg_activity():
    """The command of pg_activity, installed into a folder of its own if it is not there."""
    if found := shutil.which("pg_activity"):
        return found
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "mvtop-bench")
    program = os.path.join(folder, "bin", "pg_activity")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "-q", "install", "pg_activity", "psycopg[binary]"], check=True)
    return program


def tools(mvtop, conninfo):
    """Each tool: its command, what its first data looks like, what to type at the start."""
    fields = dict(part.split("=", 1) for part in conninfo.split())
    libpq = {"PGHOST": fields["host"], "PGPORT": fields["port"], "PGUSER": fields["user"], "PGDATABASE": fields["dbname"]}
    return {
        "mvtop": ([mvtop, conninfo], {}, rb"live\W+[\d,]+", ""),
        "psql \\watch": (["psql", "-X", "-P", "pager=off", conninfo], {}, rb"\(2 rows\)", WATCH),
        "pg_activity": (
            [pg_activity(), "--refresh", "1", "-h", fields["host"], "-p", fields["port"], "-U", fields["user"], "-d", fields["dbname"]],
            libpq,
            rb"RUNNING QUERIES|PostgreSQL 1",
            "",
        ),
    }


def measure(name, tool, seconds):
    command, environment, first, typed = tool
    starts = []
    for _ in range(5):
        terminal = Terminal(command, environment)
        if typed:
            terminal.send(typed)
        starts.append(terminal.read_for(30, re.compile(first)) or float("nan"))
        terminal.close()
    terminal = Terminal(command, environment)
    if typed:
        terminal.send(typed)
    terminal.read_for(30, re.compile(first))
    # Whatever the start set in motion must be over: statistics, comparisons, caches.
    terminal.read_for(5)
    cpu, sent, began = terminal.cpu(), terminal.bytes, time.monotonic()
    terminal.read_for(seconds)
    length = time.monotonic() - began
    result = {
        "start_ms": statistics.median(starts) * 1000,
        "cpu_s_per_min": (terminal.cpu() - cpu) * 60 / length,
        "peak_kb": terminal.peak(),
        "bytes_per_s": (terminal.bytes - sent) / length,
    }
    terminal.close()
    print(f"  {name}: {json.dumps({k: round(v, 2) for k, v in result.items()})}", file=sys.stderr)
    return result


def at_rest(mvtop, conninfo, seconds):
    """What the server sees of a console at rest: statements a second, their mean time, share of one core."""
    terminal = Terminal([mvtop, conninfo])
    terminal.read_for(30, re.compile(rb"live\W+[\d,]+"))
    # Counters of the writes before are flushed within 10 s; then nothing moves.
    terminal.read_for(30)
    psql(conninfo, "SELECT pg_stat_statements_reset()")
    terminal.read_for(seconds)
    rows = psql(
        conninfo,
        "SELECT sum(calls), sum(total_exec_time), count(*) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'",
    ).split("|")
    terminal.close()
    calls, total, kinds = int(rows[0] or 0), float(rows[1] or 0), int(rows[2])
    return {"per_s": calls / seconds, "mean_ms": total / max(calls, 1), "kinds": kinds, "core_percent": total / seconds / 10}


def comparisons(mvtop, conninfo):
    """The two comparisons against what they are measured by."""
    check = json.loads(subprocess.run([mvtop, "check", "--json", "--timeout", "120s", conninfo], capture_output=True, text=True).stdout)
    definition = psql(conninfo, "SELECT pg_get_viewdef('mv_conversaciones_dashboard'::regclass)").rstrip(";")
    counts = "SELECT ejecutivo_id, coordinacion_id, count(*) FROM {} AS x GROUP BY 1, 2"
    timed = lambda sql: float(
        re.search(r'"Execution Time": ([\d.]+)', psql(conninfo, f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}"))[1]
    )
    view = statistics.median(timed(counts.format("mv_conversaciones_dashboard")) for _ in range(3))
    live = statistics.median(timed(counts.format(f"({definition})")) for _ in range(3))
    refresh = median_of(3, lambda: psql(conninfo, "REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard")) * 1000
    drift = check["views"][0]["drift"]
    return {"groups_ms": drift["groups_ms"], "values_ms": drift["values_ms"], "counts_ms": view + live, "refresh_ms": refresh}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mvtop", default="target/release/mvtop")
    parser.add_argument("--rows", type=int, nargs="+", default=[3230])
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    results = {}
    for rows in options.rows:
        print(f"{rows} rows", file=sys.stderr)
        serve = subprocess.Popen(
            [options.mvtop, "demo", "--serve", "--quiet", "--scale", str(rows)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            conninfo = serve.stdout.readline().strip()
            result = {
                "psql_select_1_ms": median_of(9, lambda: run(["psql", "-X", conninfo, "-c", "SELECT 1"])) * 1000,
                "psql_document_ms": median_of(9, lambda: run(["psql", "-X", conninfo, "-c", DOCUMENT])) * 1000,
                "check_ms": median_of(9, lambda: run([options.mvtop, "check", conninfo])) * 1000,
            }
            result["comparisons"] = comparisons(options.mvtop, conninfo)
            result["tools"] = {n: measure(n, t, options.seconds) for n, t in tools(options.mvtop, conninfo).items()}
            result["at_rest"] = at_rest(options.mvtop, conninfo, options.seconds)
            results[rows] = result
        finally:
            serve.terminate()
            serve.wait()
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
