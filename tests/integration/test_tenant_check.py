"""test_tenant_check.py - everything that would let one school see another's rows is found, and named."""
import json
import os
import re
import shutil
import subprocess

from harness import *
from servers import Postgres, wait_until

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
PG.psql("CREATE DATABASE platform")
os.mkdir(ROOT + "/pw")
ID = maratea("db", "init", "--yes", "--passwords", ROOT + "/pw", "-o", "json", env=environment(MARATEA_ADMIN_URL=PG.url("platform"))).json()["platform_id"]
password = lambda role: open(ROOT + "/pw/" + role).read()
ENV = environment(MARATEA_PLATFORM_ID=ID, MARATEA_POSTGRES_MIGRATE_URL=PG.url("platform", "maratea_migrate", password("maratea_migrate")),
                  DATABASE_URL=PG.url("platform", "maratea_app", password("maratea_app")))
maratea("db", "migrate", env=ENV)


def sql(text, database="platform"):
    return PG.psql(text, database)


def check(*args, env=ENV, status=0):
    return maratea("tenant", "check", "-o", "json", *args, env=env, status=status)


def found(**more):
    done = check(status=4, **more)
    return [(f["check"], f["object"], f["text"]) for f in done.json()["findings"]]


def everything():
    """All that the schema holds, row for row."""
    return subprocess.run([PG.bin + "/pg_dump", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "platform"], capture_output=True, check=True).stdout


def without_random(dump):
    return re.sub(rb"\\(un)?restrict .*", b"", dump)


def test_as_it_is_made_schools_are_kept_apart():
    before = without_random(everything())
    report = check().json()
    equal((report["findings"], report["schemas"], report["tables"]), ([], 1, 14))
    equal(report["attempts"], 14 * 6)
    holds(maratea("tenant", "check", env=ENV).out, "are kept apart", "14 tables in 1 schemas, 84 attempts to reach another's rows")
    equal(without_random(everything()), before)


CASES = [
    ("ALTER TABLE {s}.users DISABLE ROW LEVEL SECURITY", "ALTER TABLE {s}.users ENABLE ROW LEVEL SECURITY",
     [("row security", "{s}.users", "row security is off"), ("attempt", "{s}.users", "gives another school's rows to read"),
      ("attempt", "{s}.users", "lets another school's rows be changed"), ("attempt", "{s}.users", "lets another school's rows be deleted"),
      ("attempt", "{s}.users", "gives rows to who names no school")]),
    ("ALTER TABLE {s}.users NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {s}.users FORCE ROW LEVEL SECURITY",
     [("row security", "{s}.users", "row security is not forced on its owner")]),
    ("CREATE POLICY more ON {s}.courses FOR SELECT USING (status = 'published')", "DROP POLICY more ON {s}.courses",
     [("further policy", "{s}.courses", "the policy more lets public see more")]),
    ("ALTER POLICY tenant_isolation ON {s}.progress WITH CHECK (true)",
     "ALTER POLICY tenant_isolation ON {s}.progress WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))",
     [("policy", "{s}.progress", "its policy tenant_isolation is not ours")]),
    ("ALTER POLICY tenant_isolation ON {s}.usage_counters WITH CHECK (true)",
     "ALTER POLICY tenant_isolation ON {s}.usage_counters WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))",
     [("policy", "{s}.usage_counters", "its policy tenant_isolation is not ours")]),
    ("CREATE TABLE {s}.extra (tenant_id uuid NOT NULL, x int); GRANT SELECT ON {s}.extra TO maratea_app", "DROP TABLE {s}.extra",
     [("row security", "{s}.extra", "row security is off"), ("policy", "{s}.extra", "has no policy tenant_isolation"),
      ("attempt", "{s}.extra", "has no row of a school's own: it could not be tried")]),
    ("CREATE TABLE {s}.notes (x int)", "DROP TABLE {s}.notes", [("tenant column", "{s}.notes", "has no column tenant_id uuid NOT NULL")]),
    ("CREATE VIEW public.people AS SELECT * FROM {s}.users", "DROP VIEW public.people", [("view", "public.people", "is a view without security_invoker over {s}.users")]),
    ("CREATE MATERIALIZED VIEW public.numbers AS SELECT count(*) FROM {s}.users", "DROP MATERIALIZED VIEW public.numbers",
     [("view", "public.numbers", "is a materialised view over {s}.users")]),
    ("CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM {s}.users'", "DROP FUNCTION public.peek()",
     [("function", "public.peek()", "is SECURITY DEFINER, and postgres sees every school")]),
    ("GRANT TRUNCATE ON {s}.users TO maratea_app", "REVOKE TRUNCATE ON {s}.users FROM maratea_app", [("grant", "{s}.users", "maratea_app has TRUNCATE")]),
    ("GRANT SELECT ON {s}.users TO PUBLIC", "REVOKE SELECT ON {s}.users FROM PUBLIC", [("grant", "{s}.users", "everybody has SELECT")]),
    ("CREATE UNIQUE INDEX global ON {s}.users (email_norm)", "DROP INDEX {s}.global", [("index", "{s}.users", "is unique across schools by {s}.global")]),
    ("ALTER TABLE {s}.courses ADD need text NOT NULL", "ALTER TABLE {s}.courses DROP need", []),
    ("CREATE INDEX late ON {s}.users (created_at, tenant_id)", "DROP INDEX {s}.late",
     [("index", "{s}.users", "has an index that does not begin with tenant_id: {s}.late")]),
    ("ALTER TABLE {s}.users ADD CONSTRAINT k UNIQUE (tenant_id, id, email_norm); CREATE TABLE {s}.r (tenant_id uuid NOT NULL, u uuid, e text, "
     "FOREIGN KEY (u, tenant_id, e) REFERENCES {s}.users (id, tenant_id, email_norm))", "DROP TABLE {s}.r; ALTER TABLE {s}.users DROP CONSTRAINT k",
     [("reference", "{s}.r", "its foreign key r_u_tenant_id_e_fkey may lead to another school")]),
    ("CREATE TABLE public.cache (tenant_id uuid, v text)", "DROP TABLE public.cache", [("uncovered", "public.cache", "has a column tenant_id, and no forced row security")]),
    ("ALTER ROLE maratea_app SET maratea.tenant_id = '11111111-1111-4111-8111-111111111111'", "ALTER ROLE maratea_app RESET maratea.tenant_id",
     [("setting", "maratea_app", "has maratea.tenant_id set for all its sessions")]),
    ("ALTER ROLE maratea_app BYPASSRLS", "ALTER ROLE maratea_app NOBYPASSRLS", [("roles", "maratea_app", "bypasses row security")]),
    ("GRANT maratea_owner TO maratea_ops", "REVOKE maratea_owner FROM maratea_ops", [("roles", "maratea_ops", "may become the owner")]),
]


def test_each_hole_is_found_and_named():
    s = "maratea_shared"
    for hole, mend, wanted in CASES:
        sql(hole.format(s=s))
        try:
            have = found()
            if not wanted:  # schools cannot be made as they were: it is said that nothing was tried
                assert have[0][:2] == ("attempt", s) and "could not be tried: " in have[0][2] and "need" in have[0][2], have
            for check_name, thing, text in wanted:
                want = (check_name, thing.format(s=s), text.format(s=s))
                assert want in have, (hole, want, have)
        finally:
            sql(mend.format(s=s))
        equal(check().json()["findings"], [], hole)


def test_the_role_that_services_use_is_the_first_thing_looked_at():
    env = dict(ENV, DATABASE_URL=PG.url("platform"))
    equal(found(env=env)[0], ("roles", "postgres", "is a superuser: no policy holds it"))
    holds(maratea("tenant", "check", env=env, status=4).err, "the first: postgres is a superuser")
    # one that is connected, whatever the configuration says
    session = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "platform"], stdin=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'platform' AND application_name = 'psql'") != "0", 30, "the session")
        equal(found()[0], ("roles", "postgres", "is a superuser: no policy holds it"))
    finally:
        session.stdin.close()
        session.wait()
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'platform'") == "0", 30, "its end")
    check()


def test_schools_apart_are_checked_where_they_are():
    PG.psql("CREATE DATABASE own")
    sql("CREATE SCHEMA s AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA s TO maratea_migrate, maratea_app, maratea_ops", "own")
    sql("CREATE SCHEMA t_alpha AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA t_alpha TO maratea_migrate, maratea_app, maratea_ops")
    sql("SET ROLE maratea_owner; INSERT INTO maratea.plans (name) VALUES ('basic')")
    for i, (slug, mode, database, schema) in enumerate((("alpha", "schema", "NULL", "t_alpha"), ("gamma", "database", "'own'", "s"), ("delta", "shared", "NULL", "maratea_shared"))):
        id = "%d0000000-0000-4000-8000-000000000000" % i
        sql("SET ROLE maratea_owner; INSERT INTO maratea.tenants (id, slug, name, plan) VALUES ('%s', '%s', 'x', 'basic'); INSERT INTO maratea.placements "
            "VALUES ('%s', '%s', %s, '%s')" % (id, slug, id, mode, database, schema))
    equal([f[:2] for f in found()], [("schema", "t_alpha"), ("schema", "s")])
    maratea("db", "migrate", env=ENV)
    report = check().json()
    equal((report["schemas"], report["tables"], report["attempts"]), (3, 42, 3 * 84))
    sql("ALTER TABLE s.lessons NO FORCE ROW LEVEL SECURITY", "own")
    equal(found(), [("row security", "s.lessons", "row security is not forced on its owner")])
    equal(check("gamma", status=4).json()["schemas"], 1)
    for slug in ("alpha", "delta"):
        equal(check(slug).json()["schemas"], 1)
    holds(check("a'; drop table x", status=1).err, "there is no school 'a'; drop table x'")
    sql("ALTER TABLE s.lessons FORCE ROW LEVEL SECURITY", "own")


main(globals())
