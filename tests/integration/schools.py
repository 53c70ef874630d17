"""schools.py - a platform to make schools in, for the tests of its commands."""
import contextlib
import os
import subprocess

from harness import environment, maratea
from servers import wait_until


def make_platform(pg, root, **more):
    """A database "platform" with roles and schemas, not migrated yet. Its id, the password of a role,
    and the environment of who migrates."""
    pg.psql("CREATE DATABASE platform")
    os.mkdir(root + "/pw")
    made = maratea("db", "init", "--yes", "--passwords", root + "/pw", "-o", "json", env=environment(MARATEA_ADMIN_URL=pg.url("platform")))

    def password(role):
        with open(root + "/pw/" + role) as f:
            return f.read()

    id = made.json()["platform_id"]
    return id, password, environment(MARATEA_PLATFORM_ID=id, MARATEA_POSTGRES_MIGRATE_URL=pg.url("platform", "maratea_migrate", password("maratea_migrate")), **more)


HALT = """CREATE FUNCTION public.halt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_advisory_xact_lock(77); RETURN NEW; END $$;
CREATE %s TRIGGER halt AFTER INSERT ON maratea.%s %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION public.halt()"""


@contextlib.contextmanager
def halted(pg, table, when, in_commit=False):
    """Whoever inserts such a row waits until this block ends: before he commits, or in the COMMIT,
    which goes on when its client is gone. Gives what waits until somebody does."""

    def waiting(granted):
        return pg.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND granted = " + granted, "platform") == "1"

    # a deferred trigger's turn comes in the COMMIT
    pg.psql(HALT % ("CONSTRAINT" if in_commit else "", table, "DEFERRABLE INITIALLY DEFERRED" if in_commit else "", when), "platform")
    holder = subprocess.Popen([pg.bin + "/psql", "-X", "-q", "-h", pg.dir, "-p", str(pg.port), "-U", pg.user, "-d", "platform"], stdin=subprocess.PIPE, text=True)
    try:
        holder.stdin.write("SELECT pg_advisory_lock(77) \\g /dev/null\n")
        holder.stdin.flush()
        wait_until(lambda: waiting("true"), 30, "the lock")
        yield lambda: wait_until(lambda: waiting("false"), 30, "one who inserts %s" % when)
    finally:
        holder.stdin.close()
        holder.wait()
        # the server finds out that a client is gone when it would answer: what was under way is committed, or not
        wait_until(lambda: pg.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'maratea_migrate'", "platform") == "0", 30, "its end")
        pg.psql("DROP TRIGGER halt ON maratea.%s; DROP FUNCTION public.halt()" % table, "platform")
