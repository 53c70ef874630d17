"""harness.py - runs the test_* functions of a module and prints TAP; calls the real command."""
import hashlib
import json
import os
import pwd
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.environ["MRT_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "env"))
MARATEA = os.environ["MARATEA"]

# nothing of the caller's environment may lead a test to other servers
KEEP = ("PATH", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "USER",
        "LOGNAME")
BASE = {k: v for k, v in os.environ.items() if k in KEEP}
BASE["LC_ALL"] = "C.UTF-8"


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return "exit status %d\n--- stdout\n%s\n--- stderr\n%s" % (self.status, self.out[-4000:], self.err[-4000:])


def environment(**more):
    env = dict(BASE)
    env.setdefault("HOME", "/nonexistent")
    env.update({k: str(v) for k, v in more.items() if v is not None})
    return env


def maratea(*args, env=None, cwd=None, stdin=None, timeout=300, status=0):
    """Runs the command; status: what it must exit with (None: the caller looks)."""
    done = subprocess.run([MARATEA, *(a if isinstance(a, bytes) else str(a) for a in args)], env=environment() if env is None else env, cwd=cwd,
                          input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, text=True, timeout=timeout)
    result = Result(done)
    if status is not None and result.status != status:
        raise AssertionError("maratea %s: expected exit status %d\n%r" % (" ".join(map(str, args)), status, result))
    return result


def as_nobody(*args, env):
    """The command as an unprivileged user; its standard output. For tests that run as root."""
    entry = pwd.getpwnam("nobody")
    done = subprocess.run([MARATEA, *map(str, args)], env=env, cwd="/", user=entry.pw_uid, group=entry.pw_gid, extra_groups=[],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    equal(done.returncode, 0, done.stderr)
    return done.stdout


def start(*args, env=None, **more):
    return subprocess.Popen([MARATEA, *map(str, args)], env=environment() if env is None else env,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **more)


def finish(process, timeout=60):
    out, err = process.communicate(timeout=timeout)
    return Result(subprocess.CompletedProcess([], process.returncode, out, err))


def equal(have, want, what=""):
    if have != want:
        raise AssertionError("%s\n  have: %r\n  want: %r" % (what, have, want))


def holds(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError("%r is not in:\n%s" % (part, text))


def lacks(text, *parts):
    for part in parts:
        if part in text:
            raise AssertionError("%r is in:\n%s" % (part, text))


def temporary():
    directory = tempfile.mkdtemp(prefix="maratea-test-")
    os.chmod(directory, 0o755)
    return directory


def sealed(manifest):
    """The text of a manifest, with the digest of its own bytes as its last member."""
    head = json.dumps(manifest, indent=2)[:-2] + ",\n"
    return head + '  "sha256": "%s"\n}\n' % hashlib.sha256(head.encode()).hexdigest()


def main(module_globals):
    wanted = sys.argv[1:]
    tests = [(n, f) for n, f in module_globals.items()
             if n.startswith("test_") and callable(f) and (not wanted or any(w in n for w in wanted))]
    print("1..%d" % len(tests), flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print("ok %d - %s" % (number, name[5:].replace("_", " ")), flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
                print(line, file=sys.stderr)
            print("not ok %d - %s" % (number, name[5:].replace("_", " ")), flush=True)
    for cleanup in module_globals.get("CLEANUP", []):
        cleanup()
    sys.exit(1 if failed else 0)
