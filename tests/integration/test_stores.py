"""test_stores.py - several stores and several targets: each whole or named, one run for all."""
import calendar
import json
import os
import re
import shutil
import time

from harness import *
from servers import Postgres, Redis, Rgw, free_port, wait_until

ROOT = temporary()
REDIS, OTHER, PG = Redis(), Redis(), Postgres()
CLEANUP = [REDIS.close, OTHER.close, PG.close, lambda: shutil.rmtree(ROOT)]
REDIS.cli("SET", "a", "1")
REDIS.cli("-n", 2, "MSET", "b", "2", "c", "3")
OTHER.cli("SET", "other", "x" * 100)
os.mkdir(ROOT + "/secret")


def write(name, text, mode=0o600):
    with open(os.open(ROOT + "/" + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
        f.write(text)
    return ROOT + "/" + name


def env(text, **more):
    return environment(MARATEA_CONFIG=write("maratea.yaml", text), **more)


def two(first="a", second="b", **more):
    return env("redis: {url: '%s'}\nstore: {url: 'file://%s/%s'}\nstores:\n  offsite: {url: 'file://%s/%s'}\n" %
               (REDIS.url(), ROOT, first, ROOT, second), **more)


def objects(store):
    found = {}
    for folder, _, names in os.walk(ROOT + "/" + store):
        for name in names:
            path = folder + "/" + name
            if "/lock/" not in path and ".maratea-tmp" not in path:
                found[path[len(ROOT + "/" + store) + 1:]] = open(path, "rb").read()
    return found


def ids(e, *args):
    return [b["id"] for b in maratea("backup", "list", "-o", "json", *args, env=e).json()["backups"]]


def test_a_run_writes_the_same_to_every_store():
    e = two()
    plan = maratea("backup", "run", "redis", "--dry-run", "-o", "json", env=e).json()
    equal([(s["name"], s["stored"], s["error"]) for s in plan["stores"]], [("store", False, None), ("offsite", False, None)])
    equal(objects("a"), {})
    made = maratea("backup", "run", "redis", "-o", "json", env=e).json()
    equal([(s["name"], s["url"], s["stored"], s["error"]) for s in made["stores"]],
          [("store", "file://%s/a" % ROOT, True, None), ("offsite", "file://%s/b" % ROOT, True, None)])
    equal(objects("a"), objects("b"))
    equal(len(objects("a")), 2)
    for name in ("offsite", "file://" + ROOT + "/b"):
        equal(ids(e, "--store", name), [made["id"]])
        maratea("backup", "verify", made["id"], "--store", name, env=e)
    shutil.rmtree(ROOT + "/a")
    maratea("backup", "restore", "redis/latest", "--store", "offsite", "--to", ROOT + "/dump.rdb", env=e)
    os.unlink(ROOT + "/dump.rdb")
    # --store is that one alone
    made = maratea("backup", "run", "redis", "--store", "offsite", "-o", "json", env=e).json()
    assert "stores" not in made, made
    equal((len(ids(e)), len(ids(e, "--store", "offsite"))), (0, 2))
    failed = maratea("backup", "list", "--store", "ofsite", env=e, status=2)
    holds(failed.err, "there is no store 'ofsite' in the configuration; did you mean 'offsite'?")
    alone = env("stores: {near: {url: 'file://%s/n'}}\n" % ROOT)
    holds(maratea("backup", "list", "--store", "store", env=alone, status=2).err, "there is no store 'store' in the configuration: store.url is not set")
    e = two()
    shown = maratea("config", "show", "--store", "offsite", "-o", "json", env=e).json()["settings"]
    holds(shown["store.url"]["value"] + shown["store.url"]["source"], "/b", "maratea.yaml:4:18")
    shutil.rmtree(ROOT + "/b")


def test_a_store_that_fails_is_named_and_the_others_have_it():
    for blocked in ("a", "b"):
        write(blocked, "a file where the directory should be")
        e = two()
        done = maratea("backup", "run", "redis", "-o", "json", env=e, status=1)
        name, other, good = ("store", "offsite", "b") if blocked == "a" else ("offsite", "store", "a")
        holds(done.err, "store %s is left out: " % name, "it is not in every store: %s: " % name, "Not a directory")
        report = done.json()
        equal({s["name"]: s["stored"] for s in report["stores"]}, {name: False, other: True})
        holds([s["error"] for s in report["stores"] if s["name"] == name][0], "Not a directory")
        equal(ids(e, "--store", other), [report["id"]])
        maratea("backup", "verify", report["id"], "--no-record", "--store", other, env=e)
        os.unlink(ROOT + "/" + blocked)
        # the run afterwards writes to both again; a copy closes the gap
        maratea("backup", "copy", report["id"], name, "--store", other, env=e)
        equal(ids(e), ids(e, "--store", "offsite"))
        equal(objects("a"), objects("b"))
        shutil.rmtree(ROOT + "/" + good)
        shutil.rmtree(ROOT + "/" + blocked)
    for name in ("a", "b"):
        write(name, "both")
    failed = maratea("backup", "run", "redis", "-o", "json", env=two(), status=1)
    holds(failed.err, "back up redis: store store: ")
    equal(failed.out, "")
    for name in ("a", "b"):
        os.unlink(ROOT + "/" + name)


def test_a_store_that_fills_up_or_fails_later_is_left_out():
    os.mkdir(ROOT + "/small")
    mounted = os.system("mount -t tmpfs -o size=2m tmpfs %s/small" % ROOT) == 0
    assert mounted, "tests of a full disk need root"
    try:
        REDIS.cli("-x", "SET", "noise", stdin=os.urandom(2500000).hex())
        for first, second, name, good in (("small/x", "b", "store", "b"), ("a", "small/y", "offsite", "a")):
            done = maratea("backup", "run", "redis", "-o", "json", env=two(first, second), status=1)
            holds(done.err, "it is not in every store: %s: " % name, "No space left on device")
            equal({s["name"]: s["stored"] for s in done.json()["stores"]}, {"store": name != "store", "offsite": name != "offsite"})
            equal([k for k in objects("small") if "manifest" in k or "dump" in k], [])
            maratea("backup", "verify", "latest", env=environment(MARATEA_STORE="file://%s/%s" % (ROOT, good)))
            shutil.rmtree(ROOT + "/" + good)
    finally:
        REDIS.cli("DEL", "noise")
        os.system("umount %s/small" % ROOT)


def test_a_copy_goes_on_and_is_compared():
    e = two()
    made = maratea("backup", "run", "redis", "--store", "file://%s/a" % ROOT, "-o", "json", env=e).json()
    folder = "/default/redis/%s/" % made["id"]
    report = maratea("backup", "copy", "latest", "offsite", "-o", "json", env=e).json()
    equal((report["id"], report["copied"], report["there_before"]), (made["id"], made["objects"][0]["stored_size"], 0))
    holds(maratea("backup", "copy", made["id"], "offsite", env=e, status=5).err, "the backup %s is in file://%s/b already" % (made["id"], ROOT))
    # interrupted before its manifest
    os.unlink(ROOT + "/b" + folder + "manifest.json")
    holds(maratea("backup", "copy", made["id"], "offsite", env=e).out, "there before: ", "all as the manifest says")
    equal(objects("a"), objects("b"))
    # what is there is another's
    os.unlink(ROOT + "/b" + folder + "manifest.json")
    with open(ROOT + "/b" + folder + "dump.rdb.zst", "r+b") as f:
        f.write(b"x")
    failed = maratea("backup", "copy", made["id"], "offsite", env=e, status=5)
    holds(failed.err, "what is in the other store as dump.rdb.zst has")
    os.unlink(ROOT + "/b" + folder + "dump.rdb.zst")
    # the source is bad
    with open(ROOT + "/a" + folder + "dump.rdb.zst", "r+b") as f:
        f.write(b"x")
    holds(maratea("backup", "copy", made["id"], "offsite", env=e, status=4).err, "dump.rdb.zst has", "the manifest says")
    equal(objects("b"), {})
    os.unlink(ROOT + "/a" + folder + "dump.rdb.zst")
    holds(maratea("backup", "copy", made["id"], "offsite", env=e, status=4).err, "dump.rdb.zst is missing in the store")
    holds(maratea("backup", "copy", made["id"], "elsewhere", env=e, status=2).err, "there is no store 'elsewhere'")
    holds(maratea("backup", "copy", "20260101T000000Z-000000", "offsite", env=e, status=1).err, "20260101T000000Z-000000")
    holds(maratea("backup", "copy", made["id"], "offsite", "--store", "offsite", env=e, status=2).err, "is in file://%s/b already" % ROOT)
    for name in ("a", "b"):
        shutil.rmtree(ROOT + "/" + name)


def test_prune_goes_through_every_store():
    e = two(MARATEA_BACKUP_RETENTION_LAST=1)
    made = []
    for _ in range(3):
        made.append(maratea("backup", "run", "redis", "-o", "json", env=e).json()["id"])
    plan = maratea("backup", "prune", "--dry-run", "-o", "json", env=e).json()
    equal(sorted((b["store"], b["action"]) for b in plan["backups"]), sorted((s, a) for s in ("store", "offsite") for a in ("keep", "remove", "remove")))
    report = maratea("backup", "prune", "--yes", "-o", "json", env=e).json()
    equal((report["kept"], report["removed"]), (2, 4))
    equal((ids(e), ids(e, "--store", "offsite")), (made[2:], made[2:]))
    # one that cannot be reached does not keep the other from it
    made.append(maratea("backup", "run", "redis", "-o", "json", env=e).json()["id"])
    shutil.rmtree(ROOT + "/a")
    write("a", "x")
    failed = maratea("backup", "prune", "--yes", env=e, status=1)
    holds(failed.err, "store store: ")
    holds(failed.out, "offsite", made[2])
    equal(ids(e, "--store", "offsite"), made[3:])
    os.unlink(ROOT + "/a")
    shutil.rmtree(ROOT + "/b")


def test_a_directory_and_a_bucket_with_credentials_of_their_own():
    rgw = Rgw()
    try:
        rgw.make_bucket("offsite")
        write("secret/key", rgw.secret + "\n")
        e = env("redis: {url: '%s'}\nstores:\n  near: {url: 'file://%s/near'}\n  far: {url: 's3://offsite/x', endpoint: '%s', region: here, access-key: '%s', "
                "secret-key: '${file:secret/key}'}\n" % (REDIS.url(), ROOT, rgw.endpoint, rgw.access),
                S3_ACCESS_KEY="nobody", S3_SECRET_KEY="wrong", S3_BUCKET="else", S3_ENDPOINT="http://127.0.0.1:%d" % free_port())
        made = maratea("backup", "run", "redis", "-o", "json", env=e).json()
        equal([(s["name"], s["stored"]) for s in made["stores"]], [("near", True), ("far", True)])
        equal((ids(e), ids(e, "--store", "far")), ([made["id"]], [made["id"]]))
        maratea("backup", "verify", "latest", "--store", "far", env=e)
        # the bucket's server stops in between: the directory has it, nothing is left to wait for
        quick = dict(e, MARATEA_STORE_GIVE_UP_AFTER="1s")
        rgw.close()
        done = maratea("backup", "run", "redis", "-o", "json", env=quick, status=1)
        holds(done.err, "store far is left out: ")
        equal(len(ids(e)), 2)
    finally:
        rgw.close()
    shutil.rmtree(ROOT + "/near")


TARGETS = """postgres: {url: '%s'}
redis: {url: '%s'}
store: {url: 'file://%s/t'}
targets:
  sessions: {redis-url: '%s'}
  archive: {postgres-url: '%s', method: physical}
"""


def targets(*changes, **more):
    text = TARGETS % (PG.url("school"), REDIS.url(), ROOT, OTHER.url(), PG.url())
    for old, new in changes:
        text = text.replace(old, new)
    return env(text, **more)


def test_all_targets_are_backed_up_and_one_failure_does_not_stop_the_others():
    PG.psql("CREATE DATABASE school")
    PG.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS i", "school")
    e = targets(MARATEA_BACKUP_METRICS_TEXTFILE=ROOT + "/m.prom")
    plan = maratea("backup", "run", "--dry-run", env=e)
    holds(plan.out, "postgres: done", "redis: done", "sessions: done", "archive: done", "nothing was stored")
    equal(objects("t"), {})
    report = maratea("backup", "run", "-o", "json", "--label", "night", env=e).json()
    equal([(t["target"], t["status"], t["error"], t["backup"]["method"], t["backup"]["label"]) for t in report["targets"]],
          [("postgres", "done", None, "logical", "night"), ("redis", "done", None, "rdb", "night"), ("sessions", "done", None, "rdb", "night"),
           ("archive", "done", None, "physical", "night")])
    equal([t["backup"]["redis"]["keys"] for t in report["targets"][1:3]], [3, 1])
    equal(sorted(b["target"] for b in maratea("backup", "list", "-o", "json", env=e).json()["backups"]), ["archive", "postgres", "redis", "sessions"])
    for target in ("postgres", "redis", "sessions", "archive"):
        holds(open(ROOT + "/m.prom").read(), 'maratea_backup_exit_status{platform="default",target="%s"} 0' % target)
    maratea("backup", "verify", "sessions/latest", env=e)
    # one alone, and into the configured server of the target
    maratea("backup", "run", "sessions", env=e)
    several = targets(("targets:", "stores: {b: {url: 'file://%s/b'}}\ntargets:" % ROOT))
    made = maratea("backup", "run", "sessions", "--store", "b", "-o", "json", env=several).json()
    equal((ids(several, "--store", "b"), "stores" in made, made["id"] in ids(several)), ([made["id"]], False, False))
    made = maratea("backup", "run", "sessions", "--store", "store", "-o", "json", env=several).json()
    equal((made["id"] in ids(several, "--store", "b"), made["id"] in ids(several)), (False, True))
    equal(len(maratea("backup", "run", "sessions", "-o", "json", env=several).json()["stores"]), 2)
    shutil.rmtree(ROOT + "/b")
    same = targets(("targets:", "stores: {b: {url: 'file://%s/t'}}\ntargets:" % ROOT))
    holds(maratea("backup", "run", "sessions", env=same, status=3).err, "the stores store and b are the same: file://%s/t" % ROOT)
    OTHER.cli("FLUSHALL")
    maratea("backup", "restore", "sessions/latest", "--to-redis", "redis.url", env=e)
    equal((OTHER.cli("GET", "other"), REDIS.cli("EXISTS", "other")), ("x" * 100, "0"))
    maratea("backup", "restore", "sessions/latest", "--to", ROOT + "/s.rdb", env=e)
    os.unlink(ROOT + "/s.rdb")
    # failures: the common status, else 1; the others are done all the same
    bad = targets((REDIS.url(), "redis://127.0.0.1:%d" % free_port()), MARATEA_BACKUP_METRICS_TEXTFILE=ROOT + "/m.prom")
    done = maratea("backup", "run", "-o", "json", env=bad, status=6)
    holds(done.err, "1 of 4 targets failed: redis", "redis: 127.0.0.1:")
    equal([(t["target"], t["status"]) for t in done.json()["targets"]],
          [("postgres", "done"), ("redis", "failed"), ("sessions", "done"), ("archive", "done")])
    holds(open(ROOT + "/m.prom").read(), 'maratea_backup_exit_status{platform="default",target="redis"} 6',
          'maratea_backup_exit_status{platform="default",target="archive"} 0')
    bad = targets((REDIS.url(), "http://127.0.0.1"), (PG.url("school"), PG.url("school", port=free_port())))
    done = maratea("backup", "run", env=bad, status=1)
    holds(done.err, "2 of 4 targets failed: postgres, redis")
    shutil.rmtree(ROOT + "/t")


def test_targets_that_are_not_well_said():
    for text, words in (("targets: {redis: {redis-url: x}}", ":1:11: the target redis is the one of redis.url already"),
                        ("targets: {'a b': {redis-url: x}}", "the name of a target: only letters"),
                        ("targets: {a: {redis-url: }}", "the target a has neither"), ("targets: {a: {}}", ":1:11: the target a has neither postgres-url nor redis-url"),
                        ("targets: {a: {redis-url: x, postgres-url: y}}", "has both postgres-url and redis-url"),
                        ("targets: {a: {rediss-url: x}}", ":1:15: unknown key 'rediss-url'; did you mean 'redis-url'?"),
                        ("targets: [a]", "names are expected here"), ("targets: {a: x}", "keys and values are expected here"),
                        ("stores: {a: {}}", "the store a has no url"), ("stores: {a: {url: ~}}", "the store a has no url"), ("stores: {a: {url: x, ulr: y}}", "unknown key 'ulr'; did you mean 'url'?"),
                        ("stores: {a: {url: [x]}}", "store a: "), ("stores: {a: {url: '${env:NO_SUCH}'}}", "store a: "),
                        ("targets: {a: {postgres-url: x, method: magic}}", "target a: backup.method 'magic': one of logical, physical"),
                        ("stores: {store: {url: x}}", "the store store is the one of store.url already"),
                        ("backup: {assertions: [{sql: x}]}", "an assertion needs sql and expect"),
                        ("backup: {assertions: {sql: x}}", "a list of assertions is expected here"),
                        ("backup: {assertions: [{sql: x, expct: y}]}", "unknown key 'expct'; did you mean 'expect'?")):
        holds(maratea("config", "check", "--store", "file:///x", env=env(text + "\n"), status=3).err, words)
    e = targets()
    holds(maratea("backup", "run", "sesions", env=e, status=2).err, "unknown target 'sesions' (there are: postgres, redis, sessions, archive)")
    holds(maratea("backup", "run", "-d", "x", env=e, status=2).err, "without a TARGET")
    holds(maratea("backup", "run", env=environment(MARATEA_STORE="file:///x"), status=3).err, "there is nothing to back up",
          "hint: set postgres.url, redis.url or targets")
    # a backup of a target that is not configured any more does not go into another's server
    made = maratea("backup", "run", "sessions", "-o", "json", env=e).json()["id"]
    e = targets(("  sessions: {redis-url: '%s'}\n" % OTHER.url(), ""))
    holds(maratea("backup", "restore", made, "--to-redis", "redis.url", env=e, status=3).err, "the target sessions is not configured")
    maratea("backup", "restore", made, "--to", ROOT + "/s.rdb", env=e)
    shutil.rmtree(ROOT + "/t")


def test_a_backup_that_shrank_is_stored_and_exit_status_4():
    e = two(second="b")
    OTHER.cli("-x", "SET", "bulk", stdin=os.urandom(1500000).hex())
    e["MARATEA_REDIS_URL"] = OTHER.url()
    big = maratea("backup", "run", "redis", "-o", "json", env=e).json()["id"]
    OTHER.cli("DEL", "bulk")
    done = maratea("backup", "run", "redis", "-o", "json", env=e, status=4)
    small = done.json()["id"]
    holds(done.err, "back up redis: it is stored, but the newest rdb backup, %s, has " % small, "the one before, %s, has " % big, "hint: if that is as it should be: --accept-shrink")
    equal(ids(e), [big, small])
    holds(maratea("backup", "prune", "--yes", env=dict(e, MARATEA_BACKUP_RETENTION_LAST="1"), status=4).err, "nothing is removed")
    equal(ids(e), [big, small])
    # the next is as large as the one before it; and one that is accepted is good
    maratea("backup", "run", "redis", env=e)
    OTHER.cli("-x", "SET", "bulk", stdin=os.urandom(1500000).hex())
    maratea("backup", "run", "redis", env=e)
    OTHER.cli("DEL", "bulk")
    maratea("backup", "run", "redis", "--accept-shrink", env=e)
    for name in ("a", "b"):
        shutil.rmtree(ROOT + "/" + name)


def until_of(rgw, bucket, key, version=""):
    status, body = rgw.request("GET", "/%s/%s?retention%s" % (bucket, key, "&versionId=" + version if version else ""))
    found = re.search(rb"<Mode>(\w+)</Mode><RetainUntilDate>([^<.Z]+)", body)
    return (found.group(1).decode(), found.group(2).decode()) if found else (status, None)


def test_object_lock_holds_a_backup_as_one():
    rgw = Rgw()
    try:
        rgw.make_bucket("held", x_amz_bucket_object_lock_enabled="true")
        rgw.make_bucket("plain")
        text = ("redis: {url: '%s'}\nstore: {url: 's3://held/p', endpoint: '%s', access-key: %s, secret-key: %s, part-size: 5MiB, volume-size: 1GiB, object-lock: {mode: GOVERNANCE, days: 3}}\n"
                "stores:\n  near: {url: 'file://%s/near'}\n  loose: {url: 's3://plain/p', endpoint: '%s', access-key: %s, secret-key: %s}\n"
                "  tight: {url: 's3://held/tight', endpoint: '%s', access-key: %s, secret-key: %s, object-lock: {mode: COMPLIANCE, days: 1}}\n" %
                (REDIS.url(), rgw.endpoint, rgw.access, rgw.secret, ROOT, *(2 * (rgw.endpoint, rgw.access, rgw.secret))))
        e = env(text)
        REDIS.cli("-x", "SET", "noise", stdin=os.urandom(6500000).hex())  # several parts
        made = maratea("backup", "run", "redis", "-o", "json", env=e).json()
        REDIS.cli("DEL", "noise")
        equal([(s["name"], s["stored"]) for s in made["stores"]], [(n, True) for n in ("store", "near", "loose", "tight")])
        assert made["objects"][0]["stored_size"] > 5 << 20, made["objects"]
        maratea("backup", "verify", made["id"], env=e)
        started = time.strptime(made["started"], "%Y-%m-%dT%H:%M:%SZ")
        until = lambda days: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(calendar.timegm(started) + days * 86400))
        folder = "p/default/redis/%s/" % made["id"]
        status, listing = rgw.request("GET", "/held?list-type=2")
        keys = re.findall(r"<Key>([^<]+)</Key>", listing.decode())
        mine = [k for k in keys if k.startswith(folder)]
        equal(sorted(re.sub("verified-.*", "verified", k[len(folder):]) for k in mine), ["dump.rdb.zst", "manifest.json", "verified"])
        for key in mine:
            equal(until_of(rgw, "held", key), ("GOVERNANCE", until(3)), key)
        for key in [k for k in keys if k.startswith("tight/") and made["id"] in k]:
            equal(until_of(rgw, "held", key), ("COMPLIANCE", until(1)), key)
        for key in [k for k in keys if "/lock/" in k]:
            equal(until_of(rgw, "held", key)[1], None, key)
        assert [k for k in keys if "/lock/" in k], keys
        # a copy is held from now on, longer than the source
        rgw.make_bucket("second", x_amz_bucket_object_lock_enabled="true")
        e = env(text.replace("s3://held/tight", "s3://second/t"))
        maratea("backup", "copy", made["id"], "tight", "--store", "near", env=e)
        modes = {until_of(rgw, "second", "t/default/redis/%s/%s" % (made["id"], n)) for n in ("dump.rdb.zst", "manifest.json")}
        equal(len(modes), 1, modes)
        mode, when = modes.pop()
        assert mode == "COMPLIANCE" and when >= until(1), (mode, when)
        # prune leaves what is held, as a whole
        newer = maratea("backup", "run", "redis", "--store", "store", "--accept-shrink", "-o", "json", env=e).json()["id"]
        report = maratea("backup", "prune", "--yes", "--accept-shrink", "--keep-last", "1", "--force-last", "--store", "store", "--no-store-lock", "-o", "json", env=e).json()
        equal((report["removed"], report["kept"], report["held"], report["failed"]), (0, 2, 1, 0))
        equal(ids(e, "--store", "store"), [made["id"], newer])
        # a bucket without locks refuses, and the run says so
        bad = env(text.replace("s3://held/p", "s3://plain/q"))
        done = maratea("backup", "run", "redis", "-o", "json", env=bad, status=1)
        holds(done.err, "it is not in every store: store: ", "400")
        told = maratea("store", "probe", "-o", "json", env=bad, status=4)
        equal((told.json()["object_lock"], len(told.json()["findings"])), ("no", 1))
        holds(told.err, "store.object-lock is set, and the bucket has no object lock")
        for change, words in ((("mode: GOVERNANCE, days: 3", "mode: GOVERNANCE"), "needs both mode and days"), (("mode: GOVERNANCE, ", ""), "needs both mode and days"),
                              (("GOVERNANCE", "MAYBE"), "one of GOVERNANCE, COMPLIANCE"), (("days: 3", "dyas: 3"), "unknown key 'store.object-lock.dyas'"),
                              (("days: 1", "dyas: 1"), "unknown key 'dyas'")):
            holds(maratea("config", "check", env=env(text.replace(*change)), status=3).err, words)
        holds(maratea("backup", "list", env=env("store: {url: 'file:///x', object-lock: {mode: GOVERNANCE, days: 3}}\n"), status=3).err, "a directory has no locks")
    finally:
        rgw.close()
    shutil.rmtree(ROOT + "/near")


LIFECYCLE = """<LifecycleConfiguration><Rule><ID>%s</ID><Filter><Prefix>%s</Prefix></Filter><Status>%s</Status>%s</Rule></LifecycleConfiguration>"""


def test_the_probe_knows_what_the_bucket_does_by_itself():
    rgw = Rgw()
    try:
        rgw.make_bucket("bucket")
        rgw.make_bucket("locked", x_amz_bucket_object_lock_enabled="true")
        e = environment(MARATEA_STORE="s3://bucket/backups", S3_ENDPOINT=rgw.endpoint, S3_ACCESS_KEY=rgw.access, S3_SECRET_KEY=rgw.secret)

        def probe(*args, status=0, **more):
            return maratea("store", "probe", "-o", "json", *args, env=dict(e, **more), status=status)

        def lifecycle(*rule):
            status, body = rgw.request("PUT", "/bucket?lifecycle", (LIFECYCLE % rule).encode(), content_md5="yes")
            equal(status, 200, body)
        told = probe().json()
        equal([told[k] for k in ("versioned", "object_lock", "lock_mode", "lock_days", "lifecycle", "rules", "abort_days", "findings", "notes")],
              ["no", "no", None, 0, "no", [], 0, [], []])
        holds(maratea("store", "probe", env=e).out, "object lock  none", "lifecycle    nothing of ours is deleted")
        days = "<Expiration><Days>30</Days></Expiration>"
        lifecycle("tidy", "", "Enabled", days)
        told = probe(status=4)
        equal(told.json()["rules"], [{"id": "tidy", "days": 30, "noncurrent": False}])
        holds(told.err, "the lifecycle rule 'tidy' deletes backups after 30 days, also the last good one")
        told = probe(status=4, MARATEA_BACKUP_RETENTION_MONTHLY="12")
        holds(told.err, "deletes backups after 30 days; the retention keeps some for 372")
        holds(maratea("store", "probe", env=e, status=4).out, "DANGER", "rule 'tidy' deletes objects after 30 days")
        # of other prefixes, switched off, or of older versions: no danger
        for prefix, state in (("logs/", "Enabled"), ("backups2/", "Enabled"), ("", "Disabled")):
            lifecycle("other", prefix, state, days)
            equal((probe().json()["lifecycle"], probe().json()["rules"]), ("yes", []))
        for prefix in ("backups/default/redis/", "backups/"):
            lifecycle("part", prefix, "Enabled", days)
            probe(status=4)
        lifecycle("old", "", "Enabled", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>"
                  "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>")
        told = probe().json()
        equal((told["rules"], told["abort_days"]), ([{"id": "old", "days": 7, "noncurrent": True}], 2))
        # locks of the bucket itself
        status, body = rgw.request("PUT", "/locked?object-lock", b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
                                   b"<Mode>GOVERNANCE</Mode><Days>40</Days></DefaultRetention></Rule></ObjectLockConfiguration>", content_md5="yes")
        equal(status, 200, body)
        told = probe(MARATEA_STORE="s3://locked/x", MARATEA_BACKUP_RETENTION_DAILY="7").json()
        equal([told[k] for k in ("versioned", "object_lock", "lock_mode", "lock_days")], ["yes", "yes", "GOVERNANCE", 40])
        holds(told["notes"][0], "locks hold for 40 days, the retention keeps backups for 7")
    finally:
        rgw.close()


main(globals())
