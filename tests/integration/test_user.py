"""test_user.py - the people of a school."""
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import threading

from harness import *
from schools import make_platform
from servers import Postgres, wait_until

PG = Postgres()
ROOT = temporary()
CLEANUP = [PG.close, lambda: shutil.rmtree(ROOT)]
ID, password, ENV = make_platform(PG, ROOT, MARATEA_PLATFORM_DOMAIN="schools.example")
SCHOOLS = {}


def sql(text, database="platform"):
    return PG.psql(text, database)


def user(verb, slug, *args, env=ENV, status=0, stdin=None):
    return maratea("user", verb, slug, *args, "-o", "json", env=env, status=status, stdin=stdin)


def secret(text):
    name = "secret-%d" % len(os.listdir(ROOT))
    with open(ROOT + "/" + name, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return "--password-file=" + ROOT + "/" + name


def digest_of(slug, email):
    place = SCHOOLS[slug]
    return sql("SELECT encode(token_digest, 'hex') FROM %s.invitations WHERE tenant_id = '%s' AND email_norm = '%s'" % (place["schema"], place["id"], email), place["database"] or "platform")


def rows(slug):
    place = SCHOOLS[slug]
    return [sql("SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM %s.%s t WHERE tenant_id = '%s'" % (place["schema"], table, place["id"]), place["database"] or "platform")
            for table in ("users", "memberships", "invitations", "audit_log")]


def setup():
    maratea("db", "migrate", env=ENV)
    for name, mode in (("basic", "shared"), ("plus", "schema"), ("premium", "database")):
        maratea("plan", "create", name, "--isolation", mode, env=ENV)
    for slug, plan in (("alpha", "basic"), ("other", "basic"), ("beta", "plus"), ("gamma", "premium")):
        SCHOOLS[slug] = maratea("tenant", "create", slug, "--name", slug, "--plan", plan, "--owner-email", "Anna@Example.org", "-o", "json", env=ENV).json()


setup()


def test_users_are_added_listed_and_changed_in_all_three_ways():
    for slug in ("alpha", "beta", "gamma"):
        ben = user("add", slug, "Ben@Example.org", "--role", "admin", "--name", "Ben Åkesson", secret("correct horse\n")).json()
        equal((ben["email"], ben["name"], ben["status"], ben["roles"]), ("Ben@Example.org", "Ben Åkesson", "active", ["admin"]))
        place = SCHOOLS[slug]
        hash = sql("SELECT password_hash FROM %s.users WHERE id = '%s' AND tenant_id = '%s'" % (place["schema"], ben["id"], place["id"]), place["database"] or "platform")
        assert re.fullmatch(r"\$argon2id\$v=19\$m=65536,t=2,p=1\$[^$]+\$[^$]+", hash), hash
        equal([(u["email"], u["status"], u["roles"]) for u in user("list", slug).json()["users"]], [("Anna@Example.org", "invited", ["owner"]), ("Ben@Example.org", "active", ["admin"])])
        equal(user("set-role", slug, "ben@EXAMPLE.org", "instructor").json()["roles"], ["instructor"])
        before = rows(slug)
        again = user("set-role", slug, "ben@example.org", "instructor").json()
        equal((again["roles"], again["changed"]), (["instructor"], False))
        holds(maratea("user", "set-role", slug, "ben@example.org", "instructor", env=ENV).out, "role", "instructor\nit was so already\n")
        equal(rows(slug), before)
        gone = user("remove", slug, "ben@example.org").json()
        equal((gone["status"], gone["roles"], gone["changed"]), ("disabled", [], True))
        equal(user("remove", slug, "ben@example.org").json()["changed"], False)
        equal(sql("SELECT password_hash IS NULL FROM %s.users WHERE id = '%s'" % (place["schema"], ben["id"]), place["database"] or "platform"), "t")
        back = user("add", slug, "ben@example.org", secret("another horse")).json()
        equal((back["id"], back["name"], back["roles"], back["status"]), (ben["id"], "Ben Åkesson", ["student"], "active"))
        events = [(e["action"], e["payload"]) for e in maratea("audit", "list", slug, "-o", "json", env=ENV).json()["events"] if e["action"].startswith("user.")]
        equal(events, [("user.add", {"email": "Ben@Example.org", "role": "admin"}), ("user.set-role", {"email": "ben@EXAMPLE.org", "role": "instructor", "from": ["admin"]}),
                       ("user.remove", {"email": "ben@example.org", "roles": ["instructor"]}), ("user.add", {"email": "ben@example.org", "role": "student"})])
    # nobody else's
    equal([u["email"] for u in user("list", "other").json()["users"]], ["Anna@Example.org"])
    maratea("audit", "verify", env=ENV)
    maratea("tenant", "check", env=ENV)


def test_an_invitation_is_a_link_that_is_told_once():
    first = user("invite", "alpha", "Cleo@Example.org", "--role", "instructor").json()
    token = re.fullmatch(r"https://alpha\.schools\.example/invitation/([0-9a-f]{32})", first["invitation"]).group(1)
    equal(digest_of("alpha", "cleo@example.org"), hashlib.sha256(token.encode()).hexdigest())
    equal((first["status"], first["roles"]), ("invited", ["instructor"]))
    second = user("invite", "alpha", "cleo@example.org").json()
    assert second["invitation"] != first["invitation"] and second["roles"] == ["instructor"] and second["id"] == first["id"], second
    equal(digest_of("alpha", "cleo@example.org"), hashlib.sha256(second["invitation"][-32:].encode()).hexdigest())
    equal(sql("SELECT role, expires_at BETWEEN now() + interval '6 days 23 hours' AND now() + interval '7 days' FROM maratea_shared.invitations WHERE email_norm = 'cleo@example.org'"), "instructor\tt")
    equal(user("invite", "alpha", "cleo@example.org", "--role", "admin").json()["roles"], ["admin"])
    # whoever comes by a link has the role of now
    user("set-role", "alpha", "cleo@example.org", "student")
    equal(sql("SELECT role FROM maratea_shared.invitations WHERE email_norm = 'cleo@example.org'"), "student")
    # the owner's, which was lost
    lost = maratea("user", "invite", "alpha", "anna@example.org", env=ENV)
    holds(lost.out, "user         anna@example.org", "role         owner", "invitation   https://alpha.schools.example/invitation/")
    holds(user("invite", "alpha", "ben@example.org", status=5).err, "ben@example.org is an active user of the school 'alpha' already", "hint: 'maratea user set-role'")
    holds(user("add", "alpha", "cleo@example.org", secret("correct horse"), status=5).err, "the school 'alpha' has a user cleo@example.org already", "hint: 'maratea user set-role'")
    user("remove", "alpha", "cleo@example.org")
    equal(digest_of("alpha", "cleo@example.org"), "")
    equal(user("invite", "alpha", "cleo@example.org").json()["roles"], ["student"])
    verbose = maratea("user", "invite", "alpha", "dora@example.org", "-vv", env=ENV)
    link = re.search(r"https://\S+", verbose.out).group(0)
    assert link not in verbose.err and link[-32:] not in verbose.err, verbose.err


def test_a_school_keeps_an_owner():
    for verb, more in (("remove", []), ("set-role", ["admin"])):
        holds(user(verb, "beta", "anna@example.org", *more, status=5).err, "anna@example.org is the only owner of the school 'beta'", "hint: make another one first: maratea user invite beta")
    holds(user("invite", "beta", "anna@example.org", "--role", "student", status=5).err, "is the only owner")
    user("set-role", "beta", "ben@example.org", "owner")
    # one who can sign in stays, whoever is invited
    holds(user("remove", "beta", "ben@example.org", status=5).err, "ben@example.org is the only active owner of the school 'beta'", "or maratea user set-role beta EMAIL owner")
    # two at a time: one of them stays
    done = []
    threads = [threading.Thread(target=lambda e=e: done.append(user("set-role", "beta", e, "admin", status=None).status)) for e in ("anna@example.org", "ben@example.org")]
    [t.start() for t in threads]
    [t.join() for t in threads]
    equal(sorted(done), [0, 5])
    equal([u["roles"] for u in user("list", "beta", "--role", "owner").json()["users"]], [["owner"]])


def test_two_who_add_the_same_do_not_undo_each_other():
    """The second finds out when the first is through, whatever it saw before."""
    for first, second, want in ((("add", secret("correct horse")), ("invite",), "active"), (("invite",), ("add", secret("correct horse")), "invited")):
        email = "twin-%s@example.org" % first[0]
        holder = subprocess.Popen([PG.bin + "/psql", "-X", "-q", "-h", PG.dir, "-p", str(PG.port), "-U", PG.user, "-d", "platform"], stdin=subprocess.PIPE, text=True)
        # both wait where they write their audit row or, the second, for the first's user
        holder.stdin.write("BEGIN; SELECT FROM maratea_shared.audit_heads WHERE tenant_id = '%s' FOR UPDATE \\g /dev/null\n" % SCHOOLS["alpha"]["id"])
        holder.stdin.flush()
        wait_until(lambda: sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%audit_heads%'") == "1", 30, "the holder")
        done = []
        threads = []
        for n, (verb, *more) in enumerate((first, second)):
            threads.append(threading.Thread(target=lambda v=verb, m=more: done.append((v, user(v, "alpha", email, *m, status=None).status))))
            threads[-1].start()
            wait_until(lambda: int(sql("SELECT count(*) FROM pg_locks WHERE NOT granted")) == n + 1, 30, "its waiting")
        holder.stdin.write("COMMIT;\n")
        holder.stdin.close()
        holder.wait()
        [t.join() for t in threads]
        equal(dict(done), {first[0]: 0, second[0]: 5})
        equal([u["status"] for u in user("list", "alpha").json()["users"] if u["email"] == email], [want])
        equal(sql("SELECT password_hash IS NOT NULL FROM maratea_shared.users WHERE email_norm = '%s'" % email), "t" if want == "active" else "f")


def test_lists_are_filtered_and_paged():
    place = SCHOOLS["gamma"]
    sql("SET ROLE maratea_owner; INSERT INTO %s.users (tenant_id, email, email_norm) SELECT '%s', 'u' || i || '@x.example', 'u' || i || '@x.example' FROM generate_series(1, 2500) i; "
        "INSERT INTO %s.memberships (tenant_id, user_id, role) SELECT tenant_id, id, 'student' FROM %s.users WHERE email LIKE 'u%%@x.example'" % (place["schema"], place["id"], place["schema"], place["schema"]),
        place["database"])
    names = maratea("user", "list", "gamma", "-o", "name", env=ENV).out.splitlines()
    equal((len(names), names[0], len(set(names))), (2502, "Anna@Example.org", 2502))
    equal(len(maratea("user", "list", "gamma", "--role", "student", "-o", "jsonl", env=ENV).out.splitlines()), 2501)
    equal(maratea("user", "list", "gamma", "--status", "invited", "-o", "name", env=ENV).out, "Anna@Example.org\n")
    equal(maratea("user", "list", "gamma", "--status", "disabled", env=ENV).out, "no users like that\n")
    holds(maratea("user", "list", "alpha", env=ENV).out, "EMAIL", "ben@example.org", "Ben Åkesson", "student")


def test_what_schools_use_is_counted_and_a_passed_limit_is_told():
    usage = lambda *args, status=0: {s["slug"]: s for s in maratea("tenant", "usage", *args, "-o", "json", env=ENV, status=status).json()["schools"]}
    have = usage()
    equal(sorted(have), ["alpha", "beta", "gamma", "other"])
    equal(have["other"], {"slug": "other", "plan": "basic", "status": "active", "isolation": "shared", "users": {"used": 1, "limit": None}, "courses": {"used": 0, "limit": None},
                          "storage": {"used": 0, "limit": None}, "passed": [], "error": None})
    equal((have["gamma"]["users"]["used"], have["beta"]["isolation"]), (2502, "schema"))
    equal(maratea("usage", "check", env=ENV).out, "no limit is passed\n")
    maratea("plan", "update", "basic", "--users", "2", "--courses", "0", "--storage", "1KiB", env=ENV)
    a, o = SCHOOLS["alpha"]["id"], SCHOOLS["other"]["id"]
    sql("SET ROLE maratea_owner; INSERT INTO maratea_shared.courses (tenant_id, slug, title, status) VALUES ('{0}', 'x', 'x', 'published'), ('{1}', 'x', 'x', 'archived'); "
        "INSERT INTO maratea_shared.usage_counters (tenant_id, metric, period, value) VALUES ('{1}', 'storage', '2026-10-01', 5000), ('{1}', 'storage', '2026-11-01', 1024), ('{1}', 'views', '2026-11-01', 9000)".format(a, o))
    failed = maratea("usage", "check", "-o", "json", env=ENV, status=4)
    holds(failed.err, "1 school has passed a limit")
    equal([(s["slug"], s["passed"], s["courses"], s["storage"]) for s in failed.json()["schools"]], [("alpha", ["users", "courses"], {"used": 1, "limit": 0}, {"used": 0, "limit": 1024})])
    equal(usage("other")["other"]["storage"], {"used": 1024, "limit": 1024})
    holds(maratea("tenant", "usage", env=ENV).out, "SCHOOL", "1 of 0", "over: users, courses", "1.0 KiB of 1.0 KiB", "2502")
    equal(maratea("usage", "check", "-o", "name", env=ENV, status=4).out, "alpha\n")
    maratea("usage", "check", "other", env=ENV)
    # users who were removed do not count, nor do schools that were put away
    equal(usage("alpha")["alpha"]["users"]["used"], sum(u["status"] != "disabled" for u in user("list", "alpha").json()["users"]))
    maratea("tenant", "archive", "alpha", env=ENV)
    maratea("usage", "check", env=ENV)
    maratea("tenant", "resume", "alpha", env=ENV)
    # one that cannot be looked at keeps no other from being looked at
    PG.psql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % SCHOOLS["gamma"]["database"])
    have = usage(status=1)
    holds(have["gamma"]["error"], "is not currently accepting connections")
    equal((have["gamma"]["users"]["used"], have["other"]["users"]["used"]), (None, 1))
    blind = maratea("usage", "check", "-o", "jsonl", env=ENV, status=1)
    equal([json.loads(line)["slug"] for line in blind.out.splitlines()], ["alpha", "gamma"])
    holds(blind.err, "1 school could not be looked at, the first: gamma: ")
    PG.psql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % SCHOOLS["gamma"]["database"])
    holds(maratea("tenant", "usage", "nowhere", env=ENV, status=1).err, "there is no school 'nowhere'")
    # where nothing could be looked at, no limit is said not to be passed
    equal((maratea("usage", "check", b"\xff", env=ENV, status=1).out, maratea("usage", "check", b"\xff", "-o", "json", env=ENV, status=1).out), ("", ""))
    maratea("plan", "update", "basic", "--users", "none", "--courses", "none", "--storage", "none", env=ENV)


def test_bad_input_changes_nothing():
    before = [rows(s) for s in SCHOOLS]
    for args, status, words in (
            (("add", "alpha", "nobody", secret("correct horse")), 2, "'nobody' is no e-mail address"), (("add", "alpha", "e@f.example", secret("short")), 2, "a password has 8 to 1024 bytes"),
            (("add", "alpha", "e@f.example", secret("x" * 1025)), 2, "a password has 8 to 1024 bytes"), (("add", "alpha", "e@f.example", secret("")), 2, "a password has 8 to 1024 bytes"),
            (("add", "alpha", "e@f.example", secret("two\nlines here")), 2, "a password is one line of text"), (("add", "alpha", "e@f.example", secret(b"zero\0inside")), 2, "a password is one line of text"),
            (("add", "alpha", "e@f.example", "--password-file", ROOT + "/none"), 1, "%s/none" % ROOT), (("add", "alpha", "e@f.example", "--password-file", ROOT), 1, ROOT),
            (("add", "alpha", "e@f.example", secret("x" * 100000)), 2, "a password has 8 to 1024 bytes"), (("add", "alpha", "e@f.example", secret("x" * (2 << 20))), 1, "text longer than 1048576 bytes"), (("add", "alpha", "e@f.example"), 2, "there is no terminal to ask for the password at"),
            (("add", "nowhere", "e@f.example", secret("correct horse")), 1, "there is no school 'nowhere'"), (("invite", "alpha", "e@f.example", "--role", "king"), 2, "'king': one of owner|admin|instructor|student"),
            (("invite", "alpha", "e@f.example", "--name", "a\nb"), 2, "--name has a control character"), (("set-role", "alpha", "e@f.example", "admin"), 1, "the school 'alpha' has no user e@f.example"),
            (("set-role", "alpha", "ben@example.org", "king"), 2, "'king'"), (("remove", "alpha", "e'; drop table users@f.example"), 2, "is no e-mail address"),
            (("remove", "alpha", "e'--drop@f.example"), 1, "the school 'alpha' has no user e'--drop@f.example"), (("list", "alpha", "--status", "gone"), 2, "'gone'")):
        holds(user(*args, status=status).err, words)
        equal([rows(s) for s in SCHOOLS], before, args)
    maratea("tenant", "archive", "other", env=ENV)
    holds(user("invite", "other", "e@f.example", status=5).err, "the school 'other' is archived", "hint: 'maratea tenant resume other'")
    equal(len(user("list", "other").json()["users"]), 1)
    maratea("tenant", "resume", "other", env=ENV)


def test_a_password_is_asked_for_at_a_terminal():
    def talk(*answers):
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(ENV)
            os.execv(MARATEA, [MARATEA, "user", "add", "alpha", "terminal@example.org"])
        seen = b""
        for answer in answers:
            while not seen.rstrip().endswith((b"Password:", b"Once more:")):
                seen += os.read(fd, 1024)
            os.write(fd, answer.encode() + b"\n")
            seen += b"|"
        try:
            while True:
                more = os.read(fd, 1024)
                if not more:
                    break
                seen += more
        except OSError:
            pass
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()

    status, seen = talk("correct horse", "correct house")
    equal(status, 2)
    holds(seen, "they are not the same")
    status, seen = talk("correct horse", "correct horse")
    equal(status, 0, seen)
    assert "horse" not in seen, seen
    holds(seen, "terminal@example.org", "active")
    # and from standard input
    equal(user("add", "alpha", "pipe@example.org", "--password-file", "/dev/stdin", stdin="correct horse\n").json()["status"], "active")


main(globals())
