"""test_doors.py - what must not pass a door: the environment into a private server, secrets to a child."""
import ctypes
import os
import stat
import tempfile

from harness import *
from servers import Postgres

REAL = Postgres(log_connections="on", listen_addresses="127.0.0.1")
CLEANUP = [REAL.close]

HOME = temporary()
STORE = "file://" + temporary()


class ConninfoOption(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("size", ctypes.c_int)]


def libpq_variables():
    """Every variable of this machine's libpq, by its own word."""
    libpq = ctypes.CDLL("libpq.so.5")
    libpq.PQconndefaults.restype = ctypes.POINTER(ConninfoOption)
    found, options, i = [], libpq.PQconndefaults(), 0
    while options[i].keyword:
        if options[i].envvar:
            found.append(options[i].envvar.decode())
        i += 1
    assert len(found) > 20, found
    return found


def poisoned(**more):
    """An environment in which whatever can be said about PostgreSQL leads to the other server, or breaks the connection."""
    for name, text in ((".pg_service.conf", "[evil]\nhost=127.0.0.1\nhostaddr=127.0.0.1\nport=%d\nuser=postgres\ndbname=postgres\n" % REAL.port),
                       (".pgpass", "*:*:*:*:" + REAL.password.replace("\\", "\\\\").replace(":", "\\:") + "\n")):
        with open(HOME + "/" + name, "w") as f:
            f.write(text)
        os.chmod(HOME + "/" + name, 0o600)
    env = environment(HOME=HOME, **{name: "poison" for name in libpq_variables() + ["PGTZ", "PGDATESTYLE", "PGGEQO", "PGDATA", "PGREQUIRESSL"]})
    env.update(PGHOST="127.0.0.1", PGHOSTADDR="127.0.0.1", PGPORT=str(REAL.port), PGUSER="postgres", PGPASSWORD=REAL.password,
               PGDATABASE="postgres", PGSERVICE="evil", PGSSLMODE="prefer", PGGSSENCMODE="disable", REDIS_URL="redis://127.0.0.1:1/0")
    env.update(more)
    return env


def seen():
    with open(REAL.dir + "/log") as f:
        return [line for line in f if "connection received" in line or "connection authorized" in line]


def untouched(call):
    """The other server sees no connection while it runs."""
    before = seen()
    result = call()
    equal(seen(), before, "the real server saw a connection")
    return result


def test_the_other_server_would_be_reached():
    before = len(seen())
    env = environment(HOME=HOME, PGHOSTADDR="127.0.0.1", PGPORT=REAL.port, PGUSER="postgres", PGPASSWORD=REAL.password)
    maratea("backup", "run", "postgres", "--store", STORE, env=env)
    assert len(seen()) > before, "this test would see no connection"


def test_a_sandbox_is_never_another_server():
    for only in (None, {"PGHOSTADDR": "127.0.0.1"}, {"PGSERVICE": "evil"}, {"PGSERVICE": "nowhere"}, {"PGTZ": "poison"}):
        env = poisoned() if only is None else environment(HOME=HOME, PGPORT=REAL.port, PGPASSWORD=REAL.password, **only)
        done = untouched(lambda: maratea("sandbox", "run", "--", "sh", "-c", 'psql -qAtX "$DATABASE_URL" -c "SELECT current_database()"; env', env=env))
        lines = done.out.splitlines()
        equal(lines[0], "school")
        equal([line for line in lines if line.startswith("PG")], [], "the command inherits a variable of libpq")
    equal(REAL.psql("SELECT datname FROM pg_database WHERE NOT datistemplate"), "postgres")


def test_a_verification_is_never_in_another_server():
    REAL.psql("CREATE ROLE owner_of_all SUPERUSER LOGIN; CREATE DATABASE shop OWNER owner_of_all")
    REAL.psql("CREATE TABLE goods (n int PRIMARY KEY); INSERT INTO goods SELECT generate_series(1, 100)", "shop")
    env = environment(DATABASE_URL=REAL.url(), HOME=HOME)
    maratea("backup", "run", "postgres", "--store", STORE, env=env)
    for method in ("logical", "physical"):
        store = "file://" + temporary()
        maratea("backup", "run", "postgres", "-m", method, "--store", store, env=env)
        if method == "logical":
            REAL.psql("DROP DATABASE shop")
            REAL.psql("DROP ROLE owner_of_all")
        done = untouched(lambda: maratea("backup", "verify", "latest", "--restore", "--store", store, env=poisoned()))
        holds(done.out, "good")
    equal(REAL.psql("SELECT count(*) FROM pg_roles WHERE rolname = 'owner_of_all'"), "0")
    equal(REAL.psql("SELECT datname FROM pg_database WHERE NOT datistemplate"), "postgres")


def wrappers(log):
    """A directory of PostgreSQL's programs that write down the environment they are given."""
    directory = temporary()
    for name in os.listdir(REAL.bin):
        path = directory + "/" + name
        with open(path, "w") as f:
            f.write('#!/bin/sh\nenv | sed "s/^/%s /" >>%s\nexec %s/%s "$@"\n' % (name, log, REAL.bin, name))
        os.chmod(path, 0o755)
    return directory


def test_children_inherit_no_secret_and_nothing_else_of_ours():
    log = temporary() + "/children"
    open(log, "w").close()
    os.chmod(log, 0o666)
    secret = "canary-of-the-environment"
    names = ["S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "MARATEA_STORE_SECRET_KEY", "ANYTHING_ELSE", "PGAPPNAME"]
    env = environment(DATABASE_URL=REAL.url(), HOME=HOME, MARATEA_POSTGRES_BIN_DIR=wrappers(log), TZ="UTC",
                      KRB5CCNAME="FILE:/nonexistent", **{name: secret for name in names})
    store = "file://" + temporary()
    maratea("backup", "run", "postgres", "--store", store, env=env)
    maratea("backup", "verify", "latest", "--restore", "--store", store, env=env)
    with open(log) as f:
        lines = f.read().splitlines()
    programs = {line.split(" ")[0] for line in lines}
    equal(programs >= {"pg_dump", "pg_restore", "initdb", "postgres"}, True, programs)
    allowed = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PGPASSFILE", "KRB5CCNAME",
               "PWD", "OLDPWD", "SHLVL", "_", "_STDBUF_O", "LD_PRELOAD",  # the shell's and stdbuf's own
               "PGDATA", "PG_GRANDPARENT_PID", "PGLOCALEDIR", "PGSYSCONFDIR"}  # initdb's for its own children
    given = {line.split(" ", 1)[1].split("=")[0] for line in lines if "=" in line}
    equal(given - allowed, set())
    lacks("\n".join(lines), secret, REAL.password)


main(globals())
