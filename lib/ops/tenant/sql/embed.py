"""embed.py - writes the numbered SQL files of both sets as one C source: embed.py OUTPUT FILE..."""
import os
import re
import sys


def literal(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return "\n".join('\t\t"%s\\n"' % line for line in escaped.split("\n")[:-1])


rows = []
for path in sorted(sys.argv[2:], key=lambda p: (os.path.basename(os.path.dirname(p)), os.path.basename(p))):
    name = os.path.basename(path)
    number = re.fullmatch(r"(\d{4})_[a-z_]+\.sql", name)
    if not number:
        sys.exit("%s: write 0001_name.sql" % path)
    with open(path, encoding="ascii") as f:
        rows.append('\t{ "%s", %d, "%s",\n%s },\n' % (os.path.basename(os.path.dirname(path)), int(number.group(1)),
                                                   name[:-4], literal(f.read())))
with open(sys.argv[1], "w") as f:
    f.write('/* made of the files in lib/ops/tenant/sql */\n#include "ops/tenant/migrations.h"\n\n'
            "const struct mrt_migration mrt_migrations[] = {\n%s};\n"
            "const size_t mrt_n_migrations = sizeof(mrt_migrations) / sizeof(mrt_migrations[0]);\n" % "".join(rows))
