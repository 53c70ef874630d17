"""test_manual.py - the manual pages, the option tables and --help say the same."""
import glob
import json
import os
import re

import tap

PAGES = sorted(os.path.basename(p) for p in glob.glob(tap.source('man', '*.[1-9]')))
TABLE = json.loads(tap.run([tap.MARATEA, '__commands']).stdout)
COMMANDS = TABLE['commands']


def section(page, title):
    """The lines of '.Ss title' or '.Sh title', up to the next section; None: no such section."""
    lines = tap.read('man', page).split('\n')
    for macro, ends in (('.Ss ', ('.Ss ', '.Sh ')), ('.Sh ', ('.Sh ',))):
        if macro + title in lines:
            begin = lines.index(macro + title) + 1
            rest = [i for i in range(begin, len(lines)) if lines[i].startswith(ends)]
            return lines[begin:rest[0] if rest else len(lines)]
    return None


def documented(lines):
    """(letter, name, value) of every item that is an option or an operand."""
    found = []
    for line in lines:
        option = re.fullmatch(r'\.It (?:Fl (\w) , )?Fl Fl ([a-z-]+)(?: Ar (\S+))?', line)
        operand = re.fullmatch(r'\.It Ar (\S+)', line)
        if option:
            found.append(option.groups())
        elif operand:
            found.append((None, None, operand.group(1)))
        elif re.match(r'\.It (Fl|Ar)\b', line):
            found.append(('?', line, None))
    return sorted(found, key=repr)


def wanted(options):
    return sorted(((o['letter'], o['name'], o['value']) for o in options), key=repr)


def options_of(page):
    """The options that a page may speak of."""
    group = re.fullmatch(r'maratea-(\w+)\.1', page)
    found = list(TABLE['options'])
    for command in COMMANDS:
        if not group or command['group'] == group.group(1):
            found += command['options']
    return ({o['name'] for o in found if o['name']}, {o['letter'] for o in found if o['letter']})


def strangers(page, text):
    """Options that the text speaks of and that do not exist."""
    names, letters = options_of(page)
    found = []
    for line in text.split('\n'):
        if line.startswith('.\\"'):
            continue
        if line.startswith('.'):
            found += ['--' + n for n in re.findall(r'\bFl Fl ([a-z][a-z-]*)', line)
                      if n not in names]
            found += ['-' + c for c in re.findall(r'(?<!Fl )\bFl (\w)(?= |$)', line)
                      if c not in letters]
        if re.search(r'\bmaratea( -|.* (backup|store|sandbox|config) )', line):
            found += ['--' + n for n in re.findall(r' --([a-z][a-z-]*)', line) if n not in names]
            found += ['-' + c for c in re.findall(r' -(\w)(?= |$)', line.split(' -- ')[0])
                      if c not in letters]
    return found


def settings_of(text):
    """{name: default} of the items '.It Cm name Ar KIND'; the default None: 'No default.'"""
    found = {}
    for item in re.split(r'^\.It ', text, flags=re.M)[1:]:
        head, _, body = item.partition('\n')
        name = re.fullmatch(r'Cm ([a-z-]+(?:\.[a-z0-9-]+)+) Ar [A-Z]+', head)
        if not name:
            continue
        body = re.split(r'^\.(?:El|S[sh])\b', body, flags=re.M)[0]
        values = re.findall(r'^Default:\n\.Ql (.*) \.$', body, flags=re.M)
        values += [None] * len(re.findall(r'^No default\.$', body, flags=re.M))
        found[name.group(1)] = values[0] if len(values) == 1 else f'{len(values)} defaults'
    return found


def check_commands():
    for command in COMMANDS:
        group, verb = command['group'], command['verb']
        page = f'maratea-{group}.1'
        lines = section(page, f'maratea {group} {verb}') if page in PAGES else None
        tap.check(lines is not None, f'{group} {verb} has a section in {page}')
        tap.same(documented(lines or []), wanted(command['options']),
                 f'{group} {verb}: the page has exactly its options and operands')
        tap.check(f'.Nm maratea {group} {verb}' in (section(page, 'SYNOPSIS') or []),
                  f'{group} {verb} is in the synopsis')
    tap.same(documented(section('maratea.1', 'Options of every command')),
             wanted(TABLE['options']), 'maratea(1) has exactly the options of every command')
    titles = [line for page in PAGES for line in tap.read('man', page).split('\n')
              if line.startswith('.Ss maratea ')]
    tap.same(sorted(titles), sorted(f".Ss maratea {c['group']} {c['verb']}" for c in COMMANDS),
             'no page has a section for a command that does not exist')


def check_settings():
    text = '\n'.join(section('maratea.yaml.5', 'SETTINGS'))
    tap.same(settings_of(text), {s['name']: s['default'] for s in TABLE['settings']},
             'maratea.yaml(5) has exactly the settings, with their defaults')
    lines = text.split('\n')
    tap.same(sum(line.startswith('.It Cm ') for line in lines), len(TABLE['settings']),
             'each setting stands there once')
    ambient = re.findall(r'"((?:[A-Z][A-Z0-9]*_[A-Z0-9_]+ ?)+)"', tap.read('lib/config/schema.c'))
    names = sorted(set(' '.join(ambient).split()))
    tap.check('DATABASE_URL' in names and 'AWS_REGION' in names, 'the table names variables')
    page = ' '.join(section('maratea.yaml.5', 'ENVIRONMENT'))
    tap.none([n for n in names if not re.search(rf'\b{n}\b', page)],
             'every variable of the table is in maratea.yaml(5)')


def check_members():
    """Every member of the documents is in the manual."""
    names = set()
    for path in tap.c_files('lib/ops', 'lib/platform', 'lib/repository'):
        text = tap.read(path)
        names |= set(re.findall(r'mrt_json_set\w*\([^,()]+, "(\w+)"', text))
        # tables of members: { "id", m->id }, { "time", time }, ...
        names |= set(re.findall(r'\{\s*"(\w+)",\s[^{}"|]*\}', text)
                     if re.search(r'mrt_json_set\w*\(\w+, \w+\[i\]', text) else [])
        if path.endswith('pg_catalog.c'):
            query = text[text.index('#define PROPERTIES'):text.index('static int by_table')]
            query = re.sub(r'"\s*\\?\s*"', '', query)  # one text again
            pairs = re.findall(r"'(\w+)', (?=CASE|coalesce|[a-z_]+[.(]|d\.|c\)|ext|\Z)", query)
            names |= set(pairs)
            tap.check({'owner', 'acl', 'icu_rules'} <= set(pairs), 'the query names its members')
    tap.check({'role_passwords', 'stored_sha256', 'system_identifier', 'space_free', 'age_s',
               'conditional_put', 'manifest_sha256', 'duration_ms', 'of_extension'} <= names,
              'the members are found in the source', sorted(names))
    pages = ''.join(tap.read('man', p) for p in ('maratea-backup.1', 'maratea-store.1', 'maratea-db.1',
                                                 'maratea-tenant.1', 'maratea-plan.1', 'maratea-audit.1', 'maratea-usage.1', 'maratea-user.1', 'maratea-domain.1',
                                                 'maratea-repository.7'))
    known = set()
    for line in pages.split('\n'):
        if ' Va ' in line or line.startswith('.Va '):
            known |= set(re.findall(r'\w+', line))
    tap.none(sorted(names - known), 'every member of the documents is in the manual')


def check_pages():
    built = sorted(re.findall(r"'([\w.-]+\.\d)'", tap.read('man/meson.build')))
    tap.same(built, PAGES, 'man/meson.build installs every page')
    tap.check(len(PAGES) >= 7, 'the pages are there')
    for page in PAGES:
        lint = tap.run(['mandoc', '-T', 'lint', '-W', 'warning', tap.source('man', page)])
        tap.same((lint.returncode, lint.stdout + lint.stderr), (0, ''), f'{page}: mandoc is content')
        text = tap.read('man', page)
        tap.none(strangers(page, text), f'{page} speaks of no option that does not exist')
        others = re.findall(r'^\.Xr (maratea[\w.-]*) (\d)', text, flags=re.M)
        tap.none([f'{n}({s})' for n, s in others if f'{n}.{s}' not in PAGES],
                 f'{page} refers to pages that exist')


def help_options(text):
    """{left column: help} of an option list in a help text."""
    found, last = {}, None
    for line in text.split('\n'):
        match = re.fullmatch(r'  ((?:-\w,|   ) --\S+(?: \S+)?)(?:  +(\S.*))?', line)
        if match:
            last = match.group(1)
            found[last] = match.group(2)
        elif last and found[last] is None:
            found[last] = line.strip()
    return found


def check_help():
    for command in COMMANDS:
        group, verb = command['group'], command['verb']
        text = tap.run([tap.MARATEA, group, verb, '--help'])
        all_options = [o for o in command['options'] + TABLE['options'] if o['name']]
        left = {f"{'-' + o['letter'] + ',' if o['letter'] else '   '} --{o['name']}"
                f"{' ' + o['value'] if o['value'] else ''}": o['help'] for o in all_options}
        tap.same((text.returncode, text.stderr, help_options(text.stdout)), (0, '', left),
                 f'{group} {verb} --help lists exactly its options')
        tap.none([o['value'] for o in command['options'] if not o['name'] and
                  not re.search(rf"^  {o['value']} +{re.escape(o['help'])}$", text.stdout, re.M)],
                 f'{group} {verb} --help explains its operands')


def check_this_test():
    tap.same(documented(['.It Fl x , Fl Fl extra Ar N', '.It Fl y']),
             [('?', '.It Fl y', None), ('x', 'extra', 'N')], 'this test reads options')
    tap.same(strangers('maratea-store.1', '.Fl Fl swap\n.Dl maratea store probe --yes -Z'),
             ['--swap', '--yes', '-Z'], 'this test finds options of other commands')
    tap.same(settings_of('.It Cm a.b Ar TEXT\nx\n.It Cm c.d Ar TEXT\nDefault:\n.Ql 1 s .\n.El'),
             {'a.b': '0 defaults', 'c.d': '1 s'}, 'this test reads settings')


check_this_test()
check_commands()
check_settings()
check_members()
check_pages()
check_help()
tap.end()
