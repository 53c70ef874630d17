"""servers.py - real servers for the tests: loopback, random ports, scratch directories, stopped by pid."""
import base64
import glob
import hashlib
import hmac
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from urllib.parse import quote


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what):
    """Asks until it is so; the limit only ends a test that would hang."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("no " + what + " within %d s" % seconds)
        time.sleep(0.02)


def scratch(name):
    path = tempfile.mkdtemp(prefix="maratea-test-" + name + "-")
    os.chmod(path, 0o755)
    return path


def stop(process, how=signal.SIGTERM, seconds=20):
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Postgres:
    """PostgreSQL on 127.0.0.1 with SCRAM passwords for everybody but the local superuser."""

    def __init__(self, initdb=(), language=None, **settings):
        """language: "de_DE": what its messages are in; the locale is made in its directory."""
        self.prepare(settings)
        if language:
            subprocess.run(["localedef", "-i", language, "-f", "UTF-8", self.dir + "/%s.UTF-8" % language], check=True, capture_output=True)
            self.env = dict(os.environ, LOCPATH=self.dir)
            self.settings["lc_messages"] = language + ".UTF-8"
        password_file = self.dir + "/pw"
        with open(password_file, "w") as f:
            f.write(self.password + "\n")
        os.chmod(password_file, 0o644)
        self.call("initdb", "-D", self.data, "-U", self.user, "--pwfile", password_file,
                  "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8",
                  "--locale=C.UTF-8", "--no-sync", *initdb)
        self.start()

    def prepare(self, settings):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))[-1]
        self.dir = scratch("pg")
        self.port = free_port()
        self.user = "postgres"
        self.password = "pa:ss\\w%rd'1"
        self.settings = {"listen_addresses": "127.0.0.1", "port": self.port,
                         "unix_socket_directories": self.dir, "fsync": "off",
                         "max_prepared_transactions": 4, "max_locks_per_transaction": 128,
                         "wal_level": "logical"}
        self.settings.update(settings)
        self.drop, self.env = None, None
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            self.drop = (entry.pw_uid, entry.pw_gid)
            os.chown(self.dir, *self.drop)
        self.data = self.dir + "/data"
        self.process = None

    @classmethod
    def on(cls, data, **settings):
        """A server on a data directory that is there, to which it does not belong."""
        server = cls.__new__(cls)
        server.prepare(settings)
        server.data = data
        server.start()
        return server

    @classmethod
    def standby_of(cls, primary, **settings):
        """With the slot "standby" on the primary, so that no checkpoint takes away what it still needs."""
        server = cls.__new__(cls)
        server.prepare(settings)
        spaces = primary.psql("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE oid > 16383").splitlines()
        server.call("pg_basebackup", "-D", server.data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-C", "-S", "standby",
                    *["-T%s=%s/space%d" % (old, server.dir, n) for n, old in enumerate(spaces)],
                    "-h", primary.dir, "-p", str(primary.port), "-U", primary.user)
        server.start()
        return server

    def as_server(self):
        return {} if self.drop is None else {"user": self.drop[0], "group": self.drop[1],
                                             "extra_groups": []}

    def call(self, program, *args):
        subprocess.run([self.bin + "/" + program, *args], check=True, cwd=self.dir,
                       stdout=subprocess.DEVNULL, **self.as_server())

    def start(self):
        argv = [self.bin + "/postgres", "-D", self.data]
        for key, value in self.settings.items():
            argv += ["-c", "%s=%s" % (key, value)]
        self.log = open(self.dir + "/log", "ab")
        self.process = subprocess.Popen(argv, stdout=self.log, stderr=self.log, cwd=self.dir, env=self.env,
                                        **self.as_server())
        wait_until(lambda: subprocess.run(
            [self.bin + "/pg_isready", "-q", "-h", self.dir, "-p", str(self.port)]).returncode == 0,
            60, "PostgreSQL")

    def stop(self, how=signal.SIGINT):
        stop(self.process, how)
        self.process = None

    def close(self):
        self.stop(signal.SIGQUIT)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, database="postgres", user=None, password=None, host="127.0.0.1", port=None):
        return "postgresql://%s:%s@%s:%d/%s" % (
            quote(user or self.user, safe=""), quote(self.password if password is None else password, safe=""),
            host, port or self.port, quote(database, safe=""))

    def psql(self, sql, database="postgres", user=None):
        """The rows, tab-separated; as superuser over the socket."""
        done = subprocess.run(
            [self.bin + "/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.dir,
             "-p", str(self.port), "-U", user or self.user, "-d", database, "-f", "-"],
            input=sql, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()


class PgBouncer:
    """A pooler before a server that gives each transaction to whatever session is free."""

    def __init__(self, pg, users, mode="transaction"):
        self.pg, self.dir, self.port = pg, scratch("bouncer"), free_port()
        with open(self.dir + "/users", "w") as f:
            f.write("".join('"%s" "%s"\n' % (name, word) for name, word in users.items()))
        with open(self.dir + "/ini", "w") as f:
            f.write("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = plain\n"
                    "auth_file = %s/users\npool_mode = %s\nignore_startup_parameters = extra_float_digits,options\n" % (pg.port, self.port, self.dir, mode))
        if pg.drop is not None:
            for name in ("", "/users", "/ini"):
                os.chown(self.dir + name, *pg.drop)
        self.log = open(self.dir + "/log", "ab")
        self.process = subprocess.Popen(["pgbouncer", self.dir + "/ini"], stdout=self.log, stderr=self.log, cwd=self.dir,
                                        env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"), **pg.as_server())
        wait_until(lambda: subprocess.run([pg.bin + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0, 30, "PgBouncer")

    def close(self):
        stop(self.process, signal.SIGINT)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def query(name, address, port):
    """A question of DNS for an A record; is it answered?"""
    packet = b"\x12\x34\x00\x00\x00\x01" + 6 * b"\x00" + b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)
        s.sendto(packet, (address, port))
        try:
            return s.recv(512)[:2] == b"\x12\x34"
        except OSError:
            return False


class Nsd:
    """A name server that knows some zones best."""

    def __init__(self, zones, address="127.0.0.1", port=None):
        """zones: name to the lines of its records, without SOA."""
        self.dir, self.address, self.port = scratch("nsd"), address, port or free_port()
        self.zones, self.serial, self.process = dict(zones), 1, None
        self.log = open(self.dir + "/log", "ab")
        self.start()

    def write(self):
        with open(self.dir + "/conf", "w") as f:
            f.write('server:\n ip-address: %s@%d\n username: ""\n chroot: ""\n zonesdir: "%s"\n database: ""\n pidfile: ""\n xfrdfile: ""\n zonelistfile: "%s/list"\n'
                    ' xfrdir: "%s"\n logfile: "%s/out"\n server-count: 1\n rrl-ratelimit: 0\n tcp-count: 10\nremote-control:\n control-enable: no\n' % (self.address, self.port, self.dir, self.dir, self.dir, self.dir))
            for name in self.zones:
                f.write('zone:\n name: "%s"\n zonefile: "%s"\n' % (name, name))
        for name, records in self.zones.items():
            with open(self.dir + "/" + name, "w") as f:
                f.write("$ORIGIN %s.\n$TTL 3600\n@ 3600 SOA ns hostmaster %d 3600 600 86400 0\n%s\n" % (name, self.serial, "\n".join(records)))

    def start(self):
        self.write()
        self.process = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", self.dir + "/conf"], stdout=self.log, stderr=self.log, cwd=self.dir)
        wait_until(lambda: query("nsd.invalid", self.address, self.port), 30, "nsd")

    def put(self, zone, *records):
        """Its records from now on."""
        self.zones[zone] = records
        self.serial += 1
        self.stop()
        self.start()

    def stop(self):
        stop(self.process)
        self.process = None

    def close(self):
        self.stop()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Dnsmasq:
    """A resolver, which remembers, before such servers: zone to (address, port)."""

    def __init__(self, upstream, *options):
        self.port = free_port()
        argv = ["/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=" + pwd.getpwuid(os.getuid()).pw_name, "--port=%d" % self.port,
                "--listen-address=127.0.0.1", "--bind-interfaces", "--server=%s#%d" % upstream, *options]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: query("dnsmasq.invalid", "127.0.0.1", self.port), 30, "dnsmasq")

    def close(self):
        stop(self.process)


class Rgw:
    """A Ceph RADOS Gateway (mon + osd + radosgw) with everything in memory, HTTP and HTTPS."""

    access, secret = "testaccesskey0000000", "testsecretkey0000000000000000000000000000"

    def __init__(self, gigabytes=8, sts=False):
        self.dir = scratch("rgw")
        os.chmod(self.dir, 0o700)
        self.port, self.tls_port, self.mon_port = free_port(), free_port(), free_port()
        self.processes = []
        for name in ("mon", "osd", "run", "log"):
            os.mkdir(self.dir + "/" + name)
        self.ca = self.dir + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                        self.dir + "/key.pem", "-out", self.ca], check=True, capture_output=True)
        self.conf = self.dir + "/ceph.conf"
        fsid = open("/proc/sys/kernel/random/uuid").read().strip()
        with open(self.conf, "w") as f:
            f.write(CEPH_CONF.format(d=self.dir, fsid=fsid, mon=self.mon_port, port=self.port,
                                     tls=self.tls_port, bytes=gigabytes << 30,
                                     sts="true" if sts else "false"))
        self.env = dict(os.environ, CEPH_CONF=self.conf, CEPH_ARGS="")
        self.start(fsid)

    def call(self, *argv):
        subprocess.run(argv, check=True, capture_output=True, env=self.env, cwd=self.dir, timeout=120)

    def daemon(self, *argv):
        log = open(self.dir + "/log/" + argv[0] + ".out", "wb")
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=self.env, cwd=self.dir,
                                   start_new_session=True)
        log.close()
        self.processes.append(process)
        return process

    def start(self, fsid):
        self.call("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a",
                  "[v2:127.0.0.1:%d]" % self.mon_port, self.dir + "/monmap")
        self.call("ceph-mon", "-c", self.conf, "-i", "a", "--mkfs", "--monmap", self.dir + "/monmap")
        self.daemon("ceph-mon", "-c", self.conf, "-i", "a", "-f", "--log-to-stderr=false")
        uuid = open("/proc/sys/kernel/random/uuid").read().strip()
        self.call("ceph", "-c", self.conf, "--connect-timeout", "30", "osd", "new", uuid)
        self.call("ceph-osd", "-c", self.conf, "-i", "0", "--mkfs", "--osd-uuid", uuid)
        self.daemon("ceph-osd", "-c", self.conf, "-i", "0", "-f")

        def up():
            done = subprocess.run(["ceph", "-c", self.conf, "--connect-timeout", "5", "osd", "stat"],
                                  capture_output=True, text=True, env=self.env)
            return " 1 up" in done.stdout
        wait_until(up, 60, "Ceph OSD")
        self.call("radosgw-admin", "-c", self.conf, "user", "create", "--uid=test", "--display-name=test",
                  "--access-key=" + self.access, "--secret-key=" + self.secret)
        gateway = self.daemon("radosgw", "-c", self.conf, "-n", "client.rgw", "-f")

        def ready():
            if gateway.poll() is not None:
                raise RuntimeError("radosgw ended: " + open(self.dir + "/log/radosgw.out").read()[-2000:])
            try:
                return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    self.endpoint, timeout=5).status == 200
            except (OSError, urllib.error.URLError):
                return False
        wait_until(ready, 60, "RADOS Gateway")

    @property
    def endpoint(self):
        return "http://127.0.0.1:%d" % self.port

    @property
    def tls_endpoint(self):
        return "https://localhost:%d" % self.tls_port

    def make_bucket(self, name, **headers):
        status, body = self.request("PUT", "/" + name, **headers)
        if status != 200:
            raise RuntimeError("make bucket %s: %d %s" % (name, status, body))

    def session(self):
        """Temporary credentials, by the names of the STS API, of a role that may do everything (with sts=True)."""
        statement = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/test"]}, "Action": ["sts:AssumeRole"]}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        statement = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::*"}
        allow = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.call("radosgw-admin", "-c", self.conf, "role", "create", "--role-name=backup", "--path=/", "--assume-role-policy-doc=" + trust)
        self.call("radosgw-admin", "-c", self.conf, "role-policy", "put", "--role-name=backup", "--policy-name=all", "--policy-doc=" + allow)
        status, body = self.request("POST", "/?Action=AssumeRole&Version=2011-06-15&DurationSeconds=3600"
                                    "&RoleArn=arn:aws:iam:::role/backup&RoleSessionName=test")
        if status != 200:
            raise RuntimeError("assume the role: %d %s" % (status, body))
        return {name: re.search("<%s>(.*?)</%s>" % (name, name), body.decode()).group(1)
                for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}

    def request(self, method, path, data=b"", **headers):
        """A signed request that shares no code with maratea's; returns status and body. headers: x_amz_name=value."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        day, host, payload = now[:8], "127.0.0.1:%d" % self.port, hashlib.sha256(data).hexdigest()
        path, _, query = path.partition("?")
        path = urllib.parse.quote(path, safe="/-._~")
        pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
        query = "&".join(urllib.parse.quote(k, safe="-._~") + "=" + urllib.parse.quote(v, safe="-._~") for k, v in pairs)
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        sent.update({"x-amz-date": now, "x-amz-content-sha256": payload})
        if sent.pop("content-md5", None):
            sent["content-md5"] = base64.b64encode(hashlib.md5(data).digest()).decode()
        signed = dict(sent, host=host)
        names = ";".join(sorted(signed))
        canonical = "\n".join([method, path, query] + ["%s:%s" % (k, signed[k]) for k in sorted(signed)] + ["", names, payload])
        scope = day + "/default/s3/aws4_request"
        text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (now, scope, hashlib.sha256(canonical.encode()).hexdigest())
        key = ("AWS4" + self.secret).encode()
        for step in (day, "default", "s3", "aws4_request"):
            key = hmac.new(key, step.encode(), "sha256").digest()
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        call = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        call.request(method, path + ("?" + query if query else ""), body=data or None, headers=dict(sent, Authorization=(
            "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (self.access, scope, names, signature))))
        answer = call.getresponse()
        body = answer.read()
        call.close()
        return answer.status, body

    def close(self):
        for process in reversed(self.processes):
            stop(process, signal.SIGTERM, 2)
        shutil.rmtree(self.dir, ignore_errors=True)


CEPH_CONF = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}/0
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms crc data = false
auth cluster required = none
auth service required = none
auth client required = none
keyring = /dev/null
run dir = {d}/run
admin socket = {d}/run/$name.$pid.asok
log file = {d}/log/$name.log
log to stderr = false
err to stderr = false
crash dir = {d}/run
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 0
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
paxos propose interval = 0.02
paxos min wait = 0.01
mon osd reporter subtree level = osd
auth allow insecure global id reclaim = true
[mon.a]
mon data = {d}/mon
mon data avail warn = 2
mon data avail crit = 1
[osd]
osd data = {d}/osd
osd objectstore = memstore
memstore device bytes = {bytes}
osd memory target autotune = false
osd op queue = wpq
osd class dir = /usr/lib/x86_64-linux-gnu/rados-classes
osd class load list = *
osd class default list = *
osd op num shards = 2
osd max object size = 134217728
[client.rgw]
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls} ssl_certificate={d}/cert.pem ssl_private_key={d}/key.pem
rgw dns name = localhost
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
rgw sts key = abcdefghijklmnop
rgw s3 auth use sts = {sts}
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw enable apis = s3, sts, admin
"""


class Redis:
    """redis-server on loopback, TLS beside it, in a directory of its own."""

    def __init__(self, *options, rdb=None, password="s3cret pass"):
        self.dir, self.port, self.tls, self.password = scratch("redis"), free_port(), free_port(), password
        if rdb:
            shutil.copy(rdb, self.dir + "/dump.rdb")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                        self.dir + "/key.pem", "-out", self.dir + "/ca.pem"], check=True, capture_output=True)
        argv = ["redis-server", "--port", self.port, "--tls-port", self.tls, "--tls-cert-file", self.dir + "/ca.pem", "--tls-key-file",
                self.dir + "/key.pem", "--tls-ca-cert-file", self.dir + "/ca.pem", "--tls-auth-clients", "no", "--bind", "127.0.0.1",
                "--dir", self.dir, "--save", "", "--requirepass", password, "--unixsocket", self.dir + "/s",
                "--enable-debug-command", "local", "--repl-diskless-sync-delay", "0", *options]
        self.log = open(self.dir + "/log", "wb")
        self.process = subprocess.Popen([str(a) for a in argv], stdout=self.log, stderr=self.log)
        wait_until(lambda: self.cli("PING") == "PONG" or self.process.poll() is not None, 30, "Redis")
        if self.process.poll() is not None:
            raise RuntimeError("Redis ended: " + open(self.dir + "/log").read()[-2000:])

    def cli(self, *args, stdin=None):
        return subprocess.run(["redis-cli", "-s", self.dir + "/s", "--no-auth-warning", "-a", self.password, *map(str, args)],
                              capture_output=True, text=True, input=stdin).stdout.strip()

    def url(self, port=None, user="", password=None, db=0, scheme="redis"):
        return "%s://%s:%s@localhost:%d/%d" % (scheme, user, quote(self.password if password is None else password, safe=""),
                                               port or self.port, db)

    def close(self):
        stop(self.process, signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Pushgateway:
    def __init__(self):
        self.port = free_port()
        # Debian's keeps its metrics in /var/lib otherwise
        self.process = subprocess.Popen(["prometheus-pushgateway", "--web.listen-address=127.0.0.1:%d" % self.port,
                                         "--persistence.file="],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.url = "http://127.0.0.1:%d" % self.port
        wait_until(lambda: self.get("/-/ready"), 30, "Pushgateway")

    def get(self, path):
        try:
            return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + path, timeout=5).read().decode()
        except OSError:
            return ""

    def metrics(self):
        """{(name, platform, target): value} of what maratea pushed."""
        found = {}
        for line in self.get("/metrics").splitlines():
            if line.startswith("maratea_"):
                name, _, rest = line.partition("{")
                labels = dict(pair.split("=", 1) for pair in rest[:rest.rindex("}")].split(","))
                found[name, labels["platform"].strip('"'), labels["target"].strip('"')] = float(line.rsplit(" ", 1)[1])
        return found

    def close(self):
        stop(self.process, signal.SIGTERM)


class Wire:
    """A TCP relay: cut() ends every connection; flip_at changes one byte of what the server sends on a
    connection, at that offset."""

    def __init__(self, port, flip_at=None):
        self.target, self.flip_at, self.flipped, self.accepted = port, flip_at, 0, 0
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                self.accepted += 1
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.sockets += [client, server]
            threading.Thread(target=self.pump, args=(client, server, None), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, self.flip_at), daemon=True).start()

    def pump(self, source, target, flip_at):
        passed = 0
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if flip_at is not None and passed <= flip_at < passed + len(data):
                    at = flip_at - passed
                    data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
                    self.flipped += 1
                passed += len(data)
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.listener.close()
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Proxy:
    """A TCP proxy that knows where HTTP requests begin and end, to drop, cut and fake answers.

    rule(method, path, n) is asked for each request (n: how many matched before, per rule result) and
    returns None (pass), or one of: ("status", 503, body), ("cut", bytes of the request body to pass),
    ("drop-answer",): the request goes through, its answer does not come back; ("after", f): f() is
    called when the request has gone through, and the connection ends; ("hang",): nothing happens.
    """

    def __init__(self, port, rule=None):
        self.target = port
        self.rule = rule
        self.log = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.hits = 0
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def endpoint(self):
        return "http://127.0.0.1:%d" % self.port

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @staticmethod
    def head(f):
        lines = [f.readline()]
        if not lines[0]:
            return None, {}
        headers = {}
        while True:
            line = f.readline()
            lines.append(line)
            if line in (b"\r\n", b""):
                return b"".join(lines), headers
            name, _, value = line.decode("latin1").partition(":")
            headers[name.strip().lower()] = value.strip()

    def serve(self, client):
        try:
            with client, socket.create_connection(("127.0.0.1", self.target)) as server:
                self.exchange(client, server)
        except OSError:
            pass

    def exchange(self, client, server):
        cf, sf = client.makefile("rb"), server.makefile("rb")
        while True:
            head, headers = self.head(cf)
            if not head:
                return
            method, path, _ = head.decode("latin1").split("\r\n")[0].split(" ", 2)
            length = int(headers.get("content-length", 0))
            with self.lock:
                act = self.rule(method, path, self.hits) if self.rule else None
                self.log.append((method, path, act))
                self.hits += act is not None
            if act and act[0] == "cut":
                server.sendall(head + cf.read(min(act[1], length)))
                client.shutdown(socket.SHUT_RDWR)
                return
            body = cf.read(length)
            if act and act[0] == "hang":
                client.recv(1)  # until the other side gives up
                return
            if act and act[0] == "status":
                text = act[2].encode()
                client.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nContent-Type: application/xml\r\n\r\n"
                               % (act[1], len(text)) + (b"" if method == "HEAD" else text))
                continue
            server.sendall(head + body)
            answer, answer_headers = self.head(sf)
            if not answer:
                return
            data = b""
            if method != "HEAD" and b" 204 " not in answer.split(b"\r\n")[0]:
                if answer_headers.get("transfer-encoding") == "chunked":
                    while True:
                        size = sf.readline()
                        n = int(size.split(b";")[0], 16)
                        data += size + sf.read(n + 2)
                        if n == 0:
                            break
                else:
                    data = sf.read(int(answer_headers.get("content-length", 0)))
            if act and act[0] == "after":
                act[1]()
            if act and act[0] in ("drop-answer", "after"):
                client.shutdown(socket.SHUT_RDWR)
                return
            client.sendall(answer + data)


class SilentDns:
    """A UDP port that never answers."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def close(self):
        self.socket.close()
