"""test_completion.py - real shells with the completion scripts loaded."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import tempfile
import time

import tap

ID = '20261122T020000Z-3fa9c1'
OLD = '20261121T020000Z-0a1b2c'
TABLE = json.loads(tap.run([tap.MARATEA, '__commands']).stdout)
GROUPS = sorted({c['group'] for c in TABLE['commands']})

# compopt works inside of a completion only; here it tells what it was asked for
BASH = r'''
compopt() { printf 'compopt %s\n' "$*"; }
source "$SCRIPT"
COMP_LINE=$LINE COMP_POINT=${#LINE}
_maratea maratea "" ""
printf '%s\n' "${COMPREPLY[@]}"
'''
# the words that completion would offer, without a terminal
FISH = 'source $SCRIPT; complete -C $LINE'
ZSH = r'''
compset() { PREFIX=${PREFIX#*=} }
compadd() { local c; for c in "${(@P)2}"; do [[ $c == "$PREFIX"* ]] && print -r -- $c; done }
_files() { print -r -- "files $*" }
words=("${(@z)LINE}")
[[ $LINE == *' ' && $words[-1] != '' ]] && words+=('')
CURRENT=$#words PREFIX=$words[-1]
complete_it() { source $SCRIPT }
complete_it
'''


def options(group, verb):
    found = [c['options'] for c in TABLE['commands'] if (c['group'], c['verb']) == (group, verb)]
    return sorted('--' + o['name'] for o in found[0] + TABLE['options'] if o['name'])


def verbs(group):
    return sorted(c['verb'] for c in TABLE['commands'] if c['group'] == group)


class Shell:
    def __init__(self, root, name, argv, script):
        self.name, self.argv, self.root = name, argv, root
        binaries = os.path.join(root, 'bin')
        os.makedirs(binaries, exist_ok=True)
        if not os.path.exists(os.path.join(binaries, 'maratea')):
            os.symlink(tap.MARATEA, os.path.join(binaries, 'maratea'))
        keep = ('LD_LIBRARY_PATH', 'ASAN_OPTIONS', 'LSAN_OPTIONS', 'UBSAN_OPTIONS')
        self.env = {**{k: os.environ[k] for k in keep if k in os.environ},
                    'PATH': binaries + ':' + os.environ['PATH'], 'HOME': root, 'TERM': 'dumb',
                    'LC_ALL': 'C.UTF-8', 'SCRIPT': tap.source('completions', script),
                    'MARATEA_STORE': 'file://' + os.path.join(root, 'store')}

    def ask(self, line, **more):
        answer = tap.run(self.argv, cwd=self.root, env={**self.env, 'LINE': line, **more})
        found = sorted(x.split('\t')[0] for x in answer.stdout.split('\n') if x)
        return (answer.stderr, found)

    def same(self, line, wanted, **more):
        tap.same(self.ask(line, **more), ('', sorted(wanted)), f"{self.name}: '{line}<TAB>'")


def check_words(shell):
    shell.same('maratea ba', ['backup'])
    shell.same('maratea ', GROUPS)
    shell.same('maratea nothing', [])
    shell.same('maratea backup re', ['restore'])
    shell.same('maratea backup ', verbs('backup'))
    shell.same('maratea backups sh', ['show'])
    shell.same('maratea -q backup ver', ['verify'])
    shell.same('maratea backup run ', ['postgres', 'redis'])
    shell.same('maratea backup run -l text ', ['postgres', 'redis'])
    shell.same('maratea backup restore --to-', ['--to-database', '--to-dir', '--to-redis'])
    shell.same('maratea backup verify --', options('backup', 'verify'))
    shell.same('maratea -o ', ['json', 'table'])
    shell.same('maratea backup list --output j', ['json'])
    shell.same('maratea --color ', ['always', 'auto', 'never'])


def check_ids(shell):
    shell.same('maratea backup show ', ['latest', OLD, ID])
    shell.same('maratea backup restore 20261122', [ID])
    shell.same('maratea --platform other backup show ', ['latest'])
    shell.same('maratea backup verify --restore l', ['latest'])


def timed(shell, line, name, **more):
    """An unreachable store: what needs no store is offered, quietly and soon."""
    begun = time.monotonic()
    got = shell.ask(line, **more)
    took = time.monotonic() - begun
    tap.same(got, ('', ['latest']), f'{shell.name}: {name}: no error')
    tap.check(took < 6, f'{shell.name}: {name}: soon', f'{took:.1f} s')


def check_unreachable(shell):
    s3 = {'MARATEA_STORE': 's3://bucket/x', 'S3_ACCESS_KEY': 'key', 'S3_SECRET_KEY': 'secret'}
    with socket.socket() as silent, socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        silent.bind(('127.0.0.1', 0))
        silent.listen(5)
        address = 'http://127.0.0.1:%d'
        timed(shell, 'maratea backup show ', 'a store that refuses connections',
              S3_ENDPOINT=address % closed.getsockname()[1], **s3)
        timed(shell, 'maratea backup show ', 'a store that never answers',
              S3_ENDPOINT=address % silent.getsockname()[1], **s3)
    timed(shell, 'maratea backup show ', 'a store that is no URL', MARATEA_STORE='nonsense')
    timed(shell, 'maratea --config /nowhere backup show ', 'a configuration that is missing')


def check_terminal(shell):
    """bash on a terminal, with a TAB that is a key."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(shell.root)
        os.execve(shutil.which('bash'), ['bash', '--norc', '--noprofile', '-i'],
                  {**shell.env, 'PS1': 'ready> ', 'INPUTRC': '/dev/null'})
    text = ''

    def wait(pattern):
        nonlocal text
        until = time.monotonic() + 20
        while not re.search(pattern, text) and time.monotonic() < until:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    text += os.read(terminal, 65536).decode(errors='replace')
                except OSError:
                    break
        found = re.search(pattern, text)
        text = '' if found else text
        return bool(found)

    ready = wait('ready> ')
    os.write(terminal, b'source "$SCRIPT"; bind "set bell-style none"; echo load""ed\r')
    ready = wait('loaded(?s:.*)ready> ') and ready
    tap.check(ready, 'bash on a terminal loads the script', text)
    for keys, pattern in (('maratea ba\t', 'maratea backup '), ('ver\t', 'verify '),
                          ('--no\t', '--no-record '), ('-o js\t', '-o json '),
                          ('--config=set\t', r'--config=settings\.yaml '), ('20261122\t', 'T020000Z-3fa9c1 ')):
        os.write(terminal, keys.encode())
        shown = keys.replace('\t', '<TAB>')
        tap.check(wait(pattern), f"bash on a terminal: '{shown}'", text)
    os.close(terminal)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def make_store(root):
    """The listing needs no more of a backup than its manifest's name."""
    for name in (OLD, ID):
        folder = os.path.join(root, 'store', 'default', 'postgres', name)
        os.makedirs(folder)
        with open(os.path.join(folder, 'manifest.json'), 'w', encoding='utf-8'):
            pass
    os.makedirs(os.path.join(root, 'store/default/postgres/20261123T020000Z-ffffff'))
    with open(os.path.join(root, 'settings.yaml'), 'w', encoding='utf-8'):
        pass


def main(root):
    make_store(root)
    bash = Shell(root, 'bash', ['bash', '--norc', '--noprofile', '-c', BASH], 'maratea.bash')
    check_words(bash)
    bash.same('maratea --output=j', ['json'])
    bash.same('maratea --config ', ['compopt -o default'])
    bash.same('maratea backup restore --scratch ', ['compopt -o dirnames'])
    check_ids(bash)
    check_unreachable(bash)
    check_terminal(bash)
    if shutil.which('zsh'):
        zsh = Shell(root, 'zsh', ['zsh', '-f', '-c', ZSH], '_maratea')
        check_words(zsh)
        zsh.same('maratea --output=j', ['json'])
        zsh.same('maratea --config ', ['files '])
        zsh.same('maratea backup restore --scratch ', ['files -/'])
        check_ids(zsh)
    if shutil.which('fish'):
        fish = Shell(root, 'fish', ['fish', '-N', '-c', FISH], 'maratea.fish')
        check_words(fish)
        fish.same('maratea --output=j', ['--output=json'])
        fish.same('maratea --config sett', ['settings.yaml'])
        fish.same('maratea backup restore --scratch st', ['store/'])
        check_ids(fish)


with tempfile.TemporaryDirectory() as ROOT:
    main(ROOT)
tap.end()
