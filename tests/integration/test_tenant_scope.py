"""test_tenant_scope.py - mrt_tenant_txn, the one way to a school's rows."""
import os
import re
import shutil
import subprocess

from harness import *
from schools import make_platform
from servers import Postgres

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
ID, password, ENV = make_platform(PG, ROOT)
maratea("db", "migrate", env=ENV)
PROGRAM = os.path.join(os.environ["MRT_BUILD"], "tests", "integration", "tenant_property")
SCHOOLS = ["%d1111111-1111-4111-8111-111111111111" % i for i in range(6)]
BYSTANDER = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
CANARY = open(os.path.join(SOURCE, "lib/platform/sql/query/canary.sql")).read()


def fill(schools):
    for t in schools:
        PG.psql("BEGIN; SET LOCAL ROLE maratea_owner; SET LOCAL search_path = maratea_shared; SET LOCAL maratea.tenant_id = '%s'; %s; "
                "INSERT INTO users (tenant_id, email, email_norm) SELECT '%s', 'x@y.z', n FROM generate_series(1, 20) n; COMMIT" % (t, CANARY, t), "platform")


def rows_of(school):
    tables = PG.psql("SELECT tablename FROM pg_tables WHERE schemaname = 'maratea_shared' AND tablename <> 'schema_migrations' ORDER BY 1", "platform").split()
    return {t: PG.psql("SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM maratea_shared.%s t WHERE %s = '%s'" %
                       (t, "id" if t == "tenants" else "tenant_id", school), "platform") for t in tables}


def play(seed, rounds, schools):
    url = PG.url("platform", "maratea_app", password("maratea_app"))
    return subprocess.run([PROGRAM, url, str(seed), str(rounds), BYSTANDER] + schools, capture_output=True, text=True, timeout=500)


def test_random_sql_of_random_schools_never_meets_a_foreign_row():
    fill(SCHOOLS + [BYSTANDER])
    before = rows_of(BYSTANDER)
    for seed in (1, 20261126):
        done = play(seed, 4000, SCHOOLS + ["00000000-0000-4000-8000-000000000000"])
        equal((done.returncode, done.stderr), (0, ""), done.stdout + " seed %d" % seed)
        rounds, rows, refused = map(int, re.findall(r"\d+", done.stdout))
        assert rounds == 4000 and rows > 4000 and refused > 400, done.stdout
    equal(rows_of(BYSTANDER), before)


def test_the_property_test_would_find_a_hole():
    fill(["%d2222222-1111-4111-8111-111111111111" % i for i in range(6)])
    schools = ["%d2222222-1111-4111-8111-111111111111" % i for i in range(6)]
    for hole, mend in (("CREATE POLICY more ON maratea_shared.courses FOR SELECT USING (true)", "DROP POLICY more ON maratea_shared.courses"),
                       ("ALTER TABLE maratea_shared.lessons DISABLE ROW LEVEL SECURITY", "ALTER TABLE maratea_shared.lessons ENABLE ROW LEVEL SECURITY"),
                       ("ALTER ROLE maratea_app BYPASSRLS", "ALTER ROLE maratea_app NOBYPASSRLS")):
        PG.psql(hole, "platform")
        done = play(7, 4000, schools)
        PG.psql(mend, "platform")
        equal(done.returncode, 1, hole)
        holds(done.stdout, "met a row of ")
    # what is written into another's is not met, but is there
    ours = "(tenant_id = (SELECT nullif(current_setting('maratea.tenant_id', true), '')::uuid))"
    for table in ("users", "usage_counters", "courses"):
        before = rows_of(BYSTANDER)
        PG.psql("ALTER POLICY tenant_isolation ON maratea_shared.%s WITH CHECK (true)" % table, "platform")
        done = play(7, 4000, schools)
        PG.psql("ALTER POLICY tenant_isolation ON maratea_shared.%s WITH CHECK %s" % (table, ours), "platform")
        after = rows_of(BYSTANDER)
        equal([t for t in after if after[t] != before[t]], [table], done.stdout)


main(globals())
