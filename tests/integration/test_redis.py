"""test_redis.py - snapshots over the replication link: whole, or not at all; and back again."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import *
from servers import Redis, Wire, free_port, wait_until

ROOT = temporary()


SERVER = Redis()
CLEANUP = [SERVER.close, lambda: shutil.rmtree(ROOT)]
FILL = [["SET", "text", "hello"], ["SET", "number", 12345], ["SET", "soon", "x", "EX", 10000], ["SET", "packed", "abc" * 3000],
        ["RPUSH", "list"] + ["item%d" % i for i in range(2000)], ["SADD", "ints"] + list(range(100)),
        ["SADD", "set"] + ["m%d" % i for i in range(2000)], ["ZADD", "zset", "1.5", "a", "inf", "b"],
        ["ZADD", "big"] + [x for i in range(400) for x in (i, "m%d" % i)], ["HSET", "hash"] + [x for i in range(1000) for x in ("f%d" % i, i)],
        ["XADD", "stream", "*", "f", "v"], ["XGROUP", "CREATE", "stream", "g", "0"], ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">"],
        ["PFADD", "hll", "a", "b"], ["SETRANGE", "sparse", 500000, "end"],
        ["FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)"],
        ["-n", 3, "SET", "other", "db"], ["-n", 3, "SET", "other2", "db", "EX", 10000]]
for words in FILL:
    SERVER.cli(*words)
ENV = environment(REDIS_URL=SERVER.url(), MARATEA_STORE="file://" + ROOT + "/store")


def backup(*args, env=ENV, status=0):
    return maratea("backup", "run", "redis", "-o", "json", "--accept-shrink", *args, env=env, status=status)


def backups(env=ENV):
    return maratea("backup", "list", "redis", "-o", "json", env=env).json()["backups"]


def nothing_new(before):
    equal([b["id"] for b in backups()], before)
    folder = ROOT + "/store/default/redis"
    for id in os.listdir(folder):
        if id[0] == "2" and id not in before:
            equal(os.listdir(folder + "/" + id), [], id)


def test_a_snapshot_is_counted_listed_verified_and_starts_a_server():
    made = backup("--label", "evening").json()
    equal([(d["name"], d["keys"], d["expires"]) for d in made["databases"]], [("0", 13, 1), ("3", 2, 1)])
    equal((made["method"], made["redis"]["keys"], made["redis"]["functions"], made["redis"]["crc"]), ("rdb", 15, 1, "checked"))
    equal((made["server"]["version"][:2], made["server"]["role"]), ("7.", "master"))
    equal([o["key"] for o in made["objects"]], ["dump.rdb.zst"])
    record = maratea("backup", "verify", made["id"], "-o", "json", env=ENV).json()
    equal((record["level"], record["passed"], record["keys"]), ("content", True, 15))
    holds(maratea("backup", "verify", made["id"], "--no-record", env=ENV).out, "2 databases, 15 keys, every byte and the checksum")
    holds(maratea("backup", "show", made["id"], env=ENV).out, "Redis 7.", "checksum", "checked", "DATABASE", "evening")
    holds(maratea("backup", "list", env=ENV).out, made["id"], "redis", "rdb")
    target = ROOT + "/dump.rdb"
    done = maratea("backup", "restore", made["id"], "--to", target, env=ENV)
    holds(done.out, "restored to  %s" % target, "compared     15 keys: all there")
    equal(os.stat(target).st_mode & 0o777, 0o600)
    copy = Redis(rdb=target)
    try:
        equal((copy.cli("DBSIZE"), copy.cli("-n", 3, "DBSIZE")), ("13", "2"))
        equal(copy.cli("GET", "packed"), "abc" * 3000)
        equal(copy.cli("FUNCTION", "LIST").count("library_name"), 1)
        assert 9000 < int(copy.cli("TTL", "soon")) <= 10000
    finally:
        copy.close()
    failed = maratea("backup", "restore", "redis/latest", "--to", target, env=ENV, status=5)
    holds(failed.err, target + " exists already")
    os.unlink(target)
    maratea("backup", "restore", "redis/latest", "--to", target, "--dry-run", env=ENV)
    equal([f for f in os.listdir(ROOT) if "dump" in f], [])
    # what zstd and redis read without us
    subprocess.run("zstd -dc %s/store/default/redis/%s/dump.rdb.zst > %s && redis-check-rdb %s" % (ROOT, made["id"], target, target),
                   shell=True, check=True, stdout=subprocess.DEVNULL)
    os.unlink(target)


def test_users_tls_and_sockets():
    SERVER.cli("ACL", "SETUSER", "saver", "on", ">p:w/d@%", "+psync", "+sync", "+replconf", "+ping", "+info")
    SERVER.cli("ACL", "SETUSER", "weak", "on", ">weak", "+ping", "+info")
    for url in (SERVER.url(user="saver", password="p:w/d@%"), SERVER.url(SERVER.tls, scheme="rediss"), "unix://:s3cret%%20pass@%s/s?db=3" % SERVER.dir):
        env = dict(ENV, REDIS_URL=url, MARATEA_REDIS_CA_FILE=SERVER.dir + "/ca.pem")
        equal(backup(env=env).json()["redis"]["keys"], 15)
    failed = backup(env=dict(ENV, REDIS_URL=SERVER.url(user="weak", password="weak")), status=6)
    holds(failed.err, "NOPERM", "replconf", "hint: the user needs: ACL SETUSER NAME +psync +sync +replconf +ping +info")
    for url, words in ((SERVER.url(password="wr0ng-pass"), "WRONGPASS"), (SERVER.url(user="nobody"), "WRONGPASS"),
                       ("redis://localhost:%d" % SERVER.port, "NOAUTH"), (SERVER.url(SERVER.tls, scheme="rediss"), "TLS: "),
                       ("redis://127.0.0.1:%d" % free_port(), "Connection refused"), ("redis://no-such-host.invalid", "no-such-host.invalid"),
                       ("unix:///nonexistent/s", "No such file or directory")):
        failed = backup(env=dict(ENV, REDIS_URL=url), status=6)
        holds(failed.err, words)
        lacks(failed.err, "wr0ng-pass", "s3cret")
    for url, words in (("http://x", "an unknown scheme"), ("redis://h:99999", "the port is no number"), ("redis://h/x", "the database is no number"),
                       ("redis://[::1", "an address without ']'")):
        holds(backup(env=dict(ENV, REDIS_URL=url), status=3).err, words)
    env = dict(ENV)
    del env["REDIS_URL"]
    holds(backup(env=env, status=3).err, "there is no Redis to back up", "hint: set redis.url, or REDIS_URL")
    holds(backup("--method", "physical", "-d", "x", status=2).err, "with redis go --label")


def test_a_snapshot_with_and_without_a_length_is_the_same():
    keys = []
    for diskless in ("yes", "no"):
        SERVER.cli("CONFIG", "SET", "repl-diskless-sync", diskless)
        SERVER.cli("CONFIG", "SET", "repl-diskless-sync-delay", 0)
        keys.append(backup().json()["redis"]["keys"])
    SERVER.cli("CONFIG", "SET", "repl-diskless-sync", "yes")
    equal(keys, [15, 15])


def test_a_wrong_byte_or_a_cut_never_becomes_a_backup():
    SERVER.cli("-x", "SET", "noise", stdin=os.urandom(3000000).hex())
    before = [b["id"] for b in backups()]
    wire = Wire(SERVER.port, flip_at=1500000)
    failed = backup(env=dict(ENV, REDIS_URL=SERVER.url(wire.port)), status=1)
    equal(wire.flipped, 1)
    holds(failed.err, "the snapshot of localhost:%d is not whole: RDB: its CRC-64 is " % wire.port)
    wire.cut()
    nothing_new(before)

    class Short(Wire):
        def pump(self, source, target, flip_at):
            if source in self.sockets[1::2]:
                left = 2000000
                while left > 0:
                    data = source.recv(min(65536, left))
                    if not data:
                        break
                    target.sendall(data)
                    left -= len(data)
                for s in (source, target):
                    s.shutdown(socket.SHUT_RDWR)
                return
            super().pump(source, target, flip_at)
    short = Short(SERVER.port)
    failed = backup(env=dict(ENV, REDIS_URL=SERVER.url(short.port)), status=6)
    holds(failed.err, "localhost:%d: " % short.port)
    nothing_new(before)
    SERVER.cli("DEL", "noise")


def test_a_server_without_checksums_is_told():
    other = Redis("--rdbchecksum", "no")
    try:
        other.cli("SET", "a", "b")
        env = dict(ENV, REDIS_URL=other.url(), MARATEA_STORE="file://" + ROOT + "/unchecked")
        made = backup(env=env).json()
        equal((made["redis"]["crc"], len(made["warnings"])), ("disabled", 1))
        maratea("backup", "verify", made["id"], env=env)
    finally:
        other.close()


def test_encrypted_locked_and_stopped_in_between():
    key = ROOT + "/key"
    recipient = maratea("key", "generate", key, "-o", "json").json()["recipient"]
    made = backup("-r", recipient).json()
    equal([o["key"] for o in made["objects"]], ["dump.rdb.zst.age"])
    failed = maratea("backup", "restore", made["id"], "--to", ROOT + "/x.rdb", env=ENV, status=3)
    holds(failed.err, "is encrypted to " + recipient)
    maratea("backup", "restore", made["id"], "--to", ROOT + "/x.rdb", "-i", key, env=ENV)
    subprocess.run(["redis-check-rdb", ROOT + "/x.rdb"], check=True, stdout=subprocess.DEVNULL)
    before = [b["id"] for b in backups()]
    # the server forks only after the delay: the run waits for it
    SERVER.cli("CONFIG", "SET", "repl-diskless-sync-delay", 30)
    for number in (signal.SIGTERM, signal.SIGINT):
        run = start("backup", "run", "redis", env=dict(ENV, MARATEA_LIMITS_ALIVE="100ms"))
        wait_until(lambda: "slave0" in SERVER.cli("INFO", "replication"), 30, "the link")
        failed = backup(status=5)
        holds(failed.err, "backup run 20", " is at work on ")
        # while the server only prepares it, signs of life go on
        wait_until(lambda: [f for top, _, names in os.walk(ROOT + "/store/default/redis") for f in names if f == "alive-1"], 30, "two beats")
        began = time.monotonic()
        run.send_signal(number)
        equal(finish(run).status, 128 + number)
        assert time.monotonic() - began < 5
        wait_until(lambda: "slave0" not in SERVER.cli("INFO", "replication"), 30, "its end")
    SERVER.cli("CONFIG", "SET", "repl-diskless-sync-delay", 0)
    nothing_new(before)
    equal(maratea("backup", "verify", made["id"], "--restore", "-i", key, "-o", "json", env=ENV).json()["level"], "restore")
    path = ROOT + "/store/default/redis/%s/dump.rdb.zst" % before[0]
    changed = bytearray(open(path, "rb").read())
    changed[len(changed) // 2] ^= 1
    os.chmod(path, 0o600)
    open(path, "wb").write(changed)
    holds(maratea("backup", "verify", before[0], env=ENV, status=4).err, "dump.rdb.zst: ")
    failed = maratea("backup", "restore", before[0], "--to", ROOT + "/bad.rdb", env=ENV, status=4)
    equal([f for f in os.listdir(ROOT) if "bad" in f], [])


def test_verify_by_restore_starts_a_server_from_it():
    made = backup().json()
    record = maratea("backup", "verify", made["id"], "--restore", "-o", "json", env=ENV).json()
    equal((record["level"], record["passed"], record["databases"], record["objects"]), ("restore", True, 2, 1))
    tmp = temporary()
    try:
        record = maratea("backup", "drill", "redis", "-o", "json", env=dict(ENV, TMPDIR=tmp)).json()
        equal((record["id"], record["level"], record["passed"]), (made["id"], "restore", True))
        equal(os.listdir(tmp), [])
    finally:
        os.rmdir(tmp)
    # what only its keys' numbers tell: the server has others once it is loaded
    folder = ROOT + "/store/default/redis/" + made["id"]
    for module, words, status in ((["ReJSON-RL"], "holds values of the module ReJSON-RL", 3), ([], "the manifest says 12 and 1", 4)):
        changed = json.load(open(folder + "/manifest.json"))
        del changed["sha256"]
        changed["redis"]["modules"] = module
        changed["databases"][0]["expires"] = 1 if module else 2
        os.unlink(folder + "/manifest.json")
        open(folder + "/manifest.json", "w").write(sealed(changed))
        failed = maratea("backup", "verify", made["id"], "--restore", env=ENV, status=status)
        holds(failed.err, words if module else "database 0 has 13 keys once loaded, 1 of them with a time to live; the manifest says 13 and 2")
    changed["databases"][0]["expires"] = 1
    changed["server"]["version"] = "99.1.2"
    os.unlink(folder + "/manifest.json")
    open(folder + "/manifest.json", "w").write(sealed(changed))
    holds(maratea("backup", "verify", made["id"], "--restore", env=ENV, status=3).err, "the snapshot is of Redis 99.1.2; redis-server here is 7.")
    holds(maratea("backup", "verify", made["id"], "--restore", env=dict(ENV, PATH="/nonexistent"), status=3).err,
          "no redis-server is installed", "hint: install redis-server")
    shutil.rmtree(folder)


def contents(server, db):
    names = sorted(server.cli("-n", db, "--scan").split())
    return {n: server.cli("-n", db, "DEBUG", "DIGEST-VALUE", n) for n in names}


def test_a_snapshot_goes_into_a_server_that_runs():
    made = backup().json()
    other = Redis()
    try:
        def restore(*args, url=None, status=0, **more):
            return maratea("backup", "restore", made["id"], "--to-redis", url or other.url()[:-2], *args, env=dict(ENV, **more), status=status)
        done = restore("--dry-run")
        holds(done.out, "would go to  localhost:%d" % other.port, "0: 13 keys", "3: 2 keys", "nothing was changed")
        equal(other.cli("INFO", "keyspace"), "# Keyspace")
        report = restore("-o", "json").json()
        equal([(d["name"], d["keys"], d["expired"], d["replaced"]) for d in report["databases"]], [("0", 13, 0, 0), ("3", 2, 0, 0)])
        for db in (0, 3):
            equal(contents(other, db), contents(SERVER, db))
        assert 9000 < int(other.cli("TTL", "soon")) <= 10000, other.cli("TTL", "soon")
        equal((other.cli("TTL", "text"), other.cli("FUNCTION", "LIST").count("library_name"), other.cli("EXISTS", "maratea:restore")), ("-1", 1, "0"))
        equal([line.split(":")[0] for line in other.cli("INFO", "keyspace").split()[2:]], ["db0", "db3"])
        # what is there is not given up unless it is said
        other.cli("SET", "later", "x")
        failed = restore(status=5)
        holds(failed.err, "database 0 of localhost:%d has 14 keys" % other.port, "hint: --replace")
        equal(other.cli("GET", "later"), "x")
        holds(restore("--replace", status=2).err, "replacing 16 keys in 2 databases", "--yes")
        equal(other.cli("GET", "later"), "x")
        holds(restore("--replace", "--yes").out, "0: 13 keys, in place of 14", "3: 2 keys, in place of 2")
        equal(contents(other, 0), contents(SERVER, 0))
        # one database alone, over TLS; the configured server whole, whatever database its URL names
        other.cli("FLUSHALL")
        other.cli("FUNCTION", "FLUSH")
        other.cli("SET", "mine", "x")
        configured = other.url(other.tls, db=3, scheme="rediss")
        restore(url=configured, MARATEA_REDIS_CA_FILE=other.dir + "/ca.pem")
        equal((contents(other, 3), other.cli("DBSIZE"), other.cli("FUNCTION", "LIST")), (contents(SERVER, 3), "1", ""))
        other.cli("FLUSHALL")
        holds(restore(url="redis.url", REDIS_URL=configured, MARATEA_REDIS_CA_FILE=other.dir + "/ca.pem").out, "0: 13 keys", "3: 2 keys")
        holds(restore(url=other.url(db=7), status=1).err, "has no database 7")
    finally:
        other.close()


def test_a_restore_into_a_server_is_whole_or_changes_nothing():
    made = backup().json()
    other = Redis("--databases", 4)
    try:
        def restore(*args, status, url=None):
            return maratea("backup", "restore", made["id"], "--to-redis", url or other.url()[:-2], *args, env=ENV, status=status)

        def untouched(keyspace="# Keyspace", functions=0):
            equal(other.cli("INFO", "keyspace"), keyspace)
            equal(other.cli("FUNCTION", "LIST").count("library_name"), functions)
        # a function of the same name, found after the swap: it is taken back
        other.cli("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 2 end)")
        holds(restore(status=5).err, "Library lib already exists")
        untouched(functions=1)
        equal(other.cli("FCALL", "f", 0), "2")
        other.cli("FUNCTION", "FLUSH")
        # no room to build beside
        other.cli("-n", 1, "SET", "a", "b")
        holds(restore(status=3).err, "has 4 databases, and not 2 empty ones beside those of the backup", "hint: restore --to FILE")
        other.cli("FLUSHALL")
        # no memory for it
        other.cli("CONFIG", "SET", "maxmemory", 1)
        holds(restore(status=1).err, "and may use 1 B (maxmemory); about ")
        other.cli("CONFIG", "SET", "maxmemory", 0)
        untouched()
        # a user who may not swap
        other.cli("ACL", "SETUSER", "half", "on", ">half", "~*", "+@all", "-swapdb")
        failed = restore(url=other.url(user="half", password="half")[:-2], status=6)
        holds(failed.err, "NOPERM", "hint: the user of localhost:%d needs: " % other.port, "+swapdb")
        untouched()
        # the connection is cut in the middle of the values
        SERVER.cli("-x", "SET", "noise", stdin=os.urandom(3000000).hex())
        big = backup().json()
        SERVER.cli("DEL", "noise")

        class Cut(Wire):
            def pump(self, source, target, flip_at):
                if source in self.sockets[0::2]:
                    left = 1000000
                    while left > 0:
                        data = source.recv(min(65536, left))
                        if not data:
                            break
                        target.sendall(data)
                        left -= len(data)
                    if left == 0:
                        self.cuts = 1
                        for s in (source, target):
                            s.shutdown(socket.SHUT_RDWR)
                        return
                    return
                super().pump(source, target, flip_at)
        wire = Cut(other.port)
        failed = maratea("backup", "restore", big["id"], "--to-redis", other.url(wire.port)[:-2], env=ENV, status=6)
        equal(wire.cuts, 1)
        holds(failed.err, "localhost:%d: " % wire.port)
        untouched()
        # a replica, a cluster
        other.cli("REPLICAOF", "127.0.0.1", SERVER.port)
        holds(restore(status=3).err, "is a replica")
        other.cli("REPLICAOF", "NO", "ONE")
        for args, words in ((["--to", ROOT + "/x", "--to-redis", other.url()], "where is it to go?"), ([], "where is it to go?"),
                            (["--to-redis", "nonsense"], "is no URL"), (["--to-redis", other.url(), "--swap"], "--to-redis URL, --replace"),
                            (["--to", other.url()], "--to takes a file"), (["--to", ROOT + "/x", "--replace"], "--replace goes with --to-redis")):
            failed = maratea("backup", "restore", made["id"], *args, env=ENV, status=2)
            holds(failed.err, words)
            lacks(failed.err, "s3cret")
    finally:
        other.close()
    cluster = Redis("--cluster-enabled", "yes", "--cluster-port", free_port())
    try:
        holds(maratea("backup", "restore", made["id"], "--to-redis", cluster.url()[:-2], env=ENV, status=3).err, "is a node of a cluster")
    finally:
        cluster.close()


class Watcher(Wire):
    """Calls on_word() when the client sends that word, before it goes on; where that answers False it ends both sides."""

    def __init__(self, port, word, on_word, forward=True):
        self.word, self.on_word, self.forward, self.seen, self.silent = word, on_word, forward, 0, None
        super().__init__(port)

    def pump(self, source, target, flip_at):
        asks = source in self.sockets[0::2]
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if not asks:  # no answer to what was let through at last
                    if source is not self.silent:
                        target.sendall(data)
                    continue
                if self.word in data and not self.seen:
                    self.seen = 1
                    if self.forward:
                        self.silent = target
                        target.sendall(data)
                    if self.on_word():
                        if not self.forward:
                            target.sendall(data)
                        continue
                    break
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_what_happens_at_the_swap_is_known_or_taken_back():
    made = backup().json()
    other = Redis()
    try:
        other.cli("SET", "old", "1")
        other.cli("-n", 3, "SET", "older", "1")
        other.cli("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('mine', function() return 7 end)")
        before = other.cli("INFO", "keyspace")

        def restore(wire, *args, status):
            return maratea("backup", "restore", made["id"], "--to-redis", other.url(wire.port)[:-2], *args, env=ENV, status=status)

        def happened():
            wait_until(lambda: other.cli("EXISTS", "text") == "1", 30, "the swap")
            return False
        # the answer of EXEC is lost: once it happened, once it did not
        for on_word, forward in ((happened, True), (lambda: False, False)):
            wire = Watcher(other.port, b"EXEC", on_word, forward)
            failed = restore(wire, "--replace", "--yes", status=6)
            equal(wire.seen, 1)
            holds(failed.err, "localhost:%d: " % wire.port)
            equal((other.cli("INFO", "keyspace"), other.cli("GET", "old"), other.cli("-n", 3, "GET", "older")), (before, "1", "1"))
            equal((other.cli("FCALL", "mine", 0), other.cli("FUNCTION", "LIST").count("library_name")), ("7", 1))
            wire.cut()
        # somebody writes into what was empty, after the last look
        other.cli("FLUSHALL")
        other.cli("FUNCTION", "FLUSH")
        wire = Watcher(other.port, b"MULTI", lambda: other.cli("SET", "theirs", "1") == "OK", False)
        failed = restore(wire, status=5)
        holds(failed.err, "somebody wrote 1 keys into database 0 of localhost:%d meanwhile" % wire.port)
        equal((other.cli("INFO", "keyspace").split()[2:], other.cli("GET", "theirs")), (["db0:keys=1,expires=0,avg_ttl=0"], "1"))
        wire.cut()
        # stopped when all is built, before it goes into its place
        hold = threading.Event()
        wire = Watcher(other.port, b"WATCH", lambda: hold.wait(60) and False, False)
        databases = lambda: [line.split(":")[0] for line in other.cli("INFO", "keyspace").split()[2:]]
        for number in (signal.SIGTERM, signal.SIGKILL):
            wire.seen = 0
            other.cli("FLUSHALL")
            run = start("backup", "restore", made["id"], "--to-redis", other.url(wire.port)[:-2], env=ENV)
            wait_until(lambda: wire.seen == 1, 30, "everything built")
            equal((databases(), other.cli("-n", 15, "DBSIZE"), other.cli("DBSIZE")), (["db14", "db15"], "14", "0"))
            run.send_signal(number)
            done = finish(run)
            equal(done.status, 143 if number == signal.SIGTERM else -9, repr(done))
            equal(databases(), [] if number == signal.SIGTERM else ["db14", "db15"])
        # what the killed one left is not touched, and not in the way
        holds(maratea("backup", "restore", made["id"], "--to-redis", other.url()[:-2], env=ENV).err, "is built in the empty database 13")
        equal((databases(), other.cli("EXISTS", "maratea:restore"), other.cli("-n", 15, "EXISTS", "maratea:restore")),
              (["db0", "db3", "db14", "db15"], "0", "1"))
        wire.cut()
        # the mark goes, or may not be set: nothing is done
        other.cli("FLUSHALL")
        other.cli("SET", "old", "1")
        wire = Watcher(other.port, b"MULTI", lambda: other.cli("-n", 15, "DEL", "maratea:restore") == "1", False)
        holds(restore(wire, "--replace", "--yes", status=5).err, "somebody touched the key maratea:restore")
        equal((databases(), other.cli("GET", "old")), (["db0"], "1"))
        wire.cut()
        other.cli("ACL", "SETUSER", "no-set", "on", ">x", "~*", "+@all", "-set")
        failed = maratea("backup", "restore", made["id"], "--to-redis", other.url(user="no-set", password="x")[:-2], "--replace", "--yes", env=ENV, status=6)
        holds(failed.err, "NOPERM", "hint: the user of localhost:%d needs: " % other.port)
        equal((databases(), other.cli("GET", "old")), (["db0"], "1"))
        # somebody begins to use the database where it is built
        wire = Watcher(other.port, b"RESTORE", lambda: other.cli("-n", 15, "MSET", *[x for i in range(40) for x in ("theirs%d" % i, 1)]) == "OK", False)
        failed = restore(wire, "--replace", "--yes", status=1)
        holds(failed.err, "database 0: 53 keys arrived", "keys stay in database 15 of localhost:%d: somebody else writes there, too" % wire.port)
        equal((other.cli("-n", 15, "EXISTS", "theirs7"), other.cli("GET", "old"), databases()), ("1", "1", ["db0", "db15"]))
        hold.set()
        wire.cut()
    finally:
        other.close()


def test_a_server_that_cannot_save_or_cuts_the_link_gives_no_backup():
    source = Redis("--repl-diskless-sync", "no", "--enable-protected-configs", "yes")
    try:
        env = dict(ENV, REDIS_URL=source.url(), MARATEA_STORE="file://" + ROOT + "/cut")
        source.cli("-x", "SET", "noise", stdin=os.urandom(3000000).hex())
        maratea("backup", "run", "redis", env=env)
        before = [b["id"] for b in backups(env)]
        # BGSAVE fails: its directory is gone
        os.mkdir(ROOT + "/gone")
        equal(source.cli("CONFIG", "SET", "dir", ROOT + "/gone"), "OK")
        os.rmdir(ROOT + "/gone")
        failed = backup(env=env, status=6)
        holds(failed.err, "localhost:%d: " % source.port)
        holds(open(source.dir + "/log").read()[-1500:], "BGSAVE child returned an error")
        source.cli("CONFIG", "SET", "dir", source.dir)
        # the server gives the replica up in the middle of more than sockets hold
        source.cli("CONFIG", "SET", "repl-diskless-sync", "yes")
        source.cli("-x", "SET", "big", stdin=os.urandom(16 << 20).hex())
        run = start("backup", "run", "redis", "--max-rate", "200KiB", env=env)
        wait_until(lambda: "slave0" in source.cli("INFO", "replication") and "rdb_bgsave_in_progress:1" in source.cli("INFO", "persistence"), 30, "the snapshot on its way")
        equal(source.cli("CLIENT", "KILL", "TYPE", "replica"), "1")
        done = finish(run)
        equal(done.status, 6, repr(done))
        holds(done.err, "localhost:%d: " % source.port)
        equal([b["id"] for b in backups(env)], before)
        folder = ROOT + "/cut/default/redis/"
        equal([os.listdir(folder + id) for id in os.listdir(folder) if id[0] == "2" and id not in before], [])
        # and without any of that it is slow, and good
        source.cli("DEL", "big")
        began = time.monotonic()
        made = maratea("backup", "run", "redis", "--max-rate", "2MiB", "-o", "json", env=env).json()
        took = time.monotonic() - began
        assert made["objects"][0]["size"] > 4 << 20 and 1.9 < took < 30, (took, made["objects"])
    finally:
        source.close()


def test_ten_thousand_keys_that_expire_and_others_arrive():
    other, source = Redis(), Redis()
    try:
        source.cli(stdin="".join("SET key:%d %s\nSET soon:%d x PX %d\n" % (i, "v" * (1 + i % 300), i, 1 + i * 200) for i in range(5000)))
        env = dict(ENV, REDIS_URL=source.url(), MARATEA_STORE="file://" + ROOT + "/ttl")
        made = backup(env=env).json()
        wait_until(lambda: int(source.cli("DBSIZE")) < made["redis"]["keys"], 30, "the first to expire")
        report = maratea("backup", "restore", made["id"], "--to-redis", other.url(), "-o", "json", env=env).json()
        database = report["databases"][0]
        assert database["expired"] > 0, database
        assert 5000 <= int(other.cli("DBSIZE")) <= database["keys"] < made["redis"]["keys"], (other.cli("DBSIZE"), database)
        equal(len([k for k in other.cli("--scan", "--pattern", "key:*").split()]), 5000)
        equal(other.cli("GET", "key:4999"), "v" * (1 + 4999 % 300))
        maratea("backup", "verify", made["id"], "--restore", env=env)
    finally:
        other.close()
        source.close()


main(globals())
