"""What is measured: each function takes a connection string and gives a dictionary of figures."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

from terminal import Terminal

VIEW = "mv_conversaciones_dashboard"
DATA = re.compile(rb"live\W+[\d,]+")
WATCH = (
    f"SELECT max(vista_actualizada_at), count(*) FROM {VIEW}"
    " UNION ALL SELECT now(), count(*) FROM conversaciones_whatsapp \\watch 1\n"
)
OSMARA = "ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531'"
BOOM, VEN = (f"coordinacion_id = '{id}'" for id in ("e590fed1-6d65-43e0-80ab-ff819ce63eee", "3f41a10b-60b1-4c2b-b097-a83968353af5"))
# The incident document's verification queries, one after the other.
DOCUMENT = f"""
SELECT MAX(vista_actualizada_at), COUNT(*) FROM {VIEW};
SELECT COUNT(*) FROM conversaciones_whatsapp;
SELECT COUNT(*) FROM prospectos WHERE {OSMARA} AND {BOOM};
SELECT COUNT(*) FROM conversaciones_whatsapp c INNER JOIN prospectos p ON c.prospecto_id = p.id WHERE p.{OSMARA} AND p.{BOOM};
SELECT COUNT(*) FROM {VIEW} WHERE {OSMARA} AND {BOOM};
SELECT COUNT(*) FROM {VIEW} WHERE {OSMARA} AND {VEN};
SELECT COUNT(*) FROM {VIEW} WHERE {BOOM};
SELECT COUNT(*) FROM {VIEW} WHERE {OSMARA};
SELECT jobid, jobname, schedule, active FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
SELECT start_time, end_time, status FROM cron.job_run_details WHERE jobid = 3 ORDER BY start_time DESC LIMIT 5;
"""


def psql(conninfo, sql, *options):
    return subprocess.check_output(["psql", conninfo, "-XqAt", *options, "-c", sql], text=True).strip()


class Session:
    """A psql that stays, as a console's connections do."""

    def __init__(self, conninfo):
        self.psql = subprocess.Popen(["psql", conninfo, "-XqAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, sql):
        """Runs a statement and waits for its end."""
        self.psql.stdin.write(f"{sql};\n\\echo over\n")
        self.psql.stdin.flush()
        while self.psql.stdout.readline() not in ("over\n", ""):
            pass

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


def median_of(times, action):
    """The median milliseconds of an action."""
    lengths = []
    for _ in range(times):
        began = time.monotonic()
        action()
        lengths.append((time.monotonic() - began) * 1000)
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
    """Each tool: its command, its environment, what its first data looks like, what to type at the start."""
    fields = dict(part.split("=", 1) for part in conninfo.split())
    libpq = {"PGHOST": fields["host"], "PGPORT": fields["port"], "PGUSER": fields["user"], "PGDATABASE": fields["dbname"]}
    words = ["-h", fields["host"], "-p", fields["port"], "-U", fields["user"], "-d", fields["dbname"]]
    found = {
        "mvtop": ([mvtop, conninfo], {}, DATA, ""),
        "psql \\watch": (["psql", "-X", "-P", "pager=off", conninfo], {}, re.compile(rb"\(2 rows\)"), WATCH),
        "pg_activity": ([pg_activity(), "--refresh", "1", *words], libpq, re.compile(rb"RUNNING QUERIES|PostgreSQL 1"), ""),
    }
    if pg_top := shutil.which("pg_top"):
        found["pg_top"] = ([pg_top, "-s", "1", *words], libpq, re.compile(rb"PID\s+USERNAME|COMMAND"), "")
    return found


def begun(how):
    """A tool in its terminal, typed to."""
    command, environment, _, typed = how
    terminal = Terminal(command, environment)
    if typed:
        terminal.send(typed)
    return terminal


def starts(conninfo, tools, times=15):
    """Milliseconds to each tool's first data, and of psql's `SELECT 1`, one after the other in turn."""
    lengths = {name: [] for name in ["SELECT 1", *tools]}
    for _ in range(times):
        lengths["SELECT 1"].append(median_of(1, lambda: run(["psql", "-X", conninfo, "-c", "SELECT 1"])))
        for name, how in tools.items():
            terminal = begun(how)
            lengths[name].append((terminal.read_for(30, how[2]) or float("nan")) * 1000)
            terminal.close()
            # What it had asked goes on for a moment on the server, and would slow down the next.
            time.sleep(0.5)
    return {name: statistics.median(found) for name, found in lengths.items()}


def watching(tools, seconds):
    """What each tool costs while it only watches, all of them side by side."""
    terminals = {name: begun(how) for name, how in tools.items()}

    def read(length):
        readers = [threading.Thread(target=t.read_for, args=(length,)) for t in terminals.values()]
        [reader.start() for reader in readers]
        [reader.join() for reader in readers]

    # Whatever the start set in motion must be over: statistics, comparisons, caches.
    read(15)
    before, began = {name: (t.cpu(), t.bytes) for name, t in terminals.items()}, time.monotonic()
    read(seconds)
    length = time.monotonic() - began
    figures = {}
    for name, terminal in terminals.items():
        cpu, sent = before[name]
        figures[name] = {
            "cpu_s_per_min": (terminal.cpu() - cpu) * 60 / length,
            "peak_kb": terminal.peak(),
            "bytes_per_s": (terminal.bytes - sent) / length,
        }
        terminal.close()
    return figures


def statements(conninfo):
    """What the server counted since the last reset, but for the bench's own statements: text, calls, total ms."""
    sql = (
        "SELECT json_agg(json_build_array(query, calls, total_exec_time)) FROM pg_stat_statements"
        " WHERE query NOT LIKE '%pg_stat_statements%' AND query NOT LIKE '%bench%' AND query NOT IN ('BEGIN', 'COMMIT')"
    )
    return json.loads(psql(conninfo, sql) or "null") or []


def at_rest(mvtop, conninfo, seconds):
    """What the server sees of a console while nothing changes: no job of the demo's runs either."""
    psql(conninfo, "UPDATE cron.job SET active = false")
    terminal = Terminal([mvtop, conninfo])
    terminal.read_for(120, DATA)
    # Counters of the writes before are flushed within 10 s, and many views are compared one after the other within the
    # budget; then nothing moves.
    terminal.read_for(20)
    for _ in range(30):
        psql(conninfo, "SELECT pg_stat_statements_reset()")
        terminal.read_for(10)
        if sum(s[1] for s in statements(conninfo)) <= 11:
            break
    psql(conninfo, "SELECT pg_stat_statements_reset()")
    terminal.read_for(seconds)
    seen = statements(conninfo)
    terminal.close()
    calls, total = sum(s[1] for s in seen), sum(s[2] for s in seen)
    return {"per_s": calls / seconds, "mean_ms": total / max(calls, 1), "kinds": len(seen), "core_percent": total / seconds / 10}


def with_writes(mvtop, conninfo, seconds):
    """What the server spends on a console while ten rows a second are written."""
    stop = threading.Event()
    pick = psql(conninfo, "SELECT string_agg(quote_literal(id::text), ',') FROM (SELECT id FROM prospectos LIMIT 50) AS p")
    sql = f"UPDATE /* bench */ prospectos SET etapa = etapa WHERE id IN ({pick}) AND random() < 0.2"

    def write():
        with subprocess.Popen(["psql", conninfo, "-Xq"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as client:
            while not stop.wait(1):
                client.stdin.write(sql + ";\n")
                client.stdin.flush()
            client.stdin.close()

    writer = threading.Thread(target=write)
    terminal = Terminal([mvtop, conninfo])
    terminal.read_for(120, DATA)
    terminal.read_for(20)
    writer.start()
    # Not the first comparison after the first write: the steady state.
    terminal.read_for(30)
    psql(conninfo, "SELECT pg_stat_statements_reset()")
    terminal.read_for(seconds)
    seen = statements(conninfo)
    stop.set()
    writer.join()
    terminal.close()
    return {"core_percent": sum(s[2] for s in seen) / seconds / 10, "comparisons": sum(s[1] for s in seen if "v_groups" in s[0] or "AS stored" in s[0])}


def comparisons(mvtop, conninfo):
    """The server's time for the comparisons and for what they are measured by, as pg_stat_statements has it."""
    definition = psql(conninfo, f"SELECT pg_get_viewdef('{VIEW}'::regclass)").rstrip(";")
    rows = int(psql(conninfo, f"SELECT count(*) FROM {VIEW}"))
    rounds, pause = (25, 1) if rows < 100_000 else (2, 20) if rows < 1_000_000 else (1, 60)
    counts = [f"SELECT ejecutivo_id, coordinacion_id, count(*) AS counted FROM {source} AS x GROUP BY 1, 2" for source in (VIEW, f"({definition})")]

    def each_round(look, beside=counts):
        """What the server counted while it was looked, and done what that is measured by, in turn."""
        psql(conninfo, "SELECT pg_stat_statements_reset()")
        session = Session(conninfo)
        for place in range(rounds):
            look(place)
            for statement in beside:
                session.ask(statement)
        session.close()
        return statements(conninfo)

    def watched(*befores):
        """The same of a console that looked before, for each thing done before it is asked to look again."""
        terminal = Terminal([mvtop, conninfo])
        terminal.read_for(300, DATA)
        terminal.read_for(10 + pause)
        for before in befores:
            yield each_round(lambda place: (before(place), terminal.read_for(1), terminal.send("R"), terminal.read_for(pause)))
        terminal.close()

    def move(place):
        """Moves another row of the view to another group."""
        row = f"(SELECT prospecto_id FROM {VIEW} ORDER BY prospecto_id LIMIT 1 OFFSET {place})"
        other = f"CASE WHEN {BOOM} THEN {VEN.split(' = ')[1]} ELSE {BOOM.split(' = ')[1]} END::uuid"
        psql(conninfo, f"UPDATE /* bench */ prospectos SET coordinacion_id = {other} WHERE id = {row}")

    def refresh(_):
        psql(conninfo, f"REFRESH MATERIALIZED VIEW {VIEW}")

    def nothing(_):
        pass

    def check(_):
        run([mvtop, "check", "--timeout", "300s", conninfo])

    first = each_round(check)
    # Rolled back, so that as many rows differ as before.
    values = each_round(check, [f"BEGIN; REFRESH MATERIALIZED VIEW {VIEW}; ROLLBACK"])
    stands, moved, refreshed = watched(nothing, move, refresh)
    # A view that was just written is read more slowly until it is vacuumed, by whatever counts it.
    psql(conninfo, f"VACUUM ANALYZE {VIEW}")
    (healed,) = watched(nothing)

    def mean(seen, *words, without="\0"):
        found = [s[2] / s[1] for s in seen if all(w in s[0] for w in words) and without not in s[0]]
        return statistics.mean(found or [float("nan")])

    def look(seen):
        """The mean of what a look at the groups took: sums, pairs, or where the sums did not tell, both."""
        sums = [s for s in seen if "AS whole" in s[0]]
        pairs = [s for s in seen if "AS v_groups" in s[0] and "*<>" not in s[0]]
        looks = max(sum(s[1] for s in statements) for statements in (sums, pairs))
        return sum(s[2] for s in sums + pairs) / looks if looks else float("nan")

    counted = lambda seen: sum(s[2] / s[1] for s in seen if "AS counted" in s[0])
    kinds = {"first": first, "stands": stands, "moved": moved, "refreshed": refreshed, "healed": healed}
    return {
        **{f"groups_{kind}_ms": look(seen) for kind, seen in kinds.items()},
        **{f"counts_{kind}_ms": counted(seen) for kind, seen in kinds.items()},
        "values_ms": mean(values, "AS v_groups", "*<>"),
        "refresh_ms": statistics.mean(s[2] / s[1] for s in values if s[0].startswith("REFRESH")),
    }


class BlackHole:
    """A Unix socket in front of the server's that, when told to, swallows everything in both directions."""

    def __init__(self, folder, server):
        self.swallows = False
        self.server = server
        os.makedirs(folder, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"{folder}/.s.PGSQL.5432")
        self.socket.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.socket.accept()[0]
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.server)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    def pump(self, one, other):
        # Either side may end first.
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.swallows:
                    other.sendall(data)


def keys_while_hanging(mvtop, conninfo, folder):
    """The 99th percentile of key to frame while nothing the console asks is answered, in ms, three ways."""
    host = dict(part.split("=", 1) for part in conninfo.split())["host"]
    postmaster = int(open(os.path.join(os.path.dirname(host), "data", "postmaster.pid")).readline())
    hole = BlackHole(folder, f"{host}/.s.PGSQL.5432")

    def pressed(where, hang, release):
        terminal = Terminal([mvtop, where])
        terminal.read_for(30, DATA)
        terminal.read_for(2)
        hang()
        terminal.read_for(3)
        lengths = sorted(terminal.answer(key) * 1000 for key in "jk" * 100)
        release()
        terminal.close()
        return lengths[int(len(lengths) * 0.99) - 1]

    locker = subprocess.Popen(["psql", conninfo, "-Xq"], stdin=subprocess.PIPE, text=True)

    def lock():
        locker.stdin.write(f"BEGIN; REFRESH MATERIALIZED VIEW {VIEW};\n")
        locker.stdin.flush()

    def unlock():
        locker.stdin.close()
        locker.wait()

    def everyone(what):
        children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
        for pid in [postmaster, *map(int, children)]:
            os.kill(pid, what)

    return {
        "view locked": pressed(conninfo, lock, unlock),
        "server stopped": pressed(conninfo, lambda: everyone(signal.SIGSTOP), lambda: everyone(signal.SIGCONT)),
        "black hole": pressed(
            re.sub(r"host=\S+", f"host={folder}", conninfo),
            lambda: setattr(hole, "swallows", True),
            lambda: setattr(hole, "swallows", False),
        ),
    }


def drill(mvtop, conninfo):
    """A drill into 100,000 drifted rows, and a console over 10,000 ejecutivos."""
    terminal = Terminal([mvtop, re.sub(r"dbname=\S+", "dbname=many", conninfo)])
    terminal.read_for(60, DATA)
    terminal.read_for(5)
    wide = terminal.peak()
    terminal.close()
    deep = re.sub(r"dbname=\S+", "dbname=deep", conninfo)
    compared = json.loads(subprocess.run([mvtop, "check", "--json", "--timeout", "60s", deep], capture_output=True, text=True).stdout)
    terminal = Terminal([mvtop, deep])
    terminal.read_for(60, re.compile(rb"100,000"))
    terminal.read_for(5)
    terminal.text = b""
    began = time.monotonic()
    terminal.send("3\r")
    terminal.read_for(60, re.compile(rb"moved[^\n]*row-"))
    first = (time.monotonic() - began) * 1000
    terminal.read_for(1)
    lengths = sorted(terminal.answer(key) * 1000 for key in ["\x1b[6~", "j", "\x1b[6~", "k", "\x1b[5~"] * 30)
    result = {
        "ejecutivos_peak_kb": wide,
        "drill_peak_kb": terminal.peak(),
        "first_page_ms": first,
        "comparison_ms": compared["views"][0]["drift"]["values_ms"],
        "scroll_p99_ms": lengths[int(len(lengths) * 0.99) - 1],
    }
    terminal.close()
    return result


# 100,000 rows of 10,000 ejecutivos of which a tenth moved; 100,000 rows of one ejecutivo, all of them moved.
TABLES = """
CREATE TABLE t AS SELECT i AS id, 'row-' || i AS nombre, {who} AS ejecutivo_id, i % 6 AS coordinacion_id FROM generate_series(1, 100000) AS i;
ALTER TABLE t ADD PRIMARY KEY (id);
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
CREATE UNIQUE INDEX ON mv (id);
UPDATE t SET coordinacion_id = (coordinacion_id + 1) % 6 WHERE {moved};
VACUUM ANALYZE;
"""


def make_tables(conninfo):
    for name, who, moved in [("many", "i % 10000", "id % 10 = 0"), ("deep", "1", "true")]:
        psql(conninfo, f"CREATE DATABASE {name}")
        other = re.sub(r"dbname=\S+", f"dbname={name}", conninfo)
        for statement in TABLES.format(who=who, moved=moved).strip().split("\n"):
            psql(other, statement)


def add_runs(conninfo, total):
    """A history of so many runs, a minute apart."""
    psql(
        conninfo,
        "INSERT INTO cron.job_run_details (jobid, runid, job_pid, database, username, command, status, return_message, start_time, end_time)"
        " SELECT 1, nextval('cron.runid_seq'), 1, 'crm', 'postgres', 'SELECT 1 /* bench */', 'succeeded', '1 row',"
        f" now() - make_interval(mins => {total} - i), now() - make_interval(mins => {total} - i) + interval '10 ms'"
        f" FROM generate_series(1, {total}) AS i",
    )
    psql(conninfo, "ANALYZE cron.job_run_details")


def add_views(conninfo, total):
    """So many small views more."""
    make = "CREATE MATERIALIZED VIEW bench_%s AS SELECT etapa, count(*) FROM prospectos GROUP BY etapa"
    psql(conninfo, f"DO $$ BEGIN FOR i IN 1..{total} LOOP EXECUTE format('{make}', i); END LOOP; END $$")
