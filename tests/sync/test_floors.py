"""test_floors.py - includes point down: base <- codec <- client <- ops <- cmd."""
import os
import re
import tempfile

import tap

FLOORS = ['base', 'codec', 'client', 'ops']
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
    if '..' in to or '.' in to or len(to) < 2 or to[0] not in FLOORS + ['maratea']:
        return 'an include names its floor'
    if parts[:2] == ['cmd', 'maratea']:
        return None
    if parts[0] != 'lib' or parts[1] not in FLOORS:
        return 'this file is on no floor'
    if to[0] == 'maratea' or FLOORS.index(to[0]) > FLOORS.index(parts[1]):
        return 'an include points down, not up'
    if parts[1] == to[0] == 'ops' and len(parts) > 3 and to[1] not in (parts[2], 'config'):
        return 'a capability includes itself and ops/config only'
    return None


def scan(root, files):
    found, seen = [], 0
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
    return found, seen


def check_this_test():
    bad = [('lib/base/a.c', 'codec/json.h'), ('lib/codec/a.c', 'client/s3.h'),
           ('lib/client/a.h', 'ops/config/config.h'), ('lib/ops/backup/a.c', 'maratea/cmd.h'),
           ('lib/ops/backup/a.c', 'ops/sandbox/sandbox.h'),
           ('lib/ops/config/a.c', 'ops/backup/backup.h'), ('lib/base/a.c', 'buf.h'),
           ('lib/base/a.c', '../base/buf.h'), ('lib/ops/backup/a.c', 'maratea.h'),
           ('cmd/maratea/a.c', 'cmd.h'), ('cmd/maratea/a.c', 'maratea.h'),
           ('cmd/maratead/main.c', 'base/buf.h'), ('cmd/maratead/main.c', 'maratea/cmd.h'),
           ('lib/maratea.h', 'base/buf.h'), ('lib/other/a.c', 'base/buf.h')]
    good = [('lib/base/a.c', 'base/buf.h'), ('lib/client/a.c', 'client/s3.h'),
            ('lib/client/a.c', 'base/buf.h'), ('lib/ops/backup/a.c', 'ops/backup/backup.h'),
            ('lib/ops/backup/a.c', 'ops/config/config.h'), ('lib/ops/api.c', 'maratea.h'),
            ('lib/ops/api.c', 'ops/backup/manifest.h'), ('cmd/maratea/a.c', 'maratea/cmd.h'),
            ('cmd/maratea/a.c', 'ops/backup/backup.h'), ('cmd/maratead/main.c', 'maratea.h')]
    tap.none([b for b in bad if not problem(*b)], 'this test finds each kind of bad include')
    tap.none([g for g in good if problem(*g)], 'this test lets good includes pass')
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, 'lib/base'))
        with open(os.path.join(root, 'lib/base/bad.c'), 'w', encoding='utf-8') as file:
            file.write('/* bad.c */\n#include <stdio.h>\n  # include "client/s3.h"\n'
                       '#include "base/gone.h"\n')
        found, seen = scan(root, ['lib/base/bad.c'])
        tap.same((seen, found),
                 (2, ['lib/base/bad.c:3: "client/s3.h": an include points down, not up',
                      'lib/base/bad.c:4: "base/gone.h": there is no such file']),
                 'this test reads files')


check_this_test()
FILES = tap.c_files('lib', 'cmd')
PROBLEMS, SEEN = scan(tap.SOURCE, FILES)
tap.check(len(FILES) > 60 and SEEN > 100, 'the files are there', f'{len(FILES)} files, {SEEN}')
tap.none(PROBLEMS, 'every include points down and names its floor')
tap.end()
