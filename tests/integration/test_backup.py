"""test_backup.py - back up, list, show, verify: the main job on real data."""
import glob
import hashlib
import json
import os
import shutil
import subprocess

from harness import *
from servers import Postgres
import data

PG = Postgres()
STORE, SCRATCH = temporary(), temporary()
os.chmod(SCRATCH, 0o1777)  # an unprivileged user verifies, too
CLEANUP = [PG.close, lambda: shutil.rmtree(STORE), lambda: shutil.rmtree(SCRATCH)]
PG.psql(data.SCHOOL)
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + STORE, TMPDIR=SCRATCH)


def folder(backup):
    return "%s/default/postgres/%s" % (STORE, backup)


def tables_of(manifest, database):
    entry = next(d for d in manifest["databases"] if d["name"] == database)
    return {(t["schema"], t["name"]): t["rows"] for t in entry["tables"]}


def test_a_dry_run_says_what_would_be_stored_and_stores_nothing():
    plan = maratea("backup", "run", "postgres", "--dry-run", "-o", "json", env=ENV).json()
    equal(sorted(d["name"] for d in plan["databases"]),
          sorted(["icu", "latin", "postgres", "school", "template1", 'we;ird "näme"/../x %']))
    equal(os.listdir(STORE), [])


def test_every_database_is_backed_up_with_exact_row_counts():
    done = maratea("backup", "run", "postgres", "--label", "first ünï", "-o", "json", env=ENV)
    manifest = done.json()
    backup = manifest["id"]
    rows = tables_of(manifest, "school")
    for table, count in data.SCHOOL_ROWS.items():
        equal(rows.pop(table), count if count is not None else int(PG.psql(
            'SELECT count(*) FROM "%s"."%s"' % table, "school")), str(table))
    equal(rows, {})
    equal(next(d for d in manifest["databases"] if d["name"] == "school")["large_objects"], 26)
    equal(manifest["whole"], True)
    equal(sorted(os.listdir(folder(backup) + "/db"))[-1], "we%3Bird%20%22n%C3%A4me%22%2F%2E%2E%2Fx%20%25.pgdump.zst")
    stored = json.load(open(folder(backup) + "/manifest.json"))
    for entry in stored["objects"]:
        raw = open(folder(backup) + "/" + entry["key"], "rb").read()
        equal((len(raw), hashlib.sha256(raw).hexdigest()), (entry["stored_size"], entry["stored_sha256"]))
        plain = subprocess.run(["zstd", "-dc"], input=raw, capture_output=True, check=True).stdout
        equal((len(plain), hashlib.sha256(plain).hexdigest()), (entry["size"], entry["sha256"]))


def test_the_manifest_ends_with_the_digest_of_what_is_before_it():
    path = sorted(glob.glob(STORE + "/default/postgres/*/manifest.json"))[-1]
    text = open(path, "rb").read()
    before, line = text.rsplit(b'  "sha256": ', 1)
    equal(line, b'"%s"\n}\n' % hashlib.sha256(before).hexdigest().encode())


def test_the_list_shows_it_as_table_and_json():
    listed = maratea("backup", "list", "-o", "json", env=ENV).json()
    equal(len(listed["backups"]), 1)
    entry = listed["backups"][0]
    equal((entry["target"], entry["method"], entry["label"], entry["verified"], entry["whole"]),
          ("postgres", "logical", "first ünï", None, True))
    table = maratea("backup", "list", env=ENV).out.splitlines()
    equal(table[0].split(), ["ID", "AGE", "TARGET", "METHOD", "SIZE", "STORED", "TOOK", "VERIFIED", "LABEL"])
    holds(table[1], entry["id"], "logical", "first ünï")
    equal(maratea("backup", "list", "nothere", "-o", "json", env=ENV).json()["backups"], [])
    equal(len(maratea("backup", "list", "--all-platforms", "-o", "json",
                      env=dict(ENV, MARATEA_PLATFORM="other")).json()["backups"]), 1)


def test_show_tells_the_manifest():
    holds(maratea("backup", "show", "latest", env=ENV).out, "first ünï", "PostgreSQL 15.", "school_owner")
    equal(maratea("backup", "show", "latest", "-o", "json", env=ENV).json()["format"], 1)


def test_verify_reads_everything_and_its_record_is_listed():
    record = maratea("backup", "verify", "latest", "-o", "json", env=ENV).json()
    equal((record["level"], record["passed"], record["objects"], record["databases"]), ("content", True, 7, 6))
    equal(maratea("backup", "list", "-o", "json", env=ENV).json()["backups"][0]["verified"]["level"], "content")


def test_verify_by_restoring_compares_with_the_manifest():
    record = maratea("backup", "verify", "latest", "--restore", "-o", "json", env=ENV).json()
    equal((record["level"], record["passed"]), ("restore", True))
    equal(os.listdir(SCRATCH), [])


def test_a_flipped_byte_is_exit_status_4_and_names_object_and_offset():
    backup = maratea("backup", "list", "-o", "json", env=ENV).json()["backups"][0]["id"]
    path = folder(backup) + "/db/school.pgdump.zst"
    raw = open(path, "rb").read()
    os.chmod(path, 0o600)
    for offset in (5, len(raw) // 2, len(raw) - 3):
        with open(path, "wb") as f:
            f.write(raw[:offset] + bytes([raw[offset] ^ 1]) + raw[offset + 1:])
        failed = maratea("backup", "verify", backup, "--no-record", env=ENV, status=4)
        holds(failed.err, "db/school.pgdump.zst", "SHA-256")
    with open(path, "wb") as f:
        f.write(raw[:-10])
    holds(maratea("backup", "verify", backup, "--no-record", env=ENV, status=4).err,
          "db/school.pgdump.zst has %d bytes; the manifest says %d" % (len(raw) - 10, len(raw)))
    os.unlink(path)
    holds(maratea("backup", "verify", backup, env=ENV, status=4).err, "db/school.pgdump.zst is missing in the store")
    with open(path, "wb") as f:
        f.write(raw)
    equal(maratea("backup", "list", "-o", "json", env=ENV).json()["backups"][0]["verified"]["passed"], False)
    maratea("backup", "verify", backup, env=ENV)


def test_a_changed_manifest_is_refused_and_hides_no_other_backup():
    backup = maratea("backup", "run", "postgres", "-d", "icu", "-o", "json", env=ENV).json()["id"]
    path = folder(backup) + "/manifest.json"
    text = open(path).read()
    with open(path, "w") as f:
        f.write(text.replace('"label": null', '"label": "x"'))
    holds(maratea("backup", "verify", backup, env=ENV, status=4).err, "the manifest's digest is wrong")
    listed = maratea("backup", "list", "-o", "json", env=ENV).json()["backups"]
    equal(len(listed), 2)
    holds(listed[1]["error"], "digest is wrong")
    shutil.rmtree(folder(backup))


def test_some_databases_are_a_partial_backup_that_latest_does_not_mean():
    whole = maratea("backup", "show", "latest", "-o", "json", env=ENV).json()["id"]
    manifest = maratea("backup", "run", "postgres", "-d", "school", "-d", "icu", "-d", "school", "-o", "json",
                       env=ENV).json()
    equal((manifest["whole"], [d["name"] for d in manifest["databases"]]), (False, ["school", "icu"]))
    equal(maratea("backup", "show", "latest", "-o", "json", env=ENV).json()["id"], whole)
    holds(maratea("backup", "list", env=ENV).out, "logical, part")


def test_several_jobs_give_the_same_backup():
    manifest = maratea("backup", "run", "postgres", "--jobs", "3", "-o", "json", "--memory", "256MiB", env=ENV).json()
    equal(len(manifest["databases"]), 6)
    maratea("backup", "verify", manifest["id"], env=ENV)


def test_role_passwords_are_stored_only_when_asked_for():
    def globals_of(*options):
        backup = maratea("backup", "run", "postgres", "-d", "icu", *options, "-o", "json", env=ENV).json()["id"]
        return subprocess.run(["zstd", "-dc", folder(backup) + "/globals.sql.zst"], capture_output=True, text=True,
                              check=True).stdout
    lacks(globals_of(), "SCRAM-SHA-256")
    holds(globals_of("--plain-role-passwords"), "PASSWORD 'SCRAM-SHA-256")


def test_an_unknown_database_is_named_with_the_nearest():
    failed = maratea("backup", "run", "postgres", "-d", "shcool", env=ENV, status=1)
    holds(failed.err, "there is no database 'shcool'; did you mean 'school'?")


def test_a_database_that_allows_no_connections_is_skipped_and_named():
    PG.psql("ALTER DATABASE icu ALLOW_CONNECTIONS false")
    try:
        manifest = maratea("backup", "run", "postgres", "-o", "json", env=ENV).json()
        equal(manifest["skipped"], [{"name": "icu", "reason": "it allows no connections (datallowconn)"}])
        # many are counted
        for n in range(11):
            PG.psql("CREATE DATABASE closed_%02d ALLOW_CONNECTIONS false" % n)
        shown = maratea("backup", "run", "postgres", "-d", "school", env=ENV).out
        equal((shown.count("it allows no connections"), shown.count("it was not asked for")), (10, 0))
        holds(shown, "skipped      closed_00: it allows no connections (datallowconn)\n", "\n             ... and 6 more; -o json has them all\n")
        for n in range(11):
            PG.psql("DROP DATABASE closed_%02d" % n)
    finally:
        PG.psql("ALTER DATABASE icu ALLOW_CONNECTIONS true")


def test_a_role_that_cannot_read_everything_is_refused_with_the_cure():
    PG.psql("CREATE ROLE weak LOGIN PASSWORD 'weakweak'; GRANT CONNECT ON DATABASE school TO weak")
    weak = dict(ENV, DATABASE_URL=PG.url(user="weak", password="weakweak"))
    failed = maratea("backup", "run", "postgres", "-d", "school", env=weak, status=6)
    holds(failed.err, "the role weak cannot read everything", "tables or sequences without SELECT", "large objects",
          "hint: GRANT pg_read_all_data TO weak")
    PG.psql("GRANT pg_read_all_data TO weak; ALTER ROLE weak BYPASSRLS")
    failed = maratea("backup", "run", "postgres", "-d", "school", env=weak, status=6)
    lacks(failed.err, "tables or sequences")
    holds(failed.err, "26 large objects without SELECT")
    PG.psql("SELECT lo_unlink(oid) FROM pg_largeobject_metadata", "postgres")
    maratea("backup", "run", "postgres", "-d", "latin", "-d", "icu", env=weak)


def test_an_unprivileged_user_backs_up_verifies_and_restores():
    if os.getuid() != 0:
        return  # every other test is this one then
    place = temporary()
    os.chmod(place, 0o777)
    env = dict(ENV, MARATEA_STORE="file://" + place + "/store", HOME="/tmp")
    as_nobody("backup", "run", "postgres", "-d", "icu", env=env)
    backup = as_nobody("backup", "list", env=env).split("\n")[1].split()[0]
    as_nobody("backup", "verify", backup, "--restore", env=env)
    as_nobody("backup", "restore", backup, "--to-database", "by_nobody", env=env)
    PG.psql("DROP DATABASE by_nobody")
    shutil.rmtree(place)


def test_the_password_is_nowhere_to_be_seen():
    done = maratea("backup", "run", "postgres", "-d", "icu", "-v", env=ENV)
    show = maratea("config", "show", env=ENV)
    for text in (done.out, done.err, show.out, show.err):
        lacks(text, PG.password, "pa%3Ass")
    holds(show.out, "postgresql://postgres:***@")


def test_100000_large_objects_pass_in_bounded_memory():
    PG.psql("CREATE DATABASE many")
    PG.psql("SELECT count(lo_from_bytea(0, '\\x616263')) FROM generate_series(1, 100000)", "many")
    process = start("backup", "run", "postgres", "-d", "many", "-o", "json", env=ENV)
    peak = 0
    while process.poll() is None:
        try:
            peak = max([peak] + [int(line.split()[1]) for line in open("/proc/%d/status" % process.pid)
                                 if line.startswith("VmHWM")])
        except OSError:
            break
    manifest = finish(process, 300).json()
    equal(manifest["databases"][0]["large_objects"], 100000)
    assert 0 < peak < (128 << 10) or "sanitized" in MARATEA, peak
    maratea("backup", "verify", manifest["id"], env=ENV)
    PG.psql("DROP DATABASE many")


def test_another_server_in_the_same_place_is_refused_until_adopted():
    other = Postgres()
    try:
        env = dict(ENV, DATABASE_URL=other.url())
        failed = maratea("backup", "run", "postgres", env=env, status=5)
        holds(failed.err, "holds backups of another server", "hint: ", "--adopt-cluster")
        maratea("backup", "run", "postgres", "--adopt-cluster", env=env)
        maratea("backup", "run", "postgres", env=env)
        maratea("backup", "run", "postgres", "-d", "icu", env=ENV, status=5)
        maratea("backup", "run", "postgres", "-d", "icu", "--adopt-cluster", env=ENV)
        maratea("backup", "run", "postgres", "-d", "icu", env=ENV)
    finally:
        other.close()


main(globals())
