"""test_drill.py - verifications of what there is: levels, all of them, the weekly drill."""
import glob
import json
import os
import pwd
import shutil
import time

from harness import *
from servers import Postgres

PG = Postgres()
PG.psql("CREATE DATABASE school")
PG.psql("CREATE TABLE pupil AS SELECT g FROM generate_series(1, 5000) g", "school")
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + ROOT + "/store")
KEY = ROOT + "/key.txt"
RECIPIENT = maratea("key", "generate", KEY, "-o", "json").json()["recipient"]


def backup(*args, env=ENV):
    return maratea("backup", "run", "postgres", "-o", "json", *args, env=env).json()["id"]


def folder(id):
    return ROOT + "/store/default/postgres/" + id


def verify(*args, status=0, env=ENV):
    return maratea("backup", "verify", "-o", "json", *args, env=env, status=status)


def records(id):
    return glob.glob(folder(id) + "/verified-*.json")


LOGICAL = backup()
PHYSICAL = backup("-m", "physical")


def test_each_level_says_how_far_it_went():
    for id in (LOGICAL, PHYSICAL):
        before = len(records(id))
        record = verify(id, "--level", "stored").json()
        equal((record["level"], record["passed"], len(records(id))), ("stored", True, before))
        for level in ("content", "restore"):
            record = verify(id, "--level", level).json()
            equal((record["level"], record["passed"], record["user"]), (level, True, pwd.getpwuid(os.getuid()).pw_name))
        equal(len(records(id)), before + 2)
        verify(id, "--level", "stored")
        shown = maratea("backup", "list", "-o", "json", env=ENV).json()["backups"]
        equal([b["verified"]["level"] for b in shown if b["id"] == id], ["restore"])
    holds(maratea("backup", "verify", LOGICAL, "--level", "stored", env=ENV).out, "stored: all objects are there, with their sizes")
    for args, words in ((["--level", "deep", LOGICAL], "--level 'deep': one of stored|content|restore"),
                        (["--level", "content", "--restore", LOGICAL], "--restore and --level do not go together"),
                        ([], "which backup?")):
        holds(verify(*args, status=2).err, words)


def test_a_missing_or_short_object_is_found_at_level_stored():
    id = backup()
    path = folder(id) + "/db/school.pgdump.zst"
    kept = open(path, "rb").read()
    os.unlink(path)
    failed = verify(id, "--level", "stored", status=4)
    holds(failed.err, "db/school.pgdump.zst is missing in the store")
    equal((failed.json()["level"], failed.json()["passed"]), ("stored", False))
    equal(len(records(id)), 1)
    open(path, "wb").write(kept[:-1])
    holds(verify(id, "--level", "stored", status=4).err, "has %d bytes; the manifest says %d" % (len(kept) - 1, len(kept)))
    changed = bytearray(kept)
    changed[len(kept) // 2] ^= 1
    open(path, "wb").write(changed)
    verify(id, "--level", "stored")
    verify(id, "--level", "content", status=4)
    shutil.rmtree(folder(id))


def test_all_backups_are_verified_on_and_on_after_a_bad_one():
    report = verify("--all").json()
    equal([b["id"] for b in report["backups"]], [PHYSICAL, LOGICAL])
    equal((report["good"], report["bad"], report["not_verified"]), (2, 0, 0))
    locked = backup("-r", RECIPIENT)
    bad = backup()
    path = folder(bad) + "/globals.sql.zst"
    changed = bytearray(open(path, "rb").read())
    changed[-3] ^= 1
    os.chmod(path, 0o600)
    open(path, "wb").write(changed)
    failed = verify("--all", status=4)
    report = failed.json()
    equal((report["good"], report["bad"], report["not_verified"]), (2, 1, 1))
    equal([b["id"] for b in report["backups"]], [bad, locked, PHYSICAL, LOGICAL])
    holds(failed.err, "1 of 4 backups are bad, the first: backup %s: globals.sql.zst" % bad)
    holds(report["backups"][1]["error"], "is encrypted to " + RECIPIENT)
    shutil.rmtree(folder(bad))
    failed = verify("postgres", "--all", "--level", "content", status=3)
    holds(failed.err, "1 of 3 backups could not be verified, the first: ")
    equal(verify("--all", "-i", KEY).json()["good"], 3)
    shown = maratea("backup", "verify", "--all", "--level", "stored", env=ENV).out
    equal(shown.count("good"), 3)
    holds(verify("redis", "--all", status=1).err, "there is no backup of platform 'default', target redis to verify")
    shutil.rmtree(folder(locked))


def test_a_drill_recovers_the_newest_and_tells_both_numbers():
    metrics = ROOT + "/drill.prom"
    id = backup("-r", RECIPIENT)
    failed = maratea("backup", "drill", env=ENV, status=3)
    holds(failed.err, "is encrypted to " + RECIPIENT)
    report = maratea("backup", "drill", "-i", KEY, "--metrics-textfile", metrics, "-o", "json", env=ENV).json()
    equal((report["id"], report["level"], report["passed"], report["target"], report["method"]),
          (id, "restore", True, "postgres", "logical"))
    assert 0 <= report["rpo_s"] < 120 and 0 < report["rto_s"] < 120, report
    holds(open(metrics).read(), "maratea_backup_last_verified_timestamp_seconds{", "maratea_backup_recovery_seconds{")
    shown = maratea("backup", "drill", "postgres", "-i", KEY, env=ENV).out
    holds(shown, id, "recovery point", "recovery time", "into a private server, and compared: good")
    failed = maratea("backup", "drill", "-i", KEY, "--rto", "1ms", "-o", "json", env=ENV, status=4)
    holds(failed.err, "the recovery time is ", ", more than 0.0 s")
    equal(failed.json()["passed"], True)
    old = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 90000)) + "-aaaaaa"
    env = dict(ENV, MARATEA_STORE="file://" + ROOT + "/aged")
    aged = ROOT + "/aged/default/postgres/" + old
    shutil.copytree(folder(LOGICAL), aged)
    manifest = json.load(open(aged + "/manifest.json"))
    del manifest["sha256"]
    manifest.update(id=old, started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 90000)))
    os.chmod(aged + "/manifest.json", 0o600)
    open(aged + "/manifest.json", "w").write(sealed(manifest))
    maratea("backup", "drill", "--rpo", "26h", env=env)
    failed = maratea("backup", "drill", "--rpo", "1d", env=env, status=4)
    holds(failed.err, "the recovery point is 1d 1h, more than 1d 0h")
    maratea("backup", "drill", "--rpo", "soon", env=env, status=2)
    maratea("backup", "drill", "redis", env=env, status=1)
    maratea("backup", "drill", env=dict(ENV, MARATEA_STORE="file://" + ROOT + "/none"), status=1)


def test_assertions_hold_in_the_restored_database():
    def env(text, **more):
        with open(ROOT + "/assert.yaml", "w") as f:
            f.write("backup:\n  assertions:\n" + text)
        return dict(ENV, MARATEA_CONFIG=ROOT + "/assert.yaml", **more)
    good = env("""    - {sql: "SELECT count(*) FROM pupil", expect: "5000"}
    - {database: school, sql: "SELECT min(g), max(g), NULL FROM pupil GROUP BY g > 2500 ORDER BY 1", expect: "1|2500|\\n2501|5000|"}
    - {target: elsewhere, sql: nonsense, expect: ""}
    - {database: postgres, sql: "SELECT current_setting('is_superuser')", expect: "on"}
""")
    for id in (LOGICAL, PHYSICAL):
        record = verify(id, "--restore", env=good).json()
        equal((record["assertions"], record["passed"]), (3, True))
        holds(maratea("backup", "verify", id, "--restore", "--no-record", env=good).out, "3 assertions hold")
        equal(verify(id, "--level", "content", env=good).json()["assertions"], 0)
    bad = '    - {sql: "SELECT count(*) FROM pupil", expect: "5001"}\n'
    failed = verify(LOGICAL, "--restore", env=env(bad), status=4)
    holds(failed.err, "database school: the assertion SELECT count(*) FROM pupil: the answer is '5000', and should be '5001'")
    equal(failed.json()["passed"], False)
    bad = '    - {sql: "SELECT * FROM no_such_table", expect: "1"}\n'
    holds(verify(PHYSICAL, "--restore", "--no-record", env=env(bad), status=4).err, "the assertion SELECT * FROM no_such_table: ", 'relation "no_such_table" does not exist')
    bad = '    - {database: other, sql: "SELECT 1", expect: "1"}\n'
    holds(verify(LOGICAL, "--restore", "--no-record", env=env(bad), status=4).err, "the backup has no database 'other'")
    PG.psql("CREATE DATABASE second")
    both = backup()
    bad = '    - {sql: "SELECT 1", expect: "1"}\n'
    failed = verify(both, "--restore", env=env(bad), status=3)
    holds(failed.err, "which database is the assertion for: SELECT 1", "hint: say so with 'database:'")
    equal(len(records(both)), 0)
    # the configured URL's, where it names one
    record = verify(both, "--restore", env=env(bad, MARATEA_POSTGRES_URL=PG.url("second"))).json()
    equal(record["assertions"], 1)
    PG.psql("DROP DATABASE second")
    shutil.rmtree(folder(both))


main(globals())
