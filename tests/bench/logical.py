#!/usr/bin/python3
"""logical.py - the logical backup against the pipelines it replaces, side by side in one run.

A mixed database (about 3 GiB by default) is backed up, in turn and several times, by

  maratea     maratea backup run postgres
  pipe        pg_dump -Fc -Z0 | zstd -3 -T2 | rclone rcat
  cronjob     pg_dump | gzip > file; aws s3 cp file (or cp, for a directory)

to a directory and to a RADOS Gateway that keeps everything in memory. Wall time, CPU time of the
client side (children included), peak memory of the maratea process; medians, and the ratios.

  MRT_SOURCE=. MARATEA=build/maratea tests/bench/logical.py [--gib 3] [--rounds 3] [--dir] [--s3]

Needs: postgresql, radosgw, ceph-mon, ceph-osd, zstd, rclone, awscli.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("MRT_SOURCE", "."), "tests", "env"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import Postgres, Rgw, scratch  # noqa: E402
from tables import TABLES, peak_of  # noqa: E402

MARATEA = os.path.abspath(os.environ.get("MARATEA", "build/maratea"))


def measure(argv, env, shell=False):
    """Wall seconds, CPU seconds of the command and its children, peak KiB of the largest process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(argv, env=env, shell=shell, executable="/bin/bash" if shell else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError("%s\n%s" % (argv, done.stdout))
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", action="store_true")
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--no-cronjob", action="store_true")
    o = parser.parse_args()
    both = not o.dir and not o.s3
    pg = Postgres(shared_buffers="1GB", max_wal_size="8GB")
    work = scratch("bench")
    rgw = None
    try:
        pg.psql("CREATE DATABASE mixed")
        for sql in TABLES:
            pg.psql(sql.format(n=o.gib), "mixed")
        pg.psql("VACUUM ANALYZE", "mixed")
        pg.psql("SELECT pg_size_pretty(pg_database_size('mixed'))", "mixed")
        print("database:", pg.psql("SELECT pg_size_pretty(pg_database_size('mixed'))"), flush=True)
        base = dict(os.environ, DATABASE_URL=pg.url("mixed"), PGPASSWORD=pg.password, PGHOST="127.0.0.1",
                    PGPORT=str(pg.port), PGUSER="postgres", PATH=pg.bin + ":" + os.environ["PATH"],
                    RCLONE_CONFIG="/dev/null", AWS_EC2_METADATA_DISABLED="true")
        base.pop("AWS_CA_BUNDLE", None)  # rclone 1.60 refuses to start with it
        places = []
        if o.dir or both:
            places.append(("directory", dict(base, MARATEA_STORE="file://%s/store" % work), work + "/pipe.out",
                           "cp %s/cron.gz %s/cron.copy" % (work, work)))
        if o.s3 or both:
            rgw = Rgw(gigabytes=12)
            rgw.make_bucket("bench")
            env = dict(base, MARATEA_STORE="s3://bench", S3_ENDPOINT=rgw.endpoint, S3_REGION="default",
                       S3_ACCESS_KEY=rgw.access, S3_SECRET_KEY=rgw.secret, AWS_ACCESS_KEY_ID=rgw.access,
                       AWS_SECRET_ACCESS_KEY=rgw.secret, AWS_DEFAULT_REGION="default",
                       RCLONE_S3_ACCESS_KEY_ID=rgw.access, RCLONE_S3_SECRET_ACCESS_KEY=rgw.secret,
                       RCLONE_S3_ENDPOINT=rgw.endpoint, RCLONE_S3_PROVIDER="Ceph")
            places.append(("gateway", env, ":s3:bench/pipe.out",
                           "aws --endpoint-url %s s3 cp --quiet %s/cron.gz s3://bench/cron.gz" % (rgw.endpoint, work)))
        for place, env, target, copy in places:
            ways = {
                "maratea": ([MARATEA, "backup", "run", "postgres", "-d", "mixed"], False),
                "pipe": ("set -o pipefail; pg_dump -Fc -Z0 mixed | zstd -3 -T2 -q | rclone rcat " + target, True),
                "cronjob": ("set -o pipefail; pg_dump mixed | gzip > %s/cron.gz && %s" % (work, copy), True),
            }
            if o.no_cronjob:
                del ways["cronjob"]
            results = {name: [] for name in ways}
            for i in range(o.rounds):
                for name, (argv, shell) in ways.items():
                    if name == "cronjob" and i > 0:
                        continue  # it is far slower; once is enough
                    results[name].append(measure(argv, env, shell))
                shutil.rmtree(work + "/store", ignore_errors=True)
            peak = peak_of(ways["maratea"][0], env)
            shutil.rmtree(work + "/store", ignore_errors=True)
            wall = {n: statistics.median(r[0] for r in rs) for n, rs in results.items()}
            cpu = {n: statistics.median(r[1] for r in rs) for n, rs in results.items()}
            for name in ways:
                print("%-10s %-8s wall %6.2f s   client CPU %6.2f s   maratea/this: wall %.3f  CPU %.2f" % (
                    place, name, wall[name], cpu[name], wall["maratea"] / wall[name], cpu["maratea"] / cpu[name]), flush=True)
            for name, rs in results.items():
                print("%-10s %-8s rounds" % (place, name), " ".join("%.2f" % r[0] for r in rs), flush=True)
            print("%-10s peak memory of the maratea process: %.0f MiB" % (place, peak), flush=True)
    finally:
        if rgw:
            rgw.close()
        pg.close()
        shutil.rmtree(work, ignore_errors=True)


main()
