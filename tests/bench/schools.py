#!/usr/bin/python3
"""schools.py - many schools at once against the same work done by psql, side by side in one run.

  apply      maratea tenant apply of new schools in shared tables, with journal and audit log, against
             psql with INSERTs of 500 rows each into the same tables but those two, all in one file
  migrate    maratea db migrate -j 1 and -j 2 over schools with a schema of their own, against one
             psql that runs the same files in each, a transaction a file
  queries    what services ask for most, as maratea_app under row security, against a superuser who
             says the tenant himself; and the plan: no table of schools may be read from end to end

Medians, and the ratios psql / maratea: more is better.

  MRT_SOURCE=. MARATEA=build/maratea tests/bench/schools.py [--schools 10000] [--schemas 200] [--rounds 5]

Needs: postgresql.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import uuid

SOURCE = os.environ.get("MRT_SOURCE", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests", "env"))
from servers import Postgres, scratch  # noqa: E402

MARATEA = os.path.abspath(os.environ.get("MARATEA", "build/maratea"))
SQL = os.path.join(SOURCE, "lib/platform/sql")


class Platform:
    """A server with a platform in it that is migrated, and a plan of each isolation."""

    def __init__(self, **settings):
        self.pg = Postgres(**settings)
        self.work = scratch("bench")
        self.pg.psql("CREATE DATABASE platform")
        os.mkdir(self.work + "/pw")
        env = dict(os.environ, MARATEA_ADMIN_URL=self.pg.url("platform"))
        made = subprocess.run([MARATEA, "db", "init", "--yes", "--passwords", self.work + "/pw", "-o", "json"], env=env, check=True, capture_output=True, text=True)
        password = open(self.work + "/pw/maratea_migrate").read()
        self.env = dict(os.environ, MARATEA_PLATFORM_ID=json.loads(made.stdout)["platform_id"],
                        MARATEA_POSTGRES_MIGRATE_URL=self.pg.url("platform", "maratea_migrate", password))
        self.maratea("db", "migrate")
        self.maratea("plan", "create", "basic")
        self.maratea("plan", "create", "plus", "--isolation", "schema")

    def maratea(self, *args):
        began = time.monotonic()
        done = subprocess.run([MARATEA, *args], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError("%s\n%s%s" % (args, done.stdout[-2000:], done.stderr))
        return time.monotonic() - began

    def psql(self, path):
        began = time.monotonic()
        subprocess.run([self.pg.bin + "/psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", path, self.pg.url("platform")], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began

    def sql(self, text):
        return self.pg.psql(text, "platform")

    def close(self):
        self.pg.close()
        shutil.rmtree(self.work)


def tell(what, times, ours):
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print("%-10s %-12s median %7.3f s   psql / this: %5.2f   rounds %s" % (
            what, name, medians[name], medians["psql"] / medians[name], " ".join("%.3f" % v for v in values)), flush=True)
    return medians["psql"] / medians[ours]


def write_schools(path, prefix, n):
    with open(path, "w") as f:
        f.write("inventory: %s\ntenants:\n" % prefix)
        for i in range(n):
            f.write("  - slug: %s-%06d\n    name: Scuola %d\n    plan: basic\n    owner-email: anna%d@example.org\n" % (prefix, i, i, i))
        f.write("...\n")


def write_inserts(path, prefix, n, batch=500):
    tables = {
        "maratea.tenants (id, slug, name, plan, status, inventory)": "('{id}', '{p}-{i:06d}', 'Scuola {i}', 'basic', 'active', '{p}')",
        "maratea.placements (tenant_id, mode, schema_name)": "('{id}', 'shared', 'maratea_shared')",
        "maratea_shared.tenants (id)": "('{id}')",
        "maratea_shared.tenant_settings (tenant_id)": "('{id}')",
        "maratea_shared.users (tenant_id, id, email, email_norm, status)": "('{id}', '{user}', 'anna{i}@example.org', 'anna{i}@example.org', 'invited')",
        "maratea_shared.memberships (tenant_id, user_id, role)": "('{id}', '{user}', 'owner')",
        "maratea_shared.invitations (tenant_id, email_norm, role, token_digest, expires_at)": "('{id}', 'anna{i}@example.org', 'owner', '\\x{d}', now() + interval '7 days')",
    }
    with open(path, "w") as f:
        for begin in range(0, n, batch):
            rows = [{"id": uuid.uuid4(), "user": uuid.uuid4(), "p": prefix, "i": i, "d": os.urandom(32).hex()} for i in range(begin, min(n, begin + batch))]
            f.write("BEGIN;\n")
            for table, values in tables.items():
                f.write("INSERT INTO %s VALUES\n%s;\n" % (table, ",\n".join(values.format(**r) for r in rows)))
            f.write("COMMIT;\n")


def bench_apply(o):
    p = Platform(max_wal_size="4GB")
    try:
        times = {"maratea": [], "psql": []}
        for k in range(o.rounds):
            write_schools(p.work + "/schools.yaml", "m%d" % k, o.schools)
            write_inserts(p.work + "/inserts.sql", "p%d" % k, o.schools)
            ways = [("maratea", lambda: p.maratea("tenant", "apply", "-f", p.work + "/schools.yaml")), ("psql", lambda: p.psql(p.work + "/inserts.sql"))]
            for name, way in ways[::1 if k % 2 == 0 else -1]:
                times[name].append(way())
        counts = p.sql("SELECT count(*) FROM maratea.tenants"), p.sql("SELECT count(*) FROM maratea_shared.audit_log")
        assert counts == (str(2 * o.rounds * o.schools), str(o.rounds * o.schools)), counts
        print("apply: %.2f of the speed of bare INSERTs" % tell("apply", times, "maratea"))
        again = p.maratea("tenant", "apply", "-f", p.work + "/schools.yaml")
        print("apply: nothing to do: %.3f s" % again, flush=True)
    finally:
        p.close()


def bench_migrate(o):
    names = ["0001_tenant.sql", "0002_audit_index.sql"]
    times = {"maratea": [], "maratea -j 2": [], "psql": []}
    for k in range(o.rounds):
        p = Platform(max_wal_size="4GB", max_locks_per_transaction="256")
        try:
            # schools whose schema is there and empty, as those are that were made by an older maratea
            p.sql("SET ROLE maratea_owner; INSERT INTO maratea.tenants (slug, name, plan, status) SELECT 's-' || i, 'x', 'plus', 'active' FROM generate_series(1, %d) i; "
                  "INSERT INTO maratea.placements SELECT id, 'schema', NULL, 't_' || replace(id::text, '-', '') FROM maratea.tenants" % o.schemas)
            schemas = p.sql("SELECT schema_name FROM maratea.placements ORDER BY 1").split("\n")

            with open(p.work + "/migrate.sql", "w") as f:
                f.write("SET client_min_messages = warning; SET ROLE maratea_owner;\n")
                for s in schemas:
                    f.write("SET search_path = %s;\nBEGIN;\n%s\nCOMMIT;\n%s\n" % (s, open(SQL + "/tenant/" + names[0]).read(), open(SQL + "/tenant/" + names[1]).read()))
            ways = [("maratea", lambda: p.maratea("db", "migrate", "-j", "1")), ("maratea -j 2", lambda: p.maratea("db", "migrate", "-j", "2")),
                    ("psql", lambda: p.psql(p.work + "/migrate.sql"))]
            for name, way in ways[k % 3:] + ways[:k % 3]:
                for s in range(0, len(schemas), 20):
                    p.sql("".join("DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s AUTHORIZATION maratea_owner; "
                                  "GRANT USAGE ON SCHEMA %s TO maratea_app, maratea_ops, maratea_migrate; " % (x, x, x) for x in schemas[s:s + 20]))
                p.sql("CHECKPOINT")
                times[name].append(way())
        finally:
            p.close()
    print("migrate: %.2f of psql's speed with one job" % tell("migrate", times, "maratea"), flush=True)


HOT = {
    "sign in": "SELECT id, password_hash FROM users WHERE {t} email_norm = 'user7@example.org'",
    "roles": "SELECT role FROM memberships WHERE {t} user_id = (SELECT id FROM users WHERE {t} email_norm = 'user7@example.org')",
    "courses": "SELECT id, slug, title FROM courses WHERE {t} status = 'published' ORDER BY slug LIMIT 50",
    "course": "SELECT id, title FROM courses WHERE {t} slug = 'course-3'",
    "lessons": "SELECT l.id, l.title FROM modules m JOIN lessons l ON (l.tenant_id, l.module_id) = (m.tenant_id, m.id) "
               "WHERE {m} m.course_id = (SELECT id FROM courses WHERE {t} slug = 'course-3') ORDER BY m.position, l.position",
    "progress": "SELECT p.lesson_id, p.state FROM enrolments e JOIN progress p ON (p.tenant_id, p.enrolment_id) = (e.tenant_id, e.id) "
                "WHERE {e} e.user_id = (SELECT id FROM users WHERE {t} email_norm = 'user7@example.org')",
    "usage": "SELECT metric, value FROM usage_counters WHERE {t} period = date_trunc('month', now())::date",
    "audit": "SELECT seq, actor, action FROM audit_log WHERE {t} at > now() - interval '1 day' ORDER BY at DESC LIMIT 50",
}
FILL = """
INSERT INTO users (tenant_id, email, email_norm) SELECT t.id, 'user' || i || '@example.org', 'user' || i || '@example.org' FROM tenants t, generate_series(1, 200) i;
INSERT INTO memberships (tenant_id, user_id, role) SELECT tenant_id, id, 'student' FROM users ON CONFLICT DO NOTHING;
INSERT INTO courses (tenant_id, slug, title, status) SELECT t.id, 'course-' || i, 'x', 'published' FROM tenants t, generate_series(1, 10) i;
INSERT INTO modules (tenant_id, course_id, position, title) SELECT tenant_id, id, i, 'x' FROM courses, generate_series(1, 3) i;
INSERT INTO lessons (tenant_id, module_id, position, title) SELECT tenant_id, id, i, 'x' FROM modules, generate_series(1, 3) i;
INSERT INTO enrolments (tenant_id, user_id, course_id) SELECT u.tenant_id, u.id, c.id FROM users u JOIN courses c USING (tenant_id) WHERE c.slug IN ('course-1', 'course-3');
INSERT INTO progress (tenant_id, enrolment_id, lesson_id) SELECT e.tenant_id, e.id, l.id FROM enrolments e JOIN modules m ON (m.tenant_id, m.course_id) = (e.tenant_id, e.course_id)
  JOIN lessons l ON (l.tenant_id, l.module_id) = (m.tenant_id, m.id) WHERE l.position = 1;
INSERT INTO usage_counters (tenant_id, metric, period, value) SELECT t.id, m, date_trunc('month', now())::date - i * 31, i FROM tenants t, unnest(ARRAY['users', 'courses', 'storage']) m, generate_series(0, 11) i;
"""


def bench_queries(o):
    p = Platform(max_wal_size="4GB", shared_buffers="512MB")
    try:
        write_schools(p.work + "/schools.yaml", "q", 500)
        p.maratea("tenant", "apply", "-f", p.work + "/schools.yaml")
        p.sql("SET search_path = maratea_shared; " + FILL)
        p.sql("VACUUM ANALYZE")
        tenant = p.sql("SELECT id FROM maratea.tenants WHERE slug = 'q-000123'")
        as_app = "SET search_path = maratea_shared; SET ROLE maratea_app; SET maratea.tenant_id = '%s'; " % tenant
        as_root = "SET search_path = maratea_shared; "
        bad = []
        for name, text in HOT.items():
            ours = text.format(t="", m="", e="")
            theirs = text.format(t="tenant_id = '%s' AND" % tenant, m="m.tenant_id = '%s' AND" % tenant, e="e.tenant_id = '%s' AND" % tenant)
            plan = json.loads(p.sql(as_app + "EXPLAIN (FORMAT json) " + ours))[0]["Plan"]

            def nodes(node):
                yield node
                for child in node.get("Plans", []):
                    yield from nodes(child)

            scans = [(n["Node Type"], n.get("Index Name", n.get("Relation Name"))) for n in nodes(plan) if "Scan" in n["Node Type"]]
            bad += [(name, s) for s in scans if s[0] == "Seq Scan"]
            medians = []
            for prefix, query in ((as_app, ours), (as_root, theirs)):
                runs = [json.loads(p.sql(prefix + "EXPLAIN (ANALYZE, FORMAT json) " + query))[0] for _ in range(21)]
                medians.append(statistics.median(r["Execution Time"] for r in runs))
            print("queries    %-9s as maratea_app %7.3f ms, as superuser %7.3f ms: %.2f   %s" % (
                name, medians[0], medians[1], medians[1] / medians[0], ", ".join("%s on %s" % s for s in scans)), flush=True)
        if bad:
            raise RuntimeError("read from end to end: %s" % bad)
    finally:
        p.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--schools", type=int, default=10000)
    parser.add_argument("--schemas", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("what", nargs="*", default=["apply", "migrate", "queries"])
    o = parser.parse_args()
    for what in o.what:
        {"apply": bench_apply, "migrate": bench_migrate, "queries": bench_queries}[what](o)


main()
