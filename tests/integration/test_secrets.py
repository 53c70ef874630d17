"""test_secrets.py - no secret leaves: not when peers repeat it, in no output format, store, audit log or metrics file.

Each secret setting holds a canary of its own. Peers repeat what they were sent; then everything that maratea wrote is searched.
"""
import http.server
import os
import shutil
import socket
import struct
import threading

from harness import *
from schools import make_platform
from servers import Postgres, Redis, free_port

PG = Postgres()
REDIS = Redis("--rename-command", "AUTH", "SESAME", password="")
ROOT = temporary()
STORE = ROOT + "/store"
TEXTFILE = ROOT + "/maratea.prom"
CLEANUP = [PG.close, REDIS.close, lambda: shutil.rmtree(ROOT)]

NAMES = ("postgres", "migrate", "backup", "redis", "secretkey", "session", "ping", "gateway", "endpoint", "option", "admin", "damage", "container", "identitytoken", "warning")
CANARY = {name: "canary-of-%s-hush" % name for name in NAMES}
IDENTITY = "AGE-SECRET-KEY-1" + "Q" * 58  # of the right form, with a wrong checksum


def found(text):
    """The canaries in it, however they are written."""
    return sorted({name for name, word in CANARY.items() if word in text} | ({"identity"} if IDENTITY in text else set()))


class EchoingPostgres:
    """A server of PostgreSQL's protocol that wants the password in clear text and repeats it in its error; no real server does."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as f:
            while True:
                size, code = struct.unpack("!ii", f.read(8))
                f.read(size - 8)
                if code == 196608:
                    break
                client.sendall(b"N")  # neither TLS nor GSSAPI
            client.sendall(b"R" + struct.pack("!ii", 8, 3))
            kind, size = struct.unpack("!ci", f.read(5))
            word = f.read(size - 4).rstrip(b"\0")
            body = b"SFATAL\0VFATAL\0C28P01\0Mthe password " + word + b" is wrong\0Fauth.c\0L1\0Rauth_failed\0\0"
            client.sendall(b"E" + struct.pack("!i", len(body) + 4) + body)

    def url(self, name):
        return "postgresql://u:%s@127.0.0.1:%d/d" % (CANARY[name], self.port)


class EchoingHttp:
    """A gateway whose errors repeat the request, as some do for debugging; of S3 and of everything else over HTTP."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin1")
                text = "%s %s %s" % (sent[:200], self.path, " ".join("%s=%s" % item for item in self.headers.items()))
                body = ("<Error><Code>AccessDenied</Code><Message>%s</Message></Error>" % text.replace("&", " ").replace("<", " ")).encode()
                self.send_response(403)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


ECHO_PG, ECHO_HTTP = EchoingPostgres(), EchoingHttp()
ECHO_URL = "http://127.0.0.1:%d" % ECHO_HTTP.port
PLATFORM = dict(zip(("id", "password", "env"), make_platform(PG, ROOT)))
maratea("db", "migrate", env=PLATFORM["env"])

# everything that is secret is set, in each case
BASE_ENV = environment(
    DATABASE_URL=PG.url(), MARATEA_STORE="file://" + STORE, MARATEA_POSTGRES_MIGRATE_PASSWORD=CANARY["migrate"],
    MARATEA_BACKUP_POSTGRES_PASSWORD=CANARY["backup"], MARATEA_STORE_ACCESS_KEY="AK", MARATEA_STORE_SECRET_KEY=CANARY["secretkey"],
    MARATEA_STORE_SESSION_TOKEN=CANARY["session"], MARATEA_BACKUP_PING=ECHO_URL + "/" + CANARY["ping"],
    MARATEA_BACKUP_PUSHGATEWAY="http://u:%s@127.0.0.1:%d" % (CANARY["gateway"], ECHO_HTTP.port), MARATEA_BACKUP_METRICS_TEXTFILE=TEXTFILE,
    REDIS_URL="redis://:%s@127.0.0.1:%d/0" % (CANARY["redis"], REDIS.port), MARATEA_LIMITS_CONNECT="2s", MARATEA_STORE_GIVE_UP_AFTER="1s")
S3 = {"MARATEA_STORE": "s3://bucket/p", "S3_ENDPOINT": ECHO_URL}
ECHO = ECHO_PG.url


def yaml(text):
    path = temporary() + "/maratea.yaml"
    with open(path, "w") as f:
        f.write(text)
    return path


# name: what peer or setting it is about; what is called; the environment; the exit status; is a canary repeated, and so masked?
CASES = [
    ("PostgreSQL repeats the URL's password", ["backup", "run", "postgres"], {"DATABASE_URL": ECHO("postgres")}, 6, True),
    ("the same, of all targets", ["backup", "run"], {"DATABASE_URL": ECHO("postgres")}, 6, True),
    ("a dry run", ["backup", "run", "postgres", "--dry-run"], {"DATABASE_URL": ECHO("postgres")}, 6, True),
    ("a physical one", ["backup", "run", "postgres", "-m", "physical"], {"DATABASE_URL": ECHO("postgres")}, 6, True),
    ("the backup's own URL", ["backup", "run", "postgres"], {"MARATEA_BACKUP_POSTGRES_URL": ECHO("backup")}, 6, True),
    ("the password beside the URL", ["backup", "run", "postgres"], {"MARATEA_BACKUP_POSTGRES_URL": "postgresql://u@127.0.0.1:%d/d" % ECHO_PG.port}, 6, True),
    ("PGPASSWORD", ["backup", "run", "postgres"], {"DATABASE_URL": "postgresql://u@127.0.0.1:%d/d" % ECHO_PG.port, "PGPASSWORD": CANARY["postgres"]}, 6, True),
    ("Redis repeats its password", ["backup", "run", "redis"], {}, 6, True),
    ("Redis and PostgreSQL in one run", ["backup", "run"], {}, 6, True),
    ("migrations", ["db", "migrate"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("their status", ["db", "status"], {"MARATEA_POSTGRES_MIGRATE_URL": "postgresql://u@127.0.0.1:%d/d" % ECHO_PG.port}, 6, True),
    ("a difference", ["db", "diff"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("plans", ["plan", "list"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("a school", ["tenant", "create", "alpha", "--name", "A", "--plan", "basic", "--owner-email", "a@b.example"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("the check of schools", ["tenant", "check"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("users", ["user", "list", "alpha"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("usage", ["usage", "check"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("the audit log", ["audit", "list"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("the audit chains", ["audit", "verify"], {"MARATEA_POSTGRES_MIGRATE_URL": ECHO("migrate")}, 6, True),
    ("the administrator's variable", ["db", "init", "--yes"], {"MARATEA_ADMIN_URL": ECHO("admin")}, 6, True),
    ("the administrator's option", ["db", "init", "--yes", "--admin-url", ECHO("admin")], {}, 6, True),
    ("a restore to a URL", ["backup", "restore", "ID", "--database", "postgres", "--to", ECHO("option"), "--to-database", "n"], {}, 6, True),
    ("a restore to a URL of a variable", ["backup", "restore", "ID", "--database", "postgres", "--to", "${env:TARGET}", "--to-database", "n"], {"TARGET": ECHO("option")}, 6, True),
    ("a variable that is not set", ["backup", "restore", "ID", "--to", "${env:TARGET}"], {}, 2, False),
    ("a restore of roles", ["backup", "restore", "ID", "--globals"], {"DATABASE_URL": ECHO("postgres")}, 6, True),
    ("S3 repeats the session token", ["backup", "list"], S3, 6, True),
    ("the same while it backs up", ["backup", "run", "postgres"], S3, 6, True),
    ("and prunes", ["backup", "prune", "--yes"], dict(S3, MARATEA_BACKUP_RETENTION_LAST="1"), 6, True),
    ("and verifies", ["backup", "verify", "latest"], S3, 6, True),
    ("a probe", ["store", "probe"], S3, 6, True),
    ("an endpoint with a password", ["backup", "list"], dict(S3, S3_ENDPOINT="http://key:%s@127.0.0.1:1" % CANARY["endpoint"]), 3, True),
    ("an endpoint with a token", ["backup", "list"], dict(S3, S3_ENDPOINT="http://%s@127.0.0.1:1" % CANARY["endpoint"]), 3, True),
    ("a URL that cannot be understood", ["backup", "run", "postgres"], {"DATABASE_URL": "mysql://u:%s@h/d" % CANARY["postgres"]}, 3, False),
    ("a Redis of another scheme", ["backup", "run", "redis"], {"REDIS_URL": "http://:%s@h/d" % CANARY["redis"]}, 3, False),
    ("an identity that is damaged", ["backup", "verify", "ID"], {"MARATEA_BACKUP_IDENTITY": IDENTITY}, None, False),
    ("a secret where a number belongs", ["config", "check"], {"MARATEA_BACKUP_JOBS": CANARY["migrate"]}, 3, True),
    ("a configuration file with a secret in an unknown key", ["-c", yaml("postgres: {pasword: '%s'}\n" % CANARY["postgres"]), "config", "check"], {}, 3, False),
    ("a file that is no YAML behind a secret", ["-c", yaml("postgres: {password: '%s'\nx" % CANARY["postgres"]), "config", "check"], {}, 3, False),
    ("the settings themselves", ["config", "show", "--all"], S3, 0, True),
    ("the settings, an endpoint with a password", ["config", "show"], dict(S3, S3_ENDPOINT="http://key:%s@127.0.0.1:1" % CANARY["endpoint"]), 0, True),
    ("who the store sees", ["store", "whoami"], S3, 0, False),
]


def check(where, text):
    equal(found(text), [], where)


def files_below(directory):
    for path, _, names in os.walk(directory):
        for name in names:
            with open(path + "/" + name, "rb") as f:
                yield path + "/" + name, f.read().decode("latin1")


def test_this_test_finds_canaries():
    equal(found("x canary-of-redis-hush y"), ["redis"])
    equal(found("nothing"), [])
    assert len(CASES) >= 30, len(CASES)


def test_no_error_shows_a_secret_in_any_format():
    made = maratea("backup", "run", "postgres", "-o", "json", env=BASE_ENV).json()["id"]
    for name, args, more, status, repeated in CASES:
        for options in ((), ("-o", "json"), ("-v", "--log-format", "json")):
            args = [made if a == "ID" else a for a in args]
            done = maratea(*options, *args, env=dict(BASE_ENV, **more), status=None)
            if status is not None:
                equal(done.status, status, "%s %s\n%r" % (name, options, done))
            check(name + " " + " ".join(options) + ": stdout", done.out)
            check(name + " " + " ".join(options) + ": stderr", done.err)
            if repeated:
                holds(done.out + done.err, "***")


def test_a_password_in_argv_is_accepted_with_a_warning():
    for option, args in (("admin-url", ["db", "init", "--yes"]), ("to", ["backup", "restore", "latest", "--database", "postgres", "--to-database", "n"]),
                         ("to-redis", ["backup", "restore", "latest"])):
        url = ECHO("option") if option != "to-redis" else "redis://:%s@127.0.0.1:%d" % (CANARY["option"], REDIS.port)
        warning = "warning: every user of this machine can see the password in --%s; write --%s '${env:NAME}' or '${file:PATH}' instead" % (option, option)
        holds(maratea(*args, "--" + option, url, env=BASE_ENV, status=None).err, warning)
        lacks(maratea(*args, "--" + option, "${env:URL}", env=dict(BASE_ENV, URL=url), status=None).err, "every user")
    done = maratea("backup", "list", "--store", "file://" + STORE, env=BASE_ENV)
    equal(done.err, "")
    gateway = "http://u:%s@127.0.0.1:1" % CANARY["option"]
    done = maratea("backup", "run", "postgres", "--pushgateway", gateway, env=BASE_ENV)
    holds(done.err, "warning: every user of this machine can see the password in --pushgateway; set backup.pushgateway in the configuration file or the environment instead")
    check("--pushgateway", done.out + done.err)


def test_tokens_that_credentials_are_asked_for_with_are_masked():
    token = ROOT + "/token"
    with open(token, "w") as f:
        f.write(CANARY["identitytoken"])
    env = {k: v for k, v in dict(BASE_ENV, **S3).items() if not k.startswith("MARATEA_STORE_") or k.endswith("AFTER")}
    for name, more in (("container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": ECHO_URL + "/c", "AWS_CONTAINER_AUTHORIZATION_TOKEN": CANARY["container"]}),
                       ("web identity", {"AWS_ROLE_ARN": "arn:aws:iam:::role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ENDPOINT_URL_STS": ECHO_URL})):
        for args in (("backup", "list"), ("store", "whoami", "-o", "json")):
            done = maratea(*args, env=dict(env, **more), status=None)
            assert done.status in (3, 6), done
            check(name, done.out + done.err)
            holds(done.out + done.err, "***")


def test_warnings_of_pg_dump_are_masked():
    directory = temporary()
    for program in os.listdir(PG.bin):
        with open(directory + "/" + program, "w") as f:
            f.write('#!/bin/sh\n%s\nexec %s/%s "$@"\n' % ("case $1 in --version) ;; *) echo 'pg_dump: warning: %s is odd' >&2 ;; esac" % CANARY["warning"] if program == "pg_dump" else "", PG.bin, program))
        os.chmod(directory + "/" + program, 0o755)
    store = temporary()
    env = dict(BASE_ENV, MARATEA_STORE="file://" + store, MARATEA_POSTGRES_BIN_DIR=directory, MARATEA_POSTGRES_PASSWORD=CANARY["warning"])
    done = maratea("backup", "run", "postgres", "-o", "json", env=env)
    holds(str(done.json()["warnings"]), "pg_dump: warning: *** is odd")
    check("the answer", done.out + done.err)
    for name, text in files_below(store):
        check(name, text)


def test_a_record_of_a_verification_is_masked():
    PG.psql('CREATE DATABASE "%s"' % CANARY["damage"])
    store = temporary()
    env = dict(BASE_ENV, MARATEA_STORE="file://" + store, MARATEA_POSTGRES_PASSWORD=CANARY["damage"])
    made = maratea("backup", "run", "postgres", "-d", CANARY["damage"], "-o", "json", env=env).json()
    path = store + "/default/postgres/" + made["id"] + "/db/" + CANARY["damage"] + ".pgdump.zst"
    with open(path, "r+b") as f:
        f.seek(-20, 2)
        byte = f.read(1)
        f.seek(-20, 2)
        f.write(bytes([byte[0] ^ 1]))
    done = maratea("backup", "verify", made["id"], "-o", "json", env=env, status=4)
    holds(done.json()["failure"], "***")
    holds(done.err, "***")
    records = [text for name, text in files_below(store) if "verified-" in name]
    equal(len(records), 1)
    check("the record in the store", records[0])
    PG.psql('DROP DATABASE "%s"' % CANARY["damage"])


def test_nothing_that_was_written_holds_a_secret():
    env = dict(BASE_ENV, **{k: v for k, v in PLATFORM["env"].items() if k.startswith("MARATEA_PL") or k.startswith("MARATEA_POSTGRES_MIGRATE_URL")})
    maratea("plan", "create", "basic", "--users", "5", env=env)
    maratea("backup", "run", env=env, status=6)
    rows = PG.psql("SELECT a::text FROM maratea.audit_log a", "platform")
    holds(rows, "backup.run", "plan.create")
    check("the audit log", rows)
    seen = 0
    for name, text in list(files_below(STORE)) + [(TEXTFILE, open(TEXTFILE).read())]:
        check(name, text)
        seen += 1
    assert seen > 5, seen


main(globals())
