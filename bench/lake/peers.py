"""The peers' half of `cargo xtask bench lake`: DuckDB on the lake's Parquet files, chDB on a MergeTree table of its own.

`peers.py LAKE WORK` prints `answer peer=NAME question=NAME cold_ms=N warm_ms=N rows=N` for each question that a peer answers,
and `load peer=chdb seconds=N bytes=N`. Cold means that the system was told to forget the files before.
"""

import glob
import ipaddress
import json
import os
import sys
import time

lake, work = sys.argv[1], sys.argv[2]
subjects = json.load(open(f"{lake}/subjects.json"))
parquet = f"{lake}/events/day=*/part-*.parquet"


def stored(address):
    """An address as the lake stores it: 16 bytes, IPv4 mapped into IPv6."""
    return (b"\0" * 10 + b"\xff\xff" + ipaddress.ip_address(address).packed).hex()


def forget(folder):
    for path in glob.glob(f"{folder}/**/*", recursive=True):
        if os.path.isfile(path):
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def measure(peer, questions, ask, begin, folder):
    for name, question in questions.items():
        forget(folder)
        handle = begin()
        times = []
        for _ in range(4):
            start = time.monotonic()
            rows = ask(handle, question)
            times.append(round((time.monotonic() - start) * 1000))
        print(f"answer peer={peer} question={name} cold_ms={times[0]} warm_ms={min(times[1:])} rows={rows}", flush=True)


def duckdb_questions():
    events = f"read_parquet('{parquet}', hive_partitioning=false)"
    has = "list_contains(list_transform(map_values(fields), lambda x: contains(lower(x), '{}')), true)"
    return {
        "address": f"SELECT * FROM {events} WHERE \"source.ip\" = from_hex('{stored(subjects['address'])}')",
        "hash": f"SELECT * FROM {events} WHERE \"file.hash.sha256\" = '{subjects['hash']}'",
        "user_in_an_hour": f"SELECT seq FROM {events} WHERE \"user.name\" = '{subjects['user']}' AND happened_at >= '{subjects['from']}' AND happened_at < '{subjects['before']}'",
        "rare_substring": f"SELECT seq FROM {events} WHERE {has.format('xq7-relay')}",
        "common_substring": f"SELECT seq FROM {events} WHERE {has.format('powershell')} LIMIT 100",
        "top_hosts": f"SELECT \"host.name\", count(*) n FROM {events} GROUP BY 1 ORDER BY n DESC LIMIT 10",
        "histogram": f"SELECT date_trunc('hour', happened_at) h, count(*) FROM {events} GROUP BY h",
        "sessions": f"SELECT \"host.name\", date_trunc('hour', happened_at) h, min(happened_at), max(happened_at), count(*) FROM {events} WHERE \"user.name\" = '{subjects['user']}' GROUP BY 1, 2",
        "distinct": f"SELECT count(DISTINCT \"user.name\"), count(DISTINCT \"process.executable\") FROM {events}",
        "indicators": f"SELECT count(*) FROM {events} e JOIN indicators i ON e.\"source.ip\" = i.address",
    }


def duckdb_peer():
    import duckdb

    def begin():
        connection = duckdb.connect()
        connection.execute("SET threads = 2; SET memory_limit = '4GB'")
        connection.execute("CREATE TABLE indicators (address BLOB)")
        lines = open(f"{lake}/indicators.txt").read().split()
        rows = "\n".join(stored(line) for line in lines)
        open(f"{work}/indicators.hex", "w").write(rows)
        connection.execute(f"INSERT INTO indicators SELECT from_hex(column0) FROM read_csv('{work}/indicators.hex', header=false, columns={{'column0': 'VARCHAR'}})")
        return connection

    measure("duckdb", duckdb_questions(), lambda c, q: len(c.execute(q).fetchall()), begin, lake)


def chdb_peer():
    from chdb import session

    folder = f"{work}/chdb"
    opened = session.Session(folder)
    start = time.monotonic()
    opened.query("SET max_threads = 2")
    opened.query("CREATE DATABASE IF NOT EXISTS bench")
    opened.query("DROP TABLE IF EXISTS bench.events")
    opened.query(
        """CREATE TABLE bench.events (seq UInt64, happened_at DateTime64(6, 'UTC'), host LowCardinality(String), user String, source_ip FixedString(16),
        sha256 String, executable LowCardinality(String), text String CODEC(ZSTD(3)),
        INDEX ip source_ip TYPE bloom_filter(0.005) GRANULARITY 1, INDEX hash sha256 TYPE bloom_filter(0.005) GRANULARITY 1, INDEX who user TYPE bloom_filter(0.005) GRANULARITY 1,
        INDEX grams lower(text) TYPE ngrambf_v1(5, 65536, 1, 0) GRANULARITY 1)
        ENGINE = MergeTree PARTITION BY toDate(happened_at) ORDER BY (host, happened_at)"""
    )
    for file in sorted(glob.glob(parquet)):
        opened.query(
            f"""INSERT INTO bench.events SELECT seq, happened_at, ifNull("host.name", ''), ifNull("user.name", ''), ifNull("source.ip", toFixedString('', 16)),
            ifNull("file.hash.sha256", ''), ifNull("process.executable", ''), arrayStringConcat(arrayMap(x -> ifNull(x, ''), mapValues(fields)), ' ') FROM file('{file}', Parquet)"""
        )
    opened.query("CREATE TABLE IF NOT EXISTS bench.indicators (address FixedString(16)) ENGINE = MergeTree ORDER BY address")
    opened.query("TRUNCATE TABLE bench.indicators")
    opened.query(f"INSERT INTO bench.indicators SELECT unhex(c1) FROM file('{work}/indicators.hex', CSV, 'c1 String')")
    seconds = round(time.monotonic() - start)
    size = sum(os.path.getsize(path) for path in glob.glob(f"{folder}/**/*", recursive=True) if os.path.isfile(path))
    print(f"load peer=chdb seconds={seconds} bytes={size}", flush=True)
    questions = {
        "address": f"SELECT * FROM bench.events WHERE source_ip = unhex('{stored(subjects['address'])}')",
        "hash": f"SELECT * FROM bench.events WHERE sha256 = '{subjects['hash']}'",
        "user_in_an_hour": f"SELECT seq FROM bench.events WHERE user = '{subjects['user']}' AND happened_at >= parseDateTime64BestEffort('{subjects['from']}', 6) AND happened_at < parseDateTime64BestEffort('{subjects['before']}', 6)",
        "rare_substring": "SELECT seq FROM bench.events WHERE lower(text) LIKE '%xq7-relay%'",
        "common_substring": "SELECT seq FROM bench.events WHERE lower(text) LIKE '%powershell%' LIMIT 100",
        "top_hosts": "SELECT host, count() n FROM bench.events GROUP BY host ORDER BY n DESC LIMIT 10",
        "histogram": "SELECT toStartOfHour(happened_at) h, count() FROM bench.events GROUP BY h",
        "sessions": f"SELECT host, toStartOfHour(happened_at) h, min(happened_at), max(happened_at), count() FROM bench.events WHERE user = '{subjects['user']}' GROUP BY host, h",
        "distinct": "SELECT uniqExact(user), uniqExact(executable) FROM bench.events",
        "indicators": "SELECT count() FROM bench.events WHERE source_ip IN (SELECT address FROM bench.indicators)",
    }

    def ask(handle, question):
        answer = handle.query(question + " SETTINGS max_threads = 2", "TSV")
        text = str(answer)
        return text.count("\n")

    measure("chdb", questions, ask, lambda: opened, folder)


os.makedirs(work, exist_ok=True)
for peer in (duckdb_peer, chdb_peer):
    try:
        peer()
    except ImportError as error:
        print(f"missing peer={peer.__name__.split('_')[0]} because={error}", flush=True)
