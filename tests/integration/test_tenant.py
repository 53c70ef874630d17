"""test_tenant.py - plans, schools made in one command and changed, and the chains that tell of it."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading

from harness import *
from schools import halted, make_platform
from servers import Postgres, wait_until

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
ID, password, ENV = make_platform(PG, ROOT, MARATEA_PLATFORM_DOMAIN="schools.example")
OWNER = ["--name", "Scuola Alpha", "--plan", "basic", "--owner-email", "Anna@Example.org"]


def sql(text, database="platform"):
    return PG.psql(text, database)


def run(*args, env=ENV, status=0):
    return maratea(*args, env=env, status=status)


def create(slug, *more, options=OWNER, status=0):
    return run("tenant", "create", slug, *options, *more, "-o", "json", status=status)


def rows():
    """How many rows each of the platform's tables has, and which databases and schemas there are."""
    counts = {t: sql("SELECT count(*) FROM maratea." + t) for t in ("plans", "tenants", "placements", "journal", "audit_log", "slug_tombstones")}
    return counts, sql("SELECT string_agg(nspname, ' ' ORDER BY 1) FROM pg_namespace"), sql("SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database")


def test_a_platform_that_is_not_migrated_is_not_used():
    failed = run("plan", "list", status=3)
    holds(failed.err, "the schema maratea lacks platform/0001_platform, which this maratea needs", "hint: maratea db migrate")
    run("db", "migrate")
    equal(run("plan", "list").out, "no plans; 'maratea plan create' makes one\n")
    equal(run("tenant", "list", "-o", "json").json(), {"tenants": []})


def test_plans_are_made_changed_and_shown():
    made = run("plan", "create", "basic", "--users", "100", "--storage", "10GiB", "--backup-interval", "1d", "--backup-retention", "last=3,daily=7", "-o", "json").json()
    equal(made, {"name": "basic", "isolation": "shared", "limits": {"users": 100, "courses": None, "storage": 10 << 30, "requests_per_second": None},
                 "backup": {"interval_s": 86400, "retention": {"last": 3, "daily": 7}}, "version": 1, "tenants": 0, "changed": True, "dry_run": False})
    shown = run("plan", "show", "basic", "-o", "json").json()
    equal(shown, {k: v for k, v in made.items() if k not in ("changed", "dry_run")})
    # what changes nothing leaves nothing behind
    before = rows()
    holds(run("plan", "update", "basic", "--users", "100", "--backup-retention", "daily=7,last=3,weekly=0").out, "it was so already\n")
    holds(run("plan", "update", "basic", "--users", "101", "--dry-run").out, "users        101", "nothing was changed (--dry-run)\n")
    holds(run("plan", "create", "dry", "--dry-run").out, "nothing was changed (--dry-run)\n")
    holds(run("plan", "update", "basic", status=2).err, "what is to be changed? 'maratea plan update --help'")
    equal((rows(), run("plan", "show", "basic", "-o", "json").json()), (before, shown))
    changed = run("plan", "update", "basic", "--users", "none", "--courses", "20", "--backup-retention", "none", "-o", "json").json()
    equal((changed["limits"]["users"], changed["limits"]["courses"], changed["limits"]["storage"], changed["backup"]["retention"], changed["version"]), (None, 20, 10 << 30, {}, 2))
    run("plan", "create", "premium", "--isolation", "database", "--requests-per-second", "50")
    run("plan", "create", "plus", "--isolation", "schema")
    equal(run("plan", "list", "-o", "name").out, "basic\nplus\npremium\n")
    holds(run("plan", "list").out, "NAME", "basic    shared", "10.0 GiB", "premium  database")
    holds(run("plan", "show", "premium").out, "isolation    database", "requests/s   50", "users        no limit")
    holds(run("plan", "create", "basic", status=5).err, "there is a plan 'basic' already", "hint: 'maratea plan update basic' changes it")
    for args, words, status in ((["show", "gold"], "there is no plan 'gold'", 1), (["update", "gold", "--users", "1"], "there is no plan 'gold'", 1),
                                (["create", "Gold!"], "the plan 'Gold!' has more in it than a-z", 2), (["create", "x", "--users", "many"], "--users: ", 2),
                                (["create", "x", "--users", "-1"], "--users: ", 2), (["create", "x", "--storage", "9EiB"], "--storage: ", 2),
                                (["create", "x", "--backup-interval", "1s"], "--backup-interval: '1s' is too often", 2),
                                (["create", "x", "--requests-per-second", "0"], "0 would serve nobody", 2),
                                (["create", "x", "--backup-retention", "daily"], "'daily' is not one of last, hourly", 2),
                                (["create", "x", "--backup-retention", "daily=x"], "'x' is no number", 2),
                                (["create", "x", "--backup-retention", "fortnightly=2"], "'fortnightly=2' is not one of", 2),
                                (["create", "x", "--isolation", "none"], "--isolation 'none': one of shared|schema|database", 2), (["create", ""], "the plan '' is empty", 2)):
        before = rows()
        holds(run("plan", *args, status=status).err, words)
        equal(rows(), before)
    holds(run("plan", "create", "x", "-o", "jsonl", status=2).err, "-o jsonl is for lists")


def test_a_school_is_made_in_each_of_the_three_ways():
    made = create("alpha").json()
    equal([(s["step"], s["state"]) for s in made["steps"]], [("reserve", "done"), ("fill", "done"), ("activate", "done")])
    equal((made["isolation"], made["database"], made["schema"]), ("shared", None, "maratea_shared"))
    token = re.fullmatch(r"https://alpha\.schools\.example/invitation/([0-9a-f]{32})", made["owner"]["invitation"]).group(1)
    equal(sql("SELECT i.email_norm, i.role, i.token_digest = sha256('%s'), i.expires_at > now() + interval '6 days', u.email, u.status, m.role FROM maratea_shared.invitations i "
              "JOIN maratea_shared.users u USING (tenant_id, email_norm) JOIN maratea_shared.memberships m ON m.tenant_id = u.tenant_id AND m.user_id = u.id" % token).split("\t"),
          ["anna@example.org", "owner", "t", "t", "Anna@Example.org", "invited", "owner"])
    plus = create("beta", options=["--name", "B", "--plan", "plus", "--owner-email", "b@example.org"]).json()
    equal(([s["step"] for s in plus["steps"]], plus["schema"]), (["reserve", "schema", "migrate", "fill", "activate"], "t_" + plus["id"].replace("-", "")))
    equal(sql("SELECT count(*) FROM %s.users" % plus["schema"]), "1")
    own = create("gamma", options=["--name", "G", "--plan", "premium", "--owner-email", "g@example.org"]).json()
    equal(([s["step"] for s in own["steps"]], own["database"], own["schema"]),
          (["reserve", "database", "migrate", "fill", "activate"], "maratea_t_" + own["id"].replace("-", ""), "school"))
    equal(sql("SELECT count(*) FROM school.users", own["database"]), "1")
    equal(sql("SELECT datallowconn, pg_get_userbyid(datdba), has_database_privilege('maratea_app', oid, 'CONNECT'), has_database_privilege('maratea_app', oid, 'TEMPORARY') "
              "FROM pg_database WHERE datname = '%s'" % own["database"]), "t\tmaratea_owner\tt\tf")
    PG.psql("CREATE ROLE stranger LOGIN")
    equal(sql("SELECT has_database_privilege('stranger', '%s', 'CONNECT')" % own["database"]), "f")
    # the mode can be chosen, whatever the plan's is
    equal(create("delta", "--isolation", "schema").json()["isolation"], "schema")
    # all of them are kept apart, as the check has it, and complete for a later migration
    equal(run("tenant", "check", "-o", "json").json()["schemas"], 4)
    equal({m["state"] for s in run("db", "status", "-o", "json").json()["schemas"] for m in s["migrations"]}, {"applied"})
    shown = run("tenant", "show", "gamma")
    holds(shown.out, "school       gamma", "status       active", "isolation    database", "tables in    %s, schema school" % own["database"])
    holds(create("alpha", status=5).err, "there is a school 'alpha' already")
    shown = run("tenant", "create", "epsilon", *OWNER)
    holds(shown.out, "school       epsilon", "steps        reserve: done\n             fill: done", "invitation   https://epsilon.schools.example/invitation/")


def test_a_dry_run_says_the_steps_and_changes_nothing():
    before = rows()
    said = create("zeta", "--dry-run", "--isolation", "database").json()
    equal(([(s["step"], s["state"]) for s in said["steps"]], said["dry_run"], said["id"], said["owner"]["invitation"]),
          ([(s, "to do") for s in ("reserve", "database", "migrate", "fill", "activate")], True, None, None))
    holds(run("tenant", "create", "zeta", *OWNER, "--dry-run").out, "nothing was changed (--dry-run)")
    holds(create("alpha", "--dry-run", status=5).err, "there is a school 'alpha' already")
    equal(rows(), before)


def test_bad_input_changes_nothing():
    before = rows()
    for slug, words in (("a'; drop table tenants", "has more in it than a-z, 0-9"), ("x" * 64, "is longer than 63 characters"), ("", "is empty"), ("a-", "ends with"),
                        ("xn--caf-dma", 'has "--" where'), ("Alpha", "hint: 'alpha' would do"), ("caf\u00e9", "hint: 'caf' would do"), ("www", "is reserved"), ("a.b", "hint: 'a-b' would do"),
                        ("x" * 10000, "...' is longer than 63")):
        holds(create(slug, status=2).err, words)
    holds(run("tenant", "create", *OWNER, "--", "-a", status=2).err, "begins with", "hint: 'a' would do")
    for mail in ("anna", "@example.org", "anna@", "a b@example.org", "a@.org", "a@b..c", "x" * 65 + "@example.org", "a\n@b.c", "x@" + "y" * 300):
        holds(create("eta", options=["--name", "x", "--plan", "basic", "--owner-email", mail], status=2).err, "is no e-mail address")
    holds(create("eta", options=["--name", "x", "--plan", "gold", "--owner-email", "a@b.c"], status=1).err, "there is no plan 'gold'", "hint: 'maratea plan list'")
    holds(create("eta", options=["--name", "x", "--plan", "basic", "--owner-email", ""], status=2).err, "--owner-email has an empty value")
    holds(create("eta", options=["--name", "", "--plan", "basic", "--owner-email", "a@b.c"], status=2).err, "--name has an empty value")
    holds(create("eta", options=["--name", "x" * 100000, "--plan", "basic", "--owner-email", "a@b.c"], status=2).err, "--name is longer than 1000 bytes")
    for name, why in (("   ", "--name is empty"), ("a\nb", "--name has a control character in it"), ("\x1b[31mred", "--name has a control character in it"), ("\x7f", "control character"),
                      ("\u0085", "control character"), (b"caf\xe9", "--name is not UTF-8"), (b"\xc0\xaf", "--name is not UTF-8"), (b"\xed\xa0\x80", "--name is not UTF-8"), (b"\xf4\x90\x80\x80", "not UTF-8")):
        holds(create("eta", options=["--name", name, "--plan", "basic", "--owner-email", "a@b.c"], status=2).err, why)
        holds(run("tenant", "update", "alpha", "--name", name, status=2).err, why)
        holds(run("tenant", "suspend", "alpha", "--reason", name, status=2).err, why.replace("--name", "--reason"))
    holds(create("eta", options=["--name", "x", "--plan", "basic", "--owner-email", b"\xff@b.c"], status=2).err, "is no e-mail address")
    holds(create("eta", options=["--plan", "basic", "--owner-email", "a@b.c"], status=2).err, "it needs --name\nhint: 'maratea tenant create --help'")
    holds(run("tenant", "create", "eta", status=2).err, "it needs --name --plan --owner-email")
    holds(create("eta", "--isolation", "own", status=2).err, "--isolation 'own': one of")
    holds(run("tenant", "create", "eta", *OWNER, env=dict(ENV, MARATEA_PLATFORM_ID="00000000-0000-4000-8000-000000000001"), status=5).err, "the database is platform " + ID)
    other = dict(ENV)
    del other["MARATEA_PLATFORM_ID"]
    holds(run("tenant", "create", "eta", *OWNER, env=other, status=3).err, "platform.id is not set", ID)
    equal(rows(), before)
    equal(run("tenant", "create", "eta", "--name", "Eta'; \u00f1", "--plan", "basic", "--owner-email", "\u00d6sten@B\u00fccher.example", "-o", "json").json()["name"], "Eta'; \u00f1")
    equal(sql("SELECT email_norm FROM maratea_shared.users WHERE email LIKE '%example'"), "\u00f6sten@b\u00fccher.example")


def test_killed_at_every_step_the_same_command_finishes():
    steps = {"shared": ["reserve", "fill", "activate"], "schema": ["reserve", "schema", "migrate", "fill", "claim", "activate"], "database": ["reserve", "database", "migrate", "fill", "activate"]}
    for mode, names in steps.items():
        for i, (step, committed) in enumerate([(n, c) for n in names + ["begun"] * (mode == "database") for c in (False, True)]):
            slug = "killed-%s-%d" % (mode, i)
            how = ["--isolation", mode] + (["--domain", slug + ".example.org"] if mode == "schema" else [])
            state = "done"
            if step == "begun":
                step, state = "database", "begun"
            with halted(PG, "journal", "NEW.step = '%s' AND NEW.state = '%s'" % (step, state), in_commit=committed) as reached:
                victim = start("tenant", "create", slug, *OWNER, *how, env=ENV)
                reached()
                if i == 0:
                    # two at a time: the second does not wait
                    holds(create(slug, *how, status=5).err, "another command is at work on the school '%s'" % slug)
                victim.send_signal(signal.SIGKILL)
                finish(victim)
            if step == "activate" and committed:
                # all is done but to tell it
                equal(sql("SELECT status FROM maratea.tenants WHERE slug = '%s'" % slug), "active")
                holds(create(slug, *how, status=5).err, "there is a school '%s' already" % slug, "hint: its owner's invitation, if that is what is missing: maratea user invite %s EMAIL" % slug)
                holds(run("user", "invite", slug, "anna@example.org").out, "https://%s.schools.example/invitation/" % slug)
                continue
            if i > 0:
                equal(sql("SELECT status FROM maratea.tenants WHERE slug = '%s'" % slug), "provisioning")
                holds(run("tenant", "suspend", slug, status=5).err, "the school '%s' is not made yet" % slug)
            again = create(slug, *how).json()
            before = names[:names.index(step) + (committed and state == "done")]
            equal([(s["step"], s["state"]) for s in again["steps"]], [(n, "done before" if n in before and n not in ("fill", "claim") else "done") for n in names])
            equal(sql("SELECT status FROM maratea.tenants WHERE slug = '%s'" % slug), "active")
            equal(sql("SELECT c.name FROM maratea.domain_claims c JOIN maratea.tenants t ON t.id = c.tenant_id WHERE slug = '%s'" % slug), slug + ".example.org" if mode == "schema" else "")
            place = sql("SELECT schema_name, coalesce(database_name, 'platform'), tenant_id FROM maratea.placements p JOIN maratea.tenants t ON t.id = p.tenant_id WHERE slug = '%s'" %
                        slug).split("\t")
            equal(sql("SELECT (SELECT count(*) FROM {0}.users WHERE tenant_id = '{1}'), (SELECT count(*) FROM {0}.memberships WHERE tenant_id = '{1}'), "
                      "(SELECT count(*) FROM {0}.invitations WHERE tenant_id = '{1}'), (SELECT count(*) FROM {0}.audit_log WHERE tenant_id = '{1}')".format(place[0], place[2]), place[1]),
                  "1\t1\t1\t1")
            equal(sql("SELECT string_agg(action, ' ' ORDER BY seq) FROM maratea.audit_log WHERE tenant_id = '%s'" % place[2]), "tenant.create domain.add tenant.activate" if mode == "schema" else "tenant.create tenant.activate")
    run("tenant", "check")
    run("audit", "verify")


def test_what_was_begun_otherwise_is_told():
    sql("REVOKE CREATE ON DATABASE platform FROM maratea_owner")
    failed = create("theta", "--isolation", "schema", status=6)
    holds(failed.err, "step schema: ", "permission denied for database platform", "hint: the same command goes on from there")
    sql("GRANT CREATE ON DATABASE platform TO maratea_owner")
    holds(create("theta", status=5).err, "the school 'theta' was begun with other options",
          "hint: to finish it: maratea tenant create theta --name 'Scuola Alpha' --plan 'basic' --owner-email 'Anna@Example.org' --isolation 'schema'\n")
    # which is not served, not looked at, and in nobody's way until then
    equal([s["provisioning"] for s in run("db", "status", "-o", "json").json()["schemas"] if s["tenant"] == "theta"], [True])
    holds(run("db", "status").out, "theta", "being made")
    for command in (("db", "migrate"), ("db", "diff"), ("tenant", "check"), ("audit", "verify")):
        run(*command)
    holds(run("tenant", "archive", "theta", status=5).err, "the school 'theta' is not made yet", "'maratea tenant create' or 'apply' that began it finishes it")
    equal([e["action"] for e in json.loads(run("audit", "list", "theta", "-o", "json").out)["events"]], ["tenant.create"])
    equal([(s["step"], s["state"]) for s in create("theta", "--isolation", "schema").json()["steps"]],
          [("reserve", "done before"), ("schema", "done"), ("migrate", "done"), ("fill", "done"), ("activate", "done")])


def test_a_school_that_was_begun_by_an_older_maratea_is_finished():
    """It was migrated then, and there is a new migration since: 'db migrate' leaves it to who makes it."""
    place = create("older", "--isolation", "schema").json()
    sql("UPDATE maratea.tenants SET status = 'provisioning' WHERE slug = 'older'; DELETE FROM maratea.journal WHERE tenant_id = '%s' AND step IN ('fill', 'activate')" % place["id"])
    sql("DELETE FROM {0}.schema_migrations WHERE number = 2; DROP INDEX {0}.audit_log_at; DROP INDEX {0}.audit_log_actor".format(place["schema"]))
    run("db", "migrate")
    equal(sql("SELECT count(*) FROM %s.schema_migrations" % place["schema"]), "1")
    equal([(s["step"], s["state"]) for s in create("older", "--isolation", "schema").json()["steps"]],
          [("reserve", "done before"), ("schema", "done before"), ("migrate", "done before"), ("fill", "done"), ("activate", "done")])
    run("db", "status")
    run("db", "diff")


def test_a_schema_of_its_own_waits_for_nobody():
    """An old snapshot, as a dump has one, makes CREATE INDEX CONCURRENTLY wait for its end."""
    session = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "platform"], stdin=subprocess.PIPE, text=True)
    try:
        session.stdin.write("SET application_name = 'old'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class \\g /dev/null\n")
        session.stdin.flush()
        wait_until(lambda: sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'old' AND backend_xmin IS NOT NULL") == "1", 30, "the snapshot")
        create("own-old", "--isolation", "schema")
        equal(sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'old' AND backend_xmin IS NOT NULL"), "1")
    finally:
        session.stdin.close()
        session.wait()
    holds(run("db", "diff").out, "no difference")
    run("db", "status")


def test_somebody_who_holds_a_lock_is_told_of():
    session = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "platform"], stdin=subprocess.PIPE, text=True)
    try:
        session.stdin.write("BEGIN; LOCK TABLE maratea.tenants IN ACCESS EXCLUSIVE MODE;\n")
        session.stdin.flush()
        wait_until(lambda: sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'maratea.tenants'::regclass AND granted") == "1", 30, "the lock")
        others = [(start("tenant", "check", env=ENV), "somebody holds a lock that is needed here (SQLSTATE 55P03)"), (start("audit", "verify", env=ENV), "somebody has held a lock for 20s")]
        holds(run("tenant", "suspend", "alpha", status=5).err, "somebody has held a lock for 20s", "hint: pg_stat_activity and pg_blocking_pids() tell who")
        for other, words in others:
            done = finish(other)
            equal(done.status, 5)
            holds(done.err, words, "hint: pg_stat_activity and pg_blocking_pids() tell who")
    finally:
        session.stdin.close()
        session.wait()


def test_a_server_of_another_encoding_makes_utf8_databases():
    other = Postgres(initdb=("--encoding=SQL_ASCII", "--locale=C"))
    try:
        admin = environment(MARATEA_ADMIN_URL=other.url("platform"))
        other.psql("CREATE DATABASE platform")
        holds(maratea("db", "init", "--yes", env=admin, status=3).err, "the database's encoding is SQL_ASCII", "hint: CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'")
        other.psql("DROP DATABASE platform")
        other.psql("CREATE DATABASE platform TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
        os.mkdir(ROOT + "/pw2")
        id = maratea("db", "init", "--yes", "--passwords", ROOT + "/pw2", "-o", "json", env=admin).json()["platform_id"]
        env = environment(MARATEA_PLATFORM_ID=id, MARATEA_POSTGRES_MIGRATE_URL=other.url("platform", "maratea_migrate", open(ROOT + "/pw2/maratea_migrate").read()))
        run("db", "migrate", env=env)
        run("plan", "create", "premium", "--isolation", "database", env=env)
        database = run("tenant", "create", "alpha", "--name", "Åsa", "--plan", "premium", "--owner-email", "å@ä.example", "-o", "json", env=env).json()["database"]
        equal(other.psql("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = '%s'" % database), "UTF8\tC.UTF-8")
    finally:
        other.close()


def test_one_slug_at_a_time_among_many():
    done = []
    threads = [threading.Thread(target=lambda: done.append(create("iota", status=None))) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    equal(sorted(d.status for d in done), [0] + [5] * 7)
    equal(sql("SELECT count(*) FROM maratea_shared.tenants WHERE id = (SELECT id FROM maratea.tenants WHERE slug = 'iota')"), "1")


def test_schools_are_listed_a_page_at_a_time():
    slugs = run("tenant", "list", "-o", "name").out.split()
    equal(slugs, sorted(slugs))
    assert {"alpha", "beta", "gamma", "delta"} <= set(slugs), slugs
    equal([json.loads(line)["slug"] for line in run("tenant", "list", "-o", "jsonl").out.splitlines()], slugs)
    equal([t["slug"] for t in run("tenant", "list", "-o", "json").json()["tenants"]], slugs)
    equal(run("tenant", "list", "--plan", "premium", "-o", "name").out, "gamma\n")
    equal(run("tenant", "list", "--status", "archived").out, "no schools like that\n")
    holds(run("tenant", "list", "--plan", "gold", status=1).err, "there is no plan 'gold'")
    holds(run("tenant", "list", "--status", "closed", status=2).err, "--status 'closed': one of")
    sql("SET ROLE maratea_owner; INSERT INTO maratea.tenants (slug, name, plan, status) SELECT 'many-' || i, 'x', 'basic', 'active' FROM generate_series(1, 100000) i; "
        "INSERT INTO maratea.placements SELECT id, 'shared', NULL, 'maratea_shared' FROM maratea.tenants WHERE slug LIKE 'many-%'")
    peak = subprocess.run(["/usr/bin/time", "-f", "%M", MARATEA, "tenant", "list", "-o", "jsonl"], env=dict(os.environ, **ENV), capture_output=True, text=True)
    equal(peak.stdout.count("\n"), 100000 + len(slugs))
    assert int(peak.stderr) < 40 << 10 or "sanitized" in MARATEA, peak.stderr  # no bound holds there
    # and where nobody reads on, it ends
    reader = subprocess.Popen([MARATEA, "tenant", "list", "-o", "name"], env=dict(os.environ, **ENV), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reader.stdout.readline()
    reader.stdout.close()
    equal((reader.wait(), reader.stderr.read()), (141, ""))
    reader.stderr.close()
    sql("SET ROLE maratea_owner; DELETE FROM maratea.placements p USING maratea.tenants t WHERE t.id = p.tenant_id AND slug LIKE 'many-%'; DELETE FROM maratea.tenants WHERE slug LIKE 'many-%'")


def test_schools_are_changed_and_their_slugs_kept():
    suspended = run("tenant", "suspend", "alpha", "--reason", "unpaid", "-o", "json").json()
    equal((suspended["status"], suspended["reason"], suspended["changed"]), ("suspended", "unpaid", True))
    events = int(sql("SELECT count(*) FROM maratea.audit_log"))
    holds(run("tenant", "suspend", "alpha", "--reason", "unpaid").out, "status       suspended: unpaid", "it was so already")
    equal(int(sql("SELECT count(*) FROM maratea.audit_log")), events)
    holds(run("tenant", "resume", "alpha", "--dry-run").out, "status       active", "nothing was changed (--dry-run)")
    equal(sql("SELECT status FROM maratea.tenants WHERE slug = 'alpha'"), "suspended")
    equal(run("tenant", "resume", "alpha", "-o", "json").json()["reason"], None)
    run("tenant", "archive", "beta")
    holds(run("tenant", "suspend", "beta", status=5).err, "the school 'beta' is archived", "hint: 'maratea tenant resume beta'")
    equal(run("tenant", "resume", "beta", "-o", "json").json()["status"], "active")
    # another plan, and the tables stay where they are
    changed = run("tenant", "update", "alpha", "--plan", "premium", "--name", "Alpha II", "-o", "json").json()
    equal((changed["plan"], changed["isolation"], changed["name"]), ("premium", "shared", "Alpha II"))
    holds(run("tenant", "update", "alpha", "--plan", "gold", status=1).err, "there is no plan 'gold'")
    holds(run("tenant", "update", "alpha", status=2).err, "what is to be changed?")
    holds(run("tenant", "update", "nobody", "--name", "x", status=1).err, "there is no school 'nobody'", "hint: 'maratea tenant list'")
    # the old slug is nobody else's
    equal(run("tenant", "update", "alpha", "--slug", "aleph", "-o", "json").json()["slug"], "aleph")
    holds(run("tenant", "show", "alpha", status=1).err, "there is no school 'alpha' any more\nhint: it is 'aleph' now")
    holds(create("alpha", status=5).err, "the slug 'alpha' was another school's", "it is free from 20")
    holds(run("tenant", "update", "beta", "--slug", "alpha", status=5).err, "the slug 'alpha' was another school's")
    holds(run("tenant", "update", "beta", "--slug", "aleph", status=5).err, "there is a school 'aleph' already")
    holds(run("tenant", "update", "beta", "--slug", "www", status=2).err, "is reserved")
    equal(run("tenant", "update", "aleph", "--slug", "alpha", "-o", "json").json()["slug"], "alpha")
    holds(create("aleph", status=5).err, "the slug 'aleph' was another school's")
    sql("UPDATE maratea.slug_tombstones SET until = now() - interval '1 s'")
    create("aleph")


def test_the_chain_tells_who_did_what_and_shows_what_was_changed():
    ci = dict(ENV, GITHUB_ACTIONS="true", GITHUB_REPOSITORY="example/platform", GITHUB_WORKFLOW="deploy", GITHUB_ACTOR="anna", SSH_CONNECTION="10.0.0.7 1 10.0.0.8 22")
    run("tenant", "suspend", "alpha", "--reason", "audit", env=ci)
    events = [json.loads(line) for line in run("audit", "list", "alpha", "-o", "jsonl").out.splitlines()]
    equal([e["action"] for e in events if e["chain"] == "school"], ["tenant.create"])
    platform = [e for e in events if e["chain"] == "platform"]
    equal([e["action"] for e in platform], ["tenant.create", "tenant.activate", "tenant.suspend", "tenant.resume", "tenant.update", "tenant.update", "tenant.update", "tenant.suspend"])
    equal([e["seq"] for e in platform], list(range(1, 9)))
    who = platform[0]["actor"]
    equal((platform[-1]["actor"], platform[-1]["payload"]), ("GitHub Actions example/platform, workflow deploy, by anna, as " + who, {"status": ["active", "suspended"], "reason": [None, "audit"]}))
    assert platform[-1]["origin"].endswith(", from 10.0.0.7") and who.startswith("user "), platform
    equal([(e["slug"], e["id"]) for e in platform[:2]], [("alpha", "platform/%s/%d" % (events[0]["tenant"], n)) for n in (1, 2)])
    # of both chains by time
    equal([e["at"] for e in events], sorted(e["at"] for e in events))
    equal([e["chain"] for e in events][:3], ["platform", "school", "platform"])
    equal(run("audit", "list", "alpha", "-o", "name").out.splitlines()[1], "school/%s/1" % events[0]["tenant"])
    equal(platform[3]["payload"], {"status": ["suspended", "active"], "reason": ["unpaid", None]})
    equal([e["action"] for e in json.loads(run("audit", "list", "-o", "json").out)["events"]][:3], ["db.migrate", "plan.create", "plan.update"])
    equal([e["slug"] for e in json.loads(run("audit", "list", "-o", "json").out)["events"]][:2], [None, None])
    every = run("audit", "list", "-o", "json").json()["events"]

    def some(*args, **more):
        return run("audit", "list", *args, "-o", "json", **more).json()["events"]
    for n in (1, 2, len(events) - 1, len(events), len(events) + 1, 100000):
        equal(some("alpha", "--limit", str(n)), events[-n:])
    equal(some("--limit", "7"), every[-7:])
    equal(some("alpha", "--actor", "deploy, by anna"), [platform[-1]])
    equal(some("alpha", "--actor", "%"), [])
    equal(some("--action", "plan."), [e for e in every if e["action"].startswith("plan.")])
    equal(some("--action", "tenant.suspend", "--limit", "1"), [e for e in every if e["action"] == "tenant.suspend"][-1:])
    equal(some("alpha", "--since", "1h"), events)
    sql("CREATE TABLE public.times AS SELECT tenant_id, seq, at FROM maratea.audit_log; UPDATE maratea.audit_log SET at = '2026-01-31 23:59:59.999999Z' WHERE tenant_id = '%s' AND seq = 1; "
        "UPDATE maratea.audit_log SET at = '2026-02-01 00:00:00Z' WHERE tenant_id = '%s' AND seq = 2" % (events[0]["tenant"], events[0]["tenant"]))
    for since, n in (("2026-01-01", 9), ("2026-02-01", 8), ("2026-01-31", 9), ("2026-02-01T00:00:00Z", 8), ("2026-02-01T00:00:01Z", 7), ("7d", 7), ("2099-01-01", 0)):
        equal(len(some("alpha", "--since", since)), n, since)
    sql("UPDATE maratea.audit_log a SET at = t.at FROM public.times t WHERE t.tenant_id = a.tenant_id AND t.seq = a.seq; DROP TABLE public.times")
    for since in ("yesterday", "2026-13-01", "2026-02-30", "2026-2-1", "'; drop table"):
        holds(run("audit", "list", "--since", since, status=2).err, "--since '%s': a duration such as 7d, or a time such as 2026-11-25" % since)
    for limit in ("0", "-1", "100001", "x"):
        run("audit", "list", "--limit", limit, status=2)
    equal(run("audit", "list", "--actor", "nobody at all").out, "nothing like that was done to the platform; what was done inside a school: 'maratea audit list SLUG'\n")
    equal(run("audit", "list", "alpha", "--actor", "nobody at all").out, "nothing like that was done\n")
    holds(run("audit", "list", "gamma").out, "SCHOOL", "gamma", "ACTION", "tenant.create", '"plan":"premium"')
    good = run("audit", "verify", "-o", "json").json()
    assert good["faults"] == [] and good["chains"] > 20, good
    mine = run("audit", "verify", "alpha", "-o", "json").json()
    equal((mine["chains"], mine["rows"]), (2, 9))
    t = sql("SELECT id FROM maratea.tenants WHERE slug = 'alpha'")
    sql("CREATE TABLE public.kept AS SELECT * FROM maratea.audit_log; CREATE TABLE public.heads AS SELECT * FROM maratea.audit_heads")
    where = "WHERE tenant_id = '%s'" % t
    for change, fault in (("UPDATE maratea.audit_log SET actor = 'nobody' %s AND seq = 3" % where, "row 3 was changed"),
                          ("UPDATE maratea.audit_log SET at = at + interval '1 microsecond' %s AND seq = 1" % where, "row 1 was changed"),
                          ("UPDATE maratea.audit_log SET payload = '{\"status\":[\"active\",\"archived\"]}' %s AND seq = 8" % where, "row 8 has another payload"),
                          ("DELETE FROM maratea.audit_log %s AND seq = 4" % where, "row 4 is missing"),
                          ("DELETE FROM maratea.audit_log %s AND seq = 8" % where, "row 7 is the last; the head says that more followed"),
                          ("DELETE FROM maratea.audit_heads %s" % where, "row 8 is the last, and the chain has no head"),
                          ("UPDATE maratea.audit_heads SET seq = 7 %s" % where, "row 8 is not what the head says"),
                          ("DELETE FROM maratea.audit_log %s" % where, "there are no rows; the head says that there are 8"),
                          ("DELETE FROM maratea.audit_log %s; DELETE FROM maratea.audit_heads %s" % (where, where), "there is no chain"),
                          ("UPDATE maratea.audit_log SET salt = '\\x00' %s AND seq = 2" % where, "row 2 has no salt")):
        sql(change)
        failed = run("audit", "verify", "alpha", "-o", "json", status=4)
        equal([(f["tenant"], f["schema"], f["text"]) for f in failed.json()["faults"]], [(t, "maratea", fault)])
        equal(failed.json()["faults"][0]["slug"], "alpha")
        holds(failed.err, "1 chain is broken, the first: of alpha, in maratea: " + fault)
        if "audit_heads" in change and change.startswith("DELETE"):
            # nothing is done in a school whose chain has no end: it would begin anew
            holds(run("tenant", "update", "alpha", "--name", "other", status=4).err, "the audit chain of %s has no head" % t, "hint: 'maratea audit verify'")
        sql("DELETE FROM maratea.audit_log; INSERT INTO maratea.audit_log SELECT * FROM public.kept; DELETE FROM maratea.audit_heads; INSERT INTO maratea.audit_heads SELECT * FROM public.heads")
    restore = "DELETE FROM maratea.audit_log; INSERT INTO maratea.audit_log SELECT * FROM public.kept; DELETE FROM maratea.audit_heads; INSERT INTO maratea.audit_heads SELECT * FROM public.heads"
    # a chain is one school's: that of another does not do instead
    for table in ("log", "heads"):
        sql("DELETE FROM maratea.audit_{0} {1}; INSERT INTO maratea.audit_{0} SELECT (jsonb_populate_record(a, '{{\"tenant_id\": \"{2}\"}}')).* FROM maratea.audit_{0} a "
            "WHERE tenant_id = (SELECT id FROM maratea.tenants WHERE slug = 'beta')".format(table, where, t))
    equal([f["text"] for f in run("audit", "verify", "alpha", "-o", "json", status=4).json()["faults"]], ["row 1 was changed"])
    sql(restore)
    # nor is a school's own chain the platform's
    sql("DELETE FROM maratea.audit_log {0}; INSERT INTO maratea.audit_log SELECT * FROM maratea_shared.audit_log {0}; DELETE FROM maratea.audit_heads {0}; "
        "INSERT INTO maratea.audit_heads SELECT * FROM maratea_shared.audit_heads {0}".format(where))
    equal([f["text"] for f in run("audit", "verify", "alpha", "-o", "json", status=4).json()["faults"]], ["row 1 was changed"])
    sql(restore)
    sql("DELETE FROM maratea.audit_log WHERE tenant_id = '%s'; DELETE FROM maratea.audit_heads WHERE tenant_id = '%s'" % (ID, ID))
    equal([(f["tenant"], f["slug"], f["text"]) for f in run("audit", "verify", "-o", "json", status=4).json()["faults"]], [(ID, None, "there is no chain")])
    sql(restore)
    # a table that is gone holds no chain, and what is found elsewhere is told
    sql("ALTER TABLE maratea_shared.audit_log RENAME TO gone; UPDATE maratea.audit_log SET actor = 'nobody' %s AND seq = 3" % where)
    sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % sql("SELECT database_name FROM maratea.placements JOIN maratea.tenants ON id = tenant_id WHERE slug = 'gamma'"))
    faults = {(f["chain"], f["slug"]): f["text"] for f in run("audit", "verify", "-o", "json", status=4).json()["faults"]}
    equal(faults["platform", "alpha"], "row 3 was changed")
    equal(faults["school", "beta" if sql("SELECT mode FROM maratea.placements JOIN maratea.tenants ON id = tenant_id WHERE slug = 'beta'") == "shared" else "alpha"], "there is no chain")
    holds(faults["school", "gamma"], "could not be followed: PostgreSQL at ", "is not currently accepting connections")
    sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % sql("SELECT database_name FROM maratea.placements JOIN maratea.tenants ON id = tenant_id WHERE slug = 'gamma'"))
    sql("ALTER TABLE maratea_shared.gone RENAME TO audit_log")
    sql(restore)
    own = sql("SELECT database_name FROM maratea.placements JOIN maratea.tenants ON id = tenant_id WHERE slug = 'gamma'")
    sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % own)
    holds(run("audit", "verify", status=1).err, "1 school could not be looked at, the first: gamma: could not be followed: ")
    sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % own)
    holds(run("audit", "verify").out, "are whole\n")
    # who serves a school puts nothing before its first row
    try:
        sql("SET ROLE maratea_app; SET maratea.tenant_id = '%s'; INSERT INTO maratea_shared.audit_log VALUES ('%s', -1, now(), 'user root', 'tenant.delete', 'x', NULL, NULL, '', '')" % (t, t))
        raise AssertionError("it was put there")
    except RuntimeError as e:
        holds(str(e), "audit_log_seq_check")
    # what a row says beyond who, what and whence can be erased, and the chain holds
    sql("UPDATE maratea.audit_log SET payload = NULL, salt = NULL %s" % where)
    equal(run("audit", "verify", "alpha", "-o", "json").json()["erased"], 8)
    holds(run("audit", "verify", "alpha").out, "erased", "the payload of 8 rows")
    holds(run("audit", "list", "alpha").out, "erased")
    holds(run("audit", "verify").out, "followed ")
    # many at once: no gap
    threads = [threading.Thread(target=lambda i=i: run("tenant", "update", "alpha", "--name", "n%d" % i)) for i in range(12)]
    [x.start() for x in threads]
    [x.join() for x in threads]
    equal(sql("SELECT max(seq), count(*) FROM maratea.audit_log " + where), "20\t20")
    run("audit", "verify", "alpha")


def forge(tenant, chain, change):
    """Makes a chain of the platform's anew, as maratea-audit(1) says how: who may write all can."""
    rows = [line.split("\t") for line in sql("SELECT seq, (extract(epoch FROM at) * 1000000)::bigint, actor, action, origin, encode(payload_digest, 'hex') FROM maratea.audit_log "
                                             "WHERE tenant_id = '%s' ORDER BY seq" % tenant).split("\n")]
    text = lambda s: len(s.encode()).to_bytes(4, "big") + s.encode()
    before, script = b"", []
    for seq, at, actor, action, origin, payload in rows:
        actor = change(int(seq), actor)
        before = hashlib.sha256(text(chain) + text(tenant) + int(seq).to_bytes(8, "big") + int(at).to_bytes(8, "big") + text(actor) + text(action) + text(origin) +
                                bytes.fromhex(payload) + before).digest()
        script.append("UPDATE maratea.audit_log SET actor = '%s', digest = '\\x%s' WHERE tenant_id = '%s' AND seq = %s" % (actor, before.hex(), tenant, seq))
    sql(";".join(script) + "; UPDATE maratea.audit_heads SET digest = '\\x%s' WHERE tenant_id = '%s'" % (before.hex(), tenant))


def test_backups_remember_where_the_chains_ended():
    os.mkdir(ROOT + "/store")
    env = dict(ENV, MARATEA_STORE="file://" + ROOT + "/store", MARATEA_BACKUP_POSTGRES_URL=PG.url("platform", "maratea_backup", password("maratea_backup")))
    nothing = run("audit", "verify", env=env)
    holds(nothing.out, "compared     with no backup\n")
    run("store", "probe", "--write", env=env, status=None)
    id = run("backup", "run", "postgres", "-o", "json", env=env).json()["id"]
    t = sql("SELECT id FROM maratea.tenants WHERE slug = 'alpha'")
    last = int(sql("SELECT seq FROM maratea.audit_heads WHERE tenant_id = '%s'" % t))
    manifest = run("backup", "show", id, "-o", "json", env=env).json()
    heads = {d["name"]: d["audit_heads"] for d in manifest["databases"] if "audit_heads" in d}
    assert "%s %d " % (t, last) in heads["platform"]["maratea"] and set(heads["platform"]) >= {"maratea", "maratea_shared"}, heads
    assert sql("SELECT database_name FROM maratea.placements JOIN maratea.tenants ON id = tenant_id WHERE slug = 'gamma'") in heads, heads.keys()
    run("tenant", "update", "alpha", "--name", "later")
    verify = lambda *more, status=0: run("audit", "verify", *more, "-o", "json", env=env, status=status)
    equal((verify().json()["faults"], verify("alpha").json()["backups"], verify().json()["not_compared"]), ([], [id], []))
    holds(run("audit", "verify", env=env).out, "compared     with the backup %s\n" % id)
    keep = "CREATE TABLE public.log2 AS SELECT * FROM maratea.audit_log; CREATE TABLE public.heads2 AS SELECT * FROM maratea.audit_heads"
    back = "DELETE FROM maratea.audit_log; INSERT INTO maratea.audit_log SELECT * FROM public.log2; DELETE FROM maratea.audit_heads; INSERT INTO maratea.audit_heads SELECT * FROM public.heads2"
    sql(keep)
    # the form is what the manual says: made anew without a change it is the same
    forge(t, "platform", lambda seq, actor: actor)
    equal(sql("SELECT count(*) FROM maratea.audit_log JOIN public.log2 USING (tenant_id, seq, digest)"), sql("SELECT count(*) FROM public.log2"))
    # a chain that was made anew holds in itself; what a backup remembers is another
    forge(t, "platform", lambda seq, actor: "nobody" if seq == 3 else actor)
    equal(verify("alpha", "--backup", "none").json()["faults"], [])
    equal([(f["slug"], f["text"]) for f in verify("alpha", status=4).json()["faults"]], [("alpha", "row %d is another than in the backup %s" % (last, id))])
    sql(back)
    # so does one that was cut
    sql("DELETE FROM maratea.audit_log WHERE tenant_id = '{0}' AND seq > 5; UPDATE maratea.audit_heads SET seq = 5, digest = (SELECT digest FROM maratea.audit_log WHERE tenant_id = '{0}' "
        "AND seq = 5) WHERE tenant_id = '{0}'".format(t))
    equal(verify("alpha", "--backup", "none").json()["faults"], [])
    holds(verify("--backup", id, status=4).err, "1 chain is broken, the first: of alpha, in maratea: row %d, the last in the backup %s, is missing" % (last, id))
    sql(back)
    equal(verify().json()["faults"], [])
    holds(verify("--backup", "20200101T000000Z-000000", status=1).err, "no backup '20200101T000000Z-000000' of platform")
    # what is no change of a row is told in the platform's own chain
    copied = run("backup", "restore", id, "--database", "platform", "--to-database", "copy", "-o", "json", env=dict(env, DATABASE_URL=PG.url("platform")))
    equal(copied.err, "")
    run("backup", "restore", id, "--database", "nowhere", "--to-database", "copy2", env=dict(env, DATABASE_URL=PG.url("platform")), status=None)
    run("backup", "restore", id, "--database", "platform", "--to-database", "copy2", "--dry-run", env=dict(env, DATABASE_URL=PG.url("platform")))
    told = [(e["action"], e["payload"]) for e in run("audit", "list", "-o", "json").json()["events"] if e["action"].startswith(("backup.", "db."))]
    equal(told[0], ("db.migrate", {"maratea": "0.1.0", "applied": 4, "failed": 0}))
    equal(told[1], ("backup.run", {"backup": id, "target": "postgres"}))
    equal([(t[0], t[1]["state"], t[1]["database"]) for t in told[2:]], [("backup.restore", s, d) for s, d in (("begun", "platform"), ("done", "platform"), ("begun", "nowhere"), ("failed", "nowhere"))])
    equal([(t[1]["backup"], t[1].get("server")) for t in told[2:4]], [(id, None), (id, "127.0.0.1:%d" % PG.port)])
    # a copy names the same databases of schools: nothing is changed in it, until it is said to be the platform
    there = dict(env, MARATEA_POSTGRES_MIGRATE_URL=PG.url("copy", "maratea_migrate", password("maratea_migrate")))
    for command in (("tenant", "suspend", "alpha"), ("tenant", "create", "new", *OWNER), ("plan", "update", "basic", "--users", "7"), ("db", "migrate")):
        holds(run(*command, env=there, status=5).err, "database copy is a copy of the platform's database platform", "hint: if this is the platform from now on, and platform is no more: 'maratea db init --admin-url URL' makes it that")
    equal(run("tenant", "show", "alpha", "-o", "json", env=there).json()["status"], "suspended")
    # nor is it, as long as the other is there
    for dry in ((), ("--dry-run",)):
        holds(maratea("db", "init", "--yes", *dry, env=dict(env, MARATEA_ADMIN_URL=PG.url("copy")), status=5).err,
              "database copy is a copy of the platform's database platform, which is there still", "hint: both would change the same schools' databases: drop or rename platform, if this")
    PG.psql("ALTER DATABASE platform RENAME TO former")
    maratea("db", "init", "--yes", env=dict(env, MARATEA_ADMIN_URL=PG.url("copy")))
    told = run("audit", "list", "--action", "db.", "--limit", "1", "-o", "json", env=there).json()["events"][0]
    equal((told["action"], told["tenant"], told["payload"]["database"], told["payload"]["copy_of"], [r["name"] for r in told["payload"]["roles"]]),
          ("db.init", ID, "copy", "platform", ["maratea_owner", "maratea_migrate", "maratea_backup", "maratea_app", "maratea_ops"]))
    run("audit", "verify", "--backup", "none", env=there)
    run("tenant", "resume", "alpha", env=there)
    PG.psql("DROP DATABASE copy")
    PG.psql("ALTER DATABASE former RENAME TO platform")
    holds(run("backup", "run", "postgres", "-d", "platform", env=dict(env, MARATEA_PLATFORM_ID="00000000-0000-4000-8000-000000000001"), status=None).err, "platform.id")
    no_audit = dict(env, MARATEA_POSTGRES_MIGRATE_URL=PG.url("platform", "maratea_migrate", "wrong"))
    holds(run("backup", "run", "postgres", "-d", "platform", env=no_audit).err, "maratea: warning: backup.run is not in the audit log: ", "password authentication failed")
    id = run("backup", "run", "postgres", "-o", "json", env=env).json()["id"]
    removed = run("backup", "prune", "--keep-last", "1", "--yes", "-o", "json", env=env).json()
    pruned = run("audit", "list", "-o", "json").json()["events"][-1]
    gone = [b["id"] for b in removed["backups"] if b["action"] == "removed"]
    assert gone, removed
    equal((pruned["action"], pruned["payload"]), ("backup.prune", {"removed": len(gone), "backups": gone}))
    run("audit", "verify", env=env)
    # what a backup knows is missed wherever nobody leads to it any more
    schema, delta = sql("SELECT schema_name, tenant_id FROM maratea.placements p JOIN maratea.tenants t ON t.id = p.tenant_id WHERE slug = 'delta'").split("\t")
    misled = "its row in placements is not what its id says"
    for hide, show, want in (
            ("UPDATE maratea.tenants SET status = 'provisioning' WHERE slug = '{1}'", "UPDATE maratea.tenants SET status = 'active' WHERE slug = '{1}'",
             "the school was made in the backup %s, and is not said to be" % id),
            ("UPDATE maratea.placements SET schema_name = 't_new' WHERE schema_name = '{0}'; ALTER SCHEMA {0} RENAME TO t_new",
             "ALTER SCHEMA t_new RENAME TO {0}; UPDATE maratea.placements SET schema_name = '{0}' WHERE schema_name = 't_new'", misled),
            ("CREATE TABLE public.lost AS SELECT * FROM maratea.placements WHERE schema_name = '{0}'; DELETE FROM maratea.placements WHERE schema_name = '{0}'",
             "INSERT INTO maratea.placements SELECT * FROM public.lost; DROP TABLE public.lost", misled),
            ("SET session_replication_role = replica; CREATE TABLE public.lost AS SELECT * FROM maratea.tenants WHERE slug = '{1}'; DELETE FROM maratea.tenants WHERE slug = '{1}'",
             "SET session_replication_role = replica; INSERT INTO maratea.tenants SELECT * FROM public.lost; DROP TABLE public.lost",
             "the backup %s knows this school, and the platform does not" % id)):
        for slug in ("delta", "alpha")[:1 if "{0}" in hide else 2]:
            sql(hide.format(schema, slug))
            have = [(f["tenant"], f["text"]) for f in verify(status=4).json()["faults"]]
            sql(show.format(schema, slug))
            assert (delta if slug == "delta" else t, want) in have, (hide, slug, have)
        equal(verify().json()["faults"], [])
    # a copy of the platform's database, whatever its name, is another's past
    run("backup", "restore", id, "--database", "platform", "--to-database", "a_copy", env=dict(env, DATABASE_URL=PG.url("platform")))
    for n in range(3):
        run("user", "invite", "alpha", "late-%d@example.org" % n)
    id = run("backup", "run", "postgres", "-o", "json", env=env).json()["id"]
    shown = {d["name"]: d.get("audit_platform") for d in run("backup", "show", id, "-o", "json", env=env).json()["databases"]}
    equal((shown["platform"], shown["a_copy"]), (ID, None))
    sql("DROP DATABASE a_copy")
    sql("CREATE TABLE public.log3 AS SELECT * FROM maratea_shared.audit_log; CREATE TABLE public.heads3 AS SELECT * FROM maratea_shared.audit_heads")
    sql("DELETE FROM maratea_shared.audit_log WHERE tenant_id = '{0}' AND seq > 1; UPDATE maratea_shared.audit_heads SET seq = 1, digest = (SELECT digest FROM maratea_shared.audit_log "
        "WHERE tenant_id = '{0}' AND seq = 1) WHERE tenant_id = '{0}'".format(t))
    holds(verify("--backup", id, status=4).err, "of alpha, in maratea_shared: row ", ", the last in the backup %s, is missing" % id)
    sql("DELETE FROM maratea_shared.audit_log; INSERT INTO maratea_shared.audit_log SELECT * FROM public.log3; DELETE FROM maratea_shared.audit_heads; "
        "INSERT INTO maratea_shared.audit_heads SELECT * FROM public.heads3; DROP TABLE public.log3, public.heads3")
    equal(verify().json()["faults"], [])
    # a log that takes no rows lets nothing be done
    sql("CREATE RULE nothing AS ON INSERT TO maratea.audit_log DO INSTEAD NOTHING")
    failed = run("tenant", "update", "alpha", "--name", "unseen", status=1)
    sql("DROP RULE nothing ON maratea.audit_log")
    holds(failed.err, "the audit log did not take a row")
    assert run("tenant", "show", "alpha", "-o", "json").json()["name"] != "unseen"
    sql("DROP TABLE public.log2, public.heads2")
    sql(keep)
    # a physical one remembers, too
    sql("CREATE ROLE copier LOGIN REPLICATION BYPASSRLS PASSWORD 'c'; GRANT pg_read_all_data TO copier")
    env["MARATEA_BACKUP_POSTGRES_URL"] = PG.url("platform", "copier", "c")
    physical = run("backup", "run", "postgres", "--method", "physical", "-o", "json", env=env, status=None)
    equal(physical.status, 0, physical.err)
    equal(verify().json()["backups"][0], physical.json()["id"])
    forge(t, "platform", lambda seq, actor: "nobody" if seq == 3 else actor)
    equal([f["text"] for f in verify("alpha", "--backup", "latest", status=4).json()["faults"]], ["row %d is another than in the backup %s" % (last + 1, physical.json()["id"])])
    # a backup of what was made anew does not make it good: those before it remember
    env["MARATEA_BACKUP_POSTGRES_URL"] = PG.url("platform", "maratea_backup", password("maratea_backup"))
    forged = run("backup", "run", "postgres", "-d", "platform", "-o", "json", env=env).json()["id"]
    equal(verify("alpha", "--backup", forged).json()["faults"], [])
    faults = verify(status=4).json()
    equal(([f["slug"] for f in faults["faults"]], faults["backups"][:2]), (["alpha"], [forged, physical.json()["id"]]))
    # it has the platform's database only: what is compared with nothing is told
    alone = verify("--backup", forged).json()
    assert all(s.startswith("maratea_t_") for s in alone["not_compared"]) and len(alone["not_compared"]) > 3, alone["not_compared"]
    holds(run("audit", "verify", "--backup", forged, env=env).out, "in none", "maratea_t_")
    # and the backups of another platform are nobody's business here
    manifest = run("backup", "show", forged, "-o", "json", env=env).json()
    equal([d["audit_platform"] for d in manifest["databases"]], [ID])
    sql(back)
    sql("DROP TABLE public.log2, public.heads2")
    # where the store cannot be reached, nothing was compared, and it is said
    shutil.rmtree(ROOT + "/store")
    empty = verify()
    equal(empty.json()["backups"], [])
    holds(empty.err, "no backup in the store remembers where the chains ended: there is nothing to compare with")
    env.update(MARATEA_STORE="s3://none", S3_ENDPOINT="http://127.0.0.1:1", S3_ACCESS_KEY="x", S3_SECRET_KEY="y", MARATEA_STORE_GIVE_UP_AFTER="1s")
    holds(verify(status=6).err, "127.0.0.1:1")


def test_the_shell_completes_slugs_and_plans():
    complete = lambda *words: run("__complete", *words).out.split()
    equal(complete("tenant", "show", "gam"), ["gamma"])
    equal(complete("plan", "show", "p"), ["plus", "premium"])
    equal(complete("tenant", "list", "--plan", "b"), ["basic"])
    equal((complete("tenant", "list", "-o", ""), complete("tenant", "show", "-o", "")), (["table", "json", "jsonl", "name"], ["table", "json"]))
    equal(maratea("__complete", "tenant", "show", "g", env=environment()).out, "")


main(globals())
