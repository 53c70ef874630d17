"""test_physical.py - the files of a whole server: back up, verify, restore into a directory, faults."""
import contextlib
import glob
import hashlib
import io
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tarfile

from harness import *
from servers import Postgres, Wire, wait_until
import data

ROOT = temporary()
SPACE = ROOT + "/spaces"
os.mkdir(SPACE)
PG = Postgres(initdb=("--data-checksums",), max_wal_size="64MB", min_wal_size="32MB", wal_keep_size="0",
              archive_mode="on", archive_command="touch %s/archived" % ROOT)
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT, ignore_errors=True)]
if PG.drop:
    os.chown(SPACE, *PG.drop)
    os.chown(ROOT, *PG.drop)
for name in ("one", "zwei ünï"):
    os.mkdir(SPACE + "/" + name)
    if PG.drop:
        os.chown(SPACE + "/" + name, *PG.drop)
PG.psql(data.SCHOOL)
PG.psql("""
CREATE TABLESPACE one LOCATION '%s/one';
CREATE TABLESPACE zwei LOCATION '%s/zwei ünï';
CREATE ROLE "back up" LOGIN REPLICATION PASSWORD 'b';
""" % (SPACE, SPACE))
PG.psql("""
CREATE TABLE far (a int, b text) TABLESPACE one;
INSERT INTO far SELECT g, repeat(md5(g::text), 20) FROM generate_series(1, 20000) g;
CREATE INDEX ON far (a) TABLESPACE zwei;
CREATE UNLOGGED TABLE forgotten AS SELECT generate_series(1, 1000) AS a;
""", "school")
STORE = ROOT + "/store"
os.mkdir(ROOT + "/tmp")
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + STORE, TMPDIR=ROOT + "/tmp")
MAPPING = ("--tablespace", SPACE + "/one=" + ROOT + "/new/one", "--tablespace", SPACE + "/zwei ünï=" + ROOT + "/new/zwei")


def backup(*args, env=ENV, status=0):
    return maratea("backup", "run", "postgres", "-m", "physical", *args, "-o", "json", env=env, status=status)


def folder(id):
    return "%s/default/postgres/%s" % (STORE, id)


def backups():
    return sorted(glob.glob(STORE + "/default/postgres/2*"))


def fresh(*paths):
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def fingerprint(server):
    return server.psql("SELECT (SELECT count(*) FROM users), (SELECT md5(string_agg(b, '' ORDER BY a)) FROM far), "
                       "(SELECT count(*) FROM forgotten), (SELECT count(*) FROM pg_largeobject_metadata)", "school")


FIRST = backup("--label", "first").json()


def test_a_dry_run_says_what_would_be_stored_and_takes_no_lock():
    before = backups()
    plan = backup("--dry-run").json()
    equal(plan["method"], "physical")
    equal([t["location"] for t in plan["physical"]["tablespaces"]], [SPACE + "/one", SPACE + "/zwei ünï"])
    equal(plan["physical"]["page_checksums"], "on")
    shown = maratea("backup", "run", "postgres", "-m", "physical", "--dry-run", env=ENV).out
    holds(shown, "in the base backup", "tablespace   zwei in " + SPACE + "/zwei ünï", "nothing was stored (--dry-run)")
    equal(backups(), before)


def test_the_manifest_tells_positions_tablespaces_and_objects():
    physical = FIRST["physical"]
    equal((FIRST["whole"], FIRST["role_passwords"], FIRST["label"], FIRST["skipped"]), (True, True, "first", []))
    equal(sorted(d["name"] for d in FIRST["databases"]),
          sorted(["icu", "latin", "postgres", "school", "template1", 'we;ird "näme"/../x %']))
    equal((physical["page_checksums"], physical["damaged"], physical["standby"], physical["manifest_checksums"],
           physical["superuser"]), ("on", False, False, "CRC32C", "postgres"))
    equal(sorted(t["location"] for t in physical["tablespaces"]), [SPACE + "/one", SPACE + "/zwei ünï"])
    equal(FIRST["warnings"], [])
    oids = [t["oid"] for t in physical["tablespaces"]]
    equal([o["key"] for o in FIRST["objects"]],
          ["tablespaces/%s.tar.zst" % oid for oid in oids] + ["base.tar.zst", "backup_manifest.zst"])
    for entry in FIRST["objects"]:
        raw = open(folder(FIRST["id"]) + "/" + entry["key"], "rb").read()
        equal((len(raw), hashlib.sha256(raw).hexdigest()), (entry["stored_size"], entry["stored_sha256"]))
        equal((len(subprocess.run(["zstd", "-dc"], input=raw, capture_output=True, check=True).stdout), entry["sha256"]),
              (entry["size"], None))


def test_the_slot_and_the_sessions_are_gone_afterwards():
    equal(PG.psql("SELECT count(*) FROM pg_replication_slots"), "0")
    equal(PG.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'maratea%'"), "0")


def test_list_and_show_know_the_method():
    entry = maratea("backup", "list", "-o", "json", env=ENV).json()["backups"][0]
    equal((entry["method"], entry["damaged"], entry["whole"]), ("physical", False, True))
    holds(maratea("backup", "show", FIRST["id"], env=ENV).out, "checksums on", SPACE + "/one", "timeline 1",
          FIRST["physical"]["start_lsn"])


def test_verify_compares_every_file_and_the_wal():
    record = maratea("backup", "verify", FIRST["id"], "-o", "json", env=ENV).json()
    equal((record["level"], record["passed"], record["objects"], record["files"], record["wal_segments"]),
          ("content", True, 4, FIRST["physical"]["files"], FIRST["physical"]["wal_segments"]))


def test_verify_by_restoring_recovers_reads_every_database_and_runs_amcheck():
    # PGPORT of the caller must not lead to another server
    record = maratea("backup", "verify", FIRST["id"], "--restore", "-o", "json", env=dict(ENV, PGPORT="1")).json()
    equal((record["level"], record["passed"], record["files"]), ("restore", True, FIRST["physical"]["files"]))
    equal(os.listdir(ROOT + "/tmp"), [])
    holds(maratea("backup", "verify", FIRST["id"], "--restore", env=ENV).out,
          "a server recovered from it, every database was read: good", "pg_amcheck")


def test_without_pg_amcheck_the_level_is_started():
    programs = ROOT + "/programs"
    os.mkdir(programs)
    for name in os.listdir(PG.bin):
        if name != "pg_amcheck":
            os.symlink(PG.bin + "/" + name, programs + "/" + name)
    done = maratea("backup", "verify", FIRST["id"], "--restore", "-o", "json", env=dict(ENV, MARATEA_POSTGRES_BIN_DIR=programs))
    equal((done.json()["level"], done.json()["passed"]), ("started", True))
    holds(done.err, "warning: there is no pg_amcheck in " + programs)


def restore(*args, env=ENV, status=0):
    return maratea("backup", "restore", *args, env=env, status=status)


def test_a_restored_directory_starts_and_has_everything_but_what_is_unlogged():
    target = ROOT + "/new/data"
    fresh(ROOT + "/new")
    done = restore(FIRST["id"], "--to-dir", target, *MAPPING)
    holds(done.out, "restored to  " + target, "files with backup_manifest: all there", "pg_ctl -D " + target)
    state = os.stat(target)
    equal(stat.S_IMODE(state.st_mode), 0o700)
    if PG.drop:
        equal(state.st_uid, PG.drop[0])
        equal({os.stat(p).st_uid for p in glob.glob(target + "/**", recursive=True)}, {PG.drop[0]})
    equal(os.path.exists(target + "/global/pg_control.restoring"), False)
    copy = Postgres.on(target)
    try:
        want = fingerprint(PG).split("\t")
        have = fingerprint(copy).split("\t")
        equal((have[:2], have[2], have[3]), (want[:2], "0", want[3]))
        equal(want[2], "1000")
        equal(copy.psql("SELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace WHERE oid > 16384 ORDER BY 1"),
              "one\t%s/new/one\nzwei\t%s/new/zwei" % (ROOT, ROOT))
        equal(copy.psql("SELECT name, setting FROM pg_settings WHERE name IN ('archive_mode', 'primary_conninfo', "
                        "'max_logical_replication_workers', 'restore_command') ORDER BY 1"),
              "archive_mode\toff\nmax_logical_replication_workers\t0\nprimary_conninfo\t\nrestore_command")
        # the copy writes into its own tablespace
        copy.psql("UPDATE far SET b = 'new'; CHECKPOINT", "school")
        equal(PG.psql("SELECT count(*) FROM far WHERE b = 'new'", "school"), "0")
    finally:
        copy.close()


def test_tablespaces_can_be_named_by_number_and_every_one_must_be_mapped():
    fresh(ROOT + "/new")
    one = next(t for t in FIRST["physical"]["tablespaces"] if t["location"].endswith("one"))
    failed = restore(FIRST["id"], "--to-dir", ROOT + "/new/data", "--tablespace", one["oid"] + "=" + ROOT + "/new/one", status=2)
    holds(failed.err, "the backup has a tablespace in " + SPACE + "/zwei ünï: say where it is to be",
          "hint: --tablespace " + SPACE + "/zwei ünï=NEW")
    for wrong, words in (("/nowhere=/x", "the backup has no tablespace in /nowhere"),
                         (SPACE + "/one=relative", "write OLD=NEW, NEW as an absolute path"),
                         ("=", "write OLD=NEW"), ("nothing", "write OLD=NEW")):
        holds(restore(FIRST["id"], "--to-dir", ROOT + "/new/data", "--tablespace", wrong, status=2).err, words)
    inside = restore(FIRST["id"], "--to-dir", ROOT + "/new/data", "--tablespace", SPACE + "/one=" + ROOT + "/new/data/one",
                     *MAPPING[2:], status=2)
    holds(inside.err, "one is inside the other")
    twice = restore(FIRST["id"], "--to-dir", ROOT + "/new/data", *MAPPING, *MAPPING[:2], status=2)
    holds(twice.err, "is given twice")
    equal(os.path.exists(ROOT + "/new"), False)


def test_a_dry_run_of_the_restore_writes_nothing():
    fresh(ROOT + "/new")
    plan = restore(FIRST["id"], "--to-dir", ROOT + "/new/data", "--dry-run", "-o", "json", *MAPPING).json()
    equal((plan["dry_run"], plan["to_dir"], plan["files"], plan["end_lsn"]),
          (True, ROOT + "/new/data", FIRST["physical"]["files"], FIRST["physical"]["end_lsn"]))
    equal(plan["space_needed"], sum(o["size"] for o in FIRST["objects"] if o["key"] != "backup_manifest.zst"))
    equal(sorted(t["to"] for t in plan["tablespaces"]), [ROOT + "/new/one", ROOT + "/new/zwei"])
    equal(os.path.exists(ROOT + "/new"), False)


def test_only_an_empty_or_absent_directory_is_filled():
    fresh(ROOT + "/new")
    os.makedirs(ROOT + "/new/data")
    open(ROOT + "/new/data/precious", "w").close()
    failed = restore(FIRST["id"], "--to-dir", ROOT + "/new/data", *MAPPING, status=5)
    holds(failed.err, ROOT + "/new/data is not empty: there is precious")
    equal(os.listdir(ROOT + "/new"), ["data"])
    equal(os.listdir(ROOT + "/new/data"), ["precious"])
    fresh(ROOT + "/new")
    os.makedirs(ROOT + "/new/one")
    open(ROOT + "/new/one/precious", "w").close()
    holds(restore(FIRST["id"], "--to-dir", ROOT + "/new/data", *MAPPING, status=5).err, "/new/one is not empty")
    equal(os.listdir(ROOT + "/new"), ["one"])
    fresh(ROOT + "/new")
    os.makedirs(ROOT + "/new")
    open(ROOT + "/new/data", "w").close()
    holds(restore(FIRST["id"], "--to-dir", ROOT + "/new/data", *MAPPING, status=1).err, "Not a directory")
    fresh(ROOT + "/new")


def test_method_and_options_must_fit():
    holds(restore(FIRST["id"], "-d", "school", "--to-database", "x", status=2).err, "is a physical one", "--to-dir DIR")
    logical = maratea("backup", "run", "postgres", "-d", "latin", "-o", "json", env=ENV).json()["id"]
    holds(restore(logical, "--to-dir", ROOT + "/x", status=2).err, "is a logical one")
    shutil.rmtree(folder(logical))
    holds(restore("latest", "-d", "school", "--to-database", "x", status=1).err, "no backup 'latest'")
    holds(restore(FIRST["id"], "--to-dir", ROOT + "/x", "--swap", status=2).err, "--to-dir goes with")
    holds(restore(FIRST["id"], "--owner", "postgres", status=2).err, "--owner goes with --to-dir")
    holds(restore(FIRST["id"], "--to-dir", "", status=2).err, "--to-dir has an empty value")
    holds(restore(FIRST["id"], "--to-dir", ROOT + "/x", "--owner", "no; such", *MAPPING, status=2).err, "there is no such user")
    for args, words in ((("-d", "school"), "go with --method logical"), (("--max-rate", "1"), "between 32 KiB and 1 GiB"),
                        (("--max-rate", "fast"), "--max-rate"), (("--max-rate", "0"), "cannot be 0"),
                        (("--manifest-checksums", "md5"), "one of crc32c|sha256"), (("--checkpoint", "slow"), "one of fast|spread")):
        holds(backup(*args, status=2).err, words)
    holds(maratea("backup", "run", "postgres", "--max-wal-retained", "1MiB", env=ENV, status=2).err, "go with --method physical")
    equal(os.path.exists(ROOT + "/x"), False)


def rewrite(id, key, change):
    """Changes the plain bytes of an object and puts the digests right: what a wrong tool would leave."""
    path = folder(id) + "/" + key
    plain = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
    raw = subprocess.run(["zstd", "-qc"], input=change(plain), capture_output=True, check=True).stdout
    os.chmod(path, 0o600)
    with open(path, "wb") as f:
        f.write(raw)
    manifest = json.load(open(folder(id) + "/manifest.json"))
    del manifest["sha256"]
    entry = next(o for o in manifest["objects"] if o["key"] == key)
    digest = hashlib.sha256(raw).hexdigest()
    entry.update(size=len(change(plain)), stored_size=len(raw), stored_sha256=digest,
                 volumes=[{"key": key, "stored_size": len(raw), "stored_sha256": digest}])
    text = json.dumps(manifest, indent=2, ensure_ascii=False)[:-2] + ",\n"
    os.chmod(folder(id) + "/manifest.json", 0o600)
    with open(folder(id) + "/manifest.json", "w") as f:
        f.write(text + '  "sha256": "%s"\n}\n' % hashlib.sha256(text.encode()).hexdigest())


def retar(edit):
    """A change of a tar's members: edit(list of (info, bytes)) changes the list."""
    def change(plain):
        with tarfile.open(fileobj=io.BytesIO(plain)) as old:
            members = [(m, old.extractfile(m).read() if m.isreg() else b"") for m in old]
        edit(members)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as new:
            for info, content in members:
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))
        return out.getvalue()
    return change


def copied():
    """A copy of the first backup that may be spoilt."""
    id = FIRST["id"][:-6] + "ffffff"
    fresh(folder(id))
    shutil.copytree(folder(FIRST["id"]), folder(id))
    manifest = json.load(open(folder(id) + "/manifest.json"))
    del manifest["sha256"]
    manifest["id"] = id
    text = json.dumps(manifest, indent=2, ensure_ascii=False)[:-2] + ",\n"
    os.chmod(folder(id) + "/manifest.json", 0o600)
    with open(folder(id) + "/manifest.json", "w") as f:
        f.write(text + '  "sha256": "%s"\n}\n' % hashlib.sha256(text.encode()).hexdigest())
    return id


def index(members, name):
    return next(i for i, (info, _) in enumerate(members) if info.name.lstrip("./") == name)


def flip(name):
    def edit(members):
        i = index(members, name)
        info, content = members[i]
        members[i] = (info, content[:100] + bytes([content[100] ^ 1]) + content[101:])
    return edit


def drop(name):
    def edit(members):
        del members[index(members, name)]
    return edit


def add(name, kind=tarfile.REGTYPE, link=""):
    def edit(members):
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.mode = kind, link, 0o600
        members.append((info, b"evil" if kind == tarfile.REGTYPE else b""))
    return edit


def wal_of(members, length=None):
    i = next(i for i, (info, _) in enumerate(members) if info.name.startswith("pg_wal/0000000") and info.isreg())
    return i


def without_wal(members):
    del members[wal_of(members)]


def cut_wal(members):
    i = wal_of(members)
    members[i] = (members[i][0], members[i][1][:-512])


def broken_wal(members):
    i = wal_of(members)
    content = members[i][1]
    members[i] = (members[i][0], content[:8] + b"\xff" * 8 + content[16:])


def test_whatever_is_wrong_inside_is_named_by_verify_and_never_restored():
    cases = [
        (flip("global/pg_control"), "global/pg_control: its size or checksum is not that of backup_manifest"),
        (drop("PG_VERSION"), "PG_VERSION is missing in the backup"),
        (add("base/extra"), "base/extra is not in backup_manifest"),
        (add("../evil"), "the backup has the impossible path '../evil'"),
        (add("/evil"), "the backup has the impossible path '/evil'"),
        (add("base/../../evil"), "impossible path"),
        (add("evil", tarfile.LNKTYPE, "PG_VERSION"), "an entry that is no file, directory or symbolic link"),
        (add("evil", tarfile.CHRTYPE), "an entry that is no file, directory or symbolic link"),
        (without_wal, "is needed; there is none"),
        (cut_wal, "the WAL segment 0000000"),
        (broken_wal, "is damaged at its beginning"),
    ]
    for edit, words in cases:
        id = copied()
        rewrite(id, "base.tar.zst", retar(edit))
        holds(maratea("backup", "verify", id, "--no-record", env=ENV, status=4).err, words)
        fresh(ROOT + "/new")
        holds(restore(id, "--to-dir", ROOT + "/new/data", *MAPPING, status=4).err, words)
        equal(os.listdir(ROOT + "/new"), [], words)
    # a link is not in backup_manifest: only the restore must refuse it
    id = copied()
    rewrite(id, "base.tar.zst", retar(lambda m: m.insert(0, (lambda t: (setattr(t, "type", tarfile.SYMTYPE),
                                                                     setattr(t, "linkname", ROOT), (t, b""))[2])(tarfile.TarInfo("way")))))
    holds(restore(id, "--to-dir", ROOT + "/new/data", *MAPPING, status=4).err, "the backup holds a symbolic link, way")
    equal(os.listdir(ROOT + "/new"), [])
    for change, words in ((lambda b: b[:len(b) // 2], "ends too early"),
                          (lambda b: b.replace(b'"Size": ', b'"Size": 1', 1), "its own digest is wrong"),
                          (lambda b: b"{}\n", "is no PostgreSQL backup manifest")):
        id = copied()
        rewrite(id, "backup_manifest.zst", change)
        holds(maratea("backup", "verify", id, "--no-record", env=ENV, status=4).err, words)
    fresh(folder(id), ROOT + "/new")


def test_a_flipped_or_cut_byte_in_the_store_is_exit_status_4():
    id = copied()
    for key in ("base.tar.zst", "backup_manifest.zst", FIRST["objects"][0]["key"]):
        path = folder(id) + "/" + key
        raw = open(path, "rb").read()
        os.chmod(path, 0o600)
        for offset in (5, len(raw) // 2, len(raw) - 3):
            with open(path, "wb") as f:
                f.write(raw[:offset] + bytes([raw[offset] ^ 1]) + raw[offset + 1:])
            holds(maratea("backup", "verify", id, "--no-record", env=ENV, status=4).err, key)
        with open(path, "wb") as f:
            f.write(raw[:-10])
        holds(maratea("backup", "verify", id, "--no-record", env=ENV, status=4).err,
              "%s has %d bytes; the manifest says %d" % (key, len(raw) - 10, len(raw)))
        with open(path, "wb") as f:
            f.write(raw)
    maratea("backup", "verify", id, "--no-record", env=ENV)
    fresh(folder(id))


class Writer:
    """Writes as fast as the server lets it, until the end of the block."""

    def __init__(self, server, table):
        self.server, self.table = server, table
        server.psql("CREATE TABLE IF NOT EXISTS %s (g int, v text)" % table)
        self.process = subprocess.Popen(
            [server.bin + "/psql", "-X", "-q", "-h", server.dir, "-p", str(server.port), "-U", server.user, "-d", "postgres",
             "-c", "DO $$ BEGIN LOOP INSERT INTO %s SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 20000) g; "
             "COMMIT; DELETE FROM %s WHERE g %% 2 = 0; COMMIT; END LOOP; END $$" % (table, table)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        self.process.terminate()
        self.process.wait()
        self.server.psql("DROP TABLE %s" % self.table)  # hundreds of megabytes in every later backup
        self.server.psql("CHECKPOINT")


def position(server):
    return int(server.psql("SELECT (pg_current_wal_lsn() - '0/0')::bigint"))


def test_writes_at_full_speed_on_a_server_that_recycles_its_wal():
    with Writer(PG, "busy"):
        begun = position(PG)
        first = PG.psql("SELECT min(name) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'")
        made = backup("--max-rate", "24MiB").json()
        # the fault is real: the segments from before the backup are gone, several times max_wal_size was written
        wait_until(lambda: PG.psql("SELECT min(name) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'") > first, 60,
                   "recycling")
        if position(PG) - begun < 3 * (64 << 20):
            raise AssertionError("only %d bytes of WAL" % (position(PG) - begun))
    physical = made["physical"]
    if physical["wal_bytes"] < 64 << 20:
        raise AssertionError(physical)
    if physical["wal_retained"] < 32 << 20:
        raise AssertionError(physical)
    record = maratea("backup", "verify", made["id"], "--restore", "-o", "json", env=ENV).json()
    equal((record["passed"], record["level"]), (True, "restore"))
    shutil.rmtree(folder(made["id"]))


def test_too_much_retained_wal_ends_the_run():
    before = backups()
    with Writer(PG, "busy"):
        failed = backup("--max-rate", "4MiB", "--max-wal-retained", "20MiB", status=1)
    holds(failed.err, "of WAL for this backup, more than the 20.0 MiB of --max-wal-retained")
    equal(backups(), before)
    equal(PG.psql("SELECT count(*) FROM pg_replication_slots"), "0")


def started(*args, env=ENV):
    """A slow run that has begun to receive."""
    process = start("backup", "run", "postgres", "-m", "physical", "--max-rate", "1MiB", *args, env=env)
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_progress_basebackup WHERE backup_streamed > 1000000") == "1",
               60, "base backup under way")
    return process


def test_a_killed_session_on_either_connection_ends_the_run():
    before = backups()
    for which, words in (("pid IN (SELECT pid FROM pg_stat_progress_basebackup)", "terminating connection"),
                         ("pid IN (SELECT active_pid FROM pg_replication_slots)", "the slot that keeps WAL for the backup is lost")):
        process = started()
        PG.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " + which)
        done = finish(process)
        equal(done.status, 6, repr(done))
        holds(done.err, words)
        equal(backups(), before)


def test_signals_end_it_and_leave_nothing():
    before = backups()
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = started()
        process.send_signal(number)
        equal(finish(process, 10).status, status)
        equal(backups(), before)
    process = started()
    process.kill()
    process.wait()
    equal([b for b in backups() if os.path.exists(b + "/manifest.json")], before)
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_replication_slots") == "0", 60, "end of the slot")
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'maratea%'") == "0", 60,
               "end of the session")


def test_a_second_run_meanwhile_is_exit_status_5():
    process = started()
    try:
        holds(backup(status=5).err, "another run is at work: maratea backup run")
        holds(maratea("backup", "run", "postgres", env=ENV, status=5).err, "another run is at work")
    finally:
        process.terminate()
        equal(finish(process).status, 143)


def test_a_cut_connection_ends_the_run():
    before = backups()
    wire = Wire(PG.port)
    process = started(env=dict(ENV, DATABASE_URL=PG.url(port=wire.port)))
    wire.cut()
    equal(finish(process).status, 6)
    equal(backups(), before)
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0", 60, "end of the session")


def test_a_byte_that_changes_on_the_way_is_found_before_anything_is_stored():
    before = backups()
    wire = Wire(PG.port, flip_at=5 << 20)
    failed = backup(env=dict(ENV, DATABASE_URL=PG.url(port=wire.port)), status=1)
    equal(wire.flipped, 1)
    holds(failed.err, "its size or checksum is not that of backup_manifest")
    equal(backups(), before)
    wire.cut()


def test_a_role_that_may_not_replicate_is_told_how_it_may():
    PG.psql("CREATE ROLE plain LOGIN PASSWORD 'p'")
    failed = backup(env=dict(ENV, DATABASE_URL=PG.url(user="plain", password="p")), status=6)
    holds(failed.err, "the role plain may not replicate", "hint: ALTER ROLE plain REPLICATION")
    made = backup(env=dict(ENV, DATABASE_URL=PG.url(user="back up", password="b"))).json()
    maratea("backup", "verify", made["id"], env=ENV)
    shutil.rmtree(folder(made["id"]))


def test_no_pg_hba_line_is_told_with_the_line():
    path = PG.data + "/pg_hba.conf"
    before = open(path).read()
    with open(path, "w") as f:
        f.write('local all all trust\nhost all all 127.0.0.1/32 reject\n')
    PG.psql("SELECT pg_reload_conf()")
    try:
        with open(path, "w") as f:
            f.write("local all all trust\n")
        PG.psql("SELECT pg_reload_conf()")
        wait_until(lambda: maratea("backup", "run", "postgres", "-m", "physical", env=ENV, status=None).status == 6, 20, "reload")
        failed = backup(status=6)
        holds(failed.err, "no pg_hba.conf entry",
              "hint: add this line to the server's pg_hba.conf and reload it: host postgres postgres 127.0.0.1/32 scram-sha-256")
    finally:
        with open(path, "w") as f:
            f.write(before)
        PG.psql("SELECT pg_reload_conf()")
    wait_until(lambda: maratea("backup", "run", "postgres", "-m", "physical", "--dry-run", env=ENV, status=None).status == 0, 20,
               "reload")


def test_server_compression_is_checked_in_passing():
    made = backup("--server-compression").json()
    equal(made["physical"]["server_compression"], True)
    base = next(o for o in made["objects"] if o["key"] == "base.tar.zst")
    raw = subprocess.run(["zstd", "-dc", folder(made["id"]) + "/base.tar.zst"], capture_output=True, check=True).stdout
    equal(len(raw), base["size"])
    equal(maratea("backup", "verify", made["id"], "-o", "json", env=ENV).json()["files"], made["physical"]["files"])
    shutil.rmtree(folder(made["id"]))


def test_sha256_checksums_and_volumes():
    made = backup("--manifest-checksums", "sha256", "--checkpoint", "spread",
                  env=dict(ENV, MARATEA_STORE_VOLUME_SIZE="16MiB", MARATEA_BACKUP_COMPRESSION="zstd:1"), status=None)
    equal(made.status, 0, repr(made))
    made = made.json()
    equal(made["physical"]["manifest_checksums"], "SHA256")
    maratea("backup", "verify", made["id"], env=ENV)
    shutil.rmtree(folder(made["id"]))


def test_the_recovery_lines_of_the_manual_work_without_maratea():
    page = open(SOURCE + "/man/maratea-repository.7").read()
    script = page.split('.\\" physical-begin\n')[1].split('.\\" physical-end')[0].replace("\\e", "\\")
    fresh(ROOT + "/hand")
    os.makedirs(ROOT + "/hand/data")
    os.makedirs(ROOT + "/hand/spaces")
    env = environment(BACKUP=folder(FIRST["id"]), DATA=ROOT + "/hand/data", SPACES=ROOT + "/hand/spaces")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(script + done.stdout + done.stderr)
    if PG.drop:
        subprocess.run(["chown", "-R", "postgres:", ROOT + "/hand"], check=True)
    copy = Postgres.on(ROOT + "/hand/data", archive_mode="off")
    try:
        equal(fingerprint(copy).split("\t")[:2], fingerprint(PG).split("\t")[:2])
    finally:
        copy.close()


@contextlib.contextmanager
def tmpfs(name, options):
    place = ROOT + "/" + name
    os.makedirs(place, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options + ",mode=755", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_told_and_nothing_stays():
    if os.getuid() != 0:
        return
    fresh(ROOT + "/new")
    with tmpfs("small", "size=200m") as small:
        # room enough at first, taken by somebody else meanwhile
        os.mkdir(small + "/data")
        with open(small + "/other", "wb") as f:
            f.write(b"x" * (150 << 20))
        failed = restore(FIRST["id"], "--to-dir", small + "/data", *MAPPING, status=1)
        holds(failed.err, "has room for", "the backup needs")
        equal(os.listdir(small + "/data"), [])
    equal(os.path.exists(ROOT + "/new"), False)


def test_a_disk_that_fills_up_midway_is_told_and_nothing_stays():
    if os.getuid() != 0:
        return
    fresh(ROOT + "/new")
    # bytes enough for the check before the start, but not for so many files
    with tmpfs("inodes", "size=4g,nr_inodes=500") as small:
        failed = restore(FIRST["id"], "--to-dir", small + "/data", *MAPPING, status=1)
        holds(failed.err, "error: open base/", ": No space left on device", "hint: while writing into %s/data" % small)
        equal(os.path.exists(small + "/data/global/pg_control"), False)
        equal(os.listdir(small), [])
    equal(os.listdir(ROOT + "/new"), [])


def test_an_unprivileged_user_backs_up_verifies_and_restores():
    if os.getuid() != 0:
        return  # every other test is this one then
    entry = pwd.getpwnam("nobody")
    place = temporary()
    os.chmod(place, 0o777)
    os.mkdir(place + "/tmp")
    os.chmod(place + "/tmp", 0o777)
    env = dict(ENV, MARATEA_STORE="file://" + place + "/store", HOME="/tmp", TMPDIR=place + "/tmp")

    def nobody(*args):
        return as_nobody("backup", *args, env=env)
    made = json.loads(nobody("run", "postgres", "-m", "physical", "-o", "json"))
    record = json.loads(nobody("verify", made["id"], "--restore", "-o", "json"))
    equal((record["level"], record["passed"]), ("restore", True))
    mapping = [word.replace(ROOT + "/new/", place + "/") for word in MAPPING]
    nobody("restore", made["id"], "--to-dir", place + "/data", *mapping)
    for top, dirs, files in os.walk(place + "/data"):
        for name in dirs + files:
            equal(os.lstat(top + "/" + name).st_uid, entry.pw_uid, top + "/" + name)
    equal(stat.S_IMODE(os.stat(place + "/data").st_mode), 0o700)
    equal(os.listdir(place + "/tmp"), [])
    shutil.rmtree(place)


def test_neither_a_verification_nor_a_restored_server_talks_to_others():
    """A source that subscribes, streams from a primary and asks for WAL: its copies connect to nobody."""
    wire = Wire(PG.port)  # counts who comes
    PG.psql("CREATE SUBSCRIPTION chatty CONNECTION 'host=127.0.0.1 port=%d dbname=x' PUBLICATION p WITH (connect = false)"
            % wire.port, "school")
    PG.psql("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=%d'" % wire.port)
    PG.psql("ALTER SYSTEM SET restore_command = 'touch %s/asked; false'" % ROOT)
    PG.psql("ALTER SUBSCRIPTION chatty ENABLE", "school")
    try:
        wait_until(lambda: wire.accepted > 0, 60, "the source's own subscription")
        made = backup().json()
        PG.psql("ALTER SUBSCRIPTION chatty DISABLE", "school")
        wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'logical replication worker'")
                   == "0", 60, "end of the source's worker")
        quiet = wire.accepted
        maratea("backup", "verify", made["id"], "--restore", env=ENV)
        fresh(ROOT + "/new")
        restore(made["id"], "--to-dir", ROOT + "/new/data", *MAPPING)
        copy = Postgres.on(ROOT + "/new/data")
        try:
            equal(copy.psql("SELECT subenabled FROM pg_subscription"), "t")
        finally:
            copy.close()
        equal(wire.accepted, quiet)
        equal(os.path.exists(ROOT + "/asked"), False)
    finally:
        PG.psql("ALTER SUBSCRIPTION chatty DISABLE; ALTER SUBSCRIPTION chatty SET (slot_name = NONE)", "school")
        PG.psql("DROP SUBSCRIPTION chatty", "school")
        PG.psql("ALTER SYSTEM RESET primary_conninfo")
        PG.psql("ALTER SYSTEM RESET restore_command")
        wire.cut()


def test_a_standby_can_be_the_source_and_its_copy_is_none():
    standby = Postgres.standby_of(PG)
    try:
        PG.psql("CREATE TABLE arrived AS SELECT 1 AS a; CHECKPOINT")
        wait_until(lambda: standby.psql("SELECT count(*) FROM pg_class WHERE relname = 'arrived'") == "1", 60, "replay")
        made = backup(env=dict(ENV, DATABASE_URL=standby.url())).json()
        equal(made["physical"]["standby"], True)
        equal(maratea("backup", "verify", made["id"], "--restore", "-o", "json", env=ENV).json()["passed"], True)
        fresh(ROOT + "/new")
        mapping = []
        for n, t in enumerate(made["physical"]["tablespaces"]):
            mapping += ["--tablespace", "%s=%s/new/%d" % (t["location"], ROOT, n)]
        restore(made["id"], "--to-dir", ROOT + "/new/data", *mapping)
        equal([n for n in os.listdir(ROOT + "/new/data") if n.endswith(".signal")], [])
        holds(open(ROOT + "/new/data/postgresql.auto.conf").read(), "primary_conninfo = 'user")
        copy = Postgres.on(ROOT + "/new/data")
        try:
            equal(copy.psql("SELECT pg_is_in_recovery(), (SELECT count(*) FROM pg_stat_wal_receiver), "
                            "current_setting('primary_conninfo') = ''"), "f\t0\tt")
        finally:
            copy.close()
        shutil.rmtree(folder(made["id"]))
    finally:
        standby.close()
        wait_until(lambda: PG.psql("SELECT active FROM pg_replication_slots WHERE slot_name = 'standby'") == "f", 60, "end")
        PG.psql("SELECT pg_drop_replication_slot('standby')")


def test_a_corrupted_page_is_exit_status_4_unless_allowed():
    server = Postgres(initdb=("--data-checksums",))
    store = ROOT + "/damaged"
    env = environment(DATABASE_URL=server.url(), MARATEA_STORE="file://" + store)
    try:
        server.psql("CREATE TABLE t AS SELECT g, repeat('x', 500) FROM generate_series(1, 2000) g; CHECKPOINT")
        path = server.data + "/" + server.psql("SELECT pg_relation_filepath('t')")
        good = backup(env=env).json()["id"]
        server.stop()
        with open(path, "r+b") as f:
            f.seek(8192 * 3 + 100)
            f.write(b"\xff\xee")
        server.start()
        failed = backup(env=env, status=4)
        holds(failed.err, "XX001")
        equal(sorted(os.listdir(store + "/default/postgres")), sorted([good, "cluster", "lock"]))
        made = backup("--allow-damaged", env=env).json()
        equal(made["physical"]["damaged"], True)
        holds(maratea("backup", "list", env=env).out, "physical, DAMAGED")
        holds(maratea("backup", "show", made["id"], env=env).out, "DAMAGED PAGES ARE IN IT")
        equal(maratea("backup", "show", "latest", "-o", "json", env=env).json()["id"], good)
        failed = maratea("backup", "verify", made["id"], "--restore", env=env, status=4)
        holds(failed.err, "database postgres: pg_")
    finally:
        server.close()


def test_what_the_server_lacks_is_told_with_the_remedy():
    server = Postgres(wal_level="minimal", max_wal_senders=0)
    env = environment(DATABASE_URL=server.url(), MARATEA_STORE="file://" + ROOT + "/other")
    try:
        holds(backup(env=env, status=6).err, "wal_level is minimal",
              "hint: ALTER SYSTEM SET wal_level = replica, and restart the server")
        server.stop()
        server.settings.update(wal_level="replica", max_wal_senders=1)
        server.start()
        holds(backup(env=env, status=6).err, "all its WAL senders are in use but 1; a physical backup needs 2",
              "hint: raise max_wal_senders (it is 1)")
        server.stop()
        server.settings.update(max_wal_senders=3, max_replication_slots=0)
        server.start()
        holds(backup(env=env, status=6).err, "all its replication slots are in use but 0", "raise max_replication_slots (it is 0)")
        server.stop()
        server.settings.update(max_replication_slots=1)
        server.start()
        # no page checksums: a warning on every run
        done = backup(env=env)
        holds(done.err, "warning: the server keeps no page checksums")
        equal((done.json()["physical"]["page_checksums"], len(done.json()["warnings"])), ("off", 1))
        fresh(ROOT + "/plain")
        restore("latest", "--to-dir", ROOT + "/plain", env=env)
        check = subprocess.run([server.bin + "/pg_verifybackup", ROOT + "/plain"], capture_output=True, text=True)
        # ours is in postgresql.auto.conf and the like only, which pg_verifybackup leaves out
        equal((check.returncode, check.stdout), (0, "backup successfully verified\n"), check.stderr)
    finally:
        server.close()


main(globals())
