"""test_cli.py - options, help, suggestions, configuration, exit statuses, broken pipes."""
import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import termios
import time

from harness import *
from servers import Postgres, wait_until

ROOT = temporary()
CLEANUP = [lambda: shutil.rmtree(ROOT)]
STORE = environment(MARATEA_STORE="file://" + ROOT + "/store")


def config(text):
    path = ROOT + "/maratea.yaml"
    with open(path, "w") as f:
        f.write(text)
    return path


def usage(words, *args, env=STORE):
    failed = maratea(*args, env=env, status=2)
    equal(failed.out, "")
    holds(failed.err, "maratea: error: ", words)


def test_version_and_help_on_every_level():
    holds(maratea("--version").out, "maratea 0.1.0\n")
    equal(subprocess.run([os.environ["MARATEAD"], "--version"], capture_output=True, text=True).stdout,
          "maratead 0.1.0\n")
    holds(maratea("--help").out, "usage: maratea [options] GROUP COMMAND", "backup", "sandbox")
    holds(maratea("backup", "--help").out, "usage: maratea backup COMMAND", "restore")
    holds(maratea("backup", "run", "--help").out, "usage: maratea backup run [options] [TARGET]", "--label TEXT", "-j, --jobs N")
    holds(maratea("backups", "list", "-h").out, "usage: maratea backup list")


def test_usage_errors_are_exit_status_2_with_the_nearest_name():
    usage("which group and command?")
    usage("which command?", "backup")
    usage("unknown group 'bakup'; did you mean 'backup'?", "bakup")
    usage("did you mean 'backup restore'?", "backup", "resotre")
    usage("unknown option '--lable'; did you mean '--label'?", "backup", "run", "--lable", "x")
    usage("unknown option '-z'", "backup", "list", "-z")
    usage("--label needs a value: TEXT", "backup", "run", "postgres", "--label")
    usage("--dry-run takes no value", "backup", "run", "postgres", "--dry-run=yes")
    usage("--label has an empty value", "backup", "run", "postgres", "--label=")
    usage("ID is missing: a backup's id, or latest", "backup", "show")
    usage("unexpected operand 'x'", "backup", "list", "postgres", "x")
    usage("--output 'xml': one of table|json", "backup", "list", "-o", "xml")
    usage("'x' is not a duration", "backup", "list", "--timeout", "x")
    usage("write '--' before the command to run", "sandbox", "run", "psql")
    usage("unknown target 'mysql'", "backup", "run", "mysql")
    usage("--method 'magic': one of logical|physical", "backup", "run", "postgres", "-m", "magic")
    usage("platform '../x': only letters", "--platform", "../x", "backup", "list")


def test_options_may_stand_anywhere_and_in_every_form():
    for args in (("-o", "json", "backup", "list"), ("backup", "-ojson", "list"), ("backup", "list", "--output=json"),
                 ("backup", "list", "-qo", "json", "--"), ("backup", "list", "-o", "table", "-o", "json")):
        equal(maratea(*args, env=STORE).json(), {"backups": [], "incomplete": 0})


def test_an_unknown_key_is_an_error_with_file_line_and_column():
    path = config("store:\n  url: file:///tmp/x\n  regoin: ru-1\n")
    failed = maratea("-c", path, "config", "check", status=3)
    equal(failed.err, "maratea: error: %s:3:3: unknown key 'store.regoin'; did you mean 'region'?\n" % path)
    holds(maratea("-c", config("stroe: {}\n"), "config", "check", status=3).err, ":1:1: unknown key 'stroe'; did you mean 'store'?")
    holds(maratea("-c", config("store: [1]\n"), "config", "check", status=3).err, "keys and values are expected here")
    holds(maratea("-c", config("store: {url: }\n"), "config", "show").out, "SETTING")
    holds(maratea("-c", config("store: {url: ''}\n"), "config", "check", status=3).err, "store.url is empty")
    holds(maratea("-c", config("store:\n\turl: x\n"), "config", "check", status=3).err, "maratea.yaml:2:")
    holds(maratea("-c", config("backup: {jobs: 0}\n"), "config", "check", status=3).err, "backup.jobs", "0 is out of range (1 to 32)")
    holds(maratea("-c", config("backup: {compression: gzip}\n"), "config", "check", status=3).err, "write zstd:1 to zstd:19")
    holds(maratea("-c", ROOT + "/nothere.yaml", "config", "check", status=3).err, "nothere.yaml", "No such file")
    holds(maratea("-c", ROOT, "config", "check", status=3).err, "Is a directory")


def test_precedence_is_flag_variable_file_ecosystem():
    path = config("store: {url: file:///from/file}\npostgres: {url: 'postgresql://a:s3cret@h/filedb'}\n")
    env = environment(DATABASE_URL="postgresql://x:ambient@h/ambient", MARATEA_PLATFORM="fromvar")

    def shown(*args, **more):
        return maratea("-c", path, *args, "config", "show", "-o", "json", env=dict(env, **more)).json()
    first = shown()
    equal(first["settings"]["store.url"], {"value": "file:///from/file", "source": path + ":1:14"})
    equal(first["settings"]["postgres.url"]["value"], "postgresql://a:***@h/filedb")
    equal(first["settings"]["platform.name"], {"value": "fromvar", "source": "$MARATEA_PLATFORM"})
    equal(first["notes"], ["$DATABASE_URL is not used: postgres.url comes from %s:2:17" % path])
    equal(shown(MARATEA_STORE="file:///var")["settings"]["store.url"]["value"], "file:///var")
    equal(shown("--store", "file:///flag", MARATEA_STORE="file:///var")["settings"]["store.url"]["value"], "file:///flag")


def test_secrets_come_from_files_and_are_masked():
    with open(ROOT + "/pw", "w") as f:
        f.write("top-secret\n")
    path = config("postgres: {password: '${file:pw}'}\nstore: {url: 's3://bucket', access-key: AK1234, secret-key: '${env:SK}'}\n")
    done = maratea("-c", path, "config", "show", env=environment(SK="s3cr3t-key"))
    lacks(done.out + done.err, "top-secret", "s3cr3t-key")
    holds(maratea("-c", path, "config", "show", status=3).err, "${env:SK}: that variable is not set", "maratea.yaml:2:")


def test_who_reads_no_further_ends_it_and_a_full_disk_is_an_error():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([MARATEA, "--help"], stdout=write, stderr=subprocess.PIPE, text=True, env=STORE)
    os.close(write)
    equal((done.returncode, done.stderr), (141, ""))
    with open("/dev/full", "w") as full:
        done = subprocess.run([MARATEA, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, env=STORE)
    equal(done.returncode, 1)
    holds(done.stderr, "No space left on device")


def test_logs_are_json_when_asked_for():
    failed = maratea("--log-format", "json", "backup", "show", "latest", env=STORE, status=1)
    lines = [json.loads(line) for line in failed.err.splitlines()]
    equal([line["level"] for line in lines], ["error", "hint"])
    holds(lines[0]["message"], "no backup 'latest' of platform 'default'")


def test_progress_is_drawn_on_a_terminal_only():
    server = Postgres()
    try:
        server.psql("CREATE TABLE noise AS SELECT g, encode(sha512(g::text::bytea), 'hex') AS h FROM generate_series(1, 300000) g")
        env = dict(STORE, DATABASE_URL=server.url(), TERM="xterm", MARATEA_BACKUP_COMPRESSION="zstd:12")
        main_end, other = pty.openpty()
        process = subprocess.Popen([MARATEA, "backup", "run", "postgres"], env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=other)
        os.close(other)
        drawn = b""
        while True:
            try:
                piece = os.read(main_end, 65536)
            except OSError:
                break
            if not piece:
                break
            drawn += piece
        equal(process.wait(), 0)
        text = drawn.decode()
        holds(text, "backing up: ", "% of ", "MiB/s")
        assert text.endswith("\r\x1b[K"), repr(text[-40:])
        quiet = maratea("backup", "run", "postgres", env=env)
        equal(quiet.err, "")
    finally:
        server.close()


def test_a_question_that_is_interrupted_is_no_answer():
    server = Postgres()
    try:
        env = dict(STORE, MARATEA_ADMIN_URL=server.url(), TERM="xterm")
        for action, status in ((lambda p, fd: p.send_signal(signal.SIGTERM), 143), (lambda p, fd: os.write(fd, b"\x03"), 130), (lambda p, fd: os.write(fd, b"y\n"), 2)):
            main_end, other = pty.openpty()
            process = subprocess.Popen([MARATEA, "db", "init"], env=env, stdin=other, stdout=subprocess.PIPE, stderr=other, preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
            asked = b""
            while b"Type yes to go on: " not in asked:
                asked += os.read(main_end, 4096)
            action(process, main_end)
            equal(process.wait(), status)
            process.stdout.close()
            os.close(other)
            os.close(main_end)
        equal(server.psql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'maratea%'"), "0")
    finally:
        server.close()


def test_a_10_mb_value_and_control_characters_are_refused_or_shown_safely():
    label = "x" * 100000
    usage("the label is longer than 1,024 bytes", "backup", "run", "postgres", "--label", label)
    usage("the label holds a control character", "backup", "run", "postgres", "--label", "a\x1b[31mb")
    failed = maratea("backup", "\x1b[31mred", env=STORE, status=2)
    lacks(failed.err, "\x1b")
    path = config("store: {url: '%s'}\n" % ("a" * 10000000))
    failed = maratea("-c", path, "config", "check", status=3)
    assert len(failed.err) < 4096, len(failed.err)


def test_start_up_is_quick():
    """Against curl --version, which links much of the same; the bench measures it properly."""
    def best(*argv):
        times = []
        for _ in range(15):
            began = time.perf_counter()
            subprocess.run(argv, stdout=subprocess.DEVNULL, env=STORE)
            times.append(time.perf_counter() - began)
        return min(times)
    if "ASAN_OPTIONS" not in os.environ or "sanitized" not in MARATEA:
        ours, curl = best(MARATEA, "--version"), best("curl", "--version")
        assert ours < 2 * curl, (ours, curl)


main(globals())
