"""tap.py - what the tests of this folder share: TAP lines, and where things are."""
import os
import subprocess
import sys

SOURCE = os.environ['MRT_SOURCE']
BUILD = os.environ['MRT_BUILD']
MARATEA = os.environ['MARATEA']

_count = 0
_failed = 0


def check(good, name, *details):
    global _count, _failed
    _count += 1
    _failed += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {name}".replace('#', ''), flush=True)
    for detail in details if not good else ():
        for line in str(detail).splitlines():
            print(f'# {line}', flush=True)


def same(got, wanted, name):
    check(got == wanted, name, f'got:    {got!r}', f'wanted: {wanted!r}')


def none(problems, name):
    """A list of problems that must be empty."""
    check(not problems, name, *problems)


def end():
    print(f'1..{_count}', flush=True)
    sys.exit(1 if _failed or not _count else 0)


def source(*parts):
    return os.path.join(SOURCE, *parts)


def read(*parts):
    with open(source(*parts), encoding='utf-8') as file:
        return file.read()


def run(argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, **more)


def c_files(*folders):
    """Paths, relative to the source, of all C files in the folders."""
    found = []
    for folder in folders:
        for at, _, names in os.walk(source(folder)):
            found += [os.path.relpath(os.path.join(at, name), SOURCE)
                      for name in names if name.endswith(('.c', '.h'))]
    return sorted(found)
