"""test_sandbox.py - private servers for one command, and nothing left of them."""
import os
import signal
import subprocess

from harness import *
from servers import wait_until


def sandbox(*command, status=0, env=None):
    return maratea("sandbox", "run", "--", *command, status=status, env=env)


def test_the_command_finds_a_database_a_redis_and_a_store():
    done = sandbox("bash", "-ec", 'psql -qAtX "$DATABASE_URL" -c "SELECT current_database(), 1 + 1"; '
                   'redis-cli -s "$(echo "$REDIS_URL" | sed "s,^unix://,,; s,?.*,,")" ping; echo "$MARATEA_STORE"; echo $MARATEA_SANDBOX')
    lines = done.out.split("\n")
    equal(lines[:2], ["school|2", "PONG"])
    holds(lines[2], "file://" + lines[3] + "/store")
    equal(os.path.exists(lines[3]), False)


def test_a_physical_backup_can_be_tried_in_it():
    done = sandbox("bash", "-ec", '"%s" backup run postgres -m physical && "%s" backup verify latest --restore' % (MARATEA, MARATEA))
    holds(done.out, "timeline 1", "a server recovered from it, every database was read: good")


def test_the_exit_status_is_the_command_s():
    sandbox("sh", "-c", "exit 7", status=7)
    sandbox("sh", "-c", "kill -9 $$", status=137)
    holds(sandbox("/no/such/program", status=1).err, "/no/such/program", "No such file")


def test_servers_do_not_run_as_root():
    done = sandbox("sh", "-c", 'stat -c %U /proc/$(head -1 "$MARATEA_SANDBOX/data/postmaster.pid")')
    assert done.out.strip() != "root", done.out


def test_nothing_of_the_outside_leads_to_another_server():
    directory = temporary()
    with open(directory + "/maratea.yaml", "w") as f:
        f.write("postgres: {url: 'postgresql://production.invalid/x'}\nstore: {url: 'file:///production'}\n")
    env = environment(PGHOST="production.invalid", PGSSLMODE="require", MARATEA_POSTGRES_URL="postgresql://production.invalid/y")
    done = maratea("sandbox", "run", "--", MARATEA, "config", "show", "-o", "json", env=env, cwd=directory)
    settings = done.json()["settings"]
    holds(settings["postgres.url"]["value"], "maratea-sandbox")
    holds(settings["store.url"]["value"], "maratea-sandbox")


def test_sigterm_stops_everything_within_5_seconds():
    process = start("sandbox", "run", "--", "sh", "-c", "echo $MARATEA_SANDBOX; head -1 $MARATEA_SANDBOX/data/postmaster.pid; exec cat /dev/zero >/dev/null")
    directory = process.stdout.readline().strip()
    pid = process.stdout.readline().strip()
    process.send_signal(signal.SIGTERM)
    equal(finish(process, 6).status, 143)
    equal((os.path.exists(directory), os.path.exists("/proc/" + pid)), (False, False))


def test_an_unprivileged_user_can_use_it():
    if os.getuid() != 0:
        return sandbox("true")
    out = as_nobody("sandbox", "run", "--", MARATEA, "backup", "run", "postgres", env=environment(HOME="/tmp"))
    holds(out, "backup  ")


def test_a_user_without_a_passwd_entry_gets_a_namespace_or_the_reason():
    if os.getuid() != 0:
        return
    env = environment(HOME="/tmp")
    done = subprocess.run([MARATEA, "sandbox", "run", "--", "psql", "--version"], env=env, cwd="/", user=54321,
                          group=54321, extra_groups=[], capture_output=True, text=True)
    if done.returncode != 0:  # where user namespaces are not allowed
        equal(done.returncode, 3, done.stderr)
        holds(done.stderr, "namespace")


main(globals())
