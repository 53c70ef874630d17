"""tables.py - the data that the benchmarks back up, and what they measure alike."""
import subprocess
import time

TABLES = [  # per GiB of database
    "CREATE TABLE accounts AS SELECT g AS id, g % 1000 AS branch, (g::bigint * 7919) % 100000 AS balance, repeat(' ', 84) AS filler "
    "FROM generate_series(1, {n} * 2600000) g",
    "CREATE TABLE events AS SELECT g AS id, now() - g * interval '1 second' AS at, json_build_object('user', g % 5000, "
    "'action', (ARRAY['view','submit','grade','login'])[1 + g % 4], 'course', md5((g % 977)::text), 'score', "
    "(g::bigint * 31) % 100)::jsonb AS body FROM generate_series(1, {n} * 1900000) g",
    "CREATE TABLE texts AS SELECT g AS id, (SELECT string_agg((ARRAY['school','teacher','lesson','mathematics','grade','homework',"
    "'the','of','and','student'])[1 + (g * 7 + i * i) % 10], ' ') FROM generate_series(1, 60) i) AS body FROM "
    "generate_series(1, {n} * 250000) g",
    "CREATE TABLE files AS SELECT g AS id, decode(string_agg(md5((g * 64 + i)::text), ''), 'hex') AS content FROM "
    "generate_series(1, {n} * 60000) g, generate_series(1, 64) i GROUP BY g",
]


def peak_of(argv, env):
    """Peak resident memory of the process itself, not of its children."""
    process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            for line in open("/proc/%d/status" % process.pid):
                if line.startswith("VmHWM"):
                    peak = max(peak, int(line.split()[1]))
        except (OSError, ProcessLookupError):
            pass
        time.sleep(0.1)
    return peak / 1024
