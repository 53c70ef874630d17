"""test_apply.py - schools become what a file declares."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess

from harness import *
from schools import halted, make_platform
from servers import Postgres

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
ID, password, ENV = make_platform(PG, ROOT, MARATEA_PLATFORM_DOMAIN="schools.example")
FILE = ROOT + "/schools.yaml"


def sql(text, database="platform"):
    return PG.psql(text, database)


def run(*args, env=ENV, status=0):
    return maratea(*args, env=env, status=status)


def school(slug, name="Scuola", plan="basic", **more):
    more.setdefault("owner_email", "anna@%s.example" % slug)
    members = {"slug": slug, "name": name, "plan": plan, **{k.replace("_", "-"): v for k, v in more.items() if v is not None}}
    return "  - " + "\n    ".join("%s: %s" % (k, json.dumps(v, ensure_ascii=False)) for k, v in members.items()) + "\n"


def write(*schools, inventory="spring", end="...\n"):
    with open(FILE, "w") as f:
        f.write("inventory: %s\ntenants:%s\n" % (inventory, "" if schools else " []") + "".join(schools) + end)


def apply(*more, status=0):
    return run("tenant", "apply", "-f", FILE, *more, "-o", "json", status=status)


def done(result):
    return [(a["action"], a["slug"], a["state"]) for a in result.json()["actions"]]


def everything():
    return [sql("SELECT count(*), sum(version) FROM maratea.tenants"), sql("SELECT count(*) FROM maratea.audit_log"), sql("SELECT count(*) FROM maratea.journal"),
            sql("SELECT count(*) FROM maratea_shared.invitations"), sql("SELECT count(*) FROM maratea_shared.audit_log")]


def refused(text, status, *words, options=()):
    """With that in the file nothing is done."""
    before = everything()
    if text is not None:
        with open(FILE, "w") as f:
            f.write(text)
    holds(apply(*options, status=status).err, *words)
    equal(everything(), before)


def test_schools_are_made_all_three_ways_and_twice_changes_nothing():
    run("db", "migrate")
    for name, mode in (("basic", "shared"), ("plus", "schema"), ("premium", "database")):
        run("plan", "create", name, "--isolation", mode)
    write(school("alpha", "Scuola Ålpha ; drop table", owner_email="Anna@Example.org"), school("beta", plan="plus"), school("gamma", plan="premium"),
          school("delta", plan="premium", isolation="shared"), school("epsilon", status="suspended"))
    before = everything()
    dry = apply("--dry-run")
    equal(everything(), before)
    equal(dry.json(), {"inventory": "spring", "dry_run": True, "unchanged": 0, "left": 0, "actions": [
        {"slug": slug, "action": "create", "changes": {"plan": [None, plan], "isolation": [None, mode], **({"status": [None, "suspended"]} if slug == "epsilon" else {})},
         "state": "to do", "error": None}
        for slug, plan, mode in (("alpha", "basic", "shared"), ("beta", "plus", "schema"), ("delta", "premium", "shared"), ("epsilon", "basic", "shared"), ("gamma", "premium", "database"))]})
    equal(run("tenant", "apply", "-f", FILE, "--dry-run").out,
          "create   alpha  plan basic, isolation shared\ncreate   beta  plan plus, isolation schema\ncreate   delta  plan premium, isolation shared\n"
          "create   epsilon  plan basic, isolation shared, status suspended\ncreate   gamma  plan premium, isolation database\n"
          "5 to do, 0 unchanged\nnothing was changed (--dry-run)\n")
    invitations = ROOT + "/invitations"
    made = run("tenant", "apply", "-f", FILE, "--invitations", invitations)
    assert made.out.endswith("5 of 5 done, 0 unchanged\n"), made.out
    assert "schools.example/invitation" not in made.out + made.err
    equal(os.stat(invitations).st_mode & 0o777, 0o600)
    lines = [json.loads(line) for line in open(invitations)]
    equal(sorted((i["slug"], i["email"]) for i in lines), [("alpha", "Anna@Example.org"), ("beta", "anna@beta.example"), ("delta", "anna@delta.example"),
                                                          ("epsilon", "anna@epsilon.example"), ("gamma", "anna@gamma.example")])
    token = re.fullmatch(r"https://alpha\.schools\.example/invitation/([0-9a-f]{32})", next(i["invitation"] for i in lines if i["slug"] == "alpha")).group(1)
    equal(sql("SELECT t.slug, u.email, u.email_norm, u.status, m.role, i.token_digest = sha256('%s') FROM maratea.tenants t JOIN maratea_shared.users u ON u.tenant_id = t.id "
              "JOIN maratea_shared.memberships m ON (m.tenant_id, m.user_id) = (u.tenant_id, u.id) JOIN maratea_shared.invitations i ON i.tenant_id = t.id "
              "WHERE slug = 'alpha' AND i.email_norm = u.email_norm AND i.role = 'owner'" % token), "alpha\tAnna@Example.org\tanna@example.org\tinvited\towner\tt")
    equal([(t["slug"], t["isolation"], t["status"]) for t in run("tenant", "list", "-o", "json").json()["tenants"]],
          [("alpha", "shared", "active"), ("beta", "schema", "active"), ("delta", "shared", "active"), ("epsilon", "shared", "suspended"), ("gamma", "database", "active")])
    equal(sql("SELECT name FROM maratea.tenants WHERE slug = 'alpha'"), "Scuola Ålpha ; drop table")
    before = everything()
    again = apply("--prune", "--yes").json()
    equal((again["actions"], again["unchanged"], again["left"]), ([], 5, 0))
    equal(everything(), before)
    equal(run("tenant", "apply", "-f", FILE).out, "0 of 0 done, 5 unchanged\n")


def test_one_made_with_others_is_as_one_made_alone():
    run("tenant", "create", "alone", "--name", "Scuola", "--plan", "basic", "--owner-email", "a@b.example")
    write(school("batch", owner_email="a@b.example"))
    apply()
    tables = {"maratea.tenants": "status, plan, version, reason", "maratea.placements": "mode, database_name, schema_name", "maratea.journal": "step, state, actor, detail",
              "maratea.audit_log": "seq, actor, action, origin, payload, length(salt), length(digest)", "maratea.audit_heads": "seq, length(digest)",
              "maratea_shared.tenant_settings": "brand, locale, integrations, contact", "maratea_shared.users": "email, email_norm, name, password_hash, status",
              "maratea_shared.memberships": "role", "maratea_shared.invitations": "email_norm, role, length(token_digest), date_trunc('day', expires_at - now() + interval '1 hour'), invited_by",
              "maratea_shared.audit_log": "seq, actor, action, origin, payload, length(salt), length(digest)", "maratea_shared.audit_heads": "seq, length(digest)"}
    rows = lambda slug: {t: sql("SELECT %s FROM %s WHERE %s = (SELECT id FROM maratea.tenants WHERE slug = '%s') ORDER BY 1" % (c, t, "id" if t.endswith("tenants") else "tenant_id", slug))
                         for t, c in tables.items()}
    alone, batch = rows("alone"), rows("batch")
    # its two steps there are one here
    alone["maratea.audit_log"] = alone["maratea.audit_log"].split("\n")[0]
    alone["maratea.audit_heads"] = alone["maratea.audit_heads"].replace("2\t", "1\t")
    alone["maratea.tenants"] = alone["maratea.tenants"].replace("basic\t2", "basic\t1")
    equal(batch, alone)
    assert all(batch.values()), batch
    run("audit", "verify")
    run("tenant", "check")
    run("tenant", "update", "batch", "--name", "Another")
    run("audit", "verify")


def test_what_differs_is_changed_and_nothing_else():
    write(school("alpha", "Scuola Beta", owner_email=None), school("beta", plan="basic", owner_email=None), school("gamma", plan="premium", status="suspended", owner_email=None),
          school("epsilon", owner_email=None))
    changed = apply()
    equal(changed.json()["actions"], [
        {"slug": "alpha", "action": "update", "changes": {"name": ["Scuola Ålpha ; drop table", "Scuola Beta"]}, "state": "done", "error": None},
        {"slug": "beta", "action": "update", "changes": {"plan": ["plus", "basic"]}, "state": "done", "error": None},
        {"slug": "gamma", "action": "update", "changes": {"status": ["active", "suspended"]}, "state": "done", "error": None}])
    # delta and batch are not in the file; epsilon stays as it was
    equal((changed.json()["unchanged"], changed.json()["left"]), (1, 2))
    equal(sql("SELECT string_agg(slug || ' ' || mode || ' ' || status, ', ' ORDER BY slug) FROM maratea.tenants JOIN maratea.placements ON id = tenant_id"),
          "alone shared active, alpha shared active, batch shared active, beta schema active, delta shared active, epsilon shared suspended, gamma database suspended")
    equal(json.loads(run("audit", "list", "beta", "--action", "tenant.update", "-o", "jsonl").out)["payload"], {"plan": ["plus", "basic"]})


def test_what_is_gone_from_the_file_is_archived_when_asked_for():
    four = [school("alpha", "Scuola Beta"), school("beta"), school("gamma", plan="premium", status="suspended"), school("epsilon")]
    write(*four, end="")
    refused(None, 3, "%s does not end in a line \"...\"" % FILE, "hint: --prune archives what is not in the file", options=("--prune", "--yes"))
    write(*four)
    refused(None, 2, "archiving 2 schools needs a confirmation", options=("--prune",))
    refused(None, 5, "2 of the 6 schools of the inventory spring would be archived by %s; so many at once are not" % FILE, "hint: if that is meant: --max-prune 2",
            options=("--prune", "--yes", "--max-prune", "1"))
    equal(done(apply("--prune", "--yes")), [("archive", "batch", "done"), ("archive", "delta", "done")])
    # made by a command, and of no inventory
    equal(sql("SELECT string_agg(slug, ' ' ORDER BY slug) FROM maratea.tenants WHERE status = 'archived'"), "batch delta")
    equal(run("tenant", "show", "delta", "-o", "json").json()["reason"], "no longer in the inventory spring")
    equal(done(apply("--prune", "--yes")), [])
    # in it again: served again; but not what an operator put away
    run("tenant", "archive", "alpha")
    write(*four, school("delta", plan="premium"))
    equal(done(apply("--prune", "--yes")), [("update", "delta", "done")])
    equal(sql("SELECT string_agg(slug, ' ' ORDER BY slug) FROM maratea.tenants WHERE status = 'archived'"), "alpha batch")
    run("tenant", "resume", "alpha")
    # one that was suspended is not served by being forgotten and declared again
    run("tenant", "suspend", "delta", "--reason", "not paid")
    write(*four)
    equal(done(apply("--prune", "--yes")), [("archive", "delta", "done")])
    equal(run("tenant", "show", "delta", "-o", "json").json()["reason"], "no longer in the inventory spring; it was suspended before")
    write(*four, school("delta", plan="premium"))
    equal(done(apply("--prune", "--yes")), [])
    run("tenant", "resume", "delta")
    # nor is one put away that is not made yet: it is told, and nothing fails
    sql("UPDATE maratea.tenants SET status = 'provisioning' WHERE slug = 'delta'")
    write(*four)
    left = apply("--prune", "--yes").json()
    equal((left["actions"], left["left"]), ([], 1))
    sql("UPDATE maratea.tenants SET status = 'active' WHERE slug = 'delta'")
    write(*four, school("delta", plan="premium"))
    equal(done(apply("--prune", "--yes")), [])


def test_many_are_not_archived_at_once():
    write(*[school("many-%03d" % i) for i in range(140)], inventory="many")
    equal(len(apply().json()["actions"]), 140)
    write(*[school("many-%03d" % i) for i in range(133)], inventory="many")
    equal(len(apply("--prune", "--yes").json()["actions"]), 7)  # 5 % of 140
    write(*[school("many-%03d" % i) for i in range(126)], inventory="many")
    refused(None, 5, "7 of the 133 schools of the inventory many would be archived by", options=("--prune", "--yes"))
    equal(len(apply("--prune", "--yes", "--max-prune", "7").json()["actions"]), 7)
    # whichever way the file says it
    write(*[school("many-%03d" % i, status="archived") for i in range(126)], inventory="many")
    refused(None, 5, "126 of the 126 schools of the inventory many would be archived by", "hint: if that is meant: --max-prune 126")
    write(*[school("many-%03d" % i, status="archived" if i == 77 else None) for i in range(126)], inventory="many")
    refused(None, 2, "archiving 1 school needs a confirmation")
    shown = run("tenant", "apply", "-f", FILE, "--yes").out
    equal(shown, "update   many-077  status active -> archived\n1 of 1 done, 125 unchanged\n")
    run("tenant", "resume", "many-077")
    write(inventory="many")
    refused(None, 5, "126 of the 126 schools", "hint: if that is meant: --max-prune 126", options=("--prune", "--yes"))


def test_a_file_that_cannot_be_is_refused_whole():
    good = school("alpha", "Scuola Beta") + school("zeta")
    head = "inventory: spring\ntenants:\n" + good
    for text, status, words in ((head + school("zeta"), 3, "lines 7 and 11 are of one slug, 'zeta'"), (head + school("eta", plan="gold"), 1, ":13: there is no plan 'gold'"),
                                (head + school("eta", owner_email=None), 3, ":11: the school 'eta' is to be made, and has no owner-email"),
                                (head + school("eta", owner_email="nobody"), 3, ":14:18: 'nobody' is no e-mail address"), (head + school("Eta"), 3, ":11:11: the slug 'Eta' has more in it"),
                                (head + school("eta", isolation="none"), 3, ":14:16: isolation 'none' is not shared, schema or database"),
                                (head + school("eta", status="gone"), 3, ":14:13: status 'gone' is not active, suspended or archived"),
                                (head + school("eta", owner_mail="x"), 3, ":14:5: unknown key 'owner-mail'\nhint: did you mean 'owner-email'?"),
                                (head + "  - slug: eta\n", 3, "2 things are wrong:\n  - %s:11:5: this school has no 'name'\n  - %s:11:5: this school has no 'plan'\n" % (FILE, FILE)), (head + "  - eta\n", 3, ":11:5: a school is a map"),
                                (head + "  - slug: [eta]\n    name: x\n    plan: basic\n", 3, ":11:11: needs a text: 'slug'"),
                                (head + "  - slug: null\n    name: ~\n    plan:\n", 3, "3 things are wrong:\n  - %s:11:11: needs a text: 'slug'\n  - %s:12:11: needs a text: 'name'\n  - %s:13:10: needs a text: 'plan'\n" % (FILE, FILE, FILE)),
                                (head + "  - slug: !!binary ZXRh\n    name: x\n    plan: basic\n", 3, ":11:11: tags are not supported"), ("inventory: null\ntenants: []\n", 3, ":1:12: needs a name"),
                                (head + school("Eta", owner_email="nobody", owner_mail="x") + school("theta", plan="gold", status="gone"), 3,
                                 "4 things are wrong:\n  - %s:11:11: the slug 'Eta' has more in it than a-z, 0-9 and \"-\" ('eta' would do)\n  - %s:14:18: 'nobody' is no e-mail address\n"
                                 "  - %s:15:5: unknown key 'owner-mail' (did you mean 'owner-email'?)\n  - %s:19:13: status 'gone' is not active, suspended or archived\n" % (FILE, FILE, FILE, FILE)),
                                (head + "".join(school("eta-%d" % n, plan="gold") for n in range(12)), 1, "12 things are wrong, the first of them:\n  - %s:13: there is no plan 'gold' ('maratea plan list' shows"  % FILE), (head + school("eta", name="x" * 1001), 3, ":12:11: the name is longer than 1000 bytes"),
                                (head + school("beta", isolation="shared"), 3, ":11: the school 'beta' has isolation schema, not shared\nhint: its tables stay where they are"),
                                (head + school("many-000"), 5, ":11: the school 'many-000' belongs to the inventory many"),
                                ("tenants: []\n", 3, ":1:1: needs a name of a-z, 0-9 and \"-\" for whose schools these are: 'inventory'"),
                                ("inventory: ../x\ntenants: []\n", 3, ":1:12: needs a name"), ("inventory: x\n", 3, ":1:1: needs a list of schools: 'tenants'"),
                                ("inventory: x\ntenants: []\nschools: []\n", 3, ":3:1: unknown key 'schools'"), ("- x\n", 3, ":1:1: expected 'inventory' and 'tenants'"),
                                ("", 3, "%s" % FILE), (head + "  - slug: \"eta\n", 3, FILE), (head[:-30] + "\0\0", 3, FILE), ("inventory: x\ntenants: []\n---\ninventory: y\n", 3, "a second document")):
        refused(text, status, words)
    os.unlink(FILE)
    refused(None, 1, "%s: No such file" % FILE)
    os.mkdir(FILE)
    refused(None, 1, "%s" % FILE)
    os.rmdir(FILE)
    holds(run("tenant", "apply", status=2).err, "-f FILE is needed")


def test_one_that_fails_does_not_stop_the_others():
    run("tenant", "create", "old", "--name", "x", "--plan", "basic", "--owner-email", "a@b.example")
    run("tenant", "update", "old", "--slug", "new")
    write(school("theta"), school("old"))
    for dry in ((), ("--dry-run",)):
        refused(None, 5, ":7: the school 'old' is to be made, and had its slug from another", "hint: that school is 'new' now: is it meant?", options=dry)
    write(school("theta"), school("iota"), school("kappa", plan="plus"))
    sql("REVOKE CREATE ON DATABASE platform FROM maratea_owner")
    failed = apply(status=1)
    equal(done(failed), [("create", "iota", "done"), ("create", "kappa", "failed"), ("create", "theta", "done")])
    holds(failed.err, "2 owners' invitations were not kept: --invitations keeps them", "1 of 3 changes failed, the first of 'kappa': step schema: ", "permission denied for database platform")
    text = run("tenant", "apply", "-f", FILE, status=1).out
    holds(text, "failed:\ncreate   kappa", "\n0 of 1 done, 2 unchanged\n")
    sql("GRANT CREATE ON DATABASE platform TO maratea_owner")
    write(school("theta"), school("iota"), school("kappa", plan="plus"))
    equal(done(apply()), [("create", "kappa", "done")])
    equal(done(apply()), [])
    run("audit", "verify")


def test_what_was_decided_is_of_what_was_there():
    write(school("early", plan="plus"), school("late", name="New"), school("later"))
    run("tenant", "create", "late", "--name", "Old", "--plan", "basic", "--owner-email", "a@b.example")
    with halted(PG, "tenants", "NEW.slug = 'early'") as reached:
        child = start("tenant", "apply", "-f", FILE, "--invitations", ROOT + "/decided", "-o", "json", env=ENV)
        reached()
        run("tenant", "suspend", "late", "--reason", "court order")
    failed = finish(child)
    equal((failed.status, done(failed)), (1, [("create", "early", "done"), ("update", "late", "failed"), ("create", "later", "done")]))
    holds(failed.err, "1 of 3 changes failed, the first of 'late': the school 'late' was changed meanwhile")
    equal(sql("SELECT name, status, reason FROM maratea.tenants WHERE slug = 'late'"), "Old\tsuspended\tcourt order")
    equal(done(apply()), [("update", "late", "done")])
    equal(sql("SELECT name, status, reason FROM maratea.tenants WHERE slug = 'late'"), "New\tsuspended\tcourt order")


def test_what_a_dry_run_says_can_be_done():
    # one that was put away may be declared suspended
    run("tenant", "archive", "late")
    write(school("early", plan="plus"), school("late", name="New", status="suspended"), school("later"))
    equal(done(apply()), [("update", "late", "done")])
    equal(sql("SELECT status FROM maratea.tenants WHERE slug = 'late'"), "suspended")
    # what is declared to be archived never was active
    write(school("put-away", status="archived"), school("put-away-2", status="suspended", plan="plus"))
    equal(done(apply()), [("create", "put-away", "done"), ("create", "put-away-2", "done")])
    for slug, status, action in (("put-away", "archived", "archive"), ("put-away-2", "suspended", "suspend")):
        equal(sql("SELECT status, version FROM maratea.tenants WHERE slug = '%s'" % slug), status + "\t2")
        equal(sql("SELECT string_agg(action, ' ' ORDER BY seq) FROM maratea.audit_log WHERE tenant_id = (SELECT id FROM maratea.tenants WHERE slug = '%s')" % slug), "tenant.create tenant." + action)
    # one that was begun is finished as it was begun, or not at all
    sql("UPDATE maratea.tenants SET status = 'provisioning' WHERE slug = 'early'")
    write(school("early", name="Other", plan="plus"), school("late", name="Newer"))
    for dry in ((), ("--dry-run",)):
        refused(None, 5, ":3: the school 'early' was begun with other options", "hint: to finish it: maratea tenant create early --name 'Scuola' --plan 'plus'", options=dry)
    sql("UPDATE maratea.tenants SET status = 'active' WHERE slug = 'early'")
    # tables of another time
    kept = sql("SELECT name, sha256, maratea FROM maratea_shared.schema_migrations WHERE number = 2").split("\t")
    sql("DELETE FROM maratea_shared.schema_migrations WHERE number = 2")
    write(school("behind"))
    for dry in ((), ("--dry-run",)):
        refused(None, 3, "the schema maratea_shared lacks tenant/0002_audit_index", "hint: maratea db migrate", options=dry)
        holds(run("tenant", "create", "behind", "--name", "x", "--plan", "basic", "--owner-email", "a@b.example", *dry, status=3).err, "the schema maratea_shared lacks tenant/0002")
    equal(sql("SELECT count(*) FROM maratea.tenants WHERE slug = 'behind'"), "0")
    sql("INSERT INTO maratea_shared.schema_migrations (number, name, sha256, maratea) VALUES (2, '%s', '%s', '%s')" % tuple(kept))


def test_the_file_may_come_through_a_pipe():
    text = "inventory: pipe\ntenants:\n" + school("piped")
    said = maratea("tenant", "apply", "-f", "-", "--dry-run", env=ENV, stdin=text)
    holds(said.out, "create   piped  plan basic, isolation shared\n1 to do, 0 unchanged\nnothing was changed (--dry-run)\n")
    equal(said.err, "maratea: warning: 1 owner's invitation would not be kept: --invitations keeps them, 'maratea user invite' makes one anew\n")
    equal(done(maratea("tenant", "apply", "-f", "-", "-o", "json", env=ENV, stdin=text)), [("create", "piped", "done")])
    holds(maratea("tenant", "apply", "-f", "-", env=ENV, stdin="tenants: []\n", status=3).err, "/dev/stdin:1:1: needs a name")


def test_what_somebody_archives_himself_stays_so():
    write(school("first"), school("second"), inventory="mine")
    apply()
    write(school("second"), inventory="mine")
    equal(done(apply("--prune", "--yes")), [("archive", "first", "done")])
    run("tenant", "archive", "first")
    equal(run("tenant", "show", "first", "-o", "json").json()["reason"], None)
    write(school("first"), school("second"), inventory="mine")
    equal(done(apply()), [])
    # a file that lost all its schools
    write(inventory="mine")
    refused(None, 5, "1 of the 1 schools of the inventory mine would be archived", "hint: if that is meant: --max-prune 1", options=("--prune", "--dry-run"))
    holds(run("tenant", "apply", "-f", FILE, "--prune", "--dry-run", status=5).out, "archive  second  status active -> archived\n", "nothing was changed (--dry-run)\n")
    refused(None, 5, "1 of the 1 schools of the inventory mine would be archived", "hint: if that is meant: --max-prune 1", options=("--prune", "--yes"))
    equal(done(apply("--prune", "--yes", "--max-prune", "1")), [("archive", "second", "done")])


def test_lines_of_invitations_are_whole():
    path = ROOT + "/torn"
    with open(path, "w") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write('{"slug":"x"}')
    write(school("torn-1"))
    apply("--invitations", path)
    equal([json.loads(line)["slug"] for line in open(path)], ["x", "torn-1"])
    # no room for the second
    limited = ["bash", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "-", MARATEA, "tenant", "apply", "-f", FILE, "--invitations", path]
    with open(path, "w") as f:
        f.write("".join('{"slug":"x"}\n' for _ in range(70)))
    write(*[school("torn-%d" % i) for i in range(2, 9)])
    failed = subprocess.run(limited, env=dict(os.environ, **ENV), capture_output=True, text=True)
    equal(failed.returncode, 1, failed.stderr)
    holds(failed.stderr, path + ": File too large")
    equal(sql("SELECT count(*) FROM maratea.tenants WHERE slug LIKE 'torn-%'"), "1")
    apply("--invitations", path)
    told = [json.loads(line)["slug"] for line in open(path)]
    equal((told[:70], told[-7:]), (["x"] * 70, ["torn-%d" % i for i in range(2, 9)]))
    os.chown(path, 65534, -1)
    refused(None, 3, path + " is another user's", options=("--invitations", path))


def test_invitations_that_cannot_be_kept_make_no_schools():
    write(school("lambda"))
    refused(None, 1, "open %s/none/x: No such file" % ROOT, options=("--invitations", ROOT + "/none/x"))
    with open(ROOT + "/open", "w") as f:
        os.fchmod(f.fileno(), 0o644)
    refused(None, 3, "%s/open may be read by others than its owner" % ROOT, "hint: whoever has an invitation is that school's owner", options=("--invitations", ROOT + "/open"))
    refused(None, 1, "/dev/full: No space left on device", options=("--invitations", "/dev/full"))
    # one that is made alone is not active before its invitation is kept
    write(school("mu", plan="plus"))
    holds(run("tenant", "apply", "-f", FILE, "--invitations", "/dev/full", status=1).err, "/dev/full: No space left on device")
    equal(sql("SELECT status FROM maratea.tenants WHERE slug = 'mu'"), "provisioning")
    equal(done(apply("--invitations", ROOT + "/mu")), [("create", "mu", "done")])
    equal([json.loads(line)["slug"] for line in open(ROOT + "/mu")], ["mu"])
    equal(sql("SELECT status FROM maratea.tenants WHERE slug = 'mu'"), "active")
    write(school("lambda"))
    os.symlink(ROOT + "/elsewhere", ROOT + "/link")
    refused(None, 1, "open %s/link: Too many levels" % ROOT, options=("--invitations", ROOT + "/link"))
    assert not os.path.exists(ROOT + "/elsewhere")


def test_killed_at_any_moment_the_same_command_finishes():
    many = [school("kill-%04d" % i) for i in range(1300)] + [school("kill-%s" % w, plan="plus") for w in ("a", "b", "c")]
    write(*many, inventory="kill")
    count = lambda: int(sql("SELECT count(*) FROM maratea.tenants WHERE slug LIKE 'kill-%'"))
    command = ["tenant", "apply", "-f", FILE, "--invitations", ROOT + "/killed"]
    # five hundred at a time, and those of their own before the last few; SIGTERM takes back what is not committed yet
    for slug, in_commit, how, made in (("kill-0000", False, signal.SIGKILL, 0), ("kill-0499", True, signal.SIGKILL, 500), ("kill-0700", False, signal.SIGTERM, 500),
                                       ("kill-0700", True, signal.SIGTERM, 500), ("kill-b", False, signal.SIGKILL, 1001), ("kill-c", False, signal.SIGTERM, 1002)):
        with halted(PG, "tenants", "NEW.slug = '%s'" % slug, in_commit) as reached:
            child = start(*command, env=ENV)
            reached()
            # a second one waits for nobody
            holds(run(*command, status=5).err, "another 'maratea tenant apply' is at work on the inventory kill")
            child.send_signal(how)
            ended = finish(child)
        equal(ended.status, -9 if how == signal.SIGKILL else 143, slug)
        if how == signal.SIGTERM:
            holds(ended.err, "interrupted by SIGTERM")
        equal(count(), made, "killed at %s" % slug)
    apply("--invitations", ROOT + "/killed")
    equal(count(), 1303)
    equal(done(apply()), [])
    equal(sql("SELECT count(*) FROM maratea.tenants WHERE status <> 'active' AND slug LIKE 'kill-%'"), "0")
    # whoever was made has an invitation that was told
    told = {}
    for line in open(ROOT + "/killed"):
        one = json.loads(line)
        told.setdefault(one["slug"], []).append(one["invitation"].rsplit("/")[-1])
    digests = dict(line.split("\t") for line in sql("SELECT slug, encode(token_digest, 'hex') FROM maratea.tenants t JOIN maratea_shared.invitations i ON i.tenant_id = t.id WHERE slug LIKE 'kill-0%'").split("\n"))
    for slug, digest in digests.items():
        assert any(hashlib.sha256(t.encode()).hexdigest() == digest for t in told[slug]), slug
    equal(len(digests), 1000)
    run("audit", "verify")


main(globals())
