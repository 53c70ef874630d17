"""test_s3.py - the store contract on RADOS Gateway, plain and over TLS, through faults."""
import json
import os
import re
import shutil
import subprocess
import threading

from harness import *
from contract import contract_tests
from servers import Postgres, Proxy, Rgw, SilentDns, free_port, wait_until

RGW = Rgw()
ROOT = temporary()
PG = Postgres()
CLEANUP = [PG.close, RGW.close, lambda: shutil.rmtree(ROOT)]
for bucket in ("plain", "tls", "faults", "backups"):
    RGW.make_bucket(bucket)


def s3(url, endpoint=None, **more):
    return environment(MARATEA_STORE=url, S3_ENDPOINT=endpoint or RGW.endpoint, S3_REGION="default",
                       S3_ACCESS_KEY=RGW.access, S3_SECRET_KEY=RGW.secret, DATABASE_URL=PG.url(), **more)


contract_tests(globals(), "http", s3("s3://plain/some/prefix"))
contract_tests(globals(), "libs3", s3("s3://plain/by/libs3", MARATEA_STORE_DRIVER="libs3"))
contract_tests(globals(), "https", s3("s3://tls", RGW.tls_endpoint, MARATEA_STORE_CA_FILE=RGW.ca))

PG.psql("CREATE DATABASE big; CREATE DATABASE small;")
# incompressible: about 35 MiB as text, 20 MiB compressed
PG.psql("CREATE TABLE noise AS SELECT g, encode(sha512(g::text::bytea), 'hex') AS h FROM generate_series(1, 260000) g",
        "big")
PG.psql("CREATE TABLE few AS SELECT generate_series(1, 10) g", "small")
FAST = {"MARATEA_LIMITS_RETRY_FIRST": "10ms", "MARATEA_LIMITS_RETRY_LONGEST": "50ms",
        "MARATEA_STORE_GIVE_UP_AFTER": "2s"}


OURS = re.compile("/(cluster|lock)/")  # what belongs to no backup


def keys(bucket, prefix=""):
    status, body = RGW.request("GET", "/%s?list-type=2&max-keys=1000&prefix=%s" % (bucket, prefix))
    equal(status, 200)
    return re.findall("<Key>([^<]*)</Key>", body.decode())


def uploads(bucket):
    status, body = RGW.request("GET", "/%s?uploads=" % bucket)
    equal(status, 200)
    return re.findall("<UploadId>([^<]*)</UploadId>", body.decode())


def backup_fails(env, status, *words):
    before = [k for k in keys("faults") if k.endswith("manifest.json")]
    failed = maratea("backup", "run", "postgres", "-d", "big", env=env, status=status)
    holds(failed.err, *words)
    equal([k for k in keys("faults") if k.endswith("manifest.json")], before)
    return failed


def through(rule, **more):
    proxy = Proxy(RGW.port, rule)
    return proxy, s3("s3://faults", proxy.endpoint, **FAST, **more)


def test_a_backup_goes_up_in_parts_and_restores_equal():
    env = s3("s3://backups/p")
    manifest = maratea("backup", "run", "postgres", "-o", "json", env=env).json()
    stored = next(o for o in manifest["objects"] if "big" in o["key"])
    assert stored["stored_size"] > 2 * (8 << 20), stored
    maratea("backup", "verify", "latest", "--restore", env=env)
    maratea("backup", "restore", "latest", "-d", "big", "--to-database", "big_copy", env=env)
    equal(PG.psql("SELECT count(*), md5(string_agg(h, '' ORDER BY g)) FROM noise", "big_copy"),
          PG.psql("SELECT count(*), md5(string_agg(h, '' ORDER BY g)) FROM noise", "big"))
    holds(maratea("backup", "list", env=env).out, manifest["id"], "restore")


def test_an_object_that_fits_one_part_goes_up_in_one_put():
    proxy = Proxy(RGW.port)
    maratea("backup", "run", "postgres", "-d", "small", env=s3("s3://backups/one", proxy.endpoint))
    requests = [(m, p) for m, p, _ in proxy.log]
    equal([r for r in requests if "uploads" in r[1] or "uploadId" in r[1]], [])
    # the lock and its release, cluster, globals, database, manifest
    equal(len([r for r in requests if r[0] == "PUT"]), 6)


def test_ten_volumes_go_up_and_come_back():
    PG.psql("CREATE DATABASE vast")
    PG.psql("CREATE TABLE noise AS SELECT g, encode(sha512(g::text::bytea), 'hex') || encode(sha512((-g)::text::bytea), "
            "'hex') AS h FROM generate_series(1, 1300000) g", "vast")
    env = s3("s3://backups/volumes", MARATEA_STORE_VOLUME_SIZE="16MiB", MARATEA_STORE_PART_SIZE="5MiB")
    manifest = maratea("backup", "run", "postgres", "-d", "vast", "-o", "json", env=env).json()
    stored = next(o for o in manifest["objects"] if "vast" in o["key"])
    assert len(stored["volumes"]) >= 10, len(stored["volumes"])
    equal([v["key"] for v in stored["volumes"]][:3],
          ["db/vast.pgdump.zst", "db/vast.pgdump.zst.0002", "db/vast.pgdump.zst.0003"])
    equal([v["stored_size"] for v in stored["volumes"]][:-1], [16 << 20] * (len(stored["volumes"]) - 1))
    maratea("backup", "verify", manifest["id"], env=env)
    # one byte of volume 3
    key = "/backups/volumes/default/postgres/%s/db/vast.pgdump.zst.0003" % manifest["id"]
    status, raw = RGW.request("GET", key)
    equal((status, len(raw)), (200, 16 << 20))
    RGW.request("PUT", key, raw[:7 << 20] + bytes([raw[7 << 20] ^ 4]) + raw[(7 << 20) + 1:])
    holds(maratea("backup", "verify", manifest["id"], "--no-record", env=env, status=4).err,
          "db/vast.pgdump.zst.0003", "SHA-256")
    RGW.request("DELETE", key)
    holds(maratea("backup", "verify", manifest["id"], "--no-record", env=env, status=4).err,
          "db/vast.pgdump.zst.0003 is missing in the store")
    PG.psql("DROP DATABASE vast")


def test_a_part_refused_for_good_fails_the_backup_and_leaves_nothing():
    refuse = "<Error><Code>AccessDenied</Code><Message>no more of you</Message></Error>"
    proxy, env = through(lambda m, p, n: ("status", 403, refuse) if "partNumber=2" in p else None)
    backup_fails(env, 6, "part 2", "403 AccessDenied: no more of you")
    assert proxy.hits > 0
    equal(uploads("faults"), [])
    equal([k for k in keys("faults") if not OURS.search(k)], [])


def test_a_store_that_stays_down_is_given_up_after_the_limit():
    busy = "<Error><Code>SlowDown</Code><Message>please</Message></Error>"
    proxy, env = through(lambda m, p, n: ("status", 503, busy) if "partNumber" in p else None)
    failed = backup_fails(env, 6, "503 SlowDown: please", "gave up after")
    assert proxy.hits > 3, proxy.hits
    equal(uploads("faults"), [])
    lacks(failed.out, "backup ")


def test_a_connection_cut_in_every_attempt_at_a_part_fails_the_backup():
    proxy, env = through(lambda m, p, n: ("cut", 100000) if "partNumber=1&" in p else None)
    backup_fails(env, 6, "db/big.pgdump.zst: part 1: ", "gave up after")
    assert proxy.hits > 3, proxy.hits
    equal(uploads("faults"), [])


def test_faults_that_pass_are_retried_and_the_backup_is_whole():
    slow = "<Error><Code>SlowDown</Code><Message>x</Message></Error>"
    lost = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>again</Message></Error>"
    rules = {
        "503": lambda m, p, n: ("status", 503, slow) if "partNumber" in p and n < 3 else None,
        "429": lambda m, p, n: ("status", 429, slow) if "partNumber" in p and n < 3 else None,
        "500": lambda m, p, n: ("status", 500, slow) if m == "PUT" and n < 4 else None,
        "cut": lambda m, p, n: ("cut", 100000) if "partNumber" in p and n < 3 else None,
        "dropped part": lambda m, p, n: ("drop-answer",) if "partNumber" in p and n < 2 else None,
        "dropped put": lambda m, p, n: ("drop-answer",) if m == "PUT" and "manifest" in p and n < 1 else None,
        "dropped complete": lambda m, p, n: ("drop-answer",) if m == "POST" and "uploadId" in p and n < 1 else None,
        "200 with error": lambda m, p, n: ("status", 200, lost) if m == "POST" and "uploadId" in p and n < 1 else None,
    }
    for name, rule in rules.items():
        proxy, env = through(rule)
        manifest = maratea("backup", "run", "postgres", "-d", "big", "-o", "json", env=env).json()
        assert proxy.hits > 0, name
        maratea("backup", "verify", manifest["id"], env=s3("s3://faults"))
        equal(uploads("faults"), [], name)
        proxy.close()


def test_faults_while_reading_are_retried():
    backup = maratea("backup", "run", "postgres", "-d", "big", "-o", "json", env=s3("s3://faults")).json()["id"]
    for rule in (lambda m, p, n: ("status", 503, "") if m == "GET" and n < 3 else None,
                 lambda m, p, n: ("drop-answer",) if m == "GET" and "pgdump" in p and n < 3 else None):
        proxy, env = through(rule)
        maratea("backup", "verify", backup, "-v", env=env)
        assert proxy.hits > 0
        proxy.close()


def test_sigterm_during_an_upload_leaves_no_backup_and_no_upload():
    seen = threading.Event()

    def rule(method, path, n):
        if "partNumber" in path:
            seen.set()
            return ("status", 503, "") if "partNumber=1" not in path else None
        return None
    before = len([k for k in keys("faults") if k.endswith("manifest.json")])
    proxy, env = through(rule)
    env["MARATEA_STORE_GIVE_UP_AFTER"] = "60s"
    process = start("backup", "run", "postgres", "-d", "big", env=env)
    assert seen.wait(30)
    process.terminate()
    done = finish(process, 6)
    equal(done.status, 143)
    holds(done.err, "interrupted by SIGTERM")
    equal(len([k for k in keys("faults") if k.endswith("manifest.json")]), before)
    equal(uploads("faults"), [])


def test_a_store_that_stalls_is_noticed_and_asked_again():
    proxy, env = through(lambda m, p, n: ("hang",) if "partNumber=2" in p and n < 1 else None,
                         MARATEA_LIMITS_STALL="1s")
    env["MARATEA_STORE_GIVE_UP_AFTER"] = "30s"
    maratea("backup", "run", "postgres", "-d", "big", env=env)
    equal(proxy.hits, 1)
    proxy, env = through(lambda m, p, n: ("hang",) if "partNumber=2" in p else None, MARATEA_LIMITS_STALL="1s")
    backup_fails(env, 6, "part 2", "Operation too slow")


def test_faults_on_the_third_volume_fail_the_backup_as_on_the_first():
    refuse = "<Error><Code>QuotaExceeded</Code><Message>full</Message></Error>"
    more = {"MARATEA_STORE_VOLUME_SIZE": "16MiB", "MARATEA_STORE_PART_SIZE": "5MiB"}
    PG.psql("CREATE DATABASE wide")
    PG.psql("CREATE TABLE noise AS SELECT g, encode(sha512(g::text::bytea), 'hex') AS h FROM generate_series(1, 700000) g", "wide")
    for rule in (lambda m, p, n: ("status", 403, refuse) if ".0003" in p and "partNumber" in p else None,
                 lambda m, p, n: ("status", 403, refuse) if ".0003" in p and "uploads" in p else None,
                 lambda m, p, n: ("status", 403, refuse) if ".0003" in p and m == "POST" and "uploadId" in p else None):
        proxy, env = through(rule, **more)
        before = keys("faults")
        failed = maratea("backup", "run", "postgres", "-d", "wide", env=env, status=6)
        holds(failed.err, ".0003", "403 QuotaExceeded: full")
        assert proxy.hits > 0
        equal([k for k in keys("faults") if not OURS.search(k)], [k for k in before if not OURS.search(k)])
        equal(uploads("faults"), [])
        proxy.close()
    proxy, env = through(lambda m, p, n: ("cut", 1000) if ".0003" in p and "partNumber=2" in p and n < 2 else None, **more)
    manifest = maratea("backup", "run", "postgres", "-d", "wide", "-o", "json", env=env).json()
    equal(proxy.hits, 2)
    maratea("backup", "verify", manifest["id"], env=s3("s3://faults"))
    PG.psql("DROP DATABASE wide")


def killed_around_the_commits(*method):
    """Killed before and after Complete, before and after the manifest's PUT: only after the last is there one."""
    def is_complete(m, p):
        return m == "POST" and "uploadId" in p

    def is_manifest(m, p):
        return m == "PUT" and "/manifest.json" in p
    for point, after, made in ((is_complete, False, 0), (is_complete, True, 0), (is_manifest, False, 0),
                               (is_manifest, True, 1)):
        holder = {}

        def kill():
            holder["process"].kill()
            holder["process"].wait()

        def rule(method, path, n):
            if n > 0 or not point(method, path):
                return None
            if after:
                return ("after", kill)
            kill()
            return ("cut", 0)
        proxy, env = through(rule)
        before = [k for k in keys("faults") if k.endswith("manifest.json")]
        holder["process"] = start("backup", "run", "postgres", *method, env=env)
        equal(finish(holder["process"], 60).status, -9)
        equal(proxy.hits, 1)
        new = [k for k in keys("faults") if k.endswith("manifest.json") and k not in before]
        equal(len(new), made)
        for key in new:
            maratea("backup", "verify", key.split("/")[2], env=s3("s3://faults"))
        proxy.close()
        listed = maratea("backup", "list", "-o", "json", env=s3("s3://faults")).json()
        equal(len(listed["backups"]), len(before) + made)


def test_sigkill_around_the_commits_leaves_a_whole_backup_or_none():
    killed_around_the_commits("-d", "big")


def test_sigkill_around_the_commits_of_a_physical_backup_does_so_too():
    killed_around_the_commits("-m", "physical")
    wait_until(lambda: PG.psql("SELECT count(*) FROM pg_replication_slots") == "0", 60, "end of the slots")


def test_wrong_keys_and_places_say_so():
    env = s3("s3://plain")
    holds(maratea("store", "probe", env=dict(env, S3_SECRET_KEY="wrong"), status=6).err, "403 SignatureDoesNotMatch",
          "hint: is the secret key right")
    holds(maratea("store", "probe", env=dict(env, S3_ACCESS_KEY="nobody"), status=6).err, "403 InvalidAccessKeyId")
    failed = maratea("store", "probe", env=s3("s3://no-such-bucket"), status=1)
    holds(failed.err, "404 NoSuchBucket", "hint: make the bucket 'no-such-bucket' first")
    lacks(failed.err, RGW.secret)


def test_an_endpoint_that_cannot_be_reached_is_told_quickly():
    env = s3("s3://plain", "http://127.0.0.1:%d" % free_port())
    holds(maratea("store", "probe", env=env, status=6, timeout=15).err, "Connection refused", "gave up after")
    env = s3("s3://plain", "http://no-such-host.invalid")
    holds(maratea("store", "probe", env=env, status=6, timeout=60).err, "no-such-host.invalid")


def test_a_resolver_that_never_answers_is_told_within_the_limit():
    dns = SilentDns()
    env = s3("s3://plain", "http://bucket.example.org", MARATEA_DNS_RESOLVER=dns.address, MARATEA_LIMITS_DNS="1s")
    failed = maratea("store", "probe", env=env, status=6, timeout=10)
    holds(failed.err, "bucket.example.org: DNS did not answer within 1.0 s", "NetworkPolicy")
    dns.close()


def test_tls_is_verified():
    env = s3("s3://tls", RGW.tls_endpoint)
    failed = maratea("store", "probe", env=env, status=6, timeout=20)
    holds(failed.err, "certificate", "hint: a private certificate authority is named with store.ca-file")


def test_virtual_host_style_puts_the_bucket_into_the_name():
    hosts = []

    def rule(method, path, n):
        hosts.append(path)
        return None
    proxy = Proxy(RGW.port, rule)
    env = s3("s3://plain", "http://localhost:%d" % proxy.port, MARATEA_STORE_STYLE="virtual")
    maratea("store", "probe", env=env)  # rgw dns name = localhost: plain.localhost is the bucket
    assert all(not p.startswith("/plain") for p in hosts), hosts


def test_the_probe_tells_what_this_gateway_does_with_conditions():
    told = maratea("store", "probe", "--write", "-o", "json", env=s3("s3://plain")).json()
    equal((told["conditional_put"], told["conditional_complete"], told["clock_skew_s"] in (-1, 0, 1)),
          ("yes", "no", True))


def test_credentials_come_as_one_set_from_one_source():
    home = ROOT + "/home"
    os.makedirs(home + "/.aws")
    with open(home + "/.aws/credentials", "w") as f:
        f.write("[default]\naws_access_key_id = bad\naws_secret_access_key = bad\n[good]\naws_access_key_id=%s\n"
                "aws_secret_access_key = %s\n" % (RGW.access, RGW.secret))
    with open(home + "/.aws/config", "w") as f:
        f.write("[profile good]\nregion = somewhere\n")
    base = environment(MARATEA_STORE="s3://plain", S3_ENDPOINT=RGW.endpoint, HOME=home)
    maratea("store", "probe", env=dict(base, AWS_PROFILE="good"))
    shown = maratea("config", "show", "-o", "json", env=dict(base, AWS_PROFILE="good")).json()["settings"]
    equal((shown["store.region"]["value"], shown["store.access-key"]["source"]), ("somewhere", "profile good"))
    holds(maratea("store", "probe", env=base, status=6).err, "InvalidAccessKeyId")
    holds(maratea("store", "probe", env=dict(base, AWS_PROFILE="none"), status=3).err,
          "no credentials of profile 'none'")
    holds(maratea("store", "probe", env=dict(base, S3_ACCESS_KEY="x"), status=3).err,
          "S3_ACCESS_KEY is set, but S3_SECRET_KEY is not")
    maratea("store", "probe", env=dict(base, AWS_ACCESS_KEY_ID=RGW.access, AWS_SECRET_ACCESS_KEY=RGW.secret))
    maratea("store", "probe", env=dict(base, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y",
                                       S3_ACCESS_KEY=RGW.access, S3_SECRET_KEY=RGW.secret))


def test_a_physical_backup_in_volumes_goes_there_and_back():
    env = s3("s3://backups/physical", MARATEA_STORE_VOLUME_SIZE="16MiB", MARATEA_STORE_PART_SIZE="5MiB")
    made = maratea("backup", "run", "postgres", "-m", "physical", "-o", "json", env=env).json()
    base = next(o for o in made["objects"] if o["key"] == "base.tar.zst")
    if len(base["volumes"]) < 2:
        raise AssertionError(base)
    equal(maratea("backup", "verify", made["id"], "-o", "json", env=env).json()["files"], made["physical"]["files"])
    target = ROOT + "/restored"
    maratea("backup", "restore", made["id"], "--to-dir", target, env=env)
    copy = Postgres.on(target)
    try:
        equal(copy.psql("SELECT count(*), md5(string_agg(h, '' ORDER BY g)) FROM noise", "big"),
              PG.psql("SELECT count(*), md5(string_agg(h, '' ORDER BY g)) FROM noise", "big"))
    finally:
        copy.close()


def test_a_physical_backup_that_the_store_refuses_leaves_nothing():
    refuse = "<Error><Code>QuotaExceeded</Code><Message>full</Message></Error>"
    more = {"MARATEA_STORE_VOLUME_SIZE": "16MiB", "MARATEA_STORE_PART_SIZE": "5MiB"}
    for point, word in ((lambda m, p: "base.tar.zst" in p and "partNumber=2" in p, "base.tar.zst"),
                        (lambda m, p: "base.tar.zst.0002" in p and m == "POST" and "uploads" in p, "base.tar.zst.0002"),
                        (lambda m, p: "base.tar.zst" in p and m == "POST" and "uploadId" in p, "base.tar.zst"),
                        (lambda m, p: "backup_manifest.zst" in p and m == "PUT", "backup_manifest.zst"),
                        (lambda m, p: "/manifest.json" in p and m == "PUT", "manifest.json")):
        proxy, env = through(lambda m, p, n: ("status", 403, refuse) if point(m, p) else None, **more)
        before, open_before = keys("faults"), sorted(uploads("faults"))  # killed runs left some
        failed = maratea("backup", "run", "postgres", "-m", "physical", env=env, status=6)
        holds(failed.err, word, "403 QuotaExceeded: full")
        if proxy.hits < 1:
            raise AssertionError(word)
        equal([k for k in keys("faults") if not OURS.search(k)], [k for k in before if not OURS.search(k)], word)
        equal(sorted(uploads("faults")), open_before, word)
        equal(PG.psql("SELECT count(*) FROM pg_replication_slots"), "0")
        proxy.close()


def test_libs3_serves_small_things_and_says_what_it_cannot():
    env = s3("s3://plain/libs3", MARATEA_STORE_DRIVER="libs3")
    PG.psql("CREATE TABLE libs3 AS SELECT g FROM generate_series(1, 1000) g")
    made = maratea("backup", "run", "postgres", "-d", "postgres", "-o", "json", env=env).json()
    equal(maratea("backup", "verify", made["id"], "-o", "json", env=env).json()["passed"], True)
    # the other driver reads the same bucket, and the other way round
    equal([b["id"] for b in maratea("backup", "list", "-o", "json", env=s3("s3://plain/libs3")).json()["backups"]], [made["id"]])
    other = maratea("backup", "run", "postgres", "-d", "postgres", "-o", "json", env=s3("s3://plain/libs3")).json()
    maratea("backup", "verify", other["id"], env=env)
    told = maratea("store", "probe", "--write", "-o", "json", env=env).json()
    equal((told["conditional_put"], told["clock_skew_s"]), ("no", None))
    holds(maratea("backup", "prune", "--keep-last", "1", "--yes", env=env, status=3).err, "--no-store-lock")
    PG.psql("ALTER TABLE libs3 ADD v text; INSERT INTO libs3 SELECT g, md5(g::text) || md5((-g)::text) FROM generate_series(1, 800000) g")
    before = RGW.request("GET", "/plain?list-type=2&prefix=libs3/")[1].count(b"manifest.json")
    # what is larger goes on in further volumes; what the memory cannot hold fails, and the hint helps
    made = maratea("backup", "run", "postgres", "-d", "postgres", "-o", "json", env=dict(env, MARATEA_STORE_LIBS3_MAX_OBJECT="8MiB")).json()
    assert [len(o["volumes"]) for o in made["objects"] if o["key"].startswith("db/")][0] >= 3, made["objects"]
    maratea("backup", "verify", made["id"], env=env)
    before += 1
    quickly = dict(env, MARATEA_STORE_PART_SIZE="5MiB", MARATEA_STORE_VOLUME_SIZE="1GiB")
    failed = maratea("backup", "run", "postgres", "-d", "postgres", "--memory", "56MiB", env=quickly, status=3)
    holds(failed.err, "are too much for the memory", "hint: raise --memory")
    maratea("backup", "run", "postgres", "-d", "postgres", "--memory", "256MiB", env=quickly)
    before += 1
    equal(RGW.request("GET", "/plain?list-type=2&prefix=libs3/")[1].count(b"manifest.json"), before)
    PG.psql("DROP TABLE libs3")
    for more, words in ((dict(S3_ENDPOINT=RGW.tls_endpoint), "does not verify who it talks to over https"), (dict(S3_ENDPOINT=""), "does not verify"),
                        (dict(S3_ENDPOINT="127.0.0.1:%d" % RGW.port), "must begin with http:// or https://"), (dict(S3_ENDPOINT="HTTPS://x"), "must begin with"),
                        (dict(AWS_PROFILE="x", HOME="/nonexistent", S3_ACCESS_KEY="", S3_SECRET_KEY=""), "no credentials of profile"),
                        (dict(S3_ACCESS_KEY="", S3_SECRET_KEY=""), "knows only store.access-key and store.secret-key"),
                        (dict(MARATEA_STORE_OBJECT_LOCK_MODE="GOVERNANCE", MARATEA_STORE_OBJECT_LOCK_DAYS="1"), "knows no locks"),
                        (dict(MARATEA_STORE_INSECURE_TLS="maybe"), "one of true, false")):
        holds(maratea("store", "probe", env=dict(env, **more), status=3).err, words)
    maratea("store", "probe", env=dict(env, S3_ENDPOINT=RGW.tls_endpoint, MARATEA_STORE_INSECURE_TLS="true"))
    holds(maratea("store", "probe", env=dict(s3("s3://plain"), MARATEA_STORE_INSECURE_TLS="true"), status=3).err, "is for the driver libs3 only")
    quick = dict(env, MARATEA_STORE_GIVE_UP_AFTER="1s")
    holds(maratea("store", "probe", env=dict(quick, S3_SECRET_KEY="wrong-s3cret"), status=6).err, "SignatureDoesNotMatch")
    holds(maratea("store", "probe", env=dict(quick, S3_ENDPOINT="http://127.0.0.1:%d" % free_port()), status=6).err, "FailedToConnect", "gave up after")
    holds(maratea("store", "probe", env=dict(quick, MARATEA_STORE="s3://no-such-bucket"), status=1).err, "NoSuchBucket")


main(globals())
