#!/usr/bin/python3
"""physical.py - the physical backup against the field's best, side by side in one run.

A mixed database (about 3 GiB by default) with page checksums is backed up, in turn and several times, by

  maratea     maratea backup run postgres --method physical
  pipe        pg_basebackup -Ft -X fetch | zstd -3 -T2 | rclone rcat
  pgbackrest  pgbackrest backup --type=full, zst level 3, process-max 2
  gzip        pg_dump | gzip (once: it is far slower)

to a directory in memory (a sink that is no bottleneck) and to a RADOS Gateway that keeps everything in
memory; then maratea's and pgBackRest's backups are restored, onto the disk, which is the bottleneck for
both, and into a directory in memory, which is none. Wall time, CPU time of the
whole machine (the server's backend included), peak memory of the maratea process; medians and ratios.
pgBackRest waits for the archiver at both ends; that wait is reported apart, and left out of its wall time.

  MRT_SOURCE=. MARATEA=build/maratea tests/bench/physical.py [--gib 3] [--rounds 3] [--sink] [--s3]
  ... --files 1000000 [--sink]   a million small files in the data directory, once

Needs: postgresql, pgbackrest, radosgw, ceph-mon, ceph-osd, zstd, rclone.
"""
import argparse
import datetime
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("MRT_SOURCE", "."), "tests", "env"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import Postgres, Rgw, scratch  # noqa: E402
from tables import TABLES, peak_of  # noqa: E402

MARATEA = os.path.abspath(os.environ.get("MARATEA", "build/maratea"))
TICKS = os.sysconf("SC_CLK_TCK")


def busy():
    """CPU seconds of the whole machine so far."""
    fields = [int(v) for v in open("/proc/stat").readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq = fields[:7]
    return (user + nice + system + irq + softirq) / TICKS


def measure(argv, env, shell=False, **more):
    before, began = busy(), time.monotonic()
    done = subprocess.run(argv, env=env, shell=shell, executable="/bin/bash" if shell else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    wall, cpu = time.monotonic() - began, busy() - before
    if done.returncode != 0:
        raise RuntimeError("%s\n%s" % (argv, done.stdout))
    return wall, cpu, done.stdout


def archiver_wait(log, pg):
    """Seconds that pgBackRest spent waiting for WAL to be archived.

    At the start, until the server's archiver was done with the segment asked for: the log's next line comes only
    when the first file is copied. At the end, until the next line.
    """
    lines = [(datetime.datetime.strptime(l[:23], "%Y-%m-%d %H:%M:%S.%f").timestamp(), l) for l in log.splitlines()
             if re.match(r"\d{4}-\d\d-\d\d ", l)]
    waited = 0.0
    for i, (at, line) in enumerate(lines[:-1]):
        first = re.search(r"check archive for (?:prior )?segment ([0-9A-F]{24})", line)
        if first:
            done = os.stat(pg.data + "/pg_wal/archive_status/" + first.group(1) + ".done")
            waited += max(0.0, done.st_ctime - at)
        elif "check archive for segment(s)" in line:
            waited += lines[i + 1][0] - at
    return waited


class PgBackRest:
    def __init__(self, pg, repo, work, extra=""):
        self.pg, self.repo = pg, repo
        self.dir = work + "/pgbackrest"
        os.makedirs(self.dir, exist_ok=True)
        if pg.drop:
            os.chown(self.dir, *pg.drop)
        self.conf = self.dir + "/pgbackrest.conf"
        with open(self.conf, "w") as f:
            f.write("[global]\n%s\ncompress-type=zst\ncompress-level=3\nprocess-max=2\nstart-fast=y\n"
                    "lock-path=%s/lock\nlog-path=%s/log\nspool-path=%s/spool\nlog-level-file=off\n"
                    "log-level-console=detail\nrepo1-retention-full=1\n[bench]\npg1-path=%s\npg1-port=%d\n"
                    "pg1-socket-path=%s\npg1-user=%s\n" % (extra or "repo1-path=" + repo, self.dir, self.dir, self.dir,
                                                          pg.data, pg.port, pg.dir, pg.user))
        self.base = ["pgbackrest", "--config", self.conf, "--stanza", "bench"]

    def run(self, *args):
        return measure(self.base + list(args), dict(os.environ, HOME=self.dir), cwd=self.dir, **self.pg.as_server())


def show(place, what, results, first):
    for name, rounds in results.items():
        wall = statistics.median(r[0] for r in rounds)
        cpu = statistics.median(r[1] for r in rounds)
        line = "%-8s %-7s %-10s wall %6.2f s   machine CPU %6.2f s" % (place, what, name, wall, cpu)
        if name != first:
            line += "   %s/this: wall %.3f  CPU %.3f" % (
                first, statistics.median(r[0] for r in results[first]) / wall,
                statistics.median(r[1] for r in results[first]) / cpu)
        print(line + "   rounds " + " ".join("%.2f" % r[0] for r in rounds), flush=True)


def bench_place(place, pg, env, ways, rest, o, work, memory, clean):
    results, waits = {name: [] for name in ways}, []
    if rest:
        results["pgbackrest"] = []
    if not o.no_gzip:
        results["gzip"] = []
    for i in range(o.rounds):
        for name, (argv, shell) in ways.items():
            results[name].append(measure(argv, env, shell)[:2])
        if rest:
            wall, cpu, log = rest.run("backup", "--type=full")
            waits.append(archiver_wait(log, pg))
            results["pgbackrest"].append((wall - waits[-1], cpu))
        if i == 0 and "gzip" in results:
            results["gzip"].append(measure("set -o pipefail; pg_dump mixed | gzip > %s/dump.gz" % work, env, True)[:2])
            os.unlink(work + "/dump.gz")
        clean(i + 1 < o.rounds)
    show(place, "backup", results, "maratea")
    if waits:
        print("%-8s pgbackrest waited %.2f s for the archiver (median; not in its wall time)" % (
            place, statistics.median(waits)), flush=True)
    for what, parent in (("to disk", work), ("to mem", memory)):
        restores = {"maratea": [], "pgbackrest": []}
        for i in range(o.rounds):
            target = parent + "/restored"
            os.sync()
            restores["maratea"].append(measure([MARATEA, "backup", "restore", "latest", "--to-dir", target], env)[:2])
            shutil.rmtree(target)
            if rest:
                os.mkdir(target, 0o700)
                if pg.drop:
                    os.chown(target, *pg.drop)
                os.sync()
                restores["pgbackrest"].append(rest.run("restore", "--pg1-path=" + target)[:2])
                shutil.rmtree(target)
        show(place, what, {k: v for k, v in restores.items() if v}, "maratea")
    print("%-8s peak memory of the maratea process: backup %.0f MiB, restore %.0f MiB" % (
        place, peak_of(ways["maratea"][0], env),
        peak_of([MARATEA, "backup", "restore", "latest", "--to-dir", work + "/restored"], env)), flush=True)
    shutil.rmtree(work + "/restored")


def many_files(pg, env, o, work):
    folder = pg.data + "/many"
    began = time.monotonic()
    for i in range(0, o.files, 1000):
        sub = "%s/%06d" % (folder, i // 1000)
        os.makedirs(sub)
        for k in range(min(1000, o.files - i)):
            with open("%s/%d" % (sub, k), "wb") as f:
                f.write(b"%d\n" % (i + k) * 20)
    if pg.drop:
        subprocess.run(["chown", "-R", "%d:%d" % pg.drop, folder], check=True)
    print("%d files made in %.0f s" % (o.files, time.monotonic() - began), flush=True)
    for what, argv in (("backup", ["run", "postgres", "-m", "physical"]), ("verify", ["verify", "latest"]),
                       ("restore", ["restore", "latest", "--to-dir", work + "/restored"])):
        wall, cpu, _ = measure([MARATEA, "backup"] + argv, env)
        print("files    %-7s maratea    wall %6.2f s   machine CPU %6.2f s" % (what, wall, cpu), flush=True)
    shutil.rmtree(work + "/restored")
    print("files    peak memory of the maratea process: backup %.0f MiB, verify %.0f MiB, restore %.0f MiB" % (
        peak_of([MARATEA, "backup", "run", "postgres", "-m", "physical"], env),
        peak_of([MARATEA, "backup", "verify", "latest"], env),
        peak_of([MARATEA, "backup", "restore", "latest", "--to-dir", work + "/restored"], env)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--sink", action="store_true")
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--no-gzip", action="store_true")
    o = parser.parse_args()
    both = not o.sink and not o.s3
    work = scratch("bench")
    memory = tempfile.mkdtemp(prefix="maratea-bench-", dir="/dev/shm")
    os.chmod(memory, 0o755)
    conf = work + "/pgbackrest/pgbackrest.conf"
    pg = Postgres(initdb=("--data-checksums",), shared_buffers="1GB", max_wal_size="8GB", archive_mode="on",
                  archive_command="test ! -e %s || pgbackrest --config=%s --stanza=bench archive-push %%p" % (conf, conf))
    if pg.drop:
        os.chown(work, *pg.drop)
        os.chown(memory, *pg.drop)
    rgw = None
    try:
        base = dict(os.environ, DATABASE_URL=pg.url(), PGPASSWORD=pg.password, PGHOST="127.0.0.1",
                    PGPORT=str(pg.port), PGUSER="postgres", PATH=pg.bin + ":" + os.environ["PATH"],
                    RCLONE_CONFIG="/dev/null", AWS_EC2_METADATA_DISABLED="true", MARATEA_STORE="file://" + memory + "/store")
        base.pop("AWS_CA_BUNDLE", None)  # rclone 1.60 refuses to start with it
        if o.files:
            many_files(pg, base, o, work)
            return
        pg.psql("CREATE DATABASE mixed")
        for sql in TABLES:
            pg.psql(sql.format(n=o.gib), "mixed")
        pg.psql("VACUUM ANALYZE; CHECKPOINT", "mixed")
        print("database:", pg.psql("SELECT pg_size_pretty(pg_database_size('mixed'))"), flush=True)
        pipe = "set -o pipefail; pg_basebackup -Ft -X fetch -c fast -D - | zstd -3 -T2 -q | rclone rcat "
        maratea = ([MARATEA, "backup", "run", "postgres", "-m", "physical"], False)
        if o.sink or both:
            rest = PgBackRest(pg, memory + "/repo", work)
            rest.run("stanza-create")

            def clean(more):
                if more:
                    shutil.rmtree(memory + "/store", ignore_errors=True)
                if os.path.exists(memory + "/pipe.out"):
                    os.unlink(memory + "/pipe.out")
            bench_place("sink", pg, base, {"maratea": maratea, "pipe": (pipe + memory + "/pipe.out", True)}, rest, o, work,
                        memory, clean)
            shutil.rmtree(memory + "/repo")
            shutil.rmtree(memory + "/store")
        if o.s3 or both:
            rgw = Rgw(gigabytes=12)
            rgw.make_bucket("bench")
            env = dict(base, MARATEA_STORE="s3://bench", S3_ENDPOINT=rgw.endpoint, S3_REGION="default",
                       S3_ACCESS_KEY=rgw.access, S3_SECRET_KEY=rgw.secret, RCLONE_S3_ACCESS_KEY_ID=rgw.access,
                       RCLONE_S3_SECRET_ACCESS_KEY=rgw.secret, RCLONE_S3_ENDPOINT=rgw.endpoint, RCLONE_S3_PROVIDER="Ceph")
            rest = PgBackRest(pg, None, work, "repo1-type=s3\nrepo1-path=/repo\nrepo1-s3-bucket=bench\nrepo1-s3-region=default\n"
                              "repo1-s3-endpoint=localhost:%d\nrepo1-s3-uri-style=path\nrepo1-storage-verify-tls=n\n"
                              "repo1-s3-key=%s\nrepo1-s3-key-secret=%s" % (rgw.tls_port, rgw.access, rgw.secret))
            rest.run("stanza-create")
            bench_place("gateway", pg, env, {"maratea": maratea, "pipe": (pipe + ":s3:bench/pipe.out", True)}, rest, o, work,
                        memory, lambda more: None)
    finally:
        if rgw:
            rgw.close()
        pg.close()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)


main()
