"""test_restore.py - what comes back is what was there: data, rights, settings; and nothing is overwritten."""
import glob
import os
import shutil
import subprocess
import threading

from harness import *
from servers import Postgres, wait_until
import data

PG = Postgres()
OTHER = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, OTHER.close, lambda: shutil.rmtree(ROOT)]
PG.psql(data.SCHOOL)
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + ROOT + "/store")
BACKUP = maratea("backup", "run", "postgres", "--plain-role-passwords", "-o", "json", env=ENV).json()["id"]
WEIRD = 'we;ird "näme"/../x %'


def restore(*args, status=0, env=ENV, stdin=None):
    return maratea("backup", "restore", BACKUP, *args, status=status, env=env, stdin=stdin)


def fingerprint(server, database):
    return [server.psql(sql, database) for sql in data.FINGERPRINTS]


def databases(server):
    return server.psql("SELECT datname FROM pg_database ORDER BY 1").split("\n")


def test_a_database_comes_back_equal_with_its_settings_and_rights():
    restore("-d", "school", "--to-database", "school_copy")
    equal(fingerprint(PG, "school_copy"), fingerprint(PG, "school"))
    equal(PG.psql(data.DATABASE_PROPERTIES % "school_copy"), PG.psql(data.DATABASE_PROPERTIES % "school"))
    equal([d for d in databases(PG) if d.startswith("maratea_restore")], [])
    PG.psql("DROP DATABASE school_copy")


def test_names_that_would_break_a_shell_or_sql_come_back():
    target = "x'; DROP DATABASE school; -- \"ü\" %"
    restore("-d", WEIRD, "--to-database", target)
    equal(PG.psql("SELECT id FROM t", target), "42")
    assert "school" in databases(PG)
    PG.psql('DROP DATABASE "%s"' % target.replace('"', '""'))


def test_encodings_and_locales_come_back():
    for name in ("latin", "icu"):
        restore("-d", name, "--to-database", name + "_2")
        equal(PG.psql(data.DATABASE_PROPERTIES % (name + "_2")), PG.psql(data.DATABASE_PROPERTIES % name))
        PG.psql("DROP DATABASE %s_2" % name)


def test_a_database_with_something_in_it_is_never_overwritten():
    before = fingerprint(PG, "school")
    failed = restore("-d", WEIRD, "--to-database", "school", status=5)
    holds(failed.err, "the database school exists and is not empty", "hint: --to-database takes another name")
    equal(fingerprint(PG, "school"), before)
    PG.psql("CREATE DATABASE barely; \\c barely\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    restore("-d", "icu", "--to-database", "barely", status=5)
    PG.psql("DROP DATABASE barely")


def test_an_existing_empty_database_keeps_its_own_settings():
    PG.psql("CREATE DATABASE prepared OWNER teacher; ALTER DATABASE prepared SET work_mem TO '3MB'; "
            "REVOKE ALL ON DATABASE prepared FROM PUBLIC")
    before = PG.psql(data.DATABASE_PROPERTIES % "prepared")
    restore("-d", "school", "--to-database", "prepared")
    equal(fingerprint(PG, "prepared"), fingerprint(PG, "school"))
    equal(PG.psql(data.DATABASE_PROPERTIES % "prepared"), before)
    PG.psql("DROP DATABASE prepared")


def test_a_role_without_createdb_fills_an_empty_database_in_one_transaction():
    PG.psql("CREATE ROLE filler LOGIN PASSWORD 'fill-pw'; CREATE DATABASE fill OWNER filler")
    env = dict(ENV, DATABASE_URL=PG.url("fill", "filler", "fill-pw"))
    restore("-d", WEIRD, "--to-database", "fill", "--no-owner", env=env)
    equal(PG.psql("SELECT id FROM t", "fill"), "42")
    failed = restore("-d", WEIRD, "--to-database", "fresh", "--no-owner", env=env, status=6)
    holds(failed.err, "the role filler may not create databases", "hint: ALTER ROLE ... CREATEDB")
    PG.psql("DROP DATABASE fill; DROP ROLE filler")


def test_another_server_lacking_roles_lists_them_and_globals_create_them():
    url = OTHER.url("school")
    failed = restore("-d", "school", "--to", url, status=3)
    holds(failed.err, "lacks: roles ", "school_owner", "teacher", 'Ünï "quoted" role', "--globals", "--no-owner")
    equal("school" in databases(OTHER), False)
    plan = restore("--globals", "--to", OTHER.url(), "--dry-run", "-o", "json").json()
    holds(str(plan), "'action': 'create', 'kind': 'role', 'name': 'teacher'")
    equal(OTHER.psql("SELECT count(*) FROM pg_roles WHERE rolname = 'teacher'"), "0")
    restore("--globals", "--to", OTHER.url())
    sql = ("SELECT rolname, rolcanlogin, rolcreatedb, rolsuper FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1")
    equal(OTHER.psql(sql), PG.psql(sql))
    equal(OTHER.psql("SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE roleid >= 16384"),
          PG.psql("SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE roleid >= 16384"))
    equal(OTHER.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'teacher'"),
          PG.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'teacher'"))
    restore("-d", "school", "--to", url)
    equal(fingerprint(OTHER, "school"), fingerprint(PG, "school"))
    OTHER.psql("ALTER ROLE teacher CREATEDB")
    restore("--globals", "--to", OTHER.url())
    equal(OTHER.psql("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'teacher'"), "t")
    restore("--globals", "--replace-roles", "--to", OTHER.url())
    equal(OTHER.psql("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'teacher'"), "f")


def test_swap_keeps_the_old_database_and_ends_its_sessions():
    PG.psql("INSERT INTO parent VALUES (99)", "school")
    session = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", "postgres", "-d",
                                "school"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'school'") == "1", 10, "session")
    failed = restore("-d", "school", "--swap", status=2)
    holds(failed.err, "needs a confirmation, and there is no terminal to ask at", "hint: --yes")
    done = restore("-d", "school", "--swap", "--yes")
    kept = "school_before_" + BACKUP
    holds(done.out, "is kept as " + kept)
    equal(PG.psql("SELECT count(*) FROM parent WHERE id = 99", "school"), "0")
    equal(PG.psql("SELECT count(*) FROM parent WHERE id = 99", kept), "1")
    equal(PG.psql(data.DATABASE_PROPERTIES % "school"), PG.psql(data.DATABASE_PROPERTIES % kept))
    holds(restore("-d", "school", "--swap", "--yes", status=5).err, "the database %s exists already" % kept)
    session.stdin.close()
    session.wait()
    PG.psql('DROP DATABASE "%s"' % kept)


def test_swap_refuses_what_would_go_wrong_before_restoring():
    # what a URL happens to name is not what is put away
    failed = restore("-d", "icu", "--swap", "--yes", "--to", PG.url("school"), status=2)
    holds(failed.err, "the backup is of the database icu, and --to names school", "hint: --to-database says in whose place it is to go")
    # of a long name as much is kept as there is room for
    long = "é" * 24
    PG.psql('CREATE DATABASE "%s"' % long)
    kept = "é" * 16 + "_before_" + BACKUP
    holds(restore("-d", "icu", "--swap", "--to-database", long, "--yes").out, "is kept as " + kept)
    equal(PG.psql("SELECT count(*) FROM pg_database WHERE datname IN ('%s', '%s')" % (long, kept)), "2")
    PG.psql('DROP DATABASE "%s"' % long)
    PG.psql('DROP DATABASE "%s"' % kept)
    holds(restore("-d", "icu", "--swap", "--to-database", "nothere", "--yes", status=1).err, "there is no database nothere")
    PG.psql("BEGIN; CREATE TABLE pt (i int); PREPARE TRANSACTION 'left'", "icu")
    holds(restore("-d", "icu", "--swap", "--yes", status=1).err, "the database icu has prepared transactions")
    PG.psql("ROLLBACK PREPARED 'left'", "icu")
    PG.psql("SELECT pg_create_logical_replication_slot('s', 'test_decoding')", "icu")
    holds(restore("-d", "icu", "--swap", "--yes", status=1).err, "the database icu has logical replication slots")
    PG.psql("SELECT pg_drop_replication_slot('s')", "icu")
    equal([d for d in databases(PG) if "before" in d or "maratea_restore" in d], [])


def test_several_jobs_work_from_a_scratch_file():
    holds(restore("-d", "school", "--to-database", "par", "--jobs", "2", status=2).err, "needs --scratch DIR")
    scratch = ROOT + "/scratch"
    os.mkdir(scratch)
    restore("-d", "school", "--to-database", "par", "--jobs", "2", "--scratch", scratch)
    equal(fingerprint(PG, "par"), fingerprint(PG, "school"))
    equal(os.listdir(scratch), [])
    PG.psql("DROP DATABASE par")


def test_a_dry_run_tells_the_space_and_changes_nothing():
    told = restore("-d", "school", "--to-database", "fresh", "--dry-run", "-o", "json").json()
    assert told["space_needed"] > 8000000 and told["space_free"] > 0, told
    equal((told["to"], told["dry_run"], "fresh" in databases(PG)), ("fresh", True, False))


def test_a_damaged_backup_restores_nothing():
    path = "%s/store/default/postgres/%s/db/school.pgdump.zst" % (ROOT, BACKUP)
    raw = open(path, "rb").read()
    for damaged in (raw[:len(raw) // 2], raw[:-100] + b"x" * 100):
        with open(path, "wb") as f:
            f.write(damaged)
        restore("-d", "school", "--to-database", "fresh", status=4)
        equal([d for d in databases(PG) if d == "fresh" or "maratea_restore" in d], [])
    with open(path, "wb") as f:
        f.write(raw)


def test_a_failing_pg_restore_is_told_and_drops_what_it_built():
    directory = ROOT + "/bin"
    os.mkdir(directory)
    with open(directory + "/pg_restore", "w") as f:
        f.write('#!/bin/bash\ncase " $* " in *" --version "*) exec %s/pg_restore "$@";; esac\nhead -c 5000 >/dev/null\n'
                'echo "pg_restore: error: no more" >&2; exit 1\n' % PG.bin)
    os.chmod(directory + "/pg_restore", 0o755)
    failed = restore("-d", "school", "--to-database", "fresh", status=1, env=dict(ENV, MARATEA_POSTGRES_BIN_DIR=directory))
    holds(failed.err, "pg_restore ended with exit status 1: pg_restore: error: no more")
    equal([d for d in databases(PG) if d == "fresh" or "maratea_restore" in d], [])


def test_sigterm_in_the_middle_drops_what_it_built_within_5_seconds():
    directory = ROOT + "/hanging"
    os.mkdir(directory)
    os.mkfifo(directory + "/begun")
    with open(directory + "/pg_restore", "w") as f:
        f.write('#!/bin/bash\ncase " $* " in *" --version "*) exec %s/pg_restore "$@";; esac\nhead -c 5000 >/dev/null\n'
                'echo >%s/begun; exec sleep 100\n' % (PG.bin, directory))
    os.chmod(directory + "/pg_restore", 0o755)
    process = start("backup", "restore", BACKUP, "-d", "school", "--to-database", "fresh",
                    env=dict(ENV, MARATEA_POSTGRES_BIN_DIR=directory))
    open(directory + "/begun").read()
    equal(len([d for d in databases(PG) if "maratea_restore" in d]), 1)
    process.terminate()
    done = finish(process, 5)
    equal(done.status, 143)
    holds(done.err, "interrupted by SIGTERM")
    equal([d for d in databases(PG) if d == "fresh" or "maratea_restore" in d], [])


def test_what_is_not_there_is_named():
    holds(restore(status=2).err, "which database? The backup " + BACKUP + " has: icu, latin, postgres, school")
    holds(restore("-d", "shool", "--to-database", "x", status=1).err, "has no database 'shool'; did you mean 'school'?")
    holds(restore("-d", "school", status=2).err, "where to? Name a new database")
    failed = maratea("backup", "restore", "20200101T000000Z-abcdef", "-d", "x", "--to-database", "y", env=ENV, status=1)
    holds(failed.err, "no backup '20200101T000000Z-abcdef'")
    holds(maratea("backup", "restore", "yesterday", env=ENV, status=2).err, "neither a backup id like")


def test_the_recovery_lines_of_the_manual_work_without_maratea():
    page = open(SOURCE + "/man/maratea-repository.7").read()
    script = page.split('.\\" recovery-begin\n')[1].split('.\\" recovery-end')[0]
    lines = [l for l in script.split("\n") if not l.startswith(".")]
    script = "\n".join(lines).replace("\\e", "\\").replace("\\-", "-").replace("\\(aq", "'").replace("\\&", "")
    folder = "%s/store/default/postgres/%s" % (ROOT, BACKUP)
    env = environment(BACKUP=folder, DATABASE="school", NEW="recovered", PGHOST=PG.dir, PGPORT=PG.port,
                      PGUSER="postgres", PATH=PG.bin + ":" + os.environ["PATH"])
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(script + done.stdout + done.stderr)
    equal(fingerprint(PG, "recovered")[:9], fingerprint(PG, "school")[:9])


main(globals())
