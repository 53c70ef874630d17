"""test_db.py - a database becomes a platform's, and its schema follows the binary."""
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import threading

from harness import *
from servers import PgBouncer, Postgres, wait_until

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
PASSWORDS = ROOT + "/passwords"
os.mkdir(PASSWORDS, 0o700)
PG.psql("CREATE DATABASE platform")
STORE = "file://" + ROOT + "/store"
PLAIN = environment(MARATEA_STORE=STORE, MARATEA_ADMIN_URL=PG.url("platform"))


def init(*args, env=PLAIN, status=0):
    return maratea("db", "init", "--yes", "--passwords", PASSWORDS, *args, env=env, status=status)


def password(role):
    return open(PASSWORDS + "/" + role).read()


def sql(text, database="platform", user=None):
    return PG.psql(text, database, user)


INIT = init("-o", "json").json()
ENV = environment(MARATEA_STORE=STORE, MARATEA_PLATFORM_ID=INIT["platform_id"],
                  MARATEA_POSTGRES_MIGRATE_URL=PG.url("platform", "maratea_migrate", password("maratea_migrate")))


def migrate(*args, env=ENV, status=0):
    return maratea("db", "migrate", "-o", "json", *args, env=env, status=status)


def states(report):
    return {(s["schema"], m["name"]): m["state"] for s in report["schemas"] for m in s["migrations"]}


def test_init_makes_roles_that_can_do_what_they_must_and_no_more():
    equal([(r["name"], r["action"], r["password"]) for r in INIT["roles"]],
          [("maratea_owner", "create", None), ("maratea_migrate", "create", "made"), ("maratea_backup", "create", "made"), ("maratea_app", "create", "made"),
           ("maratea_ops", "create", "made")])
    rows = sql("SELECT rolname, rolcanlogin, rolinherit, rolbypassrls, rolreplication, rolsuper, rolcreatedb, rolcreaterole, left(rolpassword, 14) "
               "FROM pg_authid WHERE rolname LIKE 'maratea%' ORDER BY 1").split("\n")
    equal(rows, ["maratea_app\tt\tt\tf\tf\tf\tf\tf\tSCRAM-SHA-256$", "maratea_backup\tt\tt\tt\tt\tf\tf\tf\tSCRAM-SHA-256$",
                 "maratea_migrate\tt\tf\tf\tf\tf\tf\tf\tSCRAM-SHA-256$", "maratea_ops\tt\tt\tf\tf\tf\tf\tf\tSCRAM-SHA-256$",
                 "maratea_owner\tf\tt\tt\tf\tf\tt\tf"])
    for role in ("maratea_app", "maratea_backup", "maratea_migrate", "maratea_ops"):
        equal(stat.S_IMODE(os.stat(PASSWORDS + "/" + role).st_mode), 0o600)
        equal(len(password(role)), 48)
    equal(json.load(open(ROOT + "/store/default/platform.json")), {"id": INIT["platform_id"]})
    # again: nothing is new, passwords stay
    before = {r: password(r) for r in os.listdir(PASSWORDS)}
    again = init("-o", "json").json()
    equal(({r["action"] for r in again["roles"]}, {r["password"] for r in again["roles"]}, again["platform_id"]), ({"keep"}, {"read", None}, INIT["platform_id"]))
    equal({r["password"] for r in maratea("db", "init", "--yes", "-o", "json", env=PLAIN).json()["roles"]}, {"kept", None})
    holds(init().out, "platform.id", "next: put platform.id and postgres.migrate-url, as maratea_migrate, into the configuration; then 'maratea db migrate'\n")
    # it is asked when the server answered, and says which
    holds(maratea("db", "init", env=PLAIN, status=2).err, "making roles and schemas of maratea at 127.0.0.1:%d, database platform needs a confirmation" % PG.port)
    for dry in ((), ("--dry-run",)):
        holds(maratea("db", "init", "--yes", "--passwords", "/etc/hostname", *dry, env=PLAIN, status=3).err, "--passwords: /etc/hostname is no directory")
    maratea("db", "init", "--dry-run", "--passwords", ROOT + "/new/pw", env=PLAIN, status=5)
    assert not os.path.exists(ROOT + "/new")
    equal({r: password(r) for r in os.listdir(PASSWORDS)}, before)
    # a role that somebody gave more is set right
    sql("ALTER ROLE maratea_app BYPASSRLS SUPERUSER CREATEROLE CREATEDB; GRANT maratea_owner, pg_write_all_data TO maratea_app")
    holds(init("--dry-run").err, "maratea_app was a member of maratea_owner: it would be no more")
    equal(sql("SELECT rolbypassrls, rolsuper FROM pg_roles WHERE rolname = 'maratea_app'"), "t\tt")
    holds(init().err, "maratea_app was a member of maratea_owner: it is no more", "maratea_app was a member of pg_write_all_data: it is no more")
    equal(sql("SELECT rolbypassrls, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'maratea_app'"), "f\tf\tf\tf")
    equal(sql("SELECT u.rolname, g.rolname FROM pg_auth_members m JOIN pg_roles u ON u.oid = member JOIN pg_roles g ON g.oid = roleid WHERE u.rolname LIKE 'maratea%' ORDER BY 1, 2")
          .split("\n"), ["maratea_backup\tpg_read_all_data", "maratea_migrate\tmaratea_app", "maratea_migrate\tmaratea_owner"])
    equal(sql("SELECT has_database_privilege('maratea_app', 'platform', 'TEMPORARY')"), "f")
    # roles are the whole server's: nobody's password is changed because a file is missing
    os.mkdir(ROOT + "/empty")
    before = sql("SELECT string_agg(rolpassword, ' ' ORDER BY rolname) FROM pg_authid WHERE rolname LIKE 'maratea%'")
    failed = maratea("db", "init", "--yes", "--passwords", ROOT + "/empty", env=PLAIN, status=5)
    holds(failed.err, "the role maratea_migrate has a password, and %s/empty/maratea_migrate is not there" % ROOT, "hint: put the password there")
    equal((os.listdir(ROOT + "/empty"), sql("SELECT string_agg(rolpassword, ' ' ORDER BY rolname) FROM pg_authid WHERE rolname LIKE 'maratea%'")), ([], before))


def test_init_refuses_what_would_not_work_and_what_is_anothers():
    sql("CREATE ROLE helper LOGIN CREATEROLE CREATEDB PASSWORD 'x'")
    PG.psql("CREATE DATABASE weak OWNER helper")
    failed = init("--admin-url", PG.url("weak", "helper", "x"), status=3)
    holds(failed.err, "the role helper cannot create roles that bypass row security", "hint: it takes a superuser")
    failed = init(env=dict(PLAIN, MARATEA_PLATFORM_ID="00000000-0000-4000-8000-000000000001"), status=5)
    holds(failed.err, "the database is platform %s; the configuration (platform.id) is of 00000000-0000-4000-8000-000000000001" % INIT["platform_id"])
    # another database, the same store: nothing of it stays
    PG.psql("CREATE DATABASE second")
    failed = init("--admin-url", PG.url("second"), status=5)
    holds(failed.err, "the store holds platform %s; the database is platform " % INIT["platform_id"])
    equal(sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'maratea%'", "second"), "0")
    done = init("--admin-url", PG.url("second"), "--dry-run", env=environment())
    holds(done.out, "maratea_owner", "keep", "nothing was changed (--dry-run)")
    equal(sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'maratea%'", "second"), "0")
    holds(init(env=environment(), status=2).err, "which server, and as whom?")
    holds(maratea("db", "init", env=PLAIN, status=2).err, "--yes")
    holds(init(env=dict(PLAIN, MARATEA_PLATFORM_ID="nonsense"), status=3).err, "platform.id 'nonsense' is no UUID")
    lacks(init("-v").err, *[password(r) for r in os.listdir(PASSWORDS)])


def test_migrate_applies_what_is_pending_and_status_tells():
    nothing = maratea("db", "diff", env=ENV, status=4)
    equal(nothing.out, "maratea\n- everything: it is not migrated ('maratea db migrate')\nmaratea_shared\n- everything: it is not migrated ('maratea db migrate')\n")
    failed = maratea("db", "status", "-o", "json", env=ENV, status=4)
    equal(set(states(failed.json()).values()), {"pending"})
    equal(states(migrate("--dry-run").json()), states(failed.json()))
    equal(sql("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'maratea_shared'"), "0")
    done = migrate().json()
    equal([(s["set"], s["schema"], s["applied"]) for s in done["schemas"]], [("platform", "maratea", 2), ("tenant", "maratea_shared", 2)])
    equal(set(states(done).values()), {"applied"})
    equal([s["applied"] for s in migrate().json()["schemas"]], [0, 0])
    shown = maratea("db", "status", env=ENV)
    holds(shown.out, "maratea_shared", "schools that share", "0002", "up to date")
    equal(sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('maratea', 'maratea_shared')"), "maratea_owner")
    tables = sql("SELECT relname FROM pg_class WHERE relnamespace = 'maratea_shared'::regnamespace AND relkind = 'r' ORDER BY 1").split()
    equal(tables, sorted(["tenants", "tenant_settings", "tenant_domains", "users", "memberships", "invitations", "courses", "modules", "lessons",
                          "enrolments", "progress", "certificates", "usage_counters", "audit_log", "audit_heads", "schema_migrations"]))


def test_schools_see_themselves_and_nobody_else():
    a, b = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    for t in (a, b):
        sql("SET ROLE maratea_owner; INSERT INTO maratea_shared.tenants (id) VALUES ('%s'); INSERT INTO maratea_shared.users (tenant_id, email, email_norm) "
            "VALUES ('%s', 'x@example.org', 'x@example.org')" % (t, t))
    app = lambda text: subprocess.run([PG.bin + "/psql", "-X", "-q", "-A", "-t", "-d", PG.url("platform", "maratea_app", password("maratea_app"))],
                                      input=text, text=True, capture_output=True)
    seen = app("SELECT count(*) FROM maratea_shared.users; BEGIN; SET LOCAL maratea.tenant_id = '%s'; SELECT count(*), min(tenant_id::text) FROM maratea_shared.users;"
               "UPDATE maratea_shared.users SET name = 'y' WHERE tenant_id = '%s' RETURNING 1; COMMIT; SELECT count(*) FROM maratea_shared.users;" % (a, b))
    equal((seen.stdout.split(), seen.stderr), (["0", "1|" + a, "0"], ""))
    for text, words in (("INSERT INTO maratea_shared.users (tenant_id, email, email_norm) VALUES ('%s', 'a@b.c', 'a@b.c')" % b, "violates row-level security"),
                        ("UPDATE maratea_shared.users SET tenant_id = '%s'" % b, "violates row-level security"), ("TRUNCATE maratea_shared.users", "permission denied"),
                        ("DROP TABLE maratea_shared.users", "must be owner"), ("CREATE TABLE maratea_shared.x ()", "permission denied"),
                        ("SELECT * FROM maratea.journal", "permission denied")):
        holds(app("BEGIN; SET LOCAL maratea.tenant_id = '%s'; %s" % (a, text)).stderr, words)
    # one e-mail in two schools is two people; a reference never leaves its school
    other = sql("SET ROLE maratea_owner; SELECT id FROM maratea_shared.users WHERE tenant_id = '%s'" % b)
    holds(app("BEGIN; SET LOCAL maratea.tenant_id = '%s'; INSERT INTO maratea_shared.memberships (tenant_id, user_id, role) VALUES ('%s', '%s', 'owner')" %
              (a, a, other)).stderr, "violates foreign key")
    # the author goes, the course stays
    sql("SET ROLE maratea_owner; INSERT INTO maratea_shared.courses (tenant_id, slug, title, author_id) SELECT tenant_id, 's', 't', id FROM maratea_shared.users "
        "WHERE tenant_id = '%s'; DELETE FROM maratea_shared.users WHERE tenant_id = '%s'" % (b, b))
    equal(sql("SET ROLE maratea_owner; SELECT tenant_id, author_id IS NULL FROM maratea_shared.courses"), b + "\tt")


def test_a_backup_by_its_own_role_has_every_row():
    env = environment(MARATEA_STORE=STORE, MARATEA_BACKUP_POSTGRES_URL=PG.url("platform", "maratea_backup", password("maratea_backup")))
    made = maratea("backup", "run", "postgres", "-d", "platform", "-o", "json", env=env).json()
    rows = {t["name"]: t["rows"] for t in made["databases"][0]["tables"] if t["schema"] == "maratea_shared"}
    equal((rows["tenants"], rows["users"], rows["courses"]), (2, 1, 1))
    maratea("backup", "verify", made["id"], "--restore", env=env)


def test_what_others_made_is_not_worked_in_and_one_init_is_at_a_time():
    PG.psql("CREATE DATABASE others")
    PG.psql("CREATE ROLE eve; CREATE SCHEMA maratea AUTHORIZATION eve", "others")
    there = environment(MARATEA_ADMIN_URL=PG.url("others"))
    for dry in ((), ("--dry-run",)):
        failed = maratea("db", "init", "--yes", *dry, env=there, status=5)
        holds(failed.err, "the schema maratea at ", " belongs to eve, and not to maratea_owner", "hint: if it is a platform's: ALTER SCHEMA maratea OWNER TO maratea_owner")
    equal(PG.psql("SELECT to_regclass('maratea.platform') IS NULL, to_regnamespace('maratea_shared') IS NULL", "others"), "t\tt")
    PG.psql("DROP SCHEMA maratea; DROP ROLE eve", "others")
    holder = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "others"], stdin=subprocess.PIPE, text=True)
    holder.stdin.write("SELECT pg_advisory_lock(1835102817, 1768843636) \\g /dev/null\n")
    holder.stdin.flush()
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1768843636 AND granted") == "1", 30, "the lock")
    holds(maratea("db", "init", "--yes", env=there, status=5).err, "another 'maratea db init' is at work on ")
    holder.stdin.close()
    holder.wait()
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'others'") == "0", 30, "its end")
    PG.psql("DROP DATABASE others")


def test_what_was_applied_is_never_edited_and_newer_schemas_are_refused():
    sql("SET ROLE maratea_owner; UPDATE maratea_shared.schema_migrations SET sha256 = repeat('0', 64) WHERE number = 1")
    failed = migrate(status=4)
    holds(failed.err, "tenant/0001_tenant was applied to the schema maratea_shared with another text")
    lacks(maratea("db", "migrate", env=ENV, status=4).out, "up to date")
    equal([s["error"] for s in failed.json()["schemas"]], ["not looked at", "tenant/0001_tenant was applied to the schema maratea_shared with another text than this maratea has: what is applied is never edited"])
    holds(maratea("db", "status", env=ENV, status=4).out, "edited")
    text = open(SOURCE + "/lib/platform/sql/tenant/0001_tenant.sql", "rb").read()
    sql("SET ROLE maratea_owner; UPDATE maratea_shared.schema_migrations SET sha256 = '%s' WHERE number = 1" % hashlib.sha256(text).hexdigest())
    migrate()
    sql("SET ROLE maratea_owner; INSERT INTO maratea_shared.schema_migrations (number, name, sha256, maratea) VALUES (99, '0099_future', 'x', '9')")
    # and nothing of the other schema is applied either
    sql("SET ROLE maratea_owner; DELETE FROM maratea.schema_migrations")
    for more in ((), ("--dry-run",)):
        holds(migrate(*more, status=3).err, "the schema maratea_shared has tenant/0099_future")
    equal(sql("SELECT count(*) FROM maratea.schema_migrations"), "0")
    for number, name in enumerate(("0001_platform", "0002_domains"), 1):
        text = open(SOURCE + "/lib/platform/sql/platform/%s.sql" % name, "rb").read()
        sql("SET ROLE maratea_owner; INSERT INTO maratea.schema_migrations (number, name, sha256, maratea) VALUES (%d, '%s', '%s', '0')" % (number, name, hashlib.sha256(text).hexdigest()))
    holds(migrate(status=3).err, "the schema maratea_shared has tenant/0099_future, which this maratea does not know")
    equal(states(maratea("db", "status", "-o", "json", env=ENV, status=4).json())[("maratea_shared", "0099_future")], "unknown")
    sql("SET ROLE maratea_owner; DELETE FROM maratea_shared.schema_migrations WHERE number = 99")


def test_an_index_that_was_left_invalid_is_made_again():
    sql("SET ROLE maratea_owner; DELETE FROM maratea_shared.schema_migrations WHERE number = 2")
    sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'maratea_shared.audit_log_at'::regclass")
    done = migrate().json()
    equal([s["applied"] for s in done["schemas"]], [0, 1])
    equal(sql("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'maratea_shared'::regnamespace AND NOT indisvalid"), "0")
    equal(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'maratea_shared.audit_log_at'::regclass"), "t")


def write_text(path, text):
    with open(path, "w") as f:
        f.write(text)


def holding(text):
    """A session in a transaction that did that; to be ended by closing its stdin."""
    holder = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "platform"], stdin=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; %s;\n" % text)
    holder.stdin.flush()
    wait_until(lambda: sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = 'psql'") == "1", 30, "the lock")
    return holder


def test_one_migration_at_a_time_and_an_index_is_waited_for():
    sql("SET ROLE maratea_owner; DELETE FROM maratea_shared.schema_migrations WHERE number = 2; DROP INDEX maratea_shared.audit_log_at")
    holder = holding("LOCK TABLE maratea_shared.audit_log IN ROW EXCLUSIVE MODE")
    first = start("db", "migrate", env=ENV)
    wait_until(lambda: sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1", 30, "the first to wait")
    holds(migrate(status=5).err, "another migration is at work on ")
    # nobody waits behind it
    sql("SET lock_timeout = '10s'; BEGIN; INSERT INTO maratea_shared.audit_log (tenant_id, seq, at, actor, action, origin, payload_digest, digest) "
        "SELECT gen_random_uuid(), 1, now(), '', '', '', '', ''; ROLLBACK")
    equal(first.poll(), None)
    holder.stdin.close()
    holder.wait()
    equal(finish(first).status, 0)
    equal(set(states(maratea("db", "status", "-o", "json", env=ENV).json()).values()), {"applied"})
    # of another's invalid index nothing is known
    sql("CREATE INDEX theirs ON maratea_shared.users (tenant_id, name); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'maratea_shared.theirs'::regclass; "
        "SET ROLE maratea_owner; DELETE FROM maratea_shared.schema_migrations WHERE number = 2")
    migrate()
    equal(sql("SELECT count(*) FROM pg_class WHERE relname = 'theirs'"), "1")
    sql("DROP INDEX maratea_shared.theirs")


def test_who_stops_others_gives_way_and_tries_again():
    sql("CREATE SCHEMA t_busy AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA t_busy TO maratea_migrate; SET ROLE maratea_owner; INSERT INTO maratea.plans (name) VALUES ('busy'); "
        "INSERT INTO maratea.tenants (id, slug, name, plan, status) VALUES ('90000000-0000-4000-8000-000000000000', 'busy', 'x', 'busy', 'active'); "
        "INSERT INTO maratea.placements VALUES ('90000000-0000-4000-8000-000000000000', 'schema', NULL, 't_busy')")
    holder = holding("DROP SCHEMA t_busy")
    run = start("db", "migrate", env=ENV)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(2):
        wait_until(lambda: sql(waiting) == "1", 30, "its waiting")
        wait_until(lambda: sql(waiting) == "0", 30, "its giving way")
    holder.stdin.write("ROLLBACK;\n")
    holder.stdin.close()
    holder.wait()
    done = finish(run)
    equal(done.status, 0, repr(done))
    equal(sql("SELECT count(*) FROM t_busy.schema_migrations"), "2")
    # one that is gone is not made anew, empty
    sql("DROP SCHEMA t_busy CASCADE")
    gone = migrate(status=1)
    holds(gone.err, "1 of 3 schemas failed, the first: busy: ", "schema t_busy: ", "it is not there")
    equal(sql("SELECT count(*) FROM pg_namespace WHERE nspname = 't_busy'"), "0")
    sql("DELETE FROM maratea.placements; DELETE FROM maratea.tenants; DELETE FROM maratea.plans")


def test_schools_with_a_schema_or_database_of_their_own_are_migrated_too():
    PG.psql("CREATE DATABASE own OWNER maratea_owner")
    sql("GRANT CREATE ON DATABASE own TO maratea_owner", "own")
    sql("CREATE SCHEMA maratea_shared AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA maratea_shared TO maratea_migrate", "own")
    ids = ["%d0000000-0000-4000-8000-000000000000" % i for i in range(3, 7)]
    sql("SET ROLE maratea_owner; INSERT INTO maratea.plans (name) VALUES ('basic')")
    for i, (slug, database, schema) in enumerate((("alpha", None, "t_alpha"), ("beta", None, "t_beta"), ("gamma", "own", "maratea_shared"), ("delta", "gone", "x"))):
        sql("SET ROLE maratea_owner; INSERT INTO maratea.tenants (id, slug, name, plan, status) VALUES ('%s', '%s', '%s', 'basic', 'active')" % (ids[i], slug, slug))
        sql("SET ROLE maratea_owner; INSERT INTO maratea.placements VALUES ('%s', '%s', %s, '%s')" %
            (ids[i], "database" if database else "schema", "'%s'" % database if database else "NULL", schema))
        if schema.startswith("t_"):
            sql("CREATE SCHEMA %s AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA %s TO maratea_migrate" % (schema, schema))
    done = migrate("--jobs", "3", status=1)
    holds(done.err, "delta: ", 'database "gone" does not exist', "1 of 6 schemas failed, the first: delta: ")
    report = done.json()
    equal([(s["tenant"], s["database"], s["applied"], s["error"] is None) for s in report["schemas"][2:]],
          [("alpha", None, 2, True), ("beta", None, 2, True), ("delta", "gone", 0, False), ("gamma", "own", 2, True)])
    equal(sql("SELECT count(*) FROM maratea_shared.schema_migrations", "own"), "2")
    equal(sql("SELECT count(*) FROM pg_policies WHERE schemaname = 't_beta' AND policyname = 'tenant_isolation'"), "15")
    sql("SET ROLE maratea_owner; DELETE FROM maratea.placements WHERE schema_name = 'x'")
    equal([s["applied"] for s in migrate("-j", "3").json()["schemas"]], [0] * 5)


def test_what_was_changed_by_hand_is_shown():
    diff = lambda status=0: maratea("db", "diff", "-o", "json", env=ENV, status=status)
    equal(diff().json()["differences"], [])
    holds(maratea("db", "diff", env=ENV).out, "no difference")
    for change, back, wanted in (
            ("ALTER TABLE maratea_shared.users ADD nick text", "ALTER TABLE maratea_shared.users DROP nick", [("unexpected", "table users: column nick text")]),
            ("ALTER TABLE t_beta.users DISABLE ROW LEVEL SECURITY", "ALTER TABLE t_beta.users ENABLE ROW LEVEL SECURITY",
             [("unexpected", "table users forced, of maratea_owner"), ("missing", "table users, row security forced, of maratea_owner")]),
            ("DROP INDEX maratea.journal_tenant", "SET ROLE maratea_owner; CREATE INDEX journal_tenant ON maratea.journal (tenant_id, id)",
             [("missing", "table journal: index CREATE INDEX journal_tenant ON journal USING btree (tenant_id, id)")]),
            ("GRANT DELETE ON maratea_shared.audit_log TO maratea_app", "REVOKE DELETE ON maratea_shared.audit_log FROM maratea_app",
             [("unexpected", "table audit_log: maratea_app may DELETE")]),
            ("ALTER TABLE maratea_shared.memberships DISABLE TRIGGER ALL", "ALTER TABLE maratea_shared.memberships ENABLE TRIGGER ALL",
             [("unexpected", "table memberships: the constraint memberships_tenant_id_user_id_fkey is not enforced")] * 2),
            ("CREATE RULE kept AS ON DELETE TO maratea_shared.users DO INSTEAD NOTHING", "DROP RULE kept ON maratea_shared.users",
             [("unexpected", "table users: rule kept CREATE RULE kept AS\n    ON DELETE TO users DO INSTEAD NOTHING;")]),
            ("GRANT CREATE ON SCHEMA maratea_shared TO maratea_app", "REVOKE CREATE ON SCHEMA maratea_shared FROM maratea_app", [("unexpected", "schema: maratea_app may CREATE")]),
            ("CREATE TABLE public.people (email text NOT NULL); ALTER TABLE maratea_shared.users INHERIT public.people",
             "ALTER TABLE maratea_shared.users NO INHERIT public.people; DROP TABLE public.people", [("unexpected", "table users: inherits to public.people")]),
            ("CREATE TYPE maratea_shared.mood AS ENUM ('well')", "DROP TYPE maratea_shared.mood", [("unexpected", "type mood")]),
            ("CREATE VIEW maratea_shared.v WITH (security_invoker = true) AS SELECT 1 AS x; GRANT SELECT ON maratea_shared.v TO maratea_app", "DROP VIEW maratea_shared.v",
             [("unexpected", "view v AS  SELECT 1 AS x;"), ("unexpected", "view v: maratea_app may SELECT"), ("unexpected", "view v: with security_invoker=true")])):
        sql(change)
        equal([(d["change"], d["text"]) for d in diff(status=4).json()["differences"]], wanted, change)
        sql(back)
    sql("CREATE FUNCTION maratea_shared.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = x AS 'SELECT 1'", "own")
    holds(diff(status=4).json()["differences"][0]["text"], "function f() ", ", of postgres, SECURITY DEFINER, SET search_path=x")
    shown = maratea("db", "diff", env=ENV, status=4)
    holds(shown.out, "maratea_shared (gamma)\n+ function f() ")
    holds(shown.err, "1 difference from what the migrations make")
    # what cannot be looked at keeps no other from being looked at
    PG.psql("ALTER DATABASE own ALLOW_CONNECTIONS false")
    sql("ALTER TABLE t_beta.users ADD nick text")
    have = {(d["tenant"], d["change"]): d["text"] for d in diff(status=4).json()["differences"]}
    equal(have["beta", "unexpected"], "table users: column nick text")
    holds(have["gamma", "unknown"], "is not currently accepting connections")
    holds(maratea("db", "diff", env=ENV, status=4).out, "t_beta (beta)\n+ table users: column nick text\n", "maratea_shared (gamma)\n? PostgreSQL at ")
    sql("ALTER TABLE t_beta.users DROP nick")
    PG.psql("ALTER DATABASE own ALLOW_CONNECTIONS true")
    sql("DROP FUNCTION maratea_shared.f()", "own")
    equal(diff().json()["differences"], [])
    equal(sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'maratea_diff%'"), "0")


def test_another_platforms_configuration_changes_nothing():
    other = dict(ENV, MARATEA_PLATFORM_ID="00000000-0000-4000-8000-000000000001")
    failed = migrate(env=other, status=5)
    holds(failed.err, "the database is platform %s; the configuration (platform.id) is of 00000000" % INIT["platform_id"])
    none = dict(ENV)
    del none["MARATEA_PLATFORM_ID"]
    failed = migrate(env=none, status=3)
    holds(failed.err, "platform.id is not set: is ", "hint: if it is, the id that the configuration needs is " + INIT["platform_id"])
    equal(set(states(maratea("db", "status", "-o", "json", env=none).json()).values()), {"applied"})
    # nor does it change another's backups, or the database by a restore
    backups = dict(other, MARATEA_BACKUP_POSTGRES_URL=PG.url("platform", "maratea_backup", password("maratea_backup")), MARATEA_POSTGRES_URL=PG.url("platform"))
    own = dict(backups, MARATEA_PLATFORM_ID=INIT["platform_id"])
    before = sorted(os.listdir(ROOT + "/store/default/postgres"))
    words = "is platform %s; the configuration (platform.id) is of 00000000" % INIT["platform_id"]
    holds(maratea("backup", "run", "postgres", "-d", "platform", env=backups, status=5).err, "the database " + words)
    elsewhere = dict(backups, MARATEA_BACKUP_POSTGRES_URL=PG.url("postgres"))
    holds(maratea("backup", "run", "postgres", "-d", "platform", env=elsewhere, status=5).err, "the store " + words)
    holds(maratea("backup", "prune", "--yes", "--keep-last", "1", env=backups, status=5).err, "the store " + words)
    equal(sorted(os.listdir(ROOT + "/store/default/postgres")), before)
    restore = ["backup", "restore", [n for n in before if n[0] == "2"][-1], "--database", "platform", "--swap", "--yes"]
    holds(maratea(*restore, env=backups, status=5).err, "the database " + words)
    equal(PG.psql("SELECT count(*) FROM pg_database WHERE datname LIKE 'platform%'"), "1")
    maratea("backup", "run", "postgres", "-d", "platform", env=own)
    maratea("backup", "prune", "--yes", "--keep-last", "1", env=own)
    os.rename(ROOT + "/store/default/platform.json", ROOT + "/kept.json")
    write_text(ROOT + "/store/default/platform.json", "{}")
    holds(maratea("backup", "run", "postgres", "-d", "platform", env=own, status=4).err, "default/platform.json in the store names no id")
    os.rename(ROOT + "/kept.json", ROOT + "/store/default/platform.json")
    PG.psql("CREATE DATABASE empty")
    failed = migrate(env=dict(ENV, MARATEA_POSTGRES_MIGRATE_URL=PG.url("empty", "maratea_migrate", password("maratea_migrate"))), status=3)
    holds(failed.err, "is no platform's database yet", "hint: the configuration (platform.id) is of %s: is this the database that was meant?" % INIT["platform_id"])
    failed = migrate(env=dict(ENV, MARATEA_POSTGRES_MIGRATE_URL=PG.url("platform", "maratea_app", password("maratea_app"))), status=3)
    holds(failed.err, "the role maratea_app may not become maratea_owner", "hint: postgres.migrate-url must log in as maratea_migrate")
    # locks do not go through a pooler that gives each transaction another session
    bouncer = PgBouncer(PG, {"maratea_migrate": password("maratea_migrate")})
    try:
        url = PG.url("platform", "maratea_migrate", password("maratea_migrate"), port=bouncer.port)
        failed = migrate(env=dict(ENV, MARATEA_POSTGRES_MIGRATE_URL=url), status=3)
        holds(failed.err, "127.0.0.1:%d, database platform is a pooler, which locks do not go through" % bouncer.port, "hint: postgres.migrate-url must lead to the server itself")
    finally:
        bouncer.close()
    # what libpq says in two lines is one
    failed = migrate(env=dict(ENV, MARATEA_POSTGRES_MIGRATE_URL="postgresql://maratea_migrate@127.0.0.1:1/platform"), status=6)
    holds(failed.err, "Connection refused; Is the server running on that host", "hint: is the server running there")
    # and where a password is missing, it is said where that one goes
    failed = migrate(env=dict(ENV, MARATEA_POSTGRES_MIGRATE_URL="postgresql://maratea_migrate@127.0.0.1:%d/platform" % PG.port), status=6)
    holds(failed.err, "hint: set postgres.migrate-password, PGPASSWORD or a ~/.pgpass line")
    failed = maratea("db", "init", "--yes", env=environment(MARATEA_ADMIN_URL="postgresql://postgres@127.0.0.1:%d/platform" % PG.port), status=6)
    holds(failed.err, "hint: set a password in $MARATEA_ADMIN_URL, PGPASSWORD or a ~/.pgpass line")
    failed = migrate(env=environment(MARATEA_STORE=STORE), status=3)
    holds(failed.err, "there is no role to migrate as", "hint: set postgres.migrate-url")


main(globals())
