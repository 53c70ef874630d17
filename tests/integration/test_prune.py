"""test_prune.py - what goes and what never goes; who is kept away; what unfinished runs left."""
import concurrent.futures
import html
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

from harness import *
from servers import Postgres, Proxy, Rgw, wait_until

PG = Postgres()
PG.psql("CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g")
ROOT = temporary()
RGW = Rgw()
CLEANUP = [PG.close, RGW.close, lambda: shutil.rmtree(ROOT)]
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + ROOT + "/store")
REAL = maratea("backup", "run", "postgres", "-o", "json", env=ENV).json()
REAL = json.load(open(ROOT + "/store/default/postgres/%s/manifest.json" % REAL["id"]))


class Blocker:
    """A transaction that holds table t until end(): pg_dump waits for it, and the run for pg_dump."""

    def __init__(self):
        self.process = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "postgres"],
                                        stdin=subprocess.PIPE, text=True)
        self.process.stdin.write("BEGIN; LOCK TABLE t;\n")
        self.process.stdin.flush()
        wait_until(lambda: PG.psql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock'") == "1", 30, "the lock")

    def wait_for_a_run(self):
        wait_until(lambda: PG.psql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted") != "0", 30, "pg_dump")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def keys_of(bucket):
    found, token = [], ""
    while True:
        status, body = RGW.request("GET", "/%s?list-type=2%s" % (bucket, "&continuation-token=" + urllib.parse.quote(token) if token else ""))
        equal(status, 200, body)
        text = body.decode()
        found += re.findall("<Key>(.*?)</Key>", text)
        token = html.unescape((re.findall("<NextContinuationToken>(.*?)</NextContinuationToken>", text) or [""])[0])
        if not token:
            return found


class Place:
    """A store of invented backups: whole folders, manifests with their true digests."""

    def __init__(self, name):
        self.dir = ROOT + "/" + name
        self.env = environment(MARATEA_STORE="file://" + self.dir)

    def folder(self, id, target="postgres"):
        return "%s/default/%s/%s" % (self.dir, target, id)

    def add(self, day, target="postgres", method="logical", whole=True, label=None, size=1000, tables=10, verified=None,
            at="12:00", extra=()):
        """A backup of so many days ago (or of a date); its content is small, whatever its manifest says."""
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - day * 86400)) if isinstance(day, (int, float)) else \
            day.replace("-", "") + "T" + at.replace(":", "") + "00Z"
        id = when + "-%06x" % (int.from_bytes(os.urandom(3), "big"))
        keys = ["db/a.pgdump.zst", "db/a.pgdump.zst.0002", "globals.sql.zst"]
        manifest = {k: v for k, v in REAL.items() if k != "sha256"}
        database = dict(REAL["databases"][0], tables=[{"schema": "s", "name": "t%d" % i, "rows": 1} for i in range(tables)])
        manifest.update(id=id, target=target, method=method, whole=whole, label=label, databases=[database], objects=[
            {"key": key, "compression": "zstd:3", "size": size if key == keys[0] else 0, "sha256": "0" * 64, "stored_size": 4,
             "stored_sha256": "0" * 64, "volumes": [{"key": key, "stored_size": 4, "stored_sha256": "0" * 64}]} for key in keys])
        text = sealed(manifest)
        for key in keys + ["alive-0"] + list(extra):
            os.makedirs(os.path.dirname(self.folder(id, target) + "/" + key), exist_ok=True)
            open(self.folder(id, target) + "/" + key, "w").write("1234")
        if verified is not None:
            record = dict(id=id, passed=verified, level="content", manifest_sha256=json.loads(text)["sha256"])
            open(self.folder(id, target) + "/verified-20260101T000000.000000Z-abcdef.json", "w").write(json.dumps(record))
        open(self.folder(id, target) + "/manifest.json", "w").write(text)
        return id

    def ids(self, target="postgres"):
        return sorted(i for i in os.listdir(self.dir + "/default/" + target) if i[0] == "2")

    def prune(self, *args, status=0, yes=True):
        return maratea("backup", "prune", *(["--yes"] if yes else []), "-o", "json", *args, env=self.env, status=status)


def test_nothing_is_removed_without_a_policy_a_confirmation_or_in_a_dry_run():
    place = Place("careful")
    ids = sorted(place.add(day) for day in range(5))
    failed = place.prune(status=3)
    holds(failed.err, "no retention is set: nothing says how much to keep", "hint: set backup.retention, or give --keep-last")
    failed = place.prune("--keep-last", "2", yes=False, status=2)
    holds(failed.err, "removing 3 of 5 backups of postgres", "there is no terminal to ask at", "hint: --yes confirms beforehand")
    plan = place.prune("--keep-last", "2", "--dry-run", yes=False).json()
    equal([(b["id"], b["action"], b["rules"]) for b in plan["backups"]],
          [(ids[4], "keep", ["last", "newest whole"]), (ids[3], "keep", ["last"]), (ids[2], "remove", []), (ids[1], "remove", []),
           (ids[0], "remove", [])])
    equal((plan["kept"], plan["removed"], plan["dry_run"]), (2, 0, True))
    shown = maratea("backup", "prune", "--keep-last", "2", "--dry-run", env=place.env).out
    holds(shown, "BECAUSE", "last, newest whole", "no rule keeps it", "would keep   2, and remove 3", "nothing was removed (--dry-run)")
    equal(place.ids(), ids)
    for wrong in (["--keep-last", "-1"], ["--keep-daily", "x"], ["--keep-last", "99999999999"]):
        place.prune(*wrong, status=3)
    place.prune("--keep-last", "1", "--grace", "soon", status=2)
    place.prune("../x", "--keep-last", "1", status=2)
    equal(place.ids(), ids)


def test_rules_are_united_and_come_from_the_file_too():
    place = Place("united")
    days = ["2026-03-%02d" % d for d in range(1, 32)] + ["2026-04-%02d" % d for d in range(1, 11)]
    ids = {day: place.add(day) for day in days}
    early = place.add("2026-04-10", at="03:00")
    pinned = place.add("2026-02-02", label="before the move")
    config = ROOT + "/retention.yaml"
    open(config, "w").write("backup:\n  retention: {last: 2, daily: 3, weekly: 3, monthly: 2, time-zone: '+03:00', keep-tags: ['before *']}\n")
    report = maratea("-c", config, "backup", "prune", "--yes", "-o", "json", env=place.env).json()
    # the 10th of April 2026 is a Friday
    want = [early] + [ids[d] for d in ("2026-04-10", "2026-04-09", "2026-04-08", "2026-04-05", "2026-03-29", "2026-03-31")] + [pinned]
    equal(place.ids(), sorted(want))
    equal((report["kept"], report["removed"], report["failed"]), (8, 35, 0))
    rules = {b["id"]: b["rules"] for b in report["backups"]}
    equal(rules[ids["2026-04-10"]], ["last", "daily", "weekly", "monthly", "newest whole"])
    equal(rules[early], ["last"])
    equal(rules[ids["2026-03-31"]], ["monthly"])
    equal(rules[pinned], ["tag"])
    equal({b["action"] for b in report["backups"]}, {"keep", "removed"})
    place.prune("--keep-last", "1", "--keep-tag", "before the *")
    equal(place.ids(), sorted([pinned, ids["2026-04-10"]]))
    maratea("-c", config, "backup", "prune", "--yes", env=dict(place.env, MARATEA_BACKUP_RETENTION_TIME_ZONE="Europe/Moscow"), status=3)


def test_the_newest_whole_and_the_newest_verified_backup_never_go():
    place = Place("hard")
    verified = place.add(300, verified=True)
    failed_later = place.add(200, verified=False)
    whole = place.add(100)
    partial = [place.add(day, whole=False) for day in (3, 2, 1)]
    physical = place.add(250, method="physical")
    report = place.prune("--keep-yearly", "0", "--keep-last", "1").json()
    equal(place.ids(), sorted([verified, whole, physical] + partial))
    rules = {b["id"]: b["rules"] for b in report["backups"]}
    equal(rules[verified], ["newest verified"])
    equal(rules[partial[0]], ["nothing newer"])
    equal(rules[partial[2]], ["last", "nothing newer"])
    assert failed_later not in place.ids()
    place.prune("--keep-last", "1", "--force-last")
    equal(place.ids(), sorted([whole, physical, partial[2]]))


def test_what_cannot_be_read_or_lies_in_the_future_stays_and_does_not_count():
    place = Place("odd")
    old, new = place.add(5), place.add(1)
    broken = place.add(3)
    text = open(place.folder(broken) + "/manifest.json").read()
    open(place.folder(broken) + "/manifest.json", "w").write(text.replace("logical", "magical"))
    future = place.add("2999-01-01")
    report = place.prune("--keep-last", "1")
    equal(place.ids(), sorted([new, broken, future]))
    holds(report.err, "%s is kept: " % broken)
    rules = {b["id"]: b["rules"] for b in report.json()["backups"]}
    equal((rules[broken], rules[future], rules[new]), (["unreadable"], ["future"], ["last", "newest whole"]))
    assert old not in place.ids()


def test_a_newest_backup_of_half_the_size_stops_it():
    for what, before, after in (("size", dict(size=50 << 20), dict(size=20 << 20)), ("tables", dict(tables=40), dict(tables=19))):
        place = Place("shrunk-" + what)
        ids = [place.add(3, **before), place.add(2, **before), place.add(1, **after)]
        failed = place.prune("--keep-last", "1", status=4)
        holds(failed.err, "the newest logical backup, %s, has " % ids[2], "; the one before, %s, has " % ids[1], ": nothing is removed",
              "hint: if that is as it should be: --accept-shrink")
        equal(place.ids(), sorted(ids))
        future = place.add("2999-01-01", **before)  # a clock was wrong once: the guard stays on
        place.prune("--keep-last", "1", status=4)
        place.prune("--keep-last", "1", "--accept-shrink")
        equal(place.ids(), [ids[2], future])


def test_foreign_keys_are_never_touched_and_no_other_target_or_platform():
    place = Place("foreign")
    old, new = place.add(5, extra=["notes.txt", "db/readme", "sub/manifest.json"]), place.add(1)
    other = [place.add(day, target="redis") for day in (9, 8)]
    elsewhere = place.dir + "/default/postgres/keep-me.txt"
    open(elsewhere, "w").write("mine")
    shutil.copytree(place.dir + "/default", place.dir + "/other")
    report = place.prune("postgres", "--keep-last", "1").json()
    equal(report["foreign"], 3)
    equal(sorted(os.path.relpath(os.path.join(top, f), place.folder(old)) for top, _, files in os.walk(place.folder(old)) for f in files),
          ["db/readme", "notes.txt", "sub/manifest.json"])
    equal(place.ids("redis"), sorted(other))
    assert os.path.exists(elsewhere)
    equal(len(os.listdir(place.dir + "/other/postgres")), 3)
    report = place.prune("--keep-last", "1").json()
    equal(place.ids("redis"), [other[1]])
    equal(sorted({b["target"] for b in report["backups"]}), ["postgres", "redis"])


def test_unfinished_folders_go_when_nothing_happened_for_the_grace():
    place = Place("unfinished")
    place.add(1)
    for id, age in (("20260101T000000Z-aaaaaa", 25 * 3600), ("20260102T000000Z-bbbbbb", 23 * 3600), ("20260103T000000Z-cccccc", 30 * 3600)):
        folder = place.folder(id)
        os.makedirs(folder + "/db")
        for key in ("db/x.pgdump.zst.age", "base.tar.zst", "globals.sql.zst.age.0002"):
            open(folder + "/" + key, "w").write("x")
            os.utime(folder + "/" + key, (time.time() - age,) * 2)
    # a sign of life, younger than its content
    open(place.folder("20260103T000000Z-cccccc") + "/alive-7", "w").write("x")
    plan = place.prune("--keep-last", "1", "--dry-run").json()
    equal((plan["unfinished_folders"], plan["unfinished_objects"]), (1, 3))
    equal(len(place.ids()), 4)
    report = place.prune("--keep-last", "1").json()
    equal((report["unfinished_folders"], report["unfinished_objects"], report["removed"]), (1, 3, 0))
    assert not os.path.exists(place.folder("20260101T000000Z-aaaaaa") + "/base.tar.zst")
    assert os.path.exists(place.folder("20260102T000000Z-bbbbbb") + "/base.tar.zst")
    assert os.path.exists(place.folder("20260103T000000Z-cccccc") + "/base.tar.zst")
    equal(place.prune("--keep-last", "1", "--grace", "1h").json()["unfinished_folders"], 1)


def test_a_removal_that_fails_is_a_failed_prune_that_names_the_key():
    if os.getuid() == 0:
        flag = lambda path, on: subprocess.run(["chattr", "+i" if on else "-i", path], capture_output=True).returncode == 0
    else:
        flag = lambda path, on: os.chmod(path, 0o500 if on else 0o700) is None
    place = Place("failing")
    old, older, new = place.add(5), place.add(7), place.add(1)
    stuck = place.folder(older)
    if not flag(stuck, True):
        raise AssertionError("this file system knows no immutable files")
    try:
        failed = place.prune("--keep-last", "1", status=1)
    finally:
        flag(stuck, False)
    holds(failed.err, "1 removals failed, the first: ", older + "/manifest.json")
    equal({b["id"]: b["action"] for b in failed.json()["backups"]}, {new: "keep", old: "removed", older: "failed"})
    assert os.path.exists(stuck + "/manifest.json") and os.path.exists(stuck + "/db/a.pgdump.zst"), "whole or untouched"
    place.prune("--keep-last", "1")
    equal(place.ids(), [new])


def lock_of(place, target="postgres"):
    folder = place.dir + "/default/%s/lock/" % target
    top = max(os.listdir(folder))
    return folder + top, json.load(open(folder + top))


def test_runs_and_prunes_keep_each_other_away():
    place = Place("locked")
    place.add(5)
    env = dict(ENV, MARATEA_STORE=place.env["MARATEA_STORE"])
    blocker = Blocker()
    run = start("backup", "run", "postgres", "--accept-shrink", env=env)
    blocker.wait_for_a_run()
    failed = place.prune("--keep-last", "1", status=5)
    holds(failed.err, "backup run 20", " is at work on ", ", since 20", "hint: if it died, its lock runs out in ")
    place.prune("--keep-last", "1", "--dry-run")
    blocker.end()
    equal(finish(run).status, 0)
    path, held = lock_of(place)
    equal((held["released"], held["who"][:13]), (True, "backup run 20"))
    # a prune of another host, a minute ago
    held.update(released=False, who="backup prune", host="elsewhere", process="x y 1")
    number = int(os.path.basename(path)[:12]) + 1
    taken = os.path.dirname(path) + "/%012d.json" % number
    open(taken, "w").write(json.dumps(held))
    os.utime(taken, (time.time() - 60,) * 2)
    failed = maratea("backup", "run", "postgres", env=env, status=5)
    holds(failed.err, "backup prune is at work on elsewhere, since ", "its lock runs out in 2")
    holds(place.prune("--keep-last", "1", status=5).err, "backup prune is at work on elsewhere")
    os.utime(taken, (time.time() - 1801,) * 2)
    done = place.prune("--keep-last", "1", "--accept-shrink")
    holds(done.err, "backup prune on elsewhere, at work since ", "ended without a word: its lock is taken over")
    maratea("backup", "run", "postgres", env=env)
    assert len(os.listdir(os.path.dirname(path))) <= 10, os.listdir(os.path.dirname(path))


def test_a_killed_holder_is_known_to_be_gone():
    place = Place("killed")
    place.add(5)
    env = dict(ENV, MARATEA_STORE=place.env["MARATEA_STORE"])
    blocker = Blocker()
    run = start("backup", "run", "postgres", env=env)
    blocker.wait_for_a_run()
    run.kill()
    run.wait()
    blocker.end()
    equal(lock_of(place)[1]["released"], False)
    holds(place.prune("--keep-last", "1").err, "ended without a word: its lock is taken over")
    for _ in range(12):
        maratea("backup", "run", "postgres", "--accept-shrink", env=env)
    equal(len(os.listdir(place.dir + "/default/postgres/lock")) <= 10, True)


def test_a_lock_taken_over_ends_the_run_before_the_manifest():
    place = Place("overtaken")
    env = dict(ENV, MARATEA_STORE=place.env["MARATEA_STORE"])
    blocker = Blocker()
    run = start("backup", "run", "postgres", env=env)
    blocker.wait_for_a_run()
    path, held = lock_of(place)
    number = int(os.path.basename(path)[:12]) + 1
    open(os.path.dirname(path) + "/%012d.json" % number, "w").write(json.dumps(dict(held, who="another")))
    blocker.end()
    failed = finish(run)
    equal(failed.status, 5)
    holds(failed.err, "the lock of the store is lost: another took it over")
    equal(json.loads(maratea("backup", "list", "-o", "json", env=env).out)["backups"], [])


def test_of_two_prunes_at_once_one_works():
    place = Place("racing")
    for day in range(40):
        place.add(day)
    done = []

    def race():
        done.append(maratea("backup", "prune", "--yes", "--keep-last", "3", env=place.env, status=None))
    threads = [threading.Thread(target=race) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(d.status for d in done) <= {0, 5} and 0 in [d.status for d in done], [(d.status, d.err) for d in done]
    equal(len(place.ids()), 3)


def bucket_env(bucket):
    return environment(MARATEA_STORE="s3://%s/p" % bucket, S3_ENDPOINT=RGW.endpoint, S3_REGION="default", S3_ACCESS_KEY=RGW.access,
                       S3_SECRET_KEY=RGW.secret)


def upload(bucket, place, only="", **headers):
    files = [os.path.join(top, f) for top, _, names in os.walk(place.dir) for f in names if only in top]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda f: RGW.request("PUT", "/%s/p/%s" % (bucket, os.path.relpath(f, place.dir)), open(f, "rb").read(),
                                                   **headers), files))
    equal({status for status, _ in done}, {200}, done[:1])


def versions_of(bucket):
    """(key, is a delete marker) of every version."""
    status, body = RGW.request("GET", "/%s?versions&max-keys=1000" % bucket)
    equal(status, 200)
    return sorted((key, kind == "DeleteMarker") for kind, key in re.findall(
        r"<(Version|DeleteMarker)>.*?<Key>(.*?)</Key>", body.decode(), re.S))


def test_in_a_versioned_bucket_all_versions_go():
    RGW.make_bucket("versioned")
    enable = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    equal(RGW.request("PUT", "/versioned?versioning", enable)[0], 200)
    env = bucket_env("versioned")
    place = Place("versions")
    old, new = place.add(9), place.add(1)
    upload("versioned", place)
    upload("versioned", place, only=old)  # every object of the old one has two versions
    equal(RGW.request("DELETE", "/versioned/p/default/postgres/%s/alive-0" % old)[0], 204)  # and one of them a marker
    equal(len([v for v in versions_of("versioned") if old in v[0]]), 11)
    equal(maratea("store", "probe", "-o", "json", env=env).json()["versioned"], "yes")
    # this gateway ignores If-None-Match where it keeps versions: a lock there would be none
    equal(maratea("store", "probe", "--write", "-o", "json", env=env).json()["conditional_put"], "no")
    refused = maratea("backup", "prune", "--yes", "--keep-last", "1", env=env, status=3)
    holds(refused.err, "does not let exactly one of several writers win", "hint: when nothing else works on this store: --no-store-lock")
    report = maratea("backup", "prune", "--yes", "--keep-last", "1", "--no-store-lock", "-o", "json", env=env).json()
    equal((report["removed"], report["held"]), (1, 0))
    left = versions_of("versioned")
    equal([v for v in left if old in v[0]], [])
    equal(len([v for v in left if new in v[0]]), 5)


def test_what_a_lock_of_the_bucket_holds_stays_whole_and_is_no_error():
    RGW.make_bucket("held", x_amz_bucket_object_lock_enabled="true")
    env = bucket_env("held")
    place = Place("held")
    locked, free, hold, new = place.add(9), place.add(8), place.add(7), place.add(1)
    leftover = "20260101T000000Z-aaaaaa"
    until = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    for only, headers in ((free, {}), (new, {}), (locked, dict(x_amz_object_lock_mode="GOVERNANCE",
                          x_amz_object_lock_retain_until_date=until(86400))), (hold, dict(x_amz_object_lock_legal_hold="ON"))):
        upload("held", place, only=only, content_md5="yes", **headers)
    status, body = RGW.request("PUT", "/held/p/default/postgres/%s/base.tar.zst" % leftover, b"x", content_md5="yes",
                               x_amz_object_lock_mode="GOVERNANCE", x_amz_object_lock_retain_until_date=until(86400))
    equal(status, 200, body)
    report = maratea("backup", "prune", "--yes", "--keep-last", "1", "--grace", "0s", "--no-store-lock", "-o", "json", env=env).json()
    equal((report["removed"], report["kept"], report["held"], report["failed"]), (1, 3, 3, 0))
    rules = {b["id"]: (b["action"], b["rules"]) for b in report["backups"]}
    equal((rules[locked], rules[hold]), (("keep", ["locked"]), ("keep", ["locked"])))
    equal(rules[free][0], "removed")
    left = versions_of("held")
    for id, n in ((locked, 5), (hold, 5), (free, 0), (new, 5), (leftover, 1)):
        found = [v for v in left if id in v[0]]
        equal((len(found), [v for v in found if v[1]]), (n, []), id)
    shown = maratea("backup", "prune", "--dry-run", "--keep-last", "1", env=env).out
    holds(shown, "held         2 by a lock of the store: they stay", "locked")


def test_2500_objects_in_a_bucket_page_and_go():
    RGW.make_bucket("prune")
    env = bucket_env("prune")
    place = Place("many")
    old = place.add(9, extra=["db/d%04d.pgdump.zst" % i for i in range(2500)])
    new = place.add(1)
    upload("prune", place)
    equal(len(keys_of("prune")), 2500 + 10)
    report = maratea("backup", "prune", "--yes", "--keep-last", "1", "-o", "json", env=env).json()
    equal((report["removed"], report["kept"], report["foreign"]), (1, 1, 0))
    left = keys_of("prune")
    equal(sorted(k for k in left if "/lock/" not in k), sorted("p/default/postgres/%s/%s" % (new, k) for k in
          ("alive-0", "db/a.pgdump.zst", "db/a.pgdump.zst.0002", "globals.sql.zst", "manifest.json")))
    assert old not in " ".join(left)


def test_a_deletion_that_fails_inside_a_200_is_named():
    place = Place("inside")
    RGW.make_bucket("inside")
    old, new = place.add(9), place.add(1)
    upload("inside", place)
    key = "p/default/postgres/%s/globals.sql.zst" % old
    answer = ("<DeleteResult><Deleted><Key>x</Key></Deleted><Error><Key>%s</Key><Code>AccessDenied</Code><Message>not yours</Message></Error>"
              "</DeleteResult>" % key)
    hits = []

    def rule(method, path, n):
        if method != "POST" or "delete" not in path:
            return None
        hits.append(path)
        return ("status", 200, answer) if len(hits) == 3 else None
    proxy = Proxy(RGW.port, rule)
    env = dict(bucket_env("inside"), S3_ENDPOINT=proxy.endpoint)
    done = maratea("backup", "prune", "--yes", "--keep-last", "1", "-o", "json", env=env, status=1)
    holds(done.err, "removals failed, the first: ", "AccessDenied", "not yours", "globals.sql.zst")
    report = done.json()
    equal((report["removed"], report["failed"]), (0, 1))
    # its manifest went first: the rest is an unfinished folder for the next prune
    proxy.close()
    listed = maratea("backup", "list", "-o", "json", env=bucket_env("inside")).json()
    equal(([b["id"] for b in listed["backups"]], listed["incomplete"]), ([new], 1))
    done = maratea("backup", "prune", "--yes", "--keep-last", "1", "--grace", "0s", "-o", "json", env=bucket_env("inside")).json()
    equal((done["unfinished_folders"], done["failed"]), (1, 0))
    equal([k for k in keys_of("inside") if old in k], [])


def killed_at_random(env, keys, uploads):
    seed = int.from_bytes(os.urandom(4), "big")
    dice = random.Random(seed)
    run = lambda: start("backup", "run", "postgres", "--accept-shrink", env=env)
    began = time.monotonic()
    equal(finish(run()).status, 0)
    took = time.monotonic() - began
    killed = 0
    for _ in range(10):
        process = run()
        try:
            process.wait(timeout=dice.uniform(0, took))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        finish(process)
    assert killed >= 3, (killed, seed)
    listed = [b["id"] for b in maratea("backup", "list", "-o", "json", env=env).json()["backups"]]
    report = maratea("backup", "verify", "--all", "--no-record", "-o", "json", env=env).json()
    equal((report["good"], report["bad"], report["not_verified"]), (len(listed), 0, 0), seed)
    assert {k.split("/")[-2] for k in keys() if k.endswith("manifest.json")} == set(listed), (keys(), listed, seed)
    done = maratea("backup", "prune", "--yes", "--accept-shrink", "--keep-last", "100", "--grace", "0s", "-o", "json", env=env).json()
    equal((done["removed"], done["kept"], done["failed"]), (0, len(listed), 0), seed)
    for key in keys():
        parts = key.split("/")
        at = parts.index("postgres") + 1
        assert parts[at] in listed + ["lock", "cluster"], (key, seed)
    equal(uploads(), [], seed)
    # the next run is as good as the first
    equal(finish(run()).status, 0)


def test_ten_kills_at_random_leave_whole_backups_and_prune_the_rest():
    RGW.make_bucket("kills")
    PG.psql("CREATE TABLE random AS SELECT g, sha512(g::text::bytea) || sha512((-g)::text::bytea) AS v FROM generate_series(1, 250000) g")
    small = dict(MARATEA_STORE_VOLUME_SIZE="16MiB", MARATEA_STORE_PART_SIZE="5MiB", DATABASE_URL=PG.url())
    try:
        env = dict(bucket_env("kills"), **small)
        killed_at_random(env, lambda: keys_of("kills"), lambda: re.findall("<UploadId>", RGW.request("GET", "/kills?uploads")[1].decode()))
        place = ROOT + "/kills"
        files = lambda: [os.path.relpath(os.path.join(top, f), place) for top, _, names in os.walk(place) for f in names if ".maratea-tmp" not in top]
        env = environment(MARATEA_STORE="file://" + place, **small)
        killed_at_random(env, files, lambda: os.listdir(place + "/.maratea-tmp"))
    finally:
        PG.psql("DROP TABLE random")


main(globals())
