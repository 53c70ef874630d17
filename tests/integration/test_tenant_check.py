"""test_tenant_check.py - everything that would let one school see another's rows is found, and named."""
import json
import os
import re
import shutil
import subprocess

from harness import *
from schools import make_platform
from servers import Postgres, wait_until

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
ID, password, ENV = make_platform(PG, ROOT)
ENV["DATABASE_URL"] = PG.url("platform", "maratea_app", password("maratea_app"))
maratea("db", "migrate", env=ENV)


def sql(text, database="platform"):
    return PG.psql(text, database)


def check(*args, env=ENV, status=0):
    return maratea("tenant", "check", "-o", "json", *args, env=env, status=status)


def found(**more):
    done = check(status=4, **more)
    return [(f["check"], f["object"], f["text"]) for f in done.json()["findings"]]


def write_text(path, text):
    with open(path, "w") as f:
        f.write(text)


def everything():
    """All that the schema holds, row for row."""
    return subprocess.run([PG.bin + "/pg_dump", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "platform"], capture_output=True, check=True).stdout


def without_random(dump):
    return re.sub(rb"\\(un)?restrict .*", b"", dump)


def test_as_it_is_made_schools_are_kept_apart():
    before = without_random(everything())
    report = check().json()
    equal((report["findings"], report["schemas"], report["tables"]), ([], 1, 15))
    equal(report["attempts"], 15 * 7 + 10)
    holds(maratea("tenant", "check", env=ENV).out, "are kept apart", "15 tables in 1 schemas, 115 attempts to reach another's rows")
    equal(without_random(everything()), before)
    equal(check("--all").json(), report)
    holds(check("alpha", "--all", status=2).err, "--all is everywhere, and alpha is one school")


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
     [("policy", "{s}.progress", "its policy tenant_isolation is not ours"), ("attempt", "{s}.progress", "lets rows be moved into another school"),
      ("attempt", "{s}.progress", "lets rows be put into another school")]),
    ("ALTER POLICY tenant_isolation ON {s}.usage_counters WITH CHECK (true)",
     "ALTER POLICY tenant_isolation ON {s}.usage_counters WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))",
     [("policy", "{s}.usage_counters", "its policy tenant_isolation is not ours"), ("attempt", "{s}.usage_counters", "lets rows be moved into another school"),
      ("attempt", "{s}.usage_counters", "lets rows be put into another school")]),
    ("ALTER POLICY tenant_isolation ON {s}.tenant_settings WITH CHECK (true)",
     "ALTER POLICY tenant_isolation ON {s}.tenant_settings WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))",
     [("attempt", "{s}.tenant_settings", "lets rows be put into another school")]),
    ("ALTER TABLE {s}.modules DROP CONSTRAINT modules_tenant_id_course_id_fkey; ALTER TABLE {s}.courses ADD CONSTRAINT k UNIQUE (id); "
     "ALTER TABLE {s}.modules ADD CONSTRAINT loose FOREIGN KEY (course_id) REFERENCES {s}.courses (id)",
     "ALTER TABLE {s}.modules DROP CONSTRAINT loose; ALTER TABLE {s}.courses DROP CONSTRAINT k; ALTER TABLE {s}.modules ADD FOREIGN KEY (tenant_id, course_id) "
     "REFERENCES {s}.courses (tenant_id, id) ON DELETE CASCADE",
     [("index", "{s}.k", "makes values unique across schools, on {s}.courses"), ("reference", "{s}.modules", "its foreign key loose may lead to another school"),
      ("attempt", "{s}.modules", "lets rows refer to another school's")]),
    ("CREATE TABLE {s}.extra (tenant_id uuid NOT NULL, x int); GRANT SELECT ON {s}.extra TO maratea_app", "DROP TABLE {s}.extra",
     [("row security", "{s}.extra", "row security is off"), ("policy", "{s}.extra", "has no policy tenant_isolation"),
      ("attempt", "{s}.extra", "has no row of a school's own: it could not be tried")]),
    ("CREATE FUNCTION {s}.odd() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$no such luck$x$; END'; "
     "CREATE TRIGGER odd BEFORE UPDATE ON {s}.users FOR EACH STATEMENT EXECUTE FUNCTION {s}.odd()", "DROP TRIGGER odd ON {s}.users; DROP FUNCTION {s}.odd()",
     [("attempt", "{s}.users", "could not be tried, changing: PostgreSQL at {at}: no such luck (SQLSTATE P0001)"),
      ("attempt", "{s}.users", "could not be tried, moving: PostgreSQL at {at}: no such luck (SQLSTATE P0001)")]),
    ("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE {s}.far (tenant_id uuid NOT NULL) SERVER far",
     "DROP FOREIGN DATA WRAPPER w CASCADE", [("row security", "{s}.far", "is a foreign table, which knows no row security")]),
    ("CREATE TABLE {s}.parts (tenant_id uuid NOT NULL, x int, PRIMARY KEY (tenant_id, x)) PARTITION BY LIST (x); CREATE TABLE {s}.part_1 PARTITION OF {s}.parts FOR VALUES IN (1); "
     "ALTER TABLE {s}.parts ENABLE ROW LEVEL SECURITY; ALTER TABLE {s}.parts FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY tenant_isolation ON {s}.parts USING (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)) "
     "WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))", "DROP TABLE {s}.parts",
     [("row security", "{s}.part_1", "row security is off"), ("policy", "{s}.part_1", "has no policy tenant_isolation")]),
    ("CREATE TABLE {s}.notes (x int)", "DROP TABLE {s}.notes", [("tenant column", "{s}.notes", "has no column tenant_id uuid NOT NULL")]),
    ("CREATE VIEW public.people AS SELECT * FROM {s}.users", "DROP VIEW public.people", [("view", "public.people", "is a view without security_invoker over {s}.users")]),
    ("CREATE MATERIALIZED VIEW public.numbers AS SELECT count(*) FROM {s}.users", "DROP MATERIALIZED VIEW public.numbers",
     [("view", "public.numbers", "is a materialised view over {s}.users")]),
    ("CREATE VIEW public.inner_one WITH (security_invoker = true) AS SELECT * FROM {s}.users; CREATE VIEW public.outer_one AS SELECT email FROM public.inner_one; "
     "CREATE MATERIALIZED VIEW public.kept AS SELECT 1 FROM public.inner_one", "DROP VIEW public.inner_one CASCADE",
     [("view", "public.outer_one", "is a view without security_invoker over {s}.users"), ("view", "public.kept", "is a materialised view over {s}.users")]),
    ("CREATE TABLE public.post (x int); CREATE RULE copy AS ON INSERT TO public.post DO ALSO DELETE FROM {s}.users", "DROP TABLE public.post",
     [("view", "public.post", "has the rule copy, which reads {s}.users")]),
    ("CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM {s}.users'", "DROP FUNCTION public.peek()",
     [("function", "public.peek()", "is SECURITY DEFINER, and postgres sees every school")]),
    ("CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM {s}.users'; ALTER FUNCTION public.peek() OWNER TO maratea_ops",
     "DROP FUNCTION public.peek()", [("function", "public.peek()", "is SECURITY DEFINER, and maratea_ops sees every school")]),
    ("GRANT TRUNCATE ON {s}.users TO maratea_app", "REVOKE TRUNCATE ON {s}.users FROM maratea_app", [("grant", "{s}.users", "maratea_app has TRUNCATE")]),
    ("GRANT SELECT ON {s}.users TO PUBLIC", "REVOKE SELECT ON {s}.users FROM PUBLIC", [("grant", "{s}.users", "everybody has SELECT")]),
    ("GRANT REFERENCES (id), SELECT (email) ON {s}.users TO maratea_app", "REVOKE REFERENCES (id), SELECT (email) ON {s}.users FROM maratea_app",
     [("grant", "{s}.users", "maratea_app has REFERENCES (id)")]),
    ("GRANT SELECT (email) ON {s}.users TO PUBLIC", "REVOKE SELECT (email) ON {s}.users FROM PUBLIC", [("grant", "{s}.users", "everybody has SELECT (email)")]),
    ("GRANT CREATE ON SCHEMA {s} TO maratea_app", "REVOKE CREATE ON SCHEMA {s} FROM maratea_app", [("grant", "the schema {s}", "maratea_app has CREATE")]),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", [("grant", "the schema public", "everybody has CREATE")]),
    ("GRANT SELECT ON maratea.journal TO maratea_app; GRANT UPDATE ON maratea.placements TO maratea_app; GRANT SELECT (created_at) ON maratea.tenants TO maratea_app",
     "REVOKE SELECT ON maratea.journal FROM maratea_app; REVOKE UPDATE ON maratea.placements FROM maratea_app; REVOKE SELECT (created_at) ON maratea.tenants FROM maratea_app",
     [("grant", "maratea.journal", "maratea_app has SELECT"), ("grant", "maratea.placements", "maratea_app has UPDATE"),
      ("grant", "maratea.tenants", "maratea_app has SELECT (created_at)")]),
    ("CREATE UNIQUE INDEX global ON {s}.users (email_norm)", "DROP INDEX {s}.global", [("index", "{s}.global", "makes values unique across schools, on {s}.users")]),
    ("ALTER TABLE {s}.courses ADD need text NOT NULL", "ALTER TABLE {s}.courses DROP need", []),
    ("CREATE INDEX late ON {s}.users (created_at, tenant_id)", "DROP INDEX {s}.late",
     [("index", "{s}.late", "does not begin with tenant_id, on {s}.users")]),
    ("ALTER TABLE {s}.users ADD CONSTRAINT k UNIQUE (tenant_id, id, email_norm); CREATE TABLE {s}.r (tenant_id uuid NOT NULL, u uuid, e text, "
     "FOREIGN KEY (u, tenant_id, e) REFERENCES {s}.users (id, tenant_id, email_norm))", "DROP TABLE {s}.r; ALTER TABLE {s}.users DROP CONSTRAINT k",
     [("reference", "{s}.r", "its foreign key r_u_tenant_id_e_fkey may lead to another school")]),
    ("CREATE TABLE public.cache (tenant_id uuid, v text)", "DROP TABLE public.cache", [("uncovered", "public.cache", "has a column tenant_id, and not our policy")]),
    ("CREATE TABLE public.cache (tenant_id uuid, v text); ALTER TABLE public.cache ENABLE ROW LEVEL SECURITY; ALTER TABLE public.cache FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY tenant_isolation ON public.cache USING (true)", "DROP TABLE public.cache", [("uncovered", "public.cache", "has a column tenant_id, and not our policy")]),
    ("CREATE TABLE public.spy (t uuid, u uuid, FOREIGN KEY (t, u) REFERENCES {s}.users)", "DROP TABLE public.spy",
     [("reference", "public.spy", "its foreign key spy_t_u_fkey tells what is in {s}.users")]),
    ("ALTER ROLE maratea_app SET maratea.tenant_id = '11111111-1111-4111-8111-111111111111'", "ALTER ROLE maratea_app RESET maratea.tenant_id",
     [("setting", "maratea_app", "has maratea.tenant_id set for all its sessions")]),
    ("ALTER ROLE maratea_app BYPASSRLS", "ALTER ROLE maratea_app NOBYPASSRLS", [("roles", "maratea_app", "bypasses row security")]),
    ("GRANT maratea_owner TO maratea_ops", "REVOKE maratea_owner FROM maratea_ops", [("roles", "maratea_ops", "may become maratea_owner, who bypasses row security")]),
    ("CREATE ROLE further; GRANT postgres TO further; GRANT further TO maratea_app", "DROP ROLE further",
     [("roles", "maratea_app", "may become postgres, who is a superuser: no policy holds it")]),
    ("GRANT maratea_ops TO maratea_app", "REVOKE maratea_ops FROM maratea_app", [("roles", "maratea_app", "may become maratea_ops, who reads tables across schools")]),
    ("ALTER ROLE maratea_app CREATEROLE", "ALTER ROLE maratea_app NOCREATEROLE", [("roles", "maratea_app", "makes roles, and may join one that bypasses row security")]),
    ("ALTER ROLE maratea_app REPLICATION", "ALTER ROLE maratea_app NOREPLICATION", [("roles", "maratea_app", "may copy the whole server by replication")]),
    ("GRANT pg_read_server_files TO maratea_app", "REVOKE pg_read_server_files FROM maratea_app",
     [("roles", "maratea_app", "may become pg_read_server_files, who reaches the files of the server")]),
    ("GRANT USAGE, CREATE ON SCHEMA {s} TO maratea_app; ALTER TABLE {s}.progress OWNER TO maratea_app",
     "ALTER TABLE {s}.progress OWNER TO maratea_owner; REVOKE CREATE ON SCHEMA {s} FROM maratea_app; GRANT SELECT, INSERT, UPDATE, DELETE ON {s}.progress TO maratea_app",
     [("roles", "maratea_app", "owns tables of schools")]),
    ("CREATE TABLE public.people (email text NOT NULL); ALTER TABLE {s}.users INHERIT public.people; GRANT SELECT ON public.people TO maratea_app",
     "ALTER TABLE {s}.users NO INHERIT public.people; DROP TABLE public.people", [("parent", "public.people", "is a parent of {s}.users, and gives all its rows to read")]),
    ("GRANT pg_read_all_data TO maratea_app", "REVOKE pg_read_all_data FROM maratea_app",
     [("roles", "maratea_app", "may become pg_read_all_data, who reaches every table of the platform"), ("grant", "maratea.audit_log", "maratea_app has SELECT"),
      ("grant", "maratea.journal", "maratea_app has SELECT")]),
    ("CREATE ROLE grp; GRANT grp TO maratea_app; GRANT ALL ON ALL TABLES IN SCHEMA maratea TO grp", "DROP OWNED BY grp; DROP ROLE grp",
     [("grant", "maratea.placements", "maratea_app has UPDATE"), ("grant", "maratea.placements", "maratea_app has TRUNCATE")]),
    ("CREATE VIEW public.v AS SELECT * FROM maratea.audit_log; GRANT SELECT ON public.v TO maratea_app", "DROP VIEW public.v",
     [("view", "public.v", "is a view without security_invoker over maratea.audit_log")]),
    ("CREATE ROLE clerk; GRANT SELECT ON maratea.audit_log TO clerk; CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM maratea.audit_log'; "
     "ALTER FUNCTION public.peek() OWNER TO clerk", "DROP FUNCTION public.peek(); DROP OWNED BY clerk; DROP ROLE clerk",
     [("function", "public.peek()", "is SECURITY DEFINER, and runs with the rights of clerk")]),
    ("GRANT TEMPORARY ON DATABASE platform TO maratea_app", "REVOKE TEMPORARY ON DATABASE platform FROM maratea_app", [("grant", "the database", "maratea_app has TEMPORARY")]),
    ("GRANT TEMPORARY ON DATABASE platform TO PUBLIC", "REVOKE TEMPORARY ON DATABASE platform FROM PUBLIC", [("grant", "the database", "everybody has TEMPORARY")]),
    ("ALTER SCHEMA {s} OWNER TO maratea_app; GRANT USAGE ON SCHEMA {s} TO maratea_owner", "ALTER SCHEMA {s} OWNER TO maratea_owner; GRANT USAGE ON SCHEMA {s} TO maratea_app",
     [("roles", "maratea_app", "owns a schema of schools or of the platform"), ("grant", "the schema {s}", "maratea_app has CREATE")]),
    ("GRANT INSERT ON {s}.usage_counters TO maratea_ops; GRANT DELETE ON maratea.tenants TO maratea_ops",
     "REVOKE INSERT ON {s}.usage_counters FROM maratea_ops; REVOKE DELETE ON maratea.tenants FROM maratea_ops",
     [("grant", "{s}.usage_counters", "maratea_ops has INSERT"), ("grant", "maratea.tenants", "maratea_ops has DELETE")]),
    ("CREATE TABLE public.notes (tenant_id uuid NOT NULL, x text); ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY; ALTER TABLE public.notes FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY tenant_isolation ON public.notes USING (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)) "
     "WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)); CREATE POLICY more ON public.notes USING (true); "
     "CREATE VIEW public.noted AS SELECT * FROM public.notes", "DROP TABLE public.notes CASCADE",
     [("uncovered", "public.notes", "has a column tenant_id, and a policy that lets see more than ours"), ("view", "public.noted", "is a view without security_invoker over public.notes")]),
    ("CREATE TABLE public.notes (tenant_id uuid NOT NULL, x text); ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY; "
     "CREATE POLICY tenant_isolation ON public.notes USING (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)) "
     "WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))", "DROP TABLE public.notes",
     [("uncovered", "public.notes", "has a column tenant_id, and row security is not forced on its owner")]),
    ("CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM {s}.users'; "
     "ALTER EXTENSION plpgsql ADD FUNCTION public.peek()", "ALTER EXTENSION plpgsql DROP FUNCTION public.peek(); DROP FUNCTION public.peek(); DROP EXTENSION pg_trgm",
     [("function", "public.peek()", "is SECURITY DEFINER, and postgres sees every school")]),
    ("CREATE FUNCTION public.all_of() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM {s}.users'; CREATE MATERIALIZED VIEW public.mv AS SELECT * FROM public.all_of(); "
     "GRANT SELECT ON public.mv TO maratea_app", "DROP MATERIALIZED VIEW public.mv; DROP FUNCTION public.all_of()",
     [("view", "public.mv", "is a materialised view over the function public.all_of()")]),
    ("CREATE FUNCTION public.as_beta() RETURNS int LANGUAGE sql SET \"Maratea.Tenant_Id\" = 'x' AS 'SELECT 1'", "DROP FUNCTION public.as_beta()",
     [("function", "public.as_beta()", "sets maratea.tenant_id for itself")]),
    ("CREATE FUNCTION public.move() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
     "CREATE TRIGGER move AFTER INSERT ON {s}.courses FOR EACH ROW WHEN (NEW.title <> '') EXECUTE FUNCTION public.move()", "DROP TRIGGER move ON {s}.courses; DROP FUNCTION public.move()",
     [("trigger", "{s}.courses.move", "is a trigger, and runs public.move() when rows of schools are written")]),
    ("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER loop FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER loop TO PUBLIC; CREATE FOREIGN TABLE public.far (email text) SERVER loop; "
     "GRANT SELECT ON public.far TO maratea_app", "DROP FOREIGN DATA WRAPPER w CASCADE",
     [("foreign", "the foreign server loop", "everybody may use it"), ("foreign", "public.far", "is a foreign table that maratea_app may read")]),
    ("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO maratea_app; GRANT SELECT ON pg_statistic TO PUBLIC; GRANT SELECT (rolpassword) ON pg_authid TO maratea_app",
     "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM maratea_app; REVOKE SELECT ON pg_statistic FROM PUBLIC; REVOKE SELECT (rolpassword) ON pg_authid FROM maratea_app",
     [("system", "pg_read_file(text)", "maratea_app has EXECUTE"), ("system", "pg_statistic", "everybody has SELECT"), ("system", "pg_authid.rolpassword", "maratea_app has SELECT")]),
    ("ALTER ROLE maratea_app SET \"Maratea.Tenant_Id\" = '11111111-1111-4111-8111-111111111111'", "ALTER ROLE maratea_app RESET ALL",
     [("setting", "maratea_app", "has maratea.tenant_id set for all its sessions")]),
    ("CREATE TABLE public.notes (tenant_id uuid NOT NULL, x text); ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY; ALTER TABLE public.notes FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY tenant_isolation ON public.notes USING (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)) "
     "WITH CHECK (tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)); ALTER TABLE public.notes OWNER TO maratea_app", "DROP TABLE public.notes",
     [("roles", "maratea_app", "owns tables of schools")]),
    ("CREATE TABLE public.tenants (id uuid NOT NULL, tenant_id uuid NOT NULL, x text); ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY; ALTER TABLE public.tenants FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY tenant_isolation ON public.tenants USING (id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid)) "
     "WITH CHECK (id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))", "DROP TABLE public.tenants",
     [("uncovered", "public.tenants", "has a column tenant_id, and not our policy")]),
    ("REVOKE INSERT ON {s}.users FROM maratea_owner", "GRANT INSERT ON {s}.users TO maratea_owner",
     [("attempt", "{s}", "could not be tried: PostgreSQL at {at}: permission denied for table users (SQLSTATE 42501)")]),
]


def test_a_view_that_looks_with_its_readers_eyes_is_none():
    sql("CREATE VIEW public.mine WITH (security_invoker = 'TRUE') AS SELECT * FROM maratea_shared.users")
    check()
    sql("DROP VIEW public.mine")


def test_each_hole_is_found_and_named():
    s = "maratea_shared"
    for hole, mend, wanted in CASES:
        sql(hole.format(s=s))
        try:
            have = found()
            if not wanted:  # schools cannot be made as they were: it is said that nothing was tried
                assert have[0][:2] == ("attempt", s) and "could not be tried: " in have[0][2] and "need" in have[0][2], have
            for check_name, thing, text in wanted:
                want = (check_name, thing.format(s=s), text.format(s=s, at="127.0.0.1:%d, database platform" % PG.port))
                assert want in have, (hole, want, have)
        finally:
            sql(mend.format(s=s))
        equal(check().json()["findings"], [], hole)


def test_what_was_reviewed_is_told_apart():
    sql("CREATE FUNCTION public.peek(a int, b int) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM maratea_shared.users'; "
        "CREATE UNIQUE INDEX global ON maratea_shared.users (email_norm)")
    write_text(ROOT + "/reviewed.yaml", "tenant:\n  reviewed:\n    - public.peek(integer,integer)\n    - maratea_shared.users\n")
    done = check("-c", ROOT + "/reviewed.yaml", status=4).json()
    equal([f["object"] for f in done["findings"]], ["maratea_shared.global"])
    equal([(f["check"], f["object"]) for f in done["reviewed"]], [("function", "public.peek(integer,integer)")])
    write_text(ROOT + "/reviewed.yaml", "tenant:\n  reviewed:\n    - public.peek(integer,integer)\n    - maratea_shared.global\n    - maratea_shared.users\n")
    equal(check("-c", ROOT + "/reviewed.yaml").json()["findings"], [])
    # what shows is no matter of review
    sql("ALTER TABLE maratea_shared.users DISABLE ROW LEVEL SECURITY")
    equal({f["object"] for f in check("-c", ROOT + "/reviewed.yaml", status=4).json()["findings"]}, {"maratea_shared.users"})
    sql("ALTER TABLE maratea_shared.users ENABLE ROW LEVEL SECURITY; DROP FUNCTION public.peek(int, int); DROP INDEX maratea_shared.global")


def test_every_school_that_there_is_can_be_looked_at_as():
    ids = ["%08d-0000-4000-8000-000000000000" % i for i in range(1, 1204)]
    sql("SET ROLE maratea_owner; INSERT INTO maratea_shared.tenants (id) SELECT unnest('{%s}'::uuid[]); INSERT INTO maratea_shared.tenant_settings (tenant_id) "
        "SELECT id FROM maratea_shared.tenants" % ",".join(ids))
    report = check("--all-tenants").json()
    equal((report["findings"], report["attempts"]), ([], 115 + 15 * 1203))
    # a hole for one school only: no canary finds it
    sql("CREATE POLICY friend ON maratea_shared.tenant_settings FOR SELECT USING (current_setting('maratea.tenant_id', true) = '%s')" % ids[777])
    have = found()
    equal([f[:2] for f in have], [("further policy", "maratea_shared.tenant_settings")])
    have = [(f["check"], f["object"], f["text"]) for f in check("--all-tenants", status=4).json()["findings"]]
    equal(have[1:], [("attempt", "maratea_shared.tenant_settings", "gives rows of others to the school " + ids[777])])
    sql("DROP POLICY friend ON maratea_shared.tenant_settings; SET ROLE maratea_owner; DELETE FROM maratea_shared.tenants")
    check()


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


def test_a_session_that_begins_in_a_school_is_found():
    preset = "11111111-1111-4111-8111-111111111111"
    env = dict(ENV, DATABASE_URL=ENV["DATABASE_URL"] + "?options=-c%20maratea.tenant_id%3D" + preset)
    equal(found(env=env), [("setting", "postgres.url", "has maratea.tenant_id set for all its sessions")])
    for options, what in (("--maratea.tenant-id%3D" + preset, "maratea.tenant_id"), ("-cMaratea.Tenant_ID%3D" + preset, "maratea.tenant_id"), ("-c%20role%3Dmaratea_ops", "role")):
        equal(found(env=dict(ENV, DATABASE_URL=ENV["DATABASE_URL"] + "?options=" + options)), [("setting", "postgres.url", "has %s set for all its sessions" % what)])
    check(env=dict(ENV, DATABASE_URL=ENV["DATABASE_URL"] + "?options=-c%20search_path%3Dmaratea_shared"))
    equal(found(env=dict(ENV, DATABASE_URL=PG.url("platform", "maratea_ap", "x"))), [("roles", "maratea_ap", "is whom postgres.url connects as, and there is no such role")])
    with open(PG.data + "/postgresql.conf") as f:
        before = f.read()
    write_text(PG.data + "/postgresql.conf", before + "maratea.tenant_id = '%s'\n" % preset)
    PG.psql("SELECT pg_reload_conf()")
    wait_until(lambda: PG.psql("SELECT current_setting('maratea.tenant_id', true)") == preset, 30, "the setting")
    assert ("setting", "the server", "has maratea.tenant_id set for all sessions") in found()
    write_text(PG.data + "/postgresql.conf", before)
    PG.psql("SELECT pg_reload_conf()")
    wait_until(lambda: PG.psql("SELECT current_setting('maratea.tenant_id', true)") == "", 30, "its end")
    check()
    # who may log in, and is a member of ours, is what he may do
    sql("CREATE ROLE web LOGIN PASSWORD 'w'; GRANT maratea_app TO web; GRANT SELECT ON maratea.audit_log TO web")
    env = dict(ENV, DATABASE_URL=PG.url("platform", "web", "w"))
    equal(found(env=env), [("grant", "maratea.audit_log", "web has SELECT")])
    sql("DROP OWNED BY web; DROP ROLE web")


def test_schools_apart_are_checked_where_they_are():
    PG.psql("CREATE DATABASE own")
    PG.psql("REVOKE TEMPORARY ON DATABASE own FROM PUBLIC")
    sql("CREATE SCHEMA s AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA s TO maratea_migrate, maratea_app, maratea_ops", "own")
    sql("CREATE SCHEMA t_alpha AUTHORIZATION maratea_owner; GRANT USAGE ON SCHEMA t_alpha TO maratea_migrate, maratea_app, maratea_ops")
    sql("SET ROLE maratea_owner; INSERT INTO maratea.plans (name) VALUES ('basic')")
    for i, (slug, mode, database, schema) in enumerate((("alpha", "schema", "NULL", "t_alpha"), ("gamma", "database", "'own'", "s"), ("delta", "shared", "NULL", "maratea_shared"))):
        id = "%d0000000-0000-4000-8000-000000000000" % i
        sql("SET ROLE maratea_owner; INSERT INTO maratea.tenants (id, slug, name, plan, status) VALUES ('%s', '%s', 'x', 'basic', 'active'); INSERT INTO maratea.placements "
            "VALUES ('%s', '%s', %s, '%s')" % (id, slug, id, mode, database, schema))
    equal([f[:2] for f in found()], [("schema", "t_alpha"), ("schema", "s")])
    maratea("db", "migrate", env=ENV)
    report = check().json()
    equal((report["schemas"], report["tables"], report["attempts"]), (3, 45, 3 * 115))
    sql("ALTER TABLE s.lessons NO FORCE ROW LEVEL SECURITY", "own")
    equal(check(status=4).json()["findings"], [{"check": "row security", "database": "own", "tenant": "gamma", "object": "s.lessons", "text": "row security is not forced on its owner"}])
    holds(maratea("tenant", "check", env=ENV, status=4).err, "1 finding, the first: gamma: s.lessons row security is not forced on its owner")
    equal(check("gamma", status=4).json()["schemas"], 1)
    # an object that was reviewed is that of one database
    sql("CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "own")
    for item, wanted in (("public.peek()", 2), ("gamma:public.peek()", 1), ("alpha:public.peek()", 2), ("'*:public.peek()'", 1)):
        write_text(ROOT + "/reviewed.yaml", "tenant:\n  reviewed:\n    - %s\n" % item)
        equal(len(check("-c", ROOT + "/reviewed.yaml", status=4).json()["findings"]), wanted, item)
    sql("DROP FUNCTION public.peek()", "own")
    # whose table it is counts in every schema
    sql("ALTER TABLE t_alpha.lessons OWNER TO maratea_app")
    assert ("roles", "maratea_app", "owns tables of schools") in found()
    sql("ALTER TABLE t_alpha.lessons OWNER TO maratea_owner; GRANT SELECT, INSERT, UPDATE, DELETE ON t_alpha.lessons TO maratea_app")
    # one that is being made is nobody's yet
    sql("UPDATE maratea.tenants SET status = 'provisioning' WHERE slug = 'gamma'")
    equal(check().json()["schemas"], 2)
    holds(check("gamma", status=5).err, "the school 'gamma' is not made yet")
    sql("UPDATE maratea.tenants SET status = 'active' WHERE slug = 'gamma'")
    for slug in ("alpha", "delta"):
        equal(check(slug).json()["schemas"], 1)
    # what cannot be looked at is a finding, and the others are looked at
    sql("UPDATE maratea.placements SET database_name = 'gone' WHERE schema_name = 's'")
    have = check(status=4).json()
    equal([(f["check"], f["tenant"], f["object"]) for f in have["findings"]], [("schema", "gamma", "s")])
    holds(have["findings"][0]["text"], 'could not be checked: PostgreSQL at ', 'database "gone" does not exist')
    equal(have["schemas"], 2)
    sql("UPDATE maratea.placements SET database_name = 'own' WHERE schema_name = 's'")
    holds(check("a'; drop table x", status=1).err, "there is no school 'a'; drop table x'")
    sql("ALTER TABLE s.lessons FORCE ROW LEVEL SECURITY", "own")


main(globals())
