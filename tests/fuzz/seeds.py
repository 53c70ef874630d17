#!/usr/bin/env python3
"""seeds.py - writes the seed files of the fuzzers' corpora; the same bytes on every run.

    tests/fuzz/seeds.py            writes below the directory of this file
    tests/fuzz/seeds.py DIRECTORY  writes somewhere else

Files that a fuzzer found are kept beside the seeds under names that begin with "found-".
"""
import hashlib
import os
import struct
import sys


def variants(seeds, name, data, cuts, flips):
    """The seed itself, cut and with single bytes changed."""
    seeds[name] = data
    for cut in cuts:
        seeds["%s-cut-%d" % (name, cut)] = data[:cut]
    for at in flips:
        changed = bytearray(data)
        changed[at] ^= 0x5A
        seeds["%s-flip-%d" % (name, at)] = bytes(changed)


def config():
    seeds = {}
    full = b"""# a whole configuration
platform:
  name: school
  domain: school.example
postgres:
  url: postgresql://u:p%40ss@db:5432/school
  password: 'quoted ''secret'' '
store:
  url: s3://bucket/prefix
  endpoint: "http://127.0.0.1:9000"
  access-key: AKIDEXAMPLE
  secret-key: ${env:HOME}
  concurrency: 8
  part-size: 16MiB
  give-up-after: 90s
backup: {compression: zstd:19, jobs: 4, memory: 256MiB}
limits:
  connect: 250ms
  retry-longest: 1d
"""
    variants(seeds, "full", full, [1, 40, 200, len(full) - 3], [0, 30, 100, 250])
    seeds["empty"] = b""
    seeds["comment"] = b"# nothing\n"
    seeds["bom-crlf"] = b"\xef\xbb\xbfstore:\r\n  url: file:///x\r\n"
    seeds["duplicate"] = b"a: 1\nb: 2\na: 3\n"
    seeds["alias"] = b"a: &x [1, *x]\nb: *x\n"
    seeds["laughs"] = b"a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n"
    seeds["documents"] = b"a: 1\n---\nb: 2\n...\n"
    seeds["nul"] = b'store: {url: "a\\0b"}\n'
    seeds["raw-nul"] = b"store:\0 x\n"
    seeds["deep-flow"] = b"[" * 400 + b"]" * 400
    seeds["deep-open"] = b"[" * 2000
    seeds["deep-block"] = b"".join(b" " * i + b"a:\n" for i in range(60))
    seeds["deep-list"] = b"- " * 300 + b"x\n"
    seeds["unknown"] = b"stor:\n  url: x\n"
    seeds["dotted"] = b"store.url: x\n"
    seeds["list"] = b"- store\n- url\n"
    seeds["scalar"] = b"just a text\n"
    seeds["range"] = b"store: {concurrency: 99, part-size: 1, volume-size: 99999999999TiB}\n"
    seeds["number"] = b"store: {concurrency: 99999999999999999999}\n"
    seeds["duration"] = b"limits: {connect: 9223372036854775807d}\n"
    seeds["reference"] = b"store: {url: 's3://$${x}${env:HOME | raw}'}\n"
    seeds["reference-open"] = b"store: {url: '${env:HOME'}\n"
    seeds["half-set"] = b"store: {url: 's3://b', access-key: a}\n"
    seeds["tags"] = b"!!map {? !!str a : !!int 1, <<: {b: c}}\n"
    seeds["utf16"] = "a: 1\n".encode("utf-16")
    seeds["invalid-utf8"] = b"a: \xc3\x28\n\xff: 1\n"
    seeds["long-key"] = b"k" * 1500 + b": 1\n"
    return seeds


def manifest_text(body):
    """Appends the digest line as mrt_manifest_print() does."""
    text = body[:-3] + ",\n"
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return (text + '  "sha256": "%s"\n}\n' % digest).encode("utf-8", "surrogateescape")


MANIFEST = """{
  "format": 1,
  "id": "20261122T020000Z-3fa9c1",
  "platform": "school",
  "target": "postgres",
  "method": "logical",
  "started": "2026-11-22T02:00:00Z",
  "ended": "2026-11-22T02:10:00Z",
  "label": null,
  "whole": true,
  "server": {"major": 15},
  "databases": [{"name": "school"}],
  "objects": [
    {
      "key": "db/school.pgdump.zst",
      "size": 3000,
      "sha256": "%s",
      "stored_size": 1200,
      "stored_sha256": "%s",
      "volumes": [
        {"key": "db/school.pgdump.zst", "stored_size": 1000, "stored_sha256": "%s"},
        {"key": "db/school.pgdump.zst.0002", "stored_size": 200, "stored_sha256": "%s"}
      ]
    }
  ]
}
""" % ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


def manifest():
    seeds = {}
    good = manifest_text(MANIFEST)
    variants(seeds, "good", good, [0, 1, 80, 500, len(good) - 1],
             [0, 20, 60, 400, len(good) - 3, len(good) - 40, len(good) - 75])

    def changed(name, old, new):
        assert old in MANIFEST, old
        seeds[name] = manifest_text(MANIFEST.replace(old, new, 1))

    changed("format-2", '"format": 1', '"format": 2')
    changed("format-huge", '"format": 1', '"format": 9223372036854775807')
    changed("id", "20261122T020000Z-3fa9c1", "../../../etc/passwd")
    changed("id-day", "20261122T020000Z-3fa9c1", "202611 2T020000Z-3fa9c1")
    changed("time", "2026-11-22T02:00:00Z", "yesterday")
    changed("unsafe-key", '{"key": "db/school.pgdump.zst"', '{"key": "db/../../x"')
    changed("absolute-key", '{"key": "db/school.pgdump.zst"', '{"key": "/etc/passwd"')
    changed("sum", '"stored_size": 1000', '"stored_size": 999')
    changed("sum-wraps", '"stored_size": 200,', '"stored_size": 9223372036854775807,')
    changed("negative", '"size": 3000', '"size": -1')
    changed("no-volumes", '"volumes": [', '"volumes": [], "other": [')
    changed("volume-no-object", '{"key": "db/school.pgdump.zst",', '[], {"key": "x",')
    changed("objects-list", '"objects": [', '"objects": [1, null, [], ')
    changed("databases", '[{"name": "school"}]', '[null, 1, {"name": 2}, {"name": "school"}]')
    changed("server", '{"major": 15}', '[15]')
    changed("label", '"label": null', '"label": "\\u0001 \\ud83d\\ude00 %s"')
    changed("duplicate", '"format": 1,', '"format": 1, "format": 1,')
    changed("bad-utf8", '"school"', '"sch\udcffool"')
    seeds["empty-object"] = b"{}\n"
    seeds["deep"] = b'{"format": 1, "objects": ' + b"[" * 3000 + b"]" * 3000 + b"}"
    seeds["not-json"] = b"PGDMP"
    seeds["array"] = b"[1, 2]\n"
    return seeds


def xml():
    seeds = {}
    listing = (b'<?xml version="1.0" encoding="UTF-8"?>\n'
               b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
               b'<Prefix>a/</Prefix><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>'
               b'<NextContinuationToken>t&amp;=</NextContinuationToken>'
               b'<Contents><Key>a/%20b</Key><Size>12</Size>'
               b'<LastModified>2026-11-22T02:00:00.000Z</LastModified></Contents>'
               b'<Contents><Key>a/&#xE9;</Key><Size/></Contents></ListBucketResult>')
    variants(seeds, "list", listing, [0, 5, 60, 200, len(listing) - 1], [0, 40, 100, 300])
    seeds["error"] = b"<Error><Code>NoSuchKey</Code><Message>&lt;&quot;</Message></Error>"
    seeds["prefixed"] = b"<a:b:c xmlns:a='x'><a:/></a:b:c>"
    seeds["doctype"] = b"<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>"
    seeds["doctype-external"] = b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"
    seeds["cdata"] = b"<a><![CDATA[<&]]>x<!-- c --><?p i?></a>"
    seeds["depth-32"] = b"<a>" * 32 + b"</a>" * 32
    seeds["depth-33"] = b"<a>" * 33 + b"</a>" * 33
    seeds["depth-33-empty"] = b"<a>" * 32 + b"<e/>" + b"</a>" * 32
    seeds["depth-5000"] = b"<a>" * 5000
    seeds["siblings"] = b"<a>" + b"<b/>t" * 500 + b"</a>"
    seeds["long-name"] = b"<" + b"n" * 5000 + b"/>"
    seeds["long-attribute"] = b"<a b='" + b"v" * 5000 + b"'/>"
    seeds["utf16"] = '<?xml version="1.0"?><a>\u20ac</a>'.encode("utf-16")
    seeds["latin1"] = b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>'
    seeds["unknown-encoding"] = b'<?xml version="1.0" encoding="x-none"?><a/>'
    seeds["number"] = b"<a>&#0;&#xFFFFFFFF;</a>"
    seeds["trailing"] = b"<a/><b/>"
    seeds["html"] = b"<html><body><h1>502 Bad Gateway</h1><hr></body></html>"
    return seeds


def pg_int(n):
    return struct.pack("<BI", n < 0, abs(n))


def pg_text(text):
    return pg_int(-1) if text is None else pg_int(len(text)) + text.encode()


def pg_entry(minor, dump_id, data, schema, tag, desc, owner):
    parts = [pg_int(dump_id), pg_int(data), pg_text("0"), pg_text("1"), pg_text(tag),
             pg_text(desc), pg_int(3), pg_text("DEF"), pg_text(""), pg_text("COPY"),
             pg_text(schema), pg_text(None), pg_text("heap")]
    if minor >= 16:
        parts.append(pg_int(114))
    parts += [pg_text(owner), pg_text("false"), pg_text("7"), pg_text(None), b"\2" + bytes(8)]
    return b"".join(parts)


def pg_header(minor, count, compression=0):
    packed = bytes([compression]) if minor >= 15 else pg_int(compression)
    return (b"PGDMP" + bytes([1, minor, 0, 4, 8, 1]) + packed +
            b"".join(pg_int(n) for n in (1, 2, 3, 4, 5, 126, 0)) + pg_text("school") +
            pg_text("15.14") + pg_text("15.14") + pg_int(count))


def pg_block(dump_id, *chunks):
    return b"\1" + pg_int(dump_id) + b"".join(pg_int(len(c)) + c for c in chunks) + pg_int(0)


def pgarchive():
    """The first byte is not of the archive: it chooses the size of the pieces."""
    seeds = {}
    end = b"\\.\n\n\n"
    for minor in (14, 15, 16):
        data = (b"\6" + pg_header(minor, 4) +
                pg_entry(minor, 5, 0, None, "pgcrypto", "EXTENSION", "") +
                pg_entry(minor, 9, 1, "public", "t", "TABLE DATA", "alice") +
                pg_entry(minor, 10, 1, "s", "empty", "TABLE DATA", "bob") +
                pg_entry(minor, 11, 1, None, "BLOBS", "BLOBS", None) +
                pg_block(9, b"1\ta\\nb\n2\tc\n", end) + pg_block(10, end) +
                b"\3" + pg_int(11) + pg_int(-1294967296) + pg_int(3) + b"abc" + pg_int(0) +
                pg_int(0))
        cuts = [1, 12, 60, 200, len(data) - 1] if minor == 14 else [len(data) - 5]
        flips = [1, 6, 9, 10, 11, 12, 60, 100, 130, 400, len(data) - 20] if minor == 14 else []
        variants(seeds, "v%d" % minor, data, cuts, flips)
        seeds["v%d-trailing" % minor] = data + b"\1"
    head = b"\0" + pg_header(14, 1)
    seeds["compressed"] = b"\0" + pg_header(14, 0, 6)
    seeds["no-entries"] = b"\0" + pg_header(16, 0)
    seeds["count-huge"] = b"\0" + pg_header(14, 50000000)
    seeds["count-too-large"] = b"\0" + pg_header(14, 50000001)
    seeds["id-huge"] = head + pg_entry(14, 50000000, 1, "p", "t", "TABLE DATA", "o")
    seeds["id-negative"] = head + pg_entry(14, -1, 1, "p", "t", "TABLE DATA", "o")
    seeds["id-twice"] = (b"\0" + pg_header(14, 2) +
                         2 * pg_entry(14, 7, 1, "p", "t", "TABLE DATA", "o"))
    seeds["name-null"] = head + pg_entry(14, 7, 1, None, None, "TABLE DATA", None)
    seeds["name-long"] = head + pg_int(7) + pg_int(1) + 2 * pg_text("0") + pg_int(65537)
    seeds["name-huge"] = head + pg_int(7) + pg_int(1) + 2 * pg_text("0") + pg_int(2**32 - 1)
    seeds["length-minus-2"] = head + pg_int(7) + pg_int(1) + pg_int(-2)
    entry = head + pg_entry(14, 7, 1, "p", "t", "TABLE DATA", "o")
    seeds["chunk-huge"] = entry + b"\1" + pg_int(7) + pg_int(2**31 - 1) + b"few bytes"
    seeds["chunk-negative"] = entry + b"\1" + pg_int(7) + pg_int(-5) + b"few"
    seeds["chunk-sign"] = entry + b"\1" + pg_int(7) + b"\2\1\0\0\0x"
    seeds["no-end"] = entry + pg_block(7, b"1\n2\n")
    seeds["two-blocks"] = entry + 2 * pg_block(7, end)
    seeds["stranger"] = entry + pg_block(8, end)
    seeds["end-in-bytes"] = entry + pg_block(7, *[end[i:i + 1] for i in range(len(end))])
    seeds["int-8"] = b"\0PGDMP" + bytes([1, 14, 0, 8, 8, 1]) + bytes(9 * 8) + b"\0" * 40
    seeds["int-9"] = b"\0PGDMP" + bytes([1, 14, 0, 9, 8, 1]) + bytes(90)
    return seeds


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(
        os.path.abspath(__file__)), "corpus")
    for make in (config, manifest, xml, pgarchive):
        directory = os.path.join(base, make.__name__)
        os.makedirs(directory, exist_ok=True)
        for name in os.listdir(directory):
            if not name.startswith("found-"):
                os.unlink(os.path.join(directory, name))
        for name, data in sorted(make().items()):
            with open(os.path.join(directory, name), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    main()
