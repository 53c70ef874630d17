"""embed.py - writes the SQL files as one C source: embed.py OUTPUT FILE...

platform/ and tenant/ are migrations (0001_name.sql), check/ the checks of "tenant check" in their
order (01_name.sql), query/ single texts (name.sql).
"""
import os
import re
import sys


def literal(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return "\n".join('\t\t"%s\\n"' % line for line in escaped.split("\n")[:-1])


def read(path):
    with open(path, encoding="ascii") as f:
        text = f.read()
    if not text.endswith("\n"):
        sys.exit("%s: the last line has no end" % path)
    return text


migrations, checks, queries, seen = [], [], [], set()
for path in sorted(sys.argv[2:], key=lambda p: (os.path.basename(os.path.dirname(p)), os.path.basename(p))):
    folder, name = path.split("/")[-2:]
    pattern = {"check": r"(\d\d)_([a-z_]+)\.sql", "query": r"()([a-z_]+)\.sql"}.get(folder, r"(\d{4})_([a-z_]+)\.sql")
    parts = re.fullmatch(pattern, name)
    if not parts:
        sys.exit("%s: a file there is named %s" % (path, pattern))
    key = (folder, parts.group(1) or name)
    if key in seen:
        sys.exit("%s: there are two of that number" % path)
    seen.add(key)
    text = literal(read(path))
    if folder == "check":
        checks.append('\t{ "%s",\n%s },\n' % (parts.group(2).replace("_", " "), text))
    elif folder == "query":
        queries.append("const char mrt_sql_%s[] =\n%s;\n" % (parts.group(2), text))
    else:
        migrations.append('\t{ "%s", %d, "%s",\n%s },\n' % (folder, int(parts.group(1)), name[:-4], text))

with open(sys.argv[1], "w") as f:
    f.write('/* made of the files in lib/platform/sql */\n#include "platform/migrations.h"\n'
            '#include "platform/sql.h"\n\n'
            "const struct mrt_migration mrt_migrations[] = {\n%s};\n"
            "const size_t mrt_n_migrations = sizeof(mrt_migrations) / sizeof(mrt_migrations[0]);\n"
            "const struct mrt_catalogue_check mrt_catalogue_checks[] = {\n%s};\n"
            "const size_t mrt_n_catalogue_checks = sizeof(mrt_catalogue_checks) / sizeof(mrt_catalogue_checks[0]);\n%s" %
            ("".join(migrations), "".join(checks), "".join(queries)))
