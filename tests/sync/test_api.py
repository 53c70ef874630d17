"""test_api.py - libmaratea.so exports what maratea.h declares, and a program builds against the
installed library, header and .pc file alone."""
import hashlib
import json
import os
import re
import shutil
import tempfile

import tap

SAMPLE = r'''
#include <maratea.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed;

static void expect(int good, const char *what)
{
	printf("%s %s\n", good ? "good" : "BAD", what);
	failed |= !good;
}

static unsigned long load(const char *path, char *text, unsigned long size)
{
	FILE *file = fopen(path, "rb");
	unsigned long n = file ? fread(text, 1, size, file) : 0;
	if (file)
		fclose(file);
	return n;
}

int main(int argc, char **argv)
{
	char message[256] = "?", cut[8] = "????";
	char *text = malloc(65536);
	if (argc != 3 || !text)
		return 2;
	expect(strcmp(mrt_version(), argv[1]) == 0, "version");
	expect(strcmp(mrt_result_name(0), "ok") == 0, "name of 0");
	expect(strcmp(mrt_result_name(-12), "locked") == 0, "name of -12");
	expect(strcmp(mrt_result_name(-999), "failed") == 0, "name of an unknown code");
	expect(strcmp(mrt_result_name(5), "failed") == 0, "name of a positive code");
	expect(mrt_result_exit_status(0) == 0, "exit status of 0");
	expect(mrt_result_exit_status(-12) == 5, "exit status of -12");
	expect(mrt_result_exit_status(-999) == 1, "exit status of an unknown code");
	expect(mrt_result_http_status(0) == 200, "HTTP status of 0");
	expect(mrt_result_http_status(-12) == 423, "HTTP status of -12");
	expect(mrt_result_http_status(-999) == 500, "HTTP status of an unknown code");
	expect(mrt_backup_id_check("20261122T020000Z-3fa9c1") == 1, "a backup id");
	expect(mrt_backup_id_check("20261122T020000Z-3FA9C1") == 0, "capitals");
	expect(mrt_backup_id_check("20261322T020000Z-3fa9c1") == 0, "month 13");
	expect(mrt_backup_id_check("") == 0, "nothing");
	unsigned long n = load(argv[2], text, 65536);
	expect(mrt_manifest_check(text, n, message, sizeof(message)) == 0, "a manifest");
	expect(message[0] == '\0', "no message");
	text[n / 2] ^= 1;
	int rc = mrt_manifest_check(text, n, message, sizeof(message));
	expect(rc < 0 && mrt_result_exit_status(rc) == 4, "a damaged manifest");
	expect(strcmp(mrt_result_name(rc), "corrupt") == 0, "its result");
	expect(strcmp(message, "the manifest's digest is wrong: it was changed or damaged") == 0,
	       "its message");
	expect(mrt_manifest_check(text, n, cut, sizeof(cut)) == rc && strcmp(cut, "the man") == 0,
	       "a message cut to size");
	expect(mrt_manifest_check(text, n, NULL, 0) == rc, "no room for a message");
	expect(mrt_manifest_check("", 0, message, sizeof(message)) == rc, "no manifest");
	free(text);
	return failed;
}
'''


def introspect(what):
    answer = tap.run(['meson', 'introspect', '--' + what, tap.BUILD])
    return json.loads(answer.stdout)


def manifest():
    """A smallest manifest that is good, as maratea-repository(7) has it."""
    content = {'format': 1, 'id': '20261122T020000Z-3fa9c1', 'platform': 'default',
               'target': 'postgres', 'method': 'logical', 'started': '2026-11-22T02:00:00Z',
               'ended': '2026-11-22T02:01:00Z', 'whole': True, 'databases': [], 'objects': []}
    text = json.dumps(content, indent=2)[:-2] + ',\n'
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text}  "sha256": "{digest}"\n}}\n'


def declared(header):
    header = re.sub(r'/\*.*?\*/', '', header, flags=re.S)
    return sorted(re.findall(r'^MRT_API\b[^;]*?\b(\w+)\(', header, flags=re.M))


def check_exports():
    tap.same(declared('/* MRT_API int a(void); */\nMRT_API int b(int x,\n int y);\nint c(void);\n'
                      'MRT_API const char *d(void);\n'), ['b', 'd'], 'this test reads headers')
    nm = tap.run(['nm', '-D', '--defined-only', os.path.join(tap.BUILD, 'libmaratea.so')])
    names = sorted(line.split()[-1].split('@')[0] for line in nm.stdout.split('\n') if line)
    tap.same(nm.returncode, 0, 'nm reads libmaratea.so')
    wanted = declared(tap.read('lib/maratea.h'))
    tap.check('mrt_version' in wanted, 'maratea.h declares something')
    tap.same(names, wanted, 'libmaratea.so exports exactly what maratea.h declares')


def compiler():
    """The compiler of the build, and what a sanitized library asks of its users."""
    options = {o['name']: o['value'] for o in introspect('buildoptions')}
    sources = [s for t in introspect('targets') if t['name'] == 'maratea'
               for s in t['target_sources'] if s.get('language') == 'c']
    command = [word for word in sources[0]['compiler'] if not word.endswith('ccache')]
    sanitize = options['b_sanitize']
    flags = [] if sanitize == 'none' else [f'-fsanitize={sanitize}']
    return command + flags, options


def check_sample(root):
    stage = os.path.join(root, 'stage')
    install = tap.run(['meson', 'install', '--no-rebuild', '--quiet', '-C', tap.BUILD],
                      env={**os.environ, 'DESTDIR': stage})
    tap.same((install.returncode, install.stderr), (0, ''), 'meson install')
    command, options = compiler()
    prefix = stage + options['prefix']
    libdir = os.path.join(prefix, options['libdir'])
    data = os.path.join(prefix, options['datadir'])
    for path in (f'{libdir}/libmaratea.so', f'{libdir}/libmaratea.so.0',
                 f"{prefix}/{options['includedir']}/maratea.h", f"{prefix}/{options['bindir']}/maratea",
                 f'{libdir}/pkgconfig/maratea.pc', f'{data}/man/man1/maratea.1',
                 f'{data}/man/man5/maratea.yaml.5', f'{data}/man/man7/maratea-repository.7',
                 f'{data}/bash-completion/completions/maratea',
                 f'{data}/zsh/site-functions/_maratea',
                 f'{data}/fish/vendor_completions.d/maratea.fish'):
        tap.check(os.path.isfile(path), f'installed: {path[len(stage):]}')
    ask = ['pkg-config', f"--define-variable=prefix={prefix}"]
    paths = {**os.environ, 'PKG_CONFIG_PATH': f'{libdir}/pkgconfig'}
    version = introspect('projectinfo')['version']
    tap.same(tap.run(ask + ['--modversion', 'maratea'], env=paths).stdout, version + '\n',
             'pkg-config knows the version')
    flags = tap.run(ask + ['--cflags', '--libs', 'maratea'], env=paths)
    words = flags.stdout.split()
    tap.check(flags.returncode == 0 and f'-L{libdir}' in words, 'pkg-config knows the library',
              flags.stdout, flags.stderr)
    tap.same([w for w in words if w.startswith('-l')], ['-lmaratea'],
             'a program links libmaratea and nothing else')
    sample, program = os.path.join(root, 'sample.c'), os.path.join(root, 'sample')
    example = os.path.join(root, 'manifest.json')
    for path, text in ((sample, SAMPLE), (example, manifest())):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
    build = tap.run(command + ['-Wall', '-Wextra', '-Werror', '-o', program, sample] + words, cwd=root)
    tap.same((build.returncode, build.stdout + build.stderr), (0, ''), 'a sample builds')
    ran = tap.run([program, version, example],
                  env={**os.environ, 'LD_LIBRARY_PATH': libdir}) if build.returncode == 0 else build
    lines = ran.stdout.split('\n')[:-1]
    tap.same((ran.returncode, [x for x in lines if not x.startswith('good ')], ran.stderr),
             (0, [], ''), 'the sample finds everything as documented')
    tap.same(len(lines), SAMPLE.count('expect(') - 1, 'the sample ran to its end')


check_exports()
for tool in ('meson', 'pkg-config', 'nm'):
    tap.check(shutil.which(tool), f'{tool} is installed')
with tempfile.TemporaryDirectory() as ROOT:
    check_sample(ROOT)
tap.end()
