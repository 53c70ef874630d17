"""test_metrics.py - what monitoring is told: a Pushgateway, a textfile, a dead man's switch."""
import http.server
import json
import os
import shutil
import threading
import time

from harness import *
from servers import Postgres, Pushgateway, free_port

PG = Postgres()
GATEWAY = Pushgateway()
ROOT = temporary()
CLEANUP = [PG.close, GATEWAY.close, lambda: shutil.rmtree(ROOT)]
PG.psql("CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g")
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + ROOT + "/store", MARATEA_PLATFORM="berlin")
DOWN = dict(ENV, DATABASE_URL=PG.url(port=1))


class Pinged:
    """Stands for healthchecks.io, which cannot be installed here (API: healthchecks.io/docs/http_api): remembers what comes."""

    def __init__(self, status=200):
        seen = self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                seen.append((self.path, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/secret-uuid" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def names(metrics):
    return sorted(name[len("maratea_backup_"):] for name, platform, target in metrics)


def test_a_pushgateway_hears_of_success_failure_and_verification():
    begun = time.time()
    made = maratea("backup", "run", "postgres", "--pushgateway", GATEWAY.url, "-o", "json", env=ENV).json()
    first = GATEWAY.metrics()
    equal({(p, t) for _, p, t in first}, {("berlin", "postgres")})
    equal(names(first), ["duration_seconds", "exit_status", "last_run_timestamp_seconds", "last_success_timestamp_seconds",
                         "size_bytes", "stored_bytes"])
    value = lambda metrics, name: metrics["maratea_backup_" + name, "berlin", "postgres"]
    equal(value(first, "exit_status"), 0)
    equal(value(first, "size_bytes"), sum(o["size"] for o in made["objects"]))
    equal(value(first, "stored_bytes"), sum(o["stored_size"] for o in made["objects"]))
    assert begun - 1 <= value(first, "last_success_timestamp_seconds") <= time.time() + 1
    assert 0 < value(first, "duration_seconds") < 60
    # a failed run never erases the last success
    maratea("backup", "run", "postgres", "--pushgateway", GATEWAY.url + "/", env=DOWN, status=6)
    second = GATEWAY.metrics()
    equal(value(second, "exit_status"), 6)
    equal(value(second, "last_success_timestamp_seconds"), value(first, "last_success_timestamp_seconds"))
    equal(value(second, "size_bytes"), value(first, "size_bytes"))
    maratea("backup", "verify", made["id"], env=dict(ENV, MARATEA_BACKUP_PUSHGATEWAY=GATEWAY.url))
    third = GATEWAY.metrics()
    equal(sorted(set(names(third)) - set(names(second))),
          ["last_verified_timestamp_seconds", "recovery_seconds", "verified_backup_timestamp_seconds"])
    assert begun - 1 <= value(third, "last_verified_timestamp_seconds") <= time.time() + 1
    maratea("backup", "run", "postgres", "--dry-run", "--pushgateway", GATEWAY.url, env=DOWN, status=6)
    equal(value(GATEWAY.metrics(), "exit_status"), 6)


def test_a_textfile_keeps_the_last_success_and_other_targets():
    path = ROOT + "/maratea.prom"
    open(path, "w").write('# HELP maratea_backup_exit_status Exit status of the last run; 0 is good.\n'
                          '# TYPE maratea_backup_exit_status gauge\n'
                          'maratea_backup_exit_status{platform="berlin",target="redis"} 3\n')
    env = dict(ENV, MARATEA_BACKUP_METRICS_TEXTFILE=path)
    maratea("backup", "run", "postgres", env=env)
    first = open(path).read()
    holds(first, 'maratea_backup_exit_status{platform="berlin",target="redis"} 3\n',
          'maratea_backup_exit_status{platform="berlin",target="postgres"} 0\n')
    success = [l for l in first.splitlines() if l.startswith("maratea_backup_last_success_timestamp_seconds{")]
    equal(len(success), 1)
    maratea("backup", "run", "postgres", env=dict(env, DATABASE_URL=PG.url(port=1)), status=6)
    second = open(path).read()
    holds(second, success[0], 'maratea_backup_exit_status{platform="berlin",target="postgres"} 6\n')
    # each metric's lines stand together, each with one comment
    metrics = [l.split("{")[0].split(" ")[0] if l[0] != "#" else l.split(" ")[2] for l in second.splitlines()]
    equal([m for i, m in enumerate(metrics) if i == 0 or metrics[i - 1] != m], sorted(set(metrics)))
    equal(second.count("# TYPE maratea_backup_exit_status gauge"), 1)
    equal(os.stat(path).st_mode & 0o777, 0o644)
    equal(sorted(f for f in os.listdir(ROOT) if "prom" in f), ["maratea.prom", "maratea.prom.lock"])


def test_what_cannot_be_told_is_warned_of_and_fails_nothing():
    cases = [(["--pushgateway", "http://127.0.0.1:%d" % free_port()], "the metrics could not be pushed: "),
             (["--pushgateway", GATEWAY.url + "/absent"], "the metrics could not be pushed: it answered 404"),
             (["--metrics-textfile", ROOT + "/wrong.txt"], "the collector only reads files named *.prom"),
             (["--metrics-textfile", ROOT + "/absent/x.prom"], "the metrics could not be written: "),
             (["--ping", "http://127.0.0.1:%d/secret" % free_port()], "the ping did not arrive: "),
             (["--ping", Pinged(500).url], "the ping did not arrive: it answered 500")]
    for args, words in cases:
        done = maratea("backup", "run", "postgres", *args, env=ENV)
        holds(done.err, "maratea: warning: " + words if words.startswith("the ") and "collector" not in words else words)
        lacks(done.err, "secret")


def test_a_dead_mans_switch_is_pinged_at_start_and_end():
    pinged = Pinged()
    env = dict(ENV, MARATEA_BACKUP_PING=pinged.url)
    maratea("backup", "run", "postgres", env=env)
    maratea("backup", "run", "postgres", env=dict(env, DATABASE_URL=PG.url(password="wr0ng-pa55word")), status=6)
    maratea("backup", "run", "postgres", "--dry-run", env=env)
    maratea("backup", "run", "postgres", "-m", "sideways", env=env, status=2)
    paths = [path.split("?rid=")[0] for path, _ in pinged.seen]
    equal(paths, ["/secret-uuid/start", "/secret-uuid", "/secret-uuid/start", "/secret-uuid/fail"])
    ids = [path.split("?rid=")[1] for path, _ in pinged.seen]
    equal((ids[0] == ids[1], ids[2] == ids[3], ids[0] == ids[2]), (True, True, False))
    equal([len(i.split("-")) for i in ids], [5] * 4)
    holds(pinged.seen[3][1], "password authentication failed")
    lacks(json.dumps(pinged.seen), "wr0ng-pa55word")
    shown = maratea("config", "show", env=env)
    lacks(shown.out, "secret-uuid")


main(globals())
