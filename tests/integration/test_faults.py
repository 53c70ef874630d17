"""test_faults.py - whatever breaks, the command says so, in the peer's words, and no backup appears.

Each fault is shown to have hit, and the same case without it gives a backup that verifies.
"""
import glob
import os
import shutil
import signal
import socket
import subprocess

from harness import *
from servers import Postgres, SilentDns, free_port, wait_until

PG = Postgres()
ROOT = temporary()
STORE = ROOT + "/store"
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
PG.psql("CREATE DATABASE big; CREATE DATABASE other")
PG.psql("CREATE TABLE noise AS SELECT g, encode(sha512(g::text::bytea), 'hex') AS h FROM generate_series(1, 400000) g",
        "big")
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="file://" + STORE)


def manifests():
    return sorted(glob.glob(STORE + "/default/postgres/*/manifest.json"))


def temporaries():
    return glob.glob(STORE + "/.maratea-tmp/*")


def nothing_new(before):
    equal(manifests(), before)
    equal(temporaries(), [], "temporary files stay")
    equal([d for d in os.listdir(STORE + "/default/postgres") if d[0] == "2" and not os.path.exists(
        STORE + "/default/postgres/" + d + "/manifest.json")] if os.path.exists(STORE + "/default") else [], [])


def fails(status, *words, env=ENV, options=("-d", "big")):
    before = manifests()
    failed = maratea("backup", "run", "postgres", *options, env=env, status=status)
    holds(failed.err, *words)
    equal(failed.out, "")
    nothing_new(before)
    return failed


def with_pg_dump(script):
    """A directory of client programs whose pg_dump is this script; REAL is the real one."""
    directory = ROOT + "/bin%d" % len(os.listdir(ROOT))
    os.mkdir(directory)
    with open(directory + "/pg_dump", "w") as f:
        f.write("#!/bin/bash\nREAL=%s/pg_dump\ncase \" $* \" in *' --version '*) exec $REAL \"$@\";; esac\n%s\n"
                % (PG.bin, script))
    os.chmod(directory + "/pg_dump", 0o755)
    os.symlink(PG.bin + "/pg_dumpall", directory + "/pg_dumpall")
    return dict(ENV, MARATEA_POSTGRES_BIN_DIR=directory)


def test_without_a_fault_the_backup_is_good():
    maratea("backup", "run", "postgres", env=with_pg_dump('exec $REAL "$@"'))
    maratea("backup", "verify", "latest", env=ENV)
    equal(len(manifests()), 1)


def test_pg_dump_killed_after_a_third():
    fails(1, "database big: pg_dump was killed by signal 9 (Killed)",
          env=with_pg_dump('$REAL "$@" | head -c 15000000; kill -9 $$'))


def test_pg_dump_ends_with_1_after_all_the_data():
    fails(1, "pg_dump ended with exit status 1: pg_dump: error: these are its last words",
          env=with_pg_dump('$REAL "$@"; echo "pg_dump: error: these are its last words" >&2; exit 1'))


def test_pg_dump_prints_garbage():
    fails(1, "database big: pg_dump archive, byte 11: this is no pg_dump archive",
          env=with_pg_dump('echo "Segmentation fault, but with exit status zero"; exit 0'))


def test_pg_dump_prints_nothing_and_says_all_is_well():
    fails(1, "pg_dump archive, byte 0: it is empty", env=with_pg_dump("exit 0"))


def test_pg_dump_stops_in_the_middle_and_says_all_is_well():
    fails(1, "pg_dump archive, byte 20000000: the archive ends in the middle",
          env=with_pg_dump('$REAL "$@" | head -c 20000000; exit 0'))


def test_pg_dump_adds_something_at_the_end():
    fails(1, "an unknown kind of data block", env=with_pg_dump('$REAL "$@"; echo more'))


def test_pg_dump_leaves_out_a_table():
    fails(1, "pg_dump left out the table public.noise", env=with_pg_dump('exec $REAL "$@" --exclude-table=noise'))
    fails(1, "pg_dump left out the table public.noise",
          env=with_pg_dump('exec $REAL "$@" --exclude-table-data=noise'))


def test_pg_dump_warns_that_something_is_missing():
    warn = 'echo "pg_dump: warning: subscriptions not dumped because current user is not a superuser" >&2; exec $REAL "$@"'
    fails(1, "something would be missing", "subscriptions not dumped", "hint: mend it, or accept it with "
          "--allow-warnings", env=with_pg_dump(warn))
    env = with_pg_dump(warn)
    manifest = maratea("backup", "run", "postgres", "-d", "other", "--allow-warnings", "-o", "json", env=env).json()
    equal(manifest["warnings"], ["database other: pg_dump: warning: subscriptions not dumped because current user is "
                                 "not a superuser"])
    holds(maratea("backup", "list", env=ENV).out, "(1 warning)")


def test_pg_dump_of_an_older_version_is_refused_before_anything_happens():
    directory = ROOT + "/old"
    os.mkdir(directory)
    for name in ("pg_dump", "pg_dumpall"):
        with open(directory + "/" + name, "w") as f:
            f.write("#!/bin/sh\necho '%s (PostgreSQL) 13.4'\n" % name)
        os.chmod(directory + "/" + name, 0o755)
    fails(3, "pg_dump of major version 15 or newer is needed; only 13 is installed",
          "hint: install postgresql-client-15", env=dict(ENV, MARATEA_POSTGRES_BIN_DIR=directory))
    fails(3, "no pg_dump is installed in /nonexistent", env=dict(ENV, MARATEA_POSTGRES_BIN_DIR="/nonexistent"))


def test_a_wrong_password_is_told_with_host_and_port_and_not_repeated():
    failed = fails(6, "PostgreSQL at 127.0.0.1:%d" % PG.port, 'password authentication failed for user "postgres"',
                   "hint: is the password", env=dict(ENV, DATABASE_URL=PG.url(password="wr0ng-pass")))
    lacks(failed.err, "wr0ng-pass")


def test_a_refused_connection_is_told():
    port = free_port()
    fails(6, "127.0.0.1:%d" % port, "Connection refused", "hint: is the server running there",
          env=dict(ENV, DATABASE_URL=PG.url(port=port)))


def test_a_server_that_never_answers_is_told_after_the_limit():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        fails(6, "127.0.0.1:%d" % port, "connecting timed out after 0.5 s", "NetworkPolicy",
              env=dict(ENV, DATABASE_URL=PG.url(port=port), MARATEA_LIMITS_CONNECT="500ms"))


def test_an_unknown_name_and_a_silent_resolver_are_told_apart():
    dns = SilentDns()
    fails(6, "db.example.org: DNS did not answer within 0.5 s", "NetworkPolicy",
          env=dict(ENV, DATABASE_URL=PG.url(host="db.example.org"), MARATEA_DNS_RESOLVER=dns.address,
                   MARATEA_LIMITS_DNS="500ms"))
    dns.close()


def test_no_pg_hba_line_is_told_with_the_remedy():
    path = PG.data + "/pg_hba.conf"
    text = open(path).read()
    try:
        with open(path, "w") as f:
            f.write("local all all trust\n")
        PG.psql("SELECT pg_reload_conf()")
        wait_until(lambda: "no pg_hba.conf entry" in maratea("backup", "run", "postgres", env=ENV, status=6).err, 10,
                   "reload")
        fails(6, "no pg_hba.conf entry for host", "hint: add this line to the server's pg_hba.conf and reload it: host ")
    finally:
        with open(path, "w") as f:
            f.write(text)
        PG.psql("SELECT pg_reload_conf()")
    wait_until(lambda: maratea("backup", "run", "postgres", "--dry-run", env=ENV, status=None).status == 0, 10, "reload")


def size_of(path):
    """Of a file that may be gone the next moment, when it is committed."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def in_the_middle(action):
    """Starts a backup, stops it for a moment when data is flowing, and does something."""
    process = start("backup", "run", "postgres", "-d", "big", env=ENV)
    # the archive's first bytes are in the store's temporary file
    wait_until(lambda: any(size_of(f) > 1000000 for f in temporaries()), 30, "data")
    process.send_signal(signal.SIGSTOP)
    try:
        action(process)
    finally:
        process.send_signal(signal.SIGCONT)
    return finish(process, 30)


def test_the_server_is_stopped_in_the_middle():
    before = manifests()
    done = in_the_middle(lambda p: PG.stop(signal.SIGQUIT))
    PG.start()
    equal(done.status, 1)
    holds(done.err, "database big: pg_dump ended with exit status 1", "server")
    nothing_new(before)


def test_sigterm_in_the_middle_cleans_up_and_exits_143():
    before = manifests()
    done = in_the_middle(lambda p: p.terminate())
    equal(done.status, 143)
    holds(done.err, "interrupted by SIGTERM")
    nothing_new(before)


def test_sigint_in_the_middle_exits_130():
    before = manifests()
    done = in_the_middle(lambda p: p.send_signal(signal.SIGINT))
    equal(done.status, 130)
    nothing_new(before)


def test_sigkill_in_the_middle_leaves_no_backup_and_no_pg_dump():
    before = manifests()
    children = []

    def kill(process):
        children.extend(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                       text=True).stdout.split())
        process.kill()
    done = in_the_middle(kill)
    equal(done.status, -9)
    assert children, "pg_dump was not running"
    wait_until(lambda: not any(os.path.exists("/proc/" + c) for c in children), 10, "end of pg_dump")
    equal(manifests(), before)
    for path in temporaries():
        os.unlink(path)
    for path in glob.glob(STORE + "/default/postgres/2*"):
        if not os.path.exists(path + "/manifest.json"):
            shutil.rmtree(path)
    maratea("backup", "run", "postgres", "-d", "other", env=ENV)


def test_a_timeout_is_exit_status_6():
    before = manifests()
    failed = maratea("backup", "run", "postgres", "--timeout", "150ms", env=ENV, status=6)
    holds(failed.err, "the time limit of --timeout has passed")
    nothing_new(before)


def test_a_full_disk_is_told_and_leaves_nothing():
    small = ROOT + "/small"
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", small], check=True)
    try:
        env = dict(ENV, MARATEA_STORE="file://" + small + "/store")
        failed = maratea("backup", "run", "postgres", "-d", "big", env=env, status=1)
        holds(failed.err, "No space left on device")
        equal(glob.glob(small + "/store/default/postgres/2*"), [])
        equal(os.listdir(small + "/store/.maratea-tmp"), [])
        maratea("backup", "run", "postgres", "-d", "other", env=env)
        maratea("backup", "verify", maratea("backup", "list", "-o", "json", env=env).json()["backups"][0]["id"], env=env)
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_second_run_at_the_same_time_exits_5_and_names_the_first():
    seen = {}

    def second(process):
        seen["failed"] = maratea("backup", "run", "postgres", env=ENV, status=5)
    done = in_the_middle(second)
    equal(done.status, 0)
    holds(seen["failed"].err, "another run is at work: maratea backup run 2", "from 127.0.0.1, since 2")


def test_losing_the_lock_ends_the_run():
    before = manifests()
    ENV["MARATEA_LIMITS_LOCK_PING"] = "100ms"
    try:
        done = in_the_middle(lambda p: PG.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'maratea backup run%'"))
    finally:
        del ENV["MARATEA_LIMITS_LOCK_PING"]
    equal(done.status, 6)
    holds(done.err, "the lock is lost")
    nothing_new(before)


def test_a_table_locked_for_too_long_names_who_holds_it():
    holder = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", "postgres", "-d",
                               "other"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("CREATE TABLE IF NOT EXISTS held (i int); BEGIN; LOCK TABLE held; SELECT 'locked', pg_backend_pid();\n")
    holder.stdin.flush()
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation "
                               "IS NOT NULL") != "0", 10, "lock")
    pid = PG.psql("SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL LIMIT 1")
    try:
        failed = fails(1, "LOCK TABLE", "hint: blocked by pid " + pid,
                       env=dict(ENV, MARATEA_LIMITS_LOCK_WAIT="200ms"), options=("-d", "other"))
        holds(failed.err, "held")
    finally:
        holder.stdin.close()
        holder.wait()


def read_if_there(path):
    """A process may end while we look."""
    try:
        return open(path, errors="replace").read()
    except OSError:
        return ""


def test_no_secret_is_in_any_argv():
    found = {}

    def look(process):
        found["text"] = "".join(read_if_there(p) for p in glob.glob("/proc/[0-9]*/cmdline"))
        found["env"] = b"".join(open("/proc/%s/environ" % c, "rb").read() for c in subprocess.run(
            ["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split())
    equal(in_the_middle(look).status, 0)
    holds(found["text"], "--format=custom")
    lacks(found["text"], PG.password)
    assert b"PGPASSFILE=/proc/self/fd/" in found["env"], found["env"]
    assert b"PGPASSWORD" not in found["env"]


def test_too_little_memory_is_refused_with_what_would_do():
    fails(3, "32.0 MiB of memory is too little; ", " would do", options=("--memory", "32MiB"))



def test_a_server_that_speaks_german_is_understood():
    pg = Postgres(language="de_DE", max_connections=6, superuser_reserved_connections=0)
    try:
        store = "file://" + temporary()

        def refused(url, status, *parts):
            done = maratea("backup", "run", "postgres", "--store", store, env=environment(DATABASE_URL=url), status=status)
            holds(done.err, *parts)
            lacks(done.err, "LOCATION", "auth.c", "SQLSTATE")
        refused(pg.url(password="wrong"), 6, "FATAL:  Passwort-Authentifizierung für Benutzer »postgres« fehlgeschlagen\n",
                "hint: is the password the role's, without a newline at its end?")
        refused(pg.url(user="nobody_here", password="x"), 6, "Passwort-Authentifizierung")
        with open(pg.data + "/pg_hba.conf", "r+") as f:
            lines = f.read()
            f.seek(0)
            f.write("host all no_entry 192.0.2.1/32 trust\nlocal all all trust\nhost all postgres 127.0.0.1/32 scram-sha-256\n")
            f.truncate()
        pg.psql("CREATE ROLE \"No Entry\" LOGIN; SELECT pg_reload_conf()")
        wait_until(lambda: "kein" in maratea("backup", "run", "postgres", "--store", store, env=environment(DATABASE_URL=pg.url(user="No Entry", password="x")), status=6).err, 30, "reload")
        refused(pg.url(user="No Entry", password="x"), 6, "kein pg_hba.conf-Eintrag",
                'add this line to the server\'s pg_hba.conf and reload it: host postgres "No Entry" 127.0.0.1/32 scram-sha-256')
        # no database postgres for the lock: it is taken in the URL's
        pg.psql("CREATE DATABASE shop")
        pg.psql("ALTER DATABASE postgres RENAME TO other", "shop")
        maratea("backup", "run", "postgres", "-d", "shop", "--store", store, env=environment(DATABASE_URL=pg.url("shop")))
        holds(maratea("backup", "run", "postgres", "-d", "shop", "--store", store, env=environment(DATABASE_URL=pg.url("gone")), status=6).err, "Datenbank »gone« existiert nicht")
        # words that look like the codes which are cut out
        for name in ("a.c:7", "x:  42P01: y", "DETAIL:  f, a.c:1"):
            refused(pg.url(name), 6, "FATAL:  Datenbank »%s« existiert nicht" % name)
        holders = [subprocess.Popen([pg.bin + "/psql", "-X", "-q", "-h", pg.dir, "-p", str(pg.port), "-U", pg.user, "-d", "shop"], stdin=subprocess.PIPE) for _ in range(6)]
        wait_until(lambda: "max_connections" in maratea("backup", "run", "postgres", "--store", store, env=environment(DATABASE_URL=pg.url("shop")), status=None).err, 30, "connections")
        refused(pg.url("shop"), 6, "FATAL:  tut mir leid, schon zu viele Verbindungen", "hint: max_connections of the server is used up")
        for holder in holders:
            holder.stdin.close()
            holder.wait()
    finally:
        pg.close()


main(globals())
