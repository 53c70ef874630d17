"""test_floors.py - includes point down: base <- codec <- client <- config <- platform | repository <- ops <- cmd.

A room of ops includes another only where PAIRS has it; neither rooms nor files include in a circle.
"""
import os
import re
import tempfile

import tap

# platform and repository are neighbours on one floor: neither includes the other
FLOORS = {'base': 0, 'codec': 1, 'client': 2, 'config': 3, 'platform': 4, 'repository': 4, 'ops': 5}
PAIRS = [('restore', 'backup'), ('verify', 'restore'), ('verify', 'backup')]
MOST = 20  # source files of a folder
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]*)"', re.M)


def problem(path, include):
    """Why the file may not include that; None: it may."""
    parts, to = path.split('/'), include.split('/')
    if path == 'lib/maratea.h':
        return 'the public header includes nothing of ours'
    if path.startswith('cmd/maratead/'):
        return None if include == 'maratea.h' else 'maratead includes only "maratea.h"'
    if include == 'maratea.h':
        return None if path == 'lib/ops/api.c' else 'only maratead and api.c include "maratea.h"'
    if '..' in to or '.' in to or len(to) < 2 or to[0] not in [*FLOORS, 'maratea']:
        return 'an include names its floor'
    if parts[:2] == ['cmd', 'maratea']:
        return None
    if parts[0] != 'lib' or parts[1] not in FLOORS:
        return 'this file is on no floor'
    if to[0] == 'maratea' or FLOORS[to[0]] > FLOORS[parts[1]]:
        return 'an include points down, not up'
    if FLOORS[to[0]] == FLOORS[parts[1]] and to[0] != parts[1]:
        return 'platform and repository do not include each other'
    if parts[1] == to[0] == 'ops' and len(parts) > 3 and to[1] != parts[2] and (parts[2], to[1]) not in PAIRS:
        return f'the room {parts[2]} may not include the room {to[1]}'
    return None


def circle(arrows):
    """A circle in {from: [to, ...]}, or []."""
    done = set()

    def visit(at, way):
        if at in way:
            return way[way.index(at):] + [at]
        if at in done:
            return []
        for to in sorted(arrows.get(at, ())):
            found = visit(to, way + [at])
            if found:
                return found
        done.add(at)
        return []
    for start in sorted(arrows):
        found = visit(start, [])
        if found:
            return found
    return []


def scan(root, files):
    """(problems, how many includes, {module: modules that it includes}); a module is a .c with its .h."""
    found, seen, arrows = [], 0, {}
    for path in files:
        with open(os.path.join(root, path), encoding='utf-8') as file:
            text = file.read()
        for match in INCLUDE.finditer(text):
            include, seen = match.group(1), seen + 1
            why = problem(path, include)
            if not why and not any(os.path.isfile(os.path.join(root, top, include))
                                   for top in ('lib', 'cmd')):
                why = 'there is no such file'
            if why:
                line = text.count('\n', 0, match.start()) + 1
                found.append(f'{path}:{line}: "{include}": {why}')
            here = re.sub(r'^(lib|cmd)/|\.[ch]$', '', path)
            if here != include[:-2]:
                arrows.setdefault(here, set()).add(include[:-2])
    return found, seen, arrows


def misnamed(files):
    """Files that repeat the name of their folder, and folders of too many."""
    found, sizes = [], {}
    for path in files:
        folder, name = path.split('/')[-2], path.split('/')[-1][:-2]
        if re.search(rf'(^|_){folder}(_|$)', name):
            found.append(f'{path}: repeats the name of its folder')
        if path.endswith('.c'):
            sizes[os.path.dirname(path)] = sizes.get(os.path.dirname(path), 0) + 1
    return found + [f'{f}: {n} source files' for f, n in sorted(sizes.items()) if n > MOST]


def unlisted(folder, text, names):
    """What meson.build does not say of a folder, or not in order."""
    found = []
    for block in re.findall(r'files\(\n(.*?)\n *\)', text, re.S):
        lines = [line.strip() for line in block.split('\n')]
        found += [f'{folder}/meson.build: {line}: one file a line' for line in lines if not re.fullmatch(r"'\w+\.c',", line)]
        if lines != sorted(lines):
            found.append(f'{folder}/meson.build: not sorted')
    listed = re.findall(r"'(\w+\.c)'", text)
    return found + [f'{folder}/meson.build: {n} is missing' for n in names if n not in listed]


def check_this_test():
    bad = [('lib/base/a.c', 'codec/json.h'), ('lib/codec/a.c', 'client/s3/call.h'),
           ('lib/client/a.h', 'config/settings.h'), ('lib/ops/backup/a.c', 'maratea/cmd.h'),
           ('lib/ops/backup/a.c', 'ops/sandbox/run.h'), ('lib/ops/backup/a.c', 'ops/restore/run.h'),
           ('lib/config/a.c', 'ops/backup/run.h'), ('lib/config/a.c', 'platform/scope.h'), ('lib/base/a.c', 'buf.h'),
           ('lib/platform/a.c', 'repository/manifest.h'), ('lib/repository/a.c', 'platform/scope.h'),
           ('lib/base/a.c', '../base/buf.h'), ('lib/ops/backup/a.c', 'maratea.h'),
           ('cmd/maratea/a.c', 'cmd.h'), ('cmd/maratea/a.c', 'maratea.h'),
           ('cmd/maratead/main.c', 'base/buf.h'), ('cmd/maratead/main.c', 'maratea/cmd.h'),
           ('lib/maratea.h', 'base/buf.h'), ('lib/other/a.c', 'base/buf.h')]
    good = [('lib/base/a.c', 'base/buf.h'), ('lib/client/a.c', 'client/s3/call.h'),
            ('lib/client/a.c', 'base/buf.h'), ('lib/ops/backup/a.c', 'ops/backup/run.h'),
            ('lib/ops/restore/a.c', 'ops/backup/run.h'), ('lib/ops/backup/a.c', 'config/settings.h'),
            ('lib/repository/a.c', 'config/open.h'), ('lib/platform/a.c', 'platform/scope.h'), ('lib/ops/api.c', 'maratea.h'),
            ('lib/ops/api.c', 'repository/manifest.h'), ('cmd/maratea/a.c', 'maratea/cmd.h'),
            ('cmd/maratea/a.c', 'ops/backup/run.h'), ('cmd/maratead/main.c', 'maratea.h')]
    tap.none([b for b in bad if not problem(*b)], 'this test finds each kind of bad include')
    tap.none([g for g in good if problem(*g)], 'this test lets good includes pass')
    tap.same(circle({'a': ['b'], 'b': ['c', 'd'], 'd': ['b']}), ['b', 'd', 'b'], 'this test finds a circle')
    tap.same(circle({'a': ['b', 'c'], 'b': ['c']}), [], 'what is no circle passes')
    tap.same(misnamed(['lib/ops/backup/backup.c', 'lib/ops/backup/run_backup.h', 'lib/ops/user/users.c'] + [f'lib/x/{n}.c' for n in range(MOST + 1)]),
             ['lib/ops/backup/backup.c: repeats the name of its folder', 'lib/ops/backup/run_backup.h: repeats the name of its folder',
              'lib/x: 21 source files'], 'this test finds names and sizes')
    tap.same(unlisted('x', "sources += files(\n    'b.c',\n    'a.c', 'c.c',\n)\n", ['a.c', 'd.c']),
             ["x/meson.build: 'a.c', 'c.c',: one file a line", 'x/meson.build: not sorted', 'x/meson.build: d.c is missing'], 'this test reads meson.build')
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, 'lib/base'))
        with open(os.path.join(root, 'lib/base/bad.c'), 'w', encoding='utf-8') as file:
            file.write('/* bad.c */\n#include <stdio.h>\n  # include "client/http.h"\n'
                       '#include "base/gone.h"\n')
        found, seen, arrows = scan(root, ['lib/base/bad.c'])
        tap.same((seen, found, arrows),
                 (2, ['lib/base/bad.c:3: "client/http.h": an include points down, not up',
                      'lib/base/bad.c:4: "base/gone.h": there is no such file'], {'base/bad': {'client/http', 'base/gone'}}),
                 'this test reads files')


check_this_test()
FILES = tap.c_files('lib', 'cmd')
PROBLEMS, SEEN, ARROWS = scan(tap.SOURCE, FILES)
ROOMS = {}
for FROM, TO in PAIRS:
    ROOMS.setdefault(FROM, set()).add(TO)
USED = {(a.split('/')[1], b.split('/')[1]) for a in ARROWS for b in ARROWS[a]
        if a.startswith('ops/') and b.startswith('ops/') and a.split('/')[1] != b.split('/')[1]}
tap.check(len(FILES) > 60 and SEEN > 100, 'the files are there', f'{len(FILES)} files, {SEEN}')
tap.none(PROBLEMS, 'every include points down and names its floor')
tap.same(circle(ROOMS), [], 'no circle of rooms')
tap.none(set(PAIRS) - USED, 'every pair of rooms is needed')
tap.same(circle(ARROWS), [], 'no circle of files')
tap.none(misnamed(FILES), 'names do not repeat their folder, and no folder has too many files')
FOLDERS = sorted({os.path.dirname(f) for f in FILES if f.endswith('.c')} - {'cmd/maratead'})  # one file, named in the top meson.build
tap.none([p for f in FOLDERS for p in unlisted(f, tap.read(f, 'meson.build'), [os.path.basename(c) for c in FILES if os.path.dirname(c) == f and c.endswith('.c')])],
         'meson.build lists each file on a line of its own, sorted')
PATHS = re.findall(r'`((?:cmd|tests|[a-z]+)/[a-z0-9_/]+\.(?:c|h|sql|py))', tap.read('lib/README.md'))
tap.check(len(PATHS) > 30, 'lib/README.md names files', str(len(PATHS)))
tap.none([p for p in PATHS if not any(os.path.isfile(os.path.join(tap.SOURCE, top, p)) for top in ('', 'lib'))],
         'every file that lib/README.md names is there')
tap.end()
