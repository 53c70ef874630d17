"""test_domain.py - domains of their own: claimed, shown in real DNS, taken over."""
import http.server
import os
import re
import shutil
import socket
import threading
import time

from harness import *
from schools import make_platform
from servers import Dnsmasq, Nsd, Postgres, free_port

PG = Postgres()
ROOT = temporary()
BASICS = ("@ NS ns", "ns A 127.0.0.1")
NSD = Nsd({"schools.example": BASICS + ("* A 127.0.0.2",), "school.example": BASICS, "slow.example": ("@ NS ns", "ns A 127.0.0.77", "ns A 127.0.0.78"), "third.example": ("@ NS ns", "ns A 127.0.0.8", "@ A 127.0.0.3"),
           "broken.example": ("@ NS ns", "ns A 127.0.0.66"), "many.example": BASICS + tuple("* A 127.0.1.%d" % n for n in range(9))})
ELSEWHERE = Nsd({"other.example": ("@ NS ns", "ns A 127.0.0.8")}, "127.0.0.8", NSD.port)
RESOLVER = Dnsmasq(("127.0.0.1", NSD.port), "--server=/other.example/127.0.0.8#%d" % NSD.port)
CLEANUP = [PG.close, NSD.close, ELSEWHERE.close, RESOLVER.close, lambda: shutil.rmtree(ROOT)]
SITE = {}
SCHOOLS = {}


class Site(http.server.BaseHTTPRequestHandler):
    """Whatever the test has it say: path to (status, headers, body)."""
    def do_GET(self):
        SITE.setdefault("asked", []).append((self.headers["Host"], self.path))
        status, headers, body = SITE.get(self.path, (404, {}, b"nothing"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


HTTP = http.server.ThreadingHTTPServer(("127.0.0.3", 0), Site)
HTTP_PORT = HTTP.server_address[1]
threading.Thread(target=HTTP.serve_forever, daemon=True).start()
CLEANUP.append(HTTP.shutdown)
PATH = "/.well-known/maratea-challenge"
ID, password, ENV = make_platform(PG, ROOT, MARATEA_PLATFORM_DOMAIN="schools.example", MARATEA_DNS_RESOLVER="127.0.0.1:%d" % RESOLVER.port, MARATEA_DNS_AUTHORITATIVE_PORT=NSD.port,
                                  MARATEA_DOMAINS_ALLOW_PRIVATE="true", MARATEA_DOMAINS_HTTP_PORT=HTTP_PORT, MARATEA_LIMITS_DNS="3s")


def sql(text, database="platform"):
    return PG.psql(text, database)


def domain(verb, *args, env=ENV, status=0, **more):
    return maratea("domain", verb, *args, "-o", "json", env=dict(env, **more), status=status)


def zone(*records):
    NSD.put("school.example", *BASICS, *records)


def elsewhere(*records):
    """Another zone, of another server."""
    ELSEWHERE.put("other.example", "@ NS ns", "ns A 127.0.0.8", *records)


def challenge(token, name="learn"):
    return '_maratea-challenge%s TXT "%s"' % ("." + name if name else "", token)


def claim(slug, name="learn.school.example"):
    return domain("add", slug, name).json()["token"]


def verify(*args, status=0, **more):
    return domain("verify", *args, status=status, **more).json()["domains"]


def verdicts(one):
    return [(a["verdict"], a["server"]) for a in one["answers"]]


def own(slug):
    """The school's own list of its domains."""
    place = SCHOOLS[slug]
    return sql("SELECT name, is_primary FROM %s.tenant_domains WHERE tenant_id = '%s' ORDER BY name" % (place["schema"], place["id"]), place["database"] or "platform")


def served(name):
    return sql("SELECT t.slug, d.method, d.is_primary, d.challenger IS NOT NULL FROM maratea.domains d JOIN maratea.tenants t ON t.id = d.tenant_id WHERE d.name = '%s'" % name)


def events(slug):
    return [(e["action"], e["payload"]) for e in maratea("audit", "list", slug, "-o", "json", env=ENV).json()["events"] if "domain" in e["action"]]


def everything():
    return sql("SELECT (SELECT json_agg(c ORDER BY name, tenant_id) FROM maratea.domain_claims c), (SELECT json_agg(d ORDER BY name) FROM maratea.domains d), (SELECT count(*) FROM maratea.audit_log)")


def forget():
    """Every claim, so that the next test begins with none."""
    sql("DELETE FROM maratea.domains; DELETE FROM maratea.domain_claims; DELETE FROM maratea.domain_syncs; DELETE FROM maratea_shared.tenant_domains")
    SITE.clear()


def setup():
    maratea("db", "migrate", env=ENV)
    for name, mode in (("basic", "shared"), ("plus", "schema"), ("premium", "database")):
        maratea("plan", "create", name, "--isolation", mode, env=ENV)
    for slug, plan in (("alpha", "basic"), ("other", "basic"), ("beta", "plus"), ("gamma", "premium")):
        SCHOOLS[slug] = maratea("tenant", "create", slug, "--name", slug, "--plan", plan, "--owner-email", "anna@example.org", "-o", "json", env=ENV).json()


setup()


def test_a_school_claims_shows_and_is_served_in_all_three_ways():
    for slug in ("alpha", "beta", "gamma"):
        name = slug + ".school.example"
        added = domain("add", slug, "%s.School.Example." % slug.upper()).json()
        token = added["token"]
        assert re.fullmatch("[0-9a-f]{32}", token), token
        equal((added["slug"], added["name"], added["state"], added["primary"], added["active_since"], added["checked_at"], added["challenge"], added["changed"]),
              (slug, name, "pending", False, None, None, None, True))
        equal(added["record"], {"name": "_maratea-challenge." + name, "type": "TXT", "value": token})
        equal(added["file"], {"url": "http://%s:%d%s" % (name, HTTP_PORT, PATH), "content": token})
        equal(added["target"], slug + ".schools.example")
        equal(sql("SELECT expires_at - created_at FROM maratea.domain_claims WHERE name = '%s'" % name), "7 days")
        # it is the same claim, asked for again
        again = domain("add", slug, name).json()
        equal((again["token"], again["expires_at"], again["changed"]), (token, added["expires_at"], False))

        zone()
        before = everything()
        found = domain("verify", slug, name, status=4)
        one, = found.json()["domains"]
        equal((one["shown"], one["method"], verdicts(one), one["answers"][0]["text"], one["answers"][0]["address"]), (False, None, [("absent", "ns.school.example")], "has no TXT record", "127.0.0.1"))
        equal(one["leads_to"], {"alias": None, "addresses": [], "here": False})
        equal((one["verdict"], one["zone"], one["advice"], one["error"], one["holder"]), ("missing", "school.example", None, None, None))
        equal(found.err, "maratea: error: %s does not show the token of '%s'\n" % (name, slug))
        domain("activate", slug, name, status=4)
        equal((everything(), own(slug)), (before, ""))

        zone(challenge(token, slug), "%s CNAME %s.schools.example." % (slug, slug))
        one, = verify(slug, name)
        equal((one["shown"], one["method"], verdicts(one), one["answers"][0]["records"]), (True, "dns", [("shown", "ns.school.example")], [token]))
        equal(one["leads_to"], {"alias": slug + ".schools.example", "addresses": ["127.0.0.2"], "here": True})
        equal(everything(), before)

        equal(one["verdict"], "good")
        told = maratea("domain", "verify", slug, name, env=ENV).out
        holds(told, "token        %s, shown by dns\n" % token, "leads to     %s.schools.example, 127.0.0.2: this platform\n" % slug, "\nNext: maratea domain activate %s %s\n" % (slug, name))
        lacks(told, "TXT", "To show that", "CNAME")
        equal(maratea("domain", "verify", slug, name, env=dict(ENV, MARATEA_PLATFORM_DOMAIN="nowhere.schools.example.invalid"), status=None).status, 0)

        done = domain("activate", slug, name).json()
        equal((done["state"], done["primary"], done["shown"], done["changed"]), ("active", True, True, True))
        equal((served(name), own(slug)), (slug + "\tdns\tt\tf", name + "\tt"))
        before = everything(), own(slug)
        equal(domain("activate", slug, name).json()["changed"], False)
        holds(maratea("domain", "activate", slug, name, env=ENV).out, "state        active since", ", primary\n", "it was so already\n")
        equal(re.sub('"checked_at":"[^"]*"', "", before[0]), re.sub('"checked_at":"[^"]*"', "", everything()))
        equal(own(slug), before[1])

        lacks(maratea("domain", "verify", slug, name, env=ENV).out, "Next:")
        holds(maratea("domain", "add", slug, name, env=ENV).out, ", primary\ntoken        %s\nit was so already\n" % token)
        equal(domain("remove", slug, name).json(), {"slug": slug, "name": name, "state": "active", "primary": True})
        equal((served(name), own(slug)), ("", ""))
        holds(domain("remove", slug, name, status=1).err, "the school '%s' has no claim to %s" % (slug, name), "hint: 'maratea domain list %s' shows those that it has" % slug)
        equal(events(slug), [("domain.add", {"name": name}), ("domain.activate", {"name": name, "by": slug, "method": "dns"}), ("tenant.domains", {"domains": [{"name": name, "primary": True}]}),
                             ("domain.remove", {"name": name, "state": "active"}), ("tenant.domains", {"domains": []})])
    equal(own("other"), "")
    maratea("audit", "verify", env=ENV)
    maratea("tenant", "check", env=ENV)
    maratea("db", "diff", env=ENV)


def test_names_that_no_school_can_have():
    forget()
    before = everything()
    for name, why in (("schools.example", "schools.example is the platform's: at or under schools.example"), ("Learn.Schools.Example.", "learn.schools.example is the platform's"),
                      ("co.uk", "co.uk is a public suffix: many have names under it\nhint: a school has one such as school.co.uk"), ("github.io", "github.io is a public suffix"),
                      ("example", "the domain 'example' is one label only"), ("192.0.2.1", "is an address"), ("2001:db8::1", "the domain '2001:db8::1'"), ("", "the domain '' is empty"), (".", "is empty"),
                      ("a..example.org", "the domain 'a..example.org'"), ("a.-b.example.org", "the domain 'a.-b.example.org'"), ("*.example.org", "the domain '*.example.org' has more in it than letters"),
                      ("_dmarc.example.org", "has more in it than letters"), ("school.local", "the domain 'school.local' is of a kind that is nobody's in DNS"), ("x.onion", "nobody's in DNS"), ("1.10.in-addr.arpa", "nobody's in DNS"), ("a'; drop table domains.org", "the domain 'a'; drop"), ("https://example.org/", "the domain 'https://example.org/' has more in it than letters, digits and \"-\"\nhint: the name alone is wanted, such as learn.example.org"),
                      ("x" * 64 + ".org", "the domain 'xxxx"), ("x." * 130 + "org", "the domain 'x.x."), ("x." * 116 + "org", "is too long for _maratea-challenge before it"), ("y" * 100000 + ".org", "is too long"), ("school\nexample.org", "the domain"), (b"\xff.example.org", "the domain")):
        holds(domain("add", "alpha", name, status=2).err, why)
        for verb in ("activate", "remove"):
            if verb != "remove" or not any(word in why for word in ("platform", "suffix", "too long for")):
                domain(verb, "alpha", name, status=2)
    equal(everything(), before)
    for verb in (("add", "alpha", "a.example.org"), ("verify",), ("activate", "alpha", "a.example.org")):
        holds(domain(*verb, status=3, MARATEA_PLATFORM_DOMAIN="").err, "platform.domain is not set\nhint: it is where schools are without a domain of their own")
    holds(domain("add", "nobody", "a.example.org", status=1).err, "there is no school 'nobody'")
    holds(domain("list", "nobody", status=1).err, "there is no school 'nobody'")
    holds(domain("verify", "nobody", status=1).err, "there is no school 'nobody'")
    holds(domain("list", "--state", "lost", status=2).err, "--state 'lost': one of pending|expired|active")
    equal(everything(), before)
    equal(domain("add", "alpha", "Bücher.Example.").json()["name"], "xn--bcher-kva.example")
    equal(domain("add", "alpha", "xn--bcher-kva.example").json()["changed"], False)
    equal(domain("add", "alpha", "faß.example").json()["name"], "xn--fa-hia.example")
    equal(domain("add", "alpha", "school.github.io").json()["name"], "school.github.io")
    holds(maratea("domain", "list", "alpha", env=ENV).out, "xn--bcher-kva.example (bücher.example)")
    holds(maratea("domain", "add", "alpha", "bücher.example", env=ENV).out, "domain       xn--bcher-kva.example (bücher.example)\n")
    shown = maratea("domain", "add", "alpha", "learn.school.example", env=ENV).out
    token = domain("add", "alpha", "learn.school.example").json()["token"]
    holds(shown, "domain       learn.school.example\nschool       alpha\nstate        pending, until 20", "    _maratea-challenge.learn.school.example.  TXT  \"%s\"\n" % token,
          "put those 32 characters into a file there:\n\n    http://learn.school.example:%d/.well-known/maratea-challenge\n" % HTTP_PORT, "    learn.school.example.  CNAME  alpha.schools.example.\n", "\nThen: maratea domain verify alpha learn.school.example\n")


def test_what_servers_say_is_told_in_words():
    forget()
    token = claim("alpha")
    zone(challenge("v=spf1 -all"), challenge(token + "x"), challenge(token.upper()))
    one, = verify("alpha", "learn.school.example", status=4)
    equal((verdicts(one), one["answers"][0]["text"], sorted(one["answers"][0]["records"])), ([("other", "ns.school.example")], "has other TXT records, but not this one", sorted(["v=spf1 -all", token + "x", token.upper()])))
    out = maratea("domain", "verify", "alpha", "learn.school.example", env=ENV, status=4).out
    holds(out, "token        %s, not shown\n" % token, "answers      ns.school.example (127.0.0.1) has other TXT records, but not this one\n", '               "v=spf1 -all"\n', "leads to     nowhere yet\n", "TXT  \"%s\"" % token)
    equal((one["advice"], "advice       the record is to be the token alone, without anything before or behind it\n" in out), ("the record is to be the token alone, without anything before or behind it", True))
    holds(out, "Where your provider adds school.example to names by itself, the name is _maratea-challenge.learn\n")
    zone('learn TXT "maratea=%s"' % token)
    equal(verify("alpha", "learn.school.example", status=4)[0]["advice"], "the record is at learn.school.example; it is to be at _maratea-challenge.learn.school.example")
    zone('_maratea-challenge.learn.school.example TXT "%s"' % token)
    one, = verify("alpha", "learn.school.example", status=4)
    equal(one["advice"], "the record is at _maratea-challenge.learn.school.example.school.example; it is to be at _maratea-challenge.learn.school.example")
    # among others, and in several strings
    zone(challenge("v=spf1 -all"), '_maratea-challenge.learn TXT "%s" "%s"' % (token[:10], token[10:]), "learn A 127.0.0.3", "learn AAAA ::1")
    one, = verify("alpha", "learn.school.example")
    equal((verdicts(one), one["leads_to"]), ([("shown", "ns.school.example")], {"alias": None, "addresses": ["127.0.0.3", "::1"], "here": False}))
    holds(maratea("domain", "verify", "alpha", "learn.school.example", env=ENV).out, "token        %s, shown by dns\n" % token, "leads to     127.0.0.3, ::1: not this platform\n", "CNAME  alpha.schools.example.")
    # the resolver remembers for an hour that there was something else
    zone(challenge("gone"))
    verify("alpha", "learn.school.example", status=4)
    # escapes of a terminal, and bytes that are no text
    zone('_maratea-challenge.learn TXT "%s\\000x"' % token)
    one, = verify("alpha", "learn.school.example", status=4)
    equal((one["shown"], one["answers"][0]["records"]), (False, [token + "?x"]))
    zone('_maratea-challenge.learn TXT "\\027[31mred\\255"')
    one, = verify("alpha", "learn.school.example", status=4)
    equal(one["answers"][0]["records"], ["\x1b[31mred?"])
    lacks(maratea("domain", "verify", "alpha", "learn.school.example", env=ENV, status=4).out, "\x1b")
    # more than a packet holds
    zone(*[challenge("%03d" % n + "x" * 200) for n in range(60)], challenge(token))
    one, = verify("alpha", "learn.school.example")
    equal((one["shown"], len(one["answers"][0]["records"])), (True, 10))
    # aliases, in the zone and out of it, and too many
    zone("_maratea-challenge.learn CNAME x", 'x TXT "%s"' % token)
    equal(verify("alpha", "learn.school.example")[0]["shown"], True)
    zone("_maratea-challenge.learn CNAME a.other.example.")
    elsewhere('a TXT "%s"' % token)
    one, = verify("alpha", "learn.school.example")
    equal((verdicts(one), one["answers"][0]["text"]), ([("alias", "ns.school.example"), ("shown", "ns.other.example")], "has a CNAME to a.other.example"))
    zone("_maratea-challenge.learn CNAME a.other.example.", "a CNAME b.other.example.", "b CNAME c.other.example.")
    elsewhere("a CNAME a.school.example.", "b CNAME b.school.example.", 'c TXT "%s"' % token)
    one, = verify("alpha", "learn.school.example", status=4)
    equal((one["answers"][-1]["text"], len(one["answers"])), ("one CNAME leads to another", 5))
    zone("_maratea-challenge.learn CNAME a.other.example.")
    elsewhere("a CNAME b.other.example.")
    equal(verify("alpha", "learn.school.example", status=4)[0]["shown"], False)
    # a wildcard is a record
    zone('*.learn TXT "%s"' % token)
    equal(verify("alpha", "learn.school.example")[0]["shown"], True)
    # at the top of a zone
    top = claim("alpha", "school.example")
    zone(challenge(top, ""), "@ A 127.0.0.2")
    one, = verify("alpha", "school.example")
    equal((one["shown"], one["leads_to"]["here"]), (True, True))


def test_each_server_is_asked_and_none_may_deny_it():
    forget()
    token = claim("alpha")
    both = BASICS + ("@ NS ns2", "ns2 A 127.0.0.9")
    second = Nsd({"school.example": both}, "127.0.0.9", NSD.port)
    try:
        NSD.put("school.example", *both, challenge(token))
        one, = verify("alpha", "learn.school.example", status=4)
        equal((sorted(verdicts(one)), one["shown"]), ([("absent", "ns2.school.example"), ("shown", "ns.school.example")], False))
        equal(one["advice"], "1 of 2 servers that answer have the record, and all are to have it: the others may not have got it yet")
        second.put("school.example", *both, challenge(token))
        one, = verify("alpha", "learn.school.example")
        equal(sorted(verdicts(one)), [("shown", "ns.school.example"), ("shown", "ns2.school.example")])
        # one that is down, and one that does not serve the zone, deny nothing
        second.stop()
        one, = verify("alpha", "learn.school.example")
        equal((sorted(verdicts(one)), one["shown"]), ([("shown", "ns.school.example"), ("silent", "ns2.school.example")], True))
        second.zones = {"elsewhere.example": BASICS}
        second.start()
        one, = verify("alpha", "learn.school.example")
        lame, = [a for a in one["answers"] if a["verdict"] == "lame"]
        equal((lame["server"], lame["text"], one["shown"]), ("ns2.school.example", "does not serve school.example (REFUSED)", True))
        # a server that has no address, and one at an address that no public one asks
        NSD.put("school.example", *BASICS, "@ NS ns3", challenge(token))
        one, = verify("alpha", "learn.school.example")
        equal(sorted((a["verdict"], a["text"], a["address"]) for a in one["answers"]), [("shown", "has the record", "127.0.0.1"), ("silent", "has no address that could be found", None)])
    finally:
        second.close()
    found = domain("verify", "alpha", "learn.school.example", status=6, MARATEA_DOMAINS_ALLOW_PRIVATE="false")
    one, = found.json()["domains"]
    equal(sorted((a["verdict"], a["text"]) for a in one["answers"]), [("refused", "is at a private address, and is not asked"), ("silent", "has no address that could be found")])
    holds(found.err, "learn.school.example: no server that serves it was asked, or answered", "hint: domains.allow-private has those asked that are at private addresses")
    equal((one["verdict"], one["shown"], one["leads_to"], one["error"]), ("unknown", None, {"alias": None, "addresses": [], "here": None}, "no server that serves it answered"))
    out = maratea("domain", "verify", "alpha", "learn.school.example", env=dict(ENV, MARATEA_DOMAINS_ALLOW_PRIVATE="false"), status=6).out
    holds(out, "not known whether it is shown\n", "leads to     not known\n")
    lacks(out, "TXT", "CNAME")
    holds(domain("activate", "alpha", "learn.school.example", status=6, MARATEA_DOMAINS_ALLOW_PRIVATE="false").err, "no server that serves it was asked, or answered")
    holds(domain("verify", "alpha", "learn.school.example", status=3, MARATEA_DOMAINS_ALLOW_PRIVATE="maybe").err, "domains.allow-private 'maybe': one of true, servers, false")
    # nobody knows the zone: the resolver says that it may not ask
    claim("alpha", "learn.unknown.example")
    holds(domain("verify", "alpha", "learn.unknown.example", status=6).err, "the resolver could not find out who serves it (REFUSED)")
    # a resolver that is not there
    dead = domain("verify", "alpha", "learn.school.example", status=6, MARATEA_DNS_RESOLVER="127.0.0.1:%d" % free_port())
    equal(dead.err, "maratea: error: learn.school.example: no server that serves it answered: _maratea-challenge.learn.school.example: DNS did not answer (Could not contact DNS servers)\n")
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    began = time.monotonic()
    dead = domain("verify", "alpha", "learn.school.example", status=6, MARATEA_DNS_RESOLVER="127.0.0.1:%d" % silent.getsockname()[1])
    holds(dead.err, "learn.school.example: no server that serves it answered: _maratea-challenge.learn.school.example: DNS did not answer within 3")
    assert time.monotonic() - began < 10
    silent.close()
    equal(served("learn.school.example"), "")


def test_no_such_zone_is_an_answer():
    forget()
    claim("alpha", "learn.gone.example")
    none = Dnsmasq(("127.0.0.1", NSD.port), "--local=/gone.example/", "--local=/example/")
    try:
        one, = verify("alpha", "learn.gone.example", status=4, MARATEA_DNS_RESOLVER="127.0.0.1:%d" % none.port)
        equal([(a["server"], a["verdict"], a["text"]) for a in one["answers"]], [(None, "absent", "there is no domain _maratea-challenge.learn.gone.example")])
        equal((one["verdict"], one["zone"], one["advice"]), ("missing", None, None))
    finally:
        none.close()


def test_a_file_will_do_where_the_name_leads_elsewhere():
    forget()
    token = claim("alpha")
    host = "learn.school.example:%d" % HTTP_PORT
    url = "http://" + host + PATH
    zone("learn A 127.0.0.3")
    for answer, why in ((None, "answers 404 to " + url), ((200, {}, b"something"), "has something else at " + url), ((200, {}, b""), "has something else at " + url),
                        ((200, {}, token[:-1].encode()), "has something else"), ((200, {}, (token + "x").encode()), "has something else"), ((200, {}, b"x" + token.encode()), "has something else"),
                        ((200, {}, token.encode() + b"\0x"), "has something else"), ((204, {}, b""), "answers 204"), ((206, {}, token.encode()), "answers 206"),
                        ((200, {}, b" " * 300 + token.encode()), "the answer is longer than it may be"), ((500, {}, b"x" * 100000), "the answer is longer than it may be"), ((500, {}, b"no"), "answers 500"),
                        ((302, {}, b""), "it redirects without saying where to"), ((302, {"Location": "http://127.0.0.3:%d/ok" % HTTP_PORT}, b""), "it redirects to another host: http://127.0.0.3"),
                        ((302, {"Location": "http://evil.example/ok"}, b""), "it redirects to another host: http://evil.example/ok"), ((302, {"Location": "//evil.example/ok"}, b""), "another host"),
                        ((302, {"Location": "http://learn.school.example:22/ok"}, b""), "another host"), ((302, {"Location": "file:///etc/passwd"}, b""), "it redirects to"),
                        ((302, {"Location": PATH}, b""), "one redirect leads to another"), ((302, {"Location": "x y\\z"}, b""), "answers 404")):
        SITE.clear()
        SITE["/ok"] = (200, {}, token.encode())
        if answer:
            SITE[PATH] = answer
        one, = verify("alpha", "learn.school.example", status=4)
        holds(one["site"], why)
        equal((one["shown"], [h for h, _ in SITE["asked"] if h != host], len(SITE["asked"]) <= 4), (False, [], True))
    domain("activate", "alpha", "learn.school.example", status=4)
    # the name's own redirects are followed
    SITE[PATH] = (301, {"Location": "/moved"}, b"")
    SITE["/moved"] = (308, {"Location": "http://%s/ok" % host}, b"")
    equal(verify("alpha", "learn.school.example")[0]["shown"], True)
    SITE[PATH] = (200, {}, b"\r\n" + token.encode() + b"\n")
    one, = verify("alpha", "learn.school.example")
    equal((one["shown"], one["method"], one["site"], verdicts(one)), (True, "file", "has it at " + url, [("absent", "ns.school.example")]))
    # not at private addresses, unless that is said, and not by a proxy, which would ask for addresses anew
    SITE["asked"] = []
    NSD.put("school.example", *BASICS, "learn A 127.0.0.3", "learn A 10.0.0.1", "learn AAAA fe80::1")
    domain("verify", "alpha", "learn.school.example", status=6, MARATEA_DOMAINS_ALLOW_PRIVATE="false")
    equal(SITE["asked"], [])
    zone("learn A 127.0.0.3")
    equal(verify("alpha", "learn.school.example", http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")[0]["shown"], True)
    # name servers may be asked at private addresses, and sites not
    NSD.put("school.example", *BASICS, "learn A 127.0.0.3", "learn A 10.0.0.1", "learn AAAA fe80::1")
    one, = verify("alpha", "learn.school.example", status=4, MARATEA_DOMAINS_ALLOW_PRIVATE="servers")
    equal((one["site"], verdicts(one), one["leads_to"]["addresses"][:1]), ("is at a private address, and is not asked", [("absent", "ns.school.example")], [one["leads_to"]["addresses"][0]]))
    equal(SITE["asked"][1:], [])
    zone("learn A 127.0.0.3")
    # nor where the name leads here: whoever has a school can have files here
    SITE["asked"] = []
    for records, more in ((["learn A 127.0.0.2"], {}), (["learn A 127.0.0.3", "learn A 127.0.0.2"], {}), (["learn CNAME other.schools.example."], {}), (["learn CNAME a.other.example."], {}),
                          (["learn A 127.0.0.3"], {"MARATEA_DOMAINS_ADDRESSES": "192.0.2.1,127.0.0.3"}), (["learn A 127.0.0.3"], {"MARATEA_DOMAINS_ADDRESSES": "::ffff:127.0.0.3"})):
        zone(*records)
        elsewhere("a A 127.0.0.2")
        one, = verify("alpha", "learn.school.example", status=4, **more)
        equal((one["shown"], one["site"], one["leads_to"]["here"]), (False, None, True))
    zone("learn A 127.0.0.3")
    one, = verify("alpha", "learn.school.example", status=4, MARATEA_PLATFORM_DOMAIN="nowhere.schools.invalid")
    holds(one["site"], "was not asked for a file: where alpha.nowhere.schools.invalid leads is not known")
    # of so many addresses some may not have been told
    one, = verify("alpha", "learn.school.example", status=4, MARATEA_PLATFORM_DOMAIN="many.example")
    holds(one["site"], "was not asked for a file: where alpha.many.example leads is not known")
    for bad in ("127.0.0.300", "[::1]", "example.org", "192.0.2.1,x"):
        holds(domain("verify", status=3, MARATEA_DOMAINS_ADDRESSES=bad).err, "is no IPv4 or IPv6 address")
    equal(SITE["asked"], [])
    # it is served, and holds for as long as the name leads here
    equal(domain("activate", "alpha", "learn.school.example").json()["method"], "file")
    equal(served("learn.school.example"), "alpha\tfile\tt\tf")
    SITE.clear()
    zone("learn CNAME alpha.schools.example.")
    one, = verify("alpha", "learn.school.example")
    equal((one["shown"], one["leads_to"]["here"], one["verdict"], one["method"]), (False, True, "good", "file"))
    equal([d["verdict"] for d in verify()], ["good"])
    equal(maratea("domain", "verify", env=ENV).out, "1 active domain is as it should be\n")
    out = maratea("domain", "verify", "alpha", "learn.school.example", env=ENV).out
    holds(out, ", shown by a file once, and the name leads here\n")
    lacks(out, "To show")
    equal(domain("activate", "alpha", "learn.school.example").json()["changed"], False)
    zone("learn A 127.0.0.3")
    verify(status=4)
    holds(maratea("domain", "verify", env=ENV, status=4).out, "DOMAIN", "learn.school.example  alpha   missing", "no record, and it does not lead here")
    # a record is better
    zone(challenge(token))
    domain("activate", "alpha", "learn.school.example")
    equal(served("learn.school.example"), "alpha\tdns\tt\tf")


def test_another_school_takes_a_name_over_after_notice():
    forget()
    mine, theirs, third = claim("alpha"), claim("beta"), claim("gamma")
    zone(challenge(mine))
    domain("activate", "alpha", "learn.school.example")
    # a claim is no harm
    verify("beta", "learn.school.example", status=4)
    domain("activate", "beta", "learn.school.example", status=4)
    zone(challenge(mine), challenge(theirs))
    held = domain("activate", "beta", "learn.school.example", status=5)
    holds(held.err, "learn.school.example is the school 'alpha''s, which shows its token")
    equal((held.json()["state"], held.json()["shown"], held.json()["changed"], held.json()["challenge"]), ("pending", True, False, None))
    # the holder's is gone: notice
    zone(challenge(theirs))
    verify("alpha", "learn.school.example", status=4)
    notice = domain("activate", "beta", "learn.school.example", status=5)
    until = notice.json()["challenge"]["until"]
    equal(notice.json()["challenge"], {"by": "beta", "holder": "alpha", "until": until})
    holds(notice.err, "learn.school.example is the school 'alpha''s, which has until %s to show its token" % until, "hint: the same command moves it to 'beta' then")
    equal(sql("SELECT challenge_ends - now() BETWEEN interval '71 hours 55 minutes' AND '72 hours' FROM maratea.domains"), "t")
    before = everything()
    again = domain("activate", "beta", "learn.school.example", status=5)
    equal((again.json()["challenge"]["until"], again.json()["changed"], everything()), (until, False, before))
    equal({d["slug"]: d["challenge"] and d["challenge"]["until"] for d in domain("list").json()["domains"]}, {"alpha": until, "beta": until, "gamma": None})
    holds(maratea("domain", "list", env=ENV).out, "active, primary, challenged")
    equal(domain("verify", status=4).err, "maratea: error: 1 of 1 active domains are not shown, or to be lost: learn.school.example\n")
    equal([(d["slug"], d["holder"]) for d in domain("list").json()["domains"]], [(d["slug"], None if d["slug"] == "alpha" else "alpha") for d in domain("list").json()["domains"]])
    holds(maratea("domain", "verify", "beta", "learn.school.example", env=ENV).out, "held by      'alpha', another school\nchallenge    'beta' is to get it from 'alpha', which has until")
    # somebody else waits, but not for one whose own record is gone
    zone(challenge(third))
    equal(domain("activate", "gamma", "learn.school.example", status=5).json()["challenge"]["by"], "gamma")
    zone(challenge(theirs))
    equal(domain("activate", "beta", "learn.school.example", status=5).json()["challenge"]["by"], "beta")
    zone(challenge(theirs), challenge(third))
    holds(domain("activate", "gamma", "learn.school.example", status=5).err, "is the school 'alpha''s, and another school is to get it")
    # the holder is back: by its own command, or when the other tries again
    zone(challenge(mine), challenge(theirs))
    one = domain("verify", status=4)
    equal((one.err, one.json()["domains"][0]["verdict"], one.json()["domains"][0]["shown"]), ("maratea: error: 1 of 1 active domains are not shown, or to be lost: learn.school.example\n", "challenged", True))
    holds(domain("verify", "alpha", "learn.school.example", status=4).err, "learn.school.example: another school is to get it", "hint: its token is there again: 'maratea domain activate alpha learn.school.example' keeps it")
    equal(domain("activate", "alpha", "learn.school.example").json()["challenge"], None)
    equal(served("learn.school.example"), "alpha\tdns\tt\tf")
    zone(challenge(theirs))
    domain("activate", "beta", "learn.school.example", status=5)
    zone(challenge(mine), challenge(theirs))
    back = domain("activate", "beta", "learn.school.example", status=5)
    equal((back.json()["challenge"], back.err), (None, "maratea: error: learn.school.example is the school 'alpha''s, which shows its token: the notice has ended\n"))
    equal(served("learn.school.example"), "alpha\tdns\tt\tf")
    # time is over, but not for who does not show the token any more, nor where the holder does again
    zone(challenge(theirs))
    domain("activate", "beta", "learn.school.example", status=5)
    sql("UPDATE maratea.domains SET challenge_ends = now() - interval '1 minute'")
    zone()
    domain("activate", "beta", "learn.school.example", status=4)
    zone(challenge(mine), challenge(theirs))
    domain("activate", "beta", "learn.school.example", status=5)
    equal(served("learn.school.example"), "alpha\tdns\tt\tf")
    # nor for a file
    zone("learn A 127.0.0.3")
    SITE[PATH] = (200, {}, theirs.encode())
    domain("activate", "beta", "learn.school.example", status=4)
    # a notice that nobody made use of is void
    zone(challenge(theirs))
    domain("activate", "beta", "learn.school.example", status=5)
    sql("UPDATE maratea.domains SET challenge_ends = now() - interval '7 days'")
    equal([d["challenge"] for d in domain("list").json()["domains"]], [None, None, None])
    domain("activate", "beta", "learn.school.example", status=5)
    equal(sql("SELECT challenge_ends > now() + interval '71 hours' FROM maratea.domains"), "t")
    sql("UPDATE maratea.domains SET challenge_ends = now() - interval '6 days 23 hours'")
    maratea("tenant", "archive", "alpha", env=ENV)
    done = domain("activate", "beta", "learn.school.example").json()
    equal((done["state"], done["primary"], done["changed"], done["challenge"]), ("active", True, True, None))
    equal((served("learn.school.example"), own("alpha"), own("beta")), ("beta\tdns\tt\tf", "", "learn.school.example\tt"))
    equal(sql("SELECT count(*) FROM maratea.domain_syncs"), "0")
    equal([d["state"] for d in domain("list", "alpha").json()["domains"]], ["pending"])
    maratea("tenant", "resume", "alpha", env=ENV)
    payload = {"name": "learn.school.example", "by": "beta", "method": "dns"}
    equal([p for a, p in events("alpha") if a == "tenant.domains"][-1], {"domains": []})
    equal([p for a, p in events("alpha") if a == "domain.lose"], [payload])
    actions = [a for a, p in events("alpha") if p.get("by") == "beta"]
    equal(actions, ["domain.challenged", "domain.challenged", "domain.challenged", "domain.challenge-end", "domain.challenged", "domain.challenge-end", "domain.challenged", "domain.challenged", "domain.lose"])
    equal([(a, p["by"]) for a, p in events("gamma") if "by" in p][-2:], [("domain.challenge", "gamma"), ("domain.challenge-end", "beta")])
    equal([(a, p["by"]) for a, p in events("beta") if p.get("by") not in (None, "beta")], [("domain.challenge-end", "gamma"), ("domain.challenge-end", "alpha")])
    equal([a for a, p in events("beta") if p.get("by") == "beta"][-8:], ["domain.challenge", "domain.challenge", "domain.challenge-end", "domain.challenge", "domain.challenge-end", "domain.challenge", "domain.challenge", "domain.activate"])
    maratea("audit", "verify", env=ENV)
    # when it is removed, it is whoever's comes first
    domain("remove", "beta", "learn.school.example")
    zone(challenge(mine))
    equal(domain("activate", "alpha", "learn.school.example").json()["state"], "active")


def test_one_of_several_at_a_time_gets_a_name():
    forget()
    slugs = ("alpha", "other", "beta", "gamma")
    zone(*[challenge(claim(slug)) for slug in slugs])
    runs = [start("domain", "activate", slug, "learn.school.example", env=ENV) for slug in slugs]
    done = [finish(r) for r in runs]
    equal(sorted(r.status for r in done), [0, 5, 5, 5], repr(done))
    winner = slugs[[r.status for r in done].index(0)]
    equal(served("learn.school.example"), winner + "\tdns\tt\tf")
    equal([bool(own(slug)) for slug in slugs], [slug == winner for slug in slugs])


def test_servers_that_say_nothing_are_not_waited_for_long():
    forget()
    token = claim("alpha")
    slow = claim("alpha", "a.slow.example")
    zone(challenge(token))
    domain("activate", "alpha", "learn.school.example")
    sql("INSERT INTO maratea.domains (name, tenant_id, method) SELECT name, tenant_id, 'dns' FROM maratea.domain_claims WHERE token = '%s'" % slow)
    silent = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for n, s in enumerate(silent):
        s.bind(("127.0.0.%d" % (77 + n), NSD.port))
    try:
        began = time.monotonic()
        one, = verify("alpha", "a.slow.example", status=6)
        equal((verdicts(one), one["verdict"], one["shown"]), ([("silent", "ns.slow.example")], "unknown", None))
        # two addresses, 3 s each
        assert 5 < time.monotonic() - began < 15
        # what was found out by then is told
        cut = domain("verify", "--timeout", "4s", status=6)
        equal([(d["name"], d["verdict"]) for d in cut.json()["domains"]], [("learn.school.example", "good")])
        holds(cut.err, "the time limit of --timeout has passed")
        equal(maratea("domain", "verify", "--timeout", "4s", env=ENV, status=6).out, "1 active domain is as it should be\n")
    finally:
        for s in silent:
            s.close()


def test_a_claim_expires():
    forget()
    token = claim("alpha")
    zone(challenge(token))
    sql("UPDATE maratea.domain_claims SET expires_at = now()")
    equal([(d["name"], d["state"]) for d in domain("list", "alpha", "--state", "expired").json()["domains"]], [("learn.school.example", "expired")])
    for verb in ("verify", "activate"):
        holds(domain(verb, "alpha", "learn.school.example", status=4).err, "the claim of 'alpha' to learn.school.example has expired", "hint: 'maratea domain add alpha learn.school.example' makes a new token")
    equal(served("learn.school.example"), "")
    fresh = domain("add", "alpha", "learn.school.example").json()
    assert fresh["token"] != token and fresh["changed"] and fresh["state"] == "pending", fresh
    zone(challenge(fresh["token"]))
    domain("activate", "alpha", "learn.school.example")
    # what is active keeps its token for good
    sql("UPDATE maratea.domain_claims SET expires_at = now() - interval '1 year'")
    equal(domain("add", "alpha", "learn.school.example").json()["token"], fresh["token"])
    verify("alpha", "learn.school.example")


def test_the_shell_completes_names():
    forget()
    for slug, name in (("alpha", "learn.school.example"), ("alpha", "www.school.example"), ("beta", "learn.other.example")):
        domain("add", slug, name)
    for words, offered in ((("domain", "activate", "alpha", ""), ["learn.school.example", "www.school.example"]), (("domain", "remove", "alpha", "w"), ["www.school.example"]),
                           (("domain", "verify", "beta", ""), ["learn.other.example"]), (("tenant", "list", "--domain", "learn"), ["learn.other.example", "learn.school.example"]), (("domain", "add", "alpha", ""), [])):
        equal(maratea("__complete", *words, env=ENV).out.splitlines(), offered)


def test_a_school_has_one_primary_name():
    forget()
    names = ["a.school.example", "b.school.example", "c.school.example"]
    zone(*[challenge(claim("gamma", name), name[0]) for name in names])
    for name in names:
        domain("activate", "gamma", name)
    equal(own("gamma"), "a.school.example\tt\nb.school.example\tf\nc.school.example\tf")
    equal(domain("activate", "gamma", "c.school.example", "--primary").json()["primary"], True)
    equal(own("gamma"), "a.school.example\tf\nb.school.example\tf\nc.school.example\tt")
    equal(domain("activate", "gamma", "c.school.example", "--primary").json()["changed"], False)
    equal(maratea("tenant", "show", "gamma", "-o", "json", env=ENV).json()["domains"], ["c.school.example", "a.school.example", "b.school.example"])
    holds(maratea("tenant", "show", "gamma", env=ENV).out, "domains      c.school.example\n             a.school.example\n")
    domain("remove", "gamma", "c.school.example")
    equal(own("gamma"), "a.school.example\tf\nb.school.example\tf")
    for name, slug in (("A.School.Example", ["gamma"]), ("c.school.example", []), ("x.example.org", [])):
        equal([t["slug"] for t in maratea("tenant", "list", "--domain", name, "-o", "json", env=ENV).json()["tenants"]], slug)
    holds(maratea("tenant", "list", "--domain", "c.school.example", env=ENV).out, "no schools like that\n")
    maratea("tenant", "list", "--domain", "no name", env=ENV, status=2)
    for name in names[:2]:
        domain("remove", "gamma", name)
    equal(own("gamma"), "")


def test_a_file_does_not_keep_a_name_from_who_shows_a_record():
    forget()
    mine, theirs = claim("alpha"), claim("beta")
    SITE[PATH] = (200, {}, mine.encode())
    zone("learn A 127.0.0.3")
    domain("activate", "alpha", "learn.school.example")
    zone(challenge(theirs), "learn CNAME alpha.schools.example.")
    domain("activate", "beta", "learn.school.example", status=5)
    kept = domain("activate", "alpha", "learn.school.example", status=4)
    holds(kept.err, "another school is to get learn.school.example: only the record in DNS keeps it")
    equal(kept.json()["challenge"]["by"], "beta")
    # whoever gives a challenge up, or the name, has it told to the other
    domain("remove", "beta", "learn.school.example")
    equal((served("learn.school.example"), events("alpha")[-1]), ("alpha\tfile\tt\tf", ("domain.challenge-end", {"name": "learn.school.example", "state": "pending"})))
    zone(challenge(claim("beta")), "learn CNAME alpha.schools.example.")
    domain("activate", "beta", "learn.school.example", status=5)
    domain("remove", "alpha", "learn.school.example")
    equal(events("beta")[-1], ("domain.challenge-end", {"name": "learn.school.example", "state": "active"}))
    equal(domain("activate", "beta", "learn.school.example").json()["state"], "active")
    maratea("audit", "verify", env=ENV)


def test_an_alias_gives_nobody_a_say():
    forget()
    token = claim("alpha")
    zone("learn CNAME third.example.")
    ELSEWHERE.put("third.example", "@ NS ns", "ns A 127.0.0.8")
    ELSEWHERE.put("learn.school.example", "@ NS ns.third.example.", '_maratea-challenge TXT "%s"' % token)
    try:
        one, = verify("alpha", "learn.school.example", status=4)
        equal((verdicts(one), one["zone"]), ([("absent", "ns.school.example")], "school.example"))
        # who has the zone is asked, wherever the name leads
        zone("learn CNAME third.example.", challenge(token))
        one, = verify("alpha", "learn.school.example")
        equal((verdicts(one), one["leads_to"]["alias"]), ([("shown", "ns.school.example")], "third.example"))
    finally:
        del ELSEWHERE.zones["third.example"], ELSEWHERE.zones["learn.school.example"]
        elsewhere()


def test_damaged_answers_say_nothing():
    forget()
    token, theirs = claim("alpha", "a.broken.example"), claim("beta", "a.broken.example")
    sql("INSERT INTO maratea.domains (name, tenant_id, method) SELECT c.name, c.tenant_id, 'dns' FROM maratea.domain_claims c JOIN maratea.tenants t ON t.id = c.tenant_id WHERE t.slug = 'alpha'")
    replies = {}
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.66", NSD.port))

    def serve():
        while True:
            packet, peer = server.recvfrom(512)
            if packet == b"end":
                return
            end = packet.index(b"\0", 12) + 5
            server.sendto(packet[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + packet[12:end] + replies["answer"], peer)
    thread = threading.Thread(target=serve)
    thread.start()

    def txt(owner, *strings):
        data = b"".join(bytes([len(x)]) + x.encode() for x in strings)
        return owner + b"\x00\x10\x00\x01\x00\x00\x00\x3c" + len(data).to_bytes(2, "big") + data
    same, loop, other = b"\xc0\x0c", b"\xc0\xff", b"\x04evil\x00"
    try:
        replies["answer"] = txt(same, theirs)
        equal(verify("beta", "a.broken.example")[0]["shown"], True)
        for answer in (b"", txt(same, theirs)[:-5], txt(loop, theirs), same + b"\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x03\xffab", txt(same, theirs)[:8]):
            replies["answer"] = answer
            one, = verify("beta", "a.broken.example", status=6)
            equal(([(a["verdict"], a["text"]) for a in one["answers"]], one["verdict"]), ([("garbled", "has a damaged answer")], "unknown"))
            domain("activate", "beta", "a.broken.example", status=6)
        # a record of another name is none of this one
        replies["answer"] = txt(other, theirs)
        equal([a["verdict"] for a in verify("beta", "a.broken.example", status=4)[0]["answers"]], ["absent"])
        equal(served("a.broken.example"), "alpha\tdns\tf\tf")
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", ("127.0.0.66", NSD.port))
        thread.join()
        server.close()


def test_two_schools_may_take_names_from_each_other_at_once():
    names = {"alpha": "a.school.example", "other": "b.school.example"}
    for n in range(6):
        forget()
        tokens = {slug: {name: claim(slug, name) for name in names.values()} for slug in names}
        zone(*[challenge(tokens[slug][name], name[0]) for slug, name in names.items()])
        for slug, name in names.items():
            domain("activate", slug, name)
        a, b = names.values()
        zone(challenge(tokens["other"][a], "a"), challenge(tokens["alpha"][b], "b"))
        domain("activate", "other", a, status=5)
        domain("activate", "alpha", b, status=5)
        sql("UPDATE maratea.domains SET challenge_ends = now()")
        runs = [start("domain", "activate", slug, name, "--primary", env=ENV) for slug, name in (("other", a), ("alpha", b))]
        done = [finish(r) for r in runs]
        # one may find the other at work, and be asked to come again
        for result, (slug, name) in zip(done, (("other", a), ("alpha", b))):
            if result.status != 0:
                equal(result.status, 5, repr(result))
                holds(result.err, "another command is at work on the school")
            domain("activate", slug, name, "--primary")
        equal((served(a).split("\t")[0], served(b).split("\t")[0]), ("other", "alpha"))
        equal((own("alpha"), own("other"), sql("SELECT count(*) FROM maratea.domain_syncs")), ("b.school.example\tt", "a.school.example\tt", "0"))


def test_what_was_interrupted_the_same_command_finishes():
    forget()
    database = SCHOOLS["gamma"]["database"]
    token, other, third = claim("gamma"), claim("alpha"), claim("beta")
    zone(challenge(token))
    PG.psql('ALTER DATABASE "%s" ALLOW_CONNECTIONS false' % database)
    cut = domain("activate", "gamma", "learn.school.example", status=6)
    holds(cut.err, "learn.school.example: it is so in the platform, but not in a school's own tables yet: the school 'gamma': ", "hint: the same command goes on from there")
    equal((cut.json()["state"], served("learn.school.example")), ("active", "gamma\tdns\tt\tf"))
    domain("activate", "gamma", "learn.school.example", status=6)
    PG.psql('ALTER DATABASE "%s" ALLOW_CONNECTIONS true' % database)
    equal(own("gamma"), "")
    domain("activate", "gamma", "learn.school.example")
    equal(own("gamma"), "learn.school.example\tt")
    # who loses it is told when it can be, and whoever comes next sees to it
    PG.psql('ALTER DATABASE "%s" ALLOW_CONNECTIONS false' % database)
    for slug, record in (("alpha", other), ("beta", third)):
        zone(challenge(record))
        domain("activate", slug, "learn.school.example", status=5)
        sql("UPDATE maratea.domains SET challenge_ends = now()")
        holds(domain("activate", slug, "learn.school.example", status=6).err, "learn.school.example: it is so in the platform, but not in a school's own tables yet: the school 'gamma': ")
        equal(served("learn.school.example"), slug + "\tdns\tt\tf")
    equal((own("alpha"), own("beta")), ("", "learn.school.example\tt"))
    # what is about other names and schools goes its way
    zone(challenge(claim("other", "x.school.example"), "x"))
    holds(domain("activate", "other", "x.school.example").err, "maratea: warning: its own tables do not say who has learn.school.example yet: the school 'gamma': ")
    equal(own("other"), "x.school.example\tt")
    # so it is when it is removed
    holds(domain("remove", "beta", "learn.school.example", status=6).err, "learn.school.example: it is so in the platform, but not in a school's own tables yet: the school 'gamma'")
    equal((served("learn.school.example"), own("beta")), ("", ""))
    holds(domain("remove", "beta", "learn.school.example", status=6).err, "learn.school.example: it is so in the platform, but not in a school's own tables yet: the school 'gamma'")
    for slug in ("other", "nobody"):
        domain("remove", slug, "learn.school.example", status=1)
        domain("remove", slug, "z.school.example", status=1)
    PG.psql('ALTER DATABASE "%s" ALLOW_CONNECTIONS true' % database)
    equal(own("gamma"), "learn.school.example\tt")
    equal(domain("remove", "beta", "learn.school.example").json()["state"], "removed")
    equal((own("gamma"), sql("SELECT count(*) FROM maratea.domain_syncs")), ("", "0"))
    domain("remove", "beta", "learn.school.example", status=1)
    maratea("audit", "verify", env=ENV)


def test_schools_that_are_not_served():
    forget()
    token = claim("other")
    zone(challenge(token))
    maratea("tenant", "archive", "other", env=ENV)
    for verb in ("add", "activate"):
        holds(domain(verb, "other", "learn.school.example", status=5).err, "the school 'other' is archived", "hint: 'maratea tenant resume other' makes it active again")
    maratea("tenant", "resume", "other", env=ENV)
    maratea("tenant", "suspend", "other", env=ENV)
    holds(domain("activate", "other", "learn.school.example").err, "maratea: warning: learn.school.example does not lead to this platform yet\n")
    maratea("tenant", "archive", "other", env=ENV)
    # it can keep what it has
    equal(domain("activate", "other", "learn.school.example").json()["changed"], False)
    equal(domain("remove", "other", "learn.school.example").json()["state"], "active")
    equal(own("other"), "")
    maratea("tenant", "resume", "other", env=ENV)
    other = dict(ENV, MARATEA_PLATFORM_ID="00000000-0000-4000-8000-000000000000")
    before = everything()
    for verb in ("add", "activate", "remove"):
        domain(verb, "other", "learn.school.example", env=other, status=5)
    equal(everything(), before)


def test_a_school_is_made_with_a_domain():
    forget()
    make = ["tenant", "create", "delta", "--name", "Delta", "--plan", "plus", "--owner-email", "d@example.org"]
    tried = maratea(*make, "--domain", "Delta.School.Example", "--dry-run", "-o", "json", env=ENV).json()
    equal([x["step"] for x in tried["steps"]], ["reserve", "schema", "migrate", "fill", "claim", "activate"])
    equal((tried["domain"], sql("SELECT count(*) FROM maratea.domain_claims")), ({"name": "delta.school.example"}, "0"))
    for name in ("co.uk", "x.schools.example", "nothing"):
        maratea(*make, "--domain", name, env=ENV, status=2)
    maratea(*make, "--domain", "delta.school.example", env=dict(ENV, MARATEA_PLATFORM_DOMAIN=""), status=3)
    equal(sql("SELECT count(*) FROM maratea.tenants WHERE slug = 'delta'"), "0")
    sql("REVOKE CREATE ON DATABASE platform FROM maratea_owner")
    maratea(*make, "--domain", "Delta.School.Example", env=ENV, status=6)
    sql("GRANT CREATE ON DATABASE platform TO maratea_owner")
    for more in ((), ("--domain", "other.school.example")):
        holds(maratea(*make, *more, env=ENV, status=5).err, "the school 'delta' was begun with other options", " --owner-email 'd@example.org' --domain 'delta.school.example' --isolation 'schema'\n")
    made = maratea(*make, "--domain", "Delta.School.Example", env=ENV).out
    token = domain("add", "delta", "delta.school.example").json()["token"]
    holds(made, "domain       delta.school.example\n", "    _maratea-challenge.delta.school.example.  TXT  \"%s\"" % token)
    holds(made, "claim: done\n", "Then: maratea domain verify delta delta.school.example\n")
    equal([(e["action"], e["payload"]) for e in maratea("audit", "list", "delta", "--action", "domain", "-o", "json", env=ENV).json()["events"]], [("domain.add", {"name": "delta.school.example"})])
    equal(sql("SELECT payload->>'domain' FROM maratea.audit_log a JOIN maratea.tenants t ON t.id = a.tenant_id AND t.slug = 'delta' WHERE action = 'tenant.create'"), "delta.school.example")
    SCHOOLS["delta"] = maratea("tenant", "show", "delta", "-o", "json", env=ENV).json()
    zone(challenge(token, "delta"))
    domain("activate", "delta", "delta.school.example")
    equal(own("delta"), "delta.school.example\tt")
    equal(maratea("tenant", "create", "echo", "--name", "E", "--plan", "basic", "--owner-email", "e@example.org", "-o", "json", env=ENV).json()["domain"], None)


def test_many_are_listed_and_asked_for():
    forget()
    sql("INSERT INTO maratea.domain_claims (tenant_id, name, token, expires_at) SELECT id, 'n' || n || '.school.example', md5(n::text), now() + n * interval '1 second' - interval '1200 seconds' "
        "FROM maratea.tenants, generate_series(1, 1200) n WHERE slug = 'alpha'; INSERT INTO maratea.domain_claims (tenant_id, name, token, expires_at) SELECT t.id, c.name, c.token, now() + interval '1 day' "
        "FROM maratea.domain_claims c, maratea.tenants t WHERE t.slug = 'beta' AND c.name LIKE 'n1%'")
    every = domain("list").json()["domains"]
    equal([(d["name"], d["slug"]) for d in every], [tuple(line.split("\t")) for line in sql("SELECT c.name, t.slug FROM maratea.domain_claims c JOIN maratea.tenants t ON t.id = c.tenant_id ORDER BY c.name COLLATE \"C\", c.tenant_id").splitlines()])
    equal(len(every), 1200 + len([n for n in range(1, 1201) if str(n)[0] == "1"]))
    lines = maratea("domain", "list", "beta", "-o", "jsonl", env=ENV).out.splitlines()
    equal([json.loads(l)["slug"] for l in lines], ["beta"] * len([n for n in range(1, 1201) if str(n)[0] == "1"]))
    equal(len(maratea("domain", "list", "alpha", "--state", "expired", "-o", "name", env=ENV).out.splitlines()), 1200)
    # 250 are active, two of which are not shown
    sql("DELETE FROM maratea.domain_claims WHERE name NOT LIKE 'n__.%' AND name NOT LIKE 'n1__.%'; DELETE FROM maratea.domain_claims c USING maratea.tenants t WHERE t.id = c.tenant_id AND t.slug = 'beta';"
        "INSERT INTO maratea.domains (name, tenant_id, method) SELECT name, tenant_id, 'dns' FROM maratea.domain_claims;"
        "INSERT INTO maratea.domain_claims (tenant_id, name, token, expires_at) SELECT id, 'm' || n || '.school.example', md5(n::text), now() FROM maratea.tenants, generate_series(1, 60) n WHERE slug = 'beta';"
        "INSERT INTO maratea.domains (name, tenant_id, method) SELECT c.name, c.tenant_id, 'dns' FROM maratea.domain_claims c WHERE c.name LIKE 'm%'")
    rows = [line.split("\t") for line in sql("SELECT split_part(name, '.', 1), token FROM maratea.domain_claims ORDER BY name").splitlines()]
    equal(len(rows), 250)
    zone(*[challenge(token, name) for name, token in rows if name not in ("n17", "m3")])
    found = domain("verify", status=4)
    equal([d["name"] for d in found.json()["domains"] if not d["shown"]], ["m3.school.example", "n17.school.example"])
    equal(len(found.json()["domains"]), 250)
    equal(found.err, "maratea: error: 2 of 250 active domains are not shown, or to be lost: m3.school.example, n17.school.example\n")
    plain = maratea("domain", "verify", env=ENV, status=4).out.splitlines()
    equal((len(plain), plain[-1]), (4, "248 active domains are as they should be"))
    # of some nothing can be said
    sql("UPDATE maratea.domains SET name = 'x.unknown.example' WHERE name = 'm1.school.example'; UPDATE maratea.domain_claims SET name = 'x.unknown.example' WHERE name = 'm1.school.example'")
    mixed = domain("verify", status=4)
    equal(mixed.err, "maratea: error: 2 of 250 active domains are not shown, or to be lost, of 1 nothing could be said: m3.school.example, n17.school.example, x.unknown.example\n")
    equal([(d["name"], d["verdict"], d["shown"]) for d in mixed.json()["domains"] if d["verdict"] != "good"], [("m3.school.example", "missing", False), ("n17.school.example", "missing", False), ("x.unknown.example", "unknown", None)])
    equal(maratea("domain", "verify", "-o", "name", env=ENV, status=4).out, "m3.school.example\nn17.school.example\nx.unknown.example\n")
    sql("UPDATE maratea.domains SET name = 'm1.school.example' WHERE name = 'x.unknown.example'; UPDATE maratea.domain_claims SET name = 'm1.school.example' WHERE name = 'x.unknown.example'")
    one = domain("verify", "alpha", "--jobs", "1", status=4)
    equal((len(one.json()["domains"]), [d["name"] for d in one.json()["domains"] if not d["shown"]]), (190, ["n17.school.example"]))
    domain("verify", "--jobs", "0", status=2)
    zone(*[challenge(token, name) for name, token in rows])
    equal(len(maratea("domain", "verify", "-o", "jsonl", env=ENV).out.splitlines()), 250)
    forget()
    holds(maratea("domain", "verify", env=ENV).out, "no domains are active\n")
    equal(maratea("domain", "list", env=ENV).out, "no domains; 'maratea domain add' claims one\n")
    equal(domain("list").json(), {"domains": []})


main(globals())
