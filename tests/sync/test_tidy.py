"""test_tidy.py - C files: one-line header, no line over 100 columns, no stray white space."""
import os
import re

import tap

WORDS = re.compile(r'\b(TODO|FIXME|XXX)\b')


def untidy(name, text):
    """What is wrong with a file of that name."""
    found = []
    if not re.match(rf'/\* {re.escape(name)} - \S', text):
        found.append(f'1: does not begin with "/* {name} - ..."')
    if not text.endswith('\n') or text.endswith('\n\n'):
        found.append('does not end with one newline')
    for number, line in enumerate(text.split('\n'), 1):
        columns = len(line.expandtabs(8))
        if columns > 100:
            found.append(f'{number}: {columns} columns')
        if line != line.rstrip():
            found.append(f'{number}: white space at the end')
        if '\r' in line:
            found.append(f'{number}: a carriage return')
        word = WORDS.search(line)
        if word:
            found.append(f'{number}: {word.group(0)}')
    return found


HEAD = '/* a.c - a sample. */\n'
tap.same(untidy('a.c', HEAD), [], 'this test lets a tidy file pass')
tap.same(untidy('a.c', HEAD + '\t' * 11 + 'x' * 12 + '\n'), [], '100 columns are not too many')
tap.same(untidy('a.c', HEAD + '\t' * 11 + 'x' * 13 + '\n'), ['2: 101 columns'], '101 are')
tap.same(untidy('a.c', HEAD + 'x; \n'), ['2: white space at the end'], 'a space at the end is found')
tap.same(untidy('a.c', HEAD + '/* TO' + 'DO: more */\n'), ['2: TO' + 'DO'], 'words are found')
tap.same(untidy('b.c', HEAD), ['1: does not begin with "/* b.c - ..."'], 'a wrong header is found')
tap.same(untidy('a.c', HEAD + '\n'), ['does not end with one newline'], 'a wrong end is found')

FILES = tap.c_files('lib', 'cmd')
tap.check(len(FILES) > 60, 'the files are there', f'{len(FILES)} files')
tap.none([f'{path}:{p}' for path in FILES for p in untidy(os.path.basename(path), tap.read(path))],
         'every C file is tidy')
tap.end()
