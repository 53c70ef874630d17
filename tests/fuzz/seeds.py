#!/usr/bin/env python3
"""seeds.py - writes the seed files of the fuzzers' corpora; the same bytes on every run.

    tests/fuzz/seeds.py            writes below the directory of this file
    tests/fuzz/seeds.py DIRECTORY  writes somewhere else

Files that a fuzzer found are kept beside the seeds under names that begin with "found-".
"""
import base64
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


def tar_sum(block):
    """The header with its checksum made right."""
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%07o " % sum(block) + block[156:]


def tar_header(name, kind=b"0", size=0, link=b"", magic=b"ustar\x0000", prefix=b""):
    """As PostgreSQL's tarCreateHeader() writes it."""
    digits = b"%011o " % size if size < 1 << 33 else b"\x80" + size.to_bytes(11, "big")
    block = (name.ljust(100, b"\0") + b"0000600 " + b"0177776 " * 2 + digits + b"12345670123 " +
             b" " * 8 + kind + link.ljust(100, b"\0") + magic + b"postgres".ljust(32, b"\0") * 2 +
             b"0000000 " * 2 + prefix.ljust(155, b"\0") + bytes(12))
    assert len(block) == 512
    return tar_sum(block)


def tar_file(name, data, **how):
    return tar_header(name, size=len(data), **how) + data + bytes(-len(data) % 512)


def tar():
    """The first byte is not of the tar: it says the size of the pieces, less one."""
    seeds = {}
    end = bytes(1024)
    good = (tar_file(b"backup_label", b"START WAL LOCATION: 0/800028\n") +
            tar_header(b"./pg_wal/", b"5") + tar_file(b"base/1/1", b"x" * 512) +
            tar_file(b"empty", b"") + tar_header(b"pg_tblspc/16384", b"2", link=b"/srv/ts"))
    variants(seeds, "good", b"\6" + good + end,
             [1, 12, 513, 530, 1025, len(good) + 1, len(good) + 513],
             [1, 100, 125, 149, 157, 158, 258, 346, 520, 600, len(good) + 1])
    seeds["good-whole"] = b"\xff" + good + end
    seeds["bytes"] = b"\0" + good + end
    for kind in b"134567xgLKSV":
        seeds["kind-%c" % kind] = b"\0" + tar_header(b"n", bytes([kind]), link=b"t") + end
    seeds["kind-old"] = b"\0" + tar_file(b"n", b"x", kind=b"\0") + end
    seeds["link-content"] = b"\0" + tar_header(b"n", b"2", 1) + end
    for name, number in (("blank", b" " * 12), ("nul", bytes(12)), ("digit", b"00000000008 "),
                         ("full", b"7" * 12), ("base256", b"\x80" + bytes(10) + b"\1"),
                         ("base256-most", b"\x80\0\0\0\x7f" + b"\xff" * 7),
                         ("base256-over", b"\x80\0\0\0\x80" + bytes(7)), ("negative", b"\xff" * 12),
                         ("middle", b"0000 0000001")):
        header = tar_header(b"n")
        seeds["size-" + name] = b"\2" + tar_sum(header[:124] + number + header[136:]) + b"x" + end
    for name, text in (("dots", b"../../x"), ("absolute", b"/x"), ("empty", b""),
                       ("slashes", b"///"), ("dot", b"."), ("dot-slash", b"././"),
                       ("middle", b"a/../b"), ("double", b"a//b"), ("control", b"a\nb\x7f"),
                       ("long", b"n" * 100), ("slash-end", b"n" * 99 + b"/")):
        seeds["name-" + name] = b"\3" + tar_header(text, b"5") + end
    seeds["prefix"] = b"\0" + tar_header(b"n" * 100, link=b"l" * 100, prefix=b"p" * 155) + end
    seeds["prefix-only"] = b"\0" + tar_header(b"", prefix=b"./p") + end
    seeds["gnu"] = b"\0" + tar_header(b"n", magic=b"ustar  \0", prefix=b"p") + end
    seeds["no-magic"] = b"\0" + tar_header(b"n", magic=bytes(8)) + end
    seeds["after-end"] = b"\7" + good + end + good + end
    seeds["after-one-block"] = b"\7" + good + end[:512] + good
    seeds["zeros"] = b"\7" + end * 10
    seeds["zeros-odd"] = b"\7" + end * 2 + b"\0"
    seeds["empty"] = b"\0"
    return seeds


PG_LINE = b'{ "Path": "%s", "Size": %d, "Last-Modified": "2026-11-25 18:02:39 GMT"%s }'
PG_CRC = b', "Checksum-Algorithm": "CRC32C", "Checksum": "%s"'
PG_RANGE = b'{ "Timeline": %s, "Start-LSN": "%s", "End-LSN": "%s" }'


def pgmanifest_body(lines, ranges, version=1):
    head = b'{ "PostgreSQL-Backup-Manifest-Version": %d,\n' % version
    if version > 1:
        head += b'"System-Identifier": 7712033420912970512,\n'
    return (head + b'"Files": [\n' + b",\n".join(lines) + b'\n],\n"WAL-Ranges": [\n' +
            b",\n".join(ranges) + b"\n],\n")


def pgmanifest():
    """The first byte is not of the manifest: it says the size of the pieces, less one."""
    seeds = {}

    def ended(body, step=b"\x10"):
        digest = hashlib.sha256(body).hexdigest().encode()
        return step + body + b'"Manifest-Checksum": "%s"}\n' % digest

    lines = [PG_LINE % (b"pg_tblspc/16384/PG_15_202209061/5/16385", 40960, PG_CRC % b"14046aa8"),
             b'{ "Encoded-Path": "626173652fff", "Size": 3 }',
             PG_LINE % (b"global/pg_control", 8192, b"")]
    ranges = [PG_RANGE % (b"1", b"0/800028", b"0/800100")]
    one = ended(pgmanifest_body(lines, ranges))
    variants(seeds, "v1", one, [1, 2, 40, 60, 300, 500, len(one) - 100, len(one) - 1],
             [3, 45, 55, 60, 100, 200, 300] + [len(one) - n for n in (200, 70, 5, 1)])
    seeds["v1-bytes"] = ended(pgmanifest_body(lines, ranges), b"\0")
    seeds["v2"] = ended(pgmanifest_body(lines, ranges, 2))
    seeds["v3"] = ended(pgmanifest_body(lines, ranges, 3))
    seeds["two-ranges"] = ended(pgmanifest_body(lines, ranges * 2))
    seeds["sixteen-ranges"] = ended(pgmanifest_body(lines, ranges * 16))
    seeds["seventeen-ranges"] = ended(pgmanifest_body(lines, ranges * 17))
    seeds["no-files"] = ended(pgmanifest_body([], ranges))
    seeds["no-ranges"] = ended(pgmanifest_body(lines, []))
    seeds["ranges-at-once"] = ended(pgmanifest_body(lines, ranges).replace(b"[\n{ \"T", b"[{ \"T"))
    for name, line in (("nul", b'{ "Path": "a\0b", "Size": 1 }'),
                       ("nul-escaped", b'{ "Path": "a\\u0000b", "Size": 1 }'),
                       ("nul-encoded", b'{ "Encoded-Path": "610062", "Size": 1 }'),
                       ("hex-odd", b'{ "Encoded-Path": "616", "Size": 1 }'),
                       ("hex-none", b'{ "Encoded-Path": "", "Size": 1 }'),
                       ("hex-long", b'{ "Encoded-Path": "%s", "Size": 1 }' % (b"61" * 4096)),
                       ("no-path", b'{ "Size": 1 }'), ("no-size", b'{ "Path": "a" }'),
                       ("negative", b'{ "Path": "a", "Size": -1 }'),
                       ("most", b'{ "Path": "a", "Size": 9223372036854775807 }'),
                       ("over", b'{ "Path": "a", "Size": 9223372036854775808 }'),
                       ("list", b"[]"), ("twice", b'{ "Size": 1, "Size": 2, "Path": "a" }'),
                       ("types", b'{ "Path": 1, "Size": "1", "Checksum": [] }'),
                       ("deep", b'{ "Path": ' + b"[" * 3000),
                       ("not-utf8", b'{ "Path": "\xff", "Size": 1 }')):
        seeds["line-" + name] = ended(pgmanifest_body([line], ranges))
    seeds["line-wraps"] = ended(pgmanifest_body(
        [b'{ "Path": "a", "Size": 9223372036854775807 }'] * 3, ranges))
    for name, wal in (("timeline-0", (b"0", b"0/1", b"0/2")), ("backwards", (b"1", b"0/2", b"0/1")),
                      ("most", (b"4294967295", b"0/0", b"FFFFFFFF/FFFFFFFF")),
                      ("timeline-over", (b"4294967296", b"0/1", b"0/2")),
                      ("no-lsn", (b"1", b"0x1/2", b"0/2"))):
        seeds["range-" + name] = ended(pgmanifest_body(lines, [PG_RANGE % wal]))
    seeds["long-line"] = ended(pgmanifest_body([b" " * 65536], ranges), b"\xff")
    seeds["behind"] = one + b"\n"
    seeds["twice"] = one + one[1:]
    seeds["empty"] = b"\0"
    seeds["crlf"] = one.replace(b"\n", b"\r\n")
    seeds["system-identifier"] = ended(pgmanifest_body(lines, ranges, 2).replace(
        b"7712033420912970512", b"18446744073709551615"))
    return seeds


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def pgbase():
    """The size of the pieces, less one (odd: of a tablespace); the manifest's length; both."""
    seeds = {}
    files = [(b"PG_VERSION", b"15\n"), (b"base/1/1", b"rows" * 200), (b"base/1/empty", b"")]
    ranges = [PG_RANGE % (b"1", b"0/800028", b"0/800100")]

    def listed(items, space=b""):
        return [PG_LINE % (space + name, len(data),
                           PG_CRC % struct.pack("<I", crc32c(data)).hex().encode())
                for name, data in items]

    def base(lines, archive, step=100, wal=ranges):
        body = pgmanifest_body(lines, wal)
        return struct.pack("<BH", step, len(body)) + body + archive + bytes(1024)

    archive = b"".join(tar_file(name, data) for name, data in files)
    good = base(listed(files), archive)
    variants(seeds, "good", good, [2, 100, 400, 1000, len(good) - 600],
             [0, 1, 60, 200, 300, 900, 1500, 2200])
    seeds["bytes"] = base(listed(files), archive, 0)
    seeds["tablespace"] = base(listed(files, b"pg_tblspc/16384/"), archive, 99)
    seeds["missing"] = base(listed(files + [(b"more", b"")]), archive)
    seeds["stranger"] = base(listed(files[1:]), archive)
    seeds["differs"] = base(listed([(b"PG_VERSION", b"16\n")] + files[1:]), archive)
    seeds["twice-tar"] = base(listed(files), archive + tar_file(*files[0]))
    seeds["twice-manifest"] = base(listed(files + files[:1]), archive)
    seeds["twice-both"] = base(listed(files + files[:1]), archive + tar_file(*files[0]))
    seeds["no-range"] = base(listed(files), archive, wal=[])
    seeds["none"] = base([PG_LINE % (b"a", 0, b"")], tar_file(b"a", b""))
    seeds["no-files"] = base([], b"")
    seeds["dots"] = base(listed([(b"../x", b"")]), tar_file(b"../x", b""))
    seeds["itself"] = base(listed(files), tar_header(b"./", b"5") + archive +
                           tar_header(b"l", b"2", link=b"/"))
    wal = b"pg_wal/000000010000000000000008"
    seeds["wal-small"] = base(listed(files), archive + tar_file(wal, b"x"))
    seeds["wal-cut"] = base(listed(files), archive + tar_header(wal, size=1 << 20))
    segment = struct.pack("<BH", 6, 0)
    for n in range(5):
        page = struct.pack("<HHIQII", 0xD110, 2 * (n == 0), 1, (1 << 20) + n * 1024, 0, 0)
        if n == 0:
            page += struct.pack("<QII", 7712033420912970512, 1 << 20, 1024)
        segment += page.ljust(1024, b"\0")
    variants(seeds, "segment", segment, [3, 20, 42, 43, 1030, 1043, 3000],
             [5, 6, 8, 12, 28, 36, 40, 2000, 2060])
    return seeds


def age():
    """The first byte is not of the file: it says the size of the reads, less one. The file was made by age, for the key
    in fuzz_age.c."""
    file = base64.b64decode(
        b"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBXN3NUQWQ3dmMwcWYxMUpxV25LTHowZjZMZ0F4YzFzL1RC"
        b"NW5kWTNVV0FFCkRIRFVUaHNOazl4UTQ1TTFYU3JhTWhpc29vYmhTM1ZIbzlQL1U5YzBIODAKLS0tIHY1aGdKVk51"
        b"ZU1yYlovRGZZUVpRN1JoM3BuS2hxcnJkQXIyVHUzMDlOQ1UKvmBc7UvSOdNP+Moac+Jq4rSvAhlQTJdD4cQ6HHi6"
        b"wujLEwt7QYXwMFJatNI=")
    seeds = {}
    variants(seeds, "good", b"\x0f" + file, [1, 10, 22, 23, 40, 77, 80, 121, 125, 168, 170, 185, 190, 210],
             [1, 10, 21, 22, 30, 40, 76, 80, 120, 125, 150, 168, 175, 190, 212])
    seeds["good-bytes"] = b"\0" + file
    seeds["after"] = b"\xff" + file + b"x"
    stanza = file[22:121]
    mac = file[121:169]
    for name, header in (("scrypt", b"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n" + stanza.split(b"\n")[1] + b"\n"),
                         ("scrypt-beside", stanza + b"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\nAAAA\n"),
                         ("scrypt-huge", b"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 64\nAAAA\n"), ("none", b""),
                         ("grease", b"-> x-grease ~ \x7f\n\n"), ("no-argument", b"->\n\n"), ("blank", b"->  a\n\n"),
                         ("low-order", b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"),
                         ("lines", b"-> a\n" + (b"A" * 64 + b"\n") * 3 + b"\n"), ("no-body", b"-> a\n"),
                         ("padded", b"-> a\nAA==\n"), ("stray-bits", b"-> a\nAB\n"), ("cr", b"-> a\r\n\n")):
        seeds["header-" + name] = b"\7" + file[:22] + header + mac + b"payload"
    seeds["version"] = b"\7" + file.replace(b"/v1", b"/v9", 1)
    seeds["key"] = b"\0" + b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
    seeds["keys"] = b"\0# two\r\n\nage1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj\nage1x\n"
    seeds["recipient"] = b"\0age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    seeds["recipient-upper"] = b"\0AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ"
    seeds["empty"] = b"\0"
    return seeds


def rdb_crc(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return struct.pack("<Q", crc)


def rdb():
    """The first byte is not of the file: it says the size of the pieces, less one."""
    seeds = {}
    module = b"\x81\xb4\x92\x3b\x44\x55\x66\x77\x88"
    stream = b"\1\1x\1y"
    group = b"\1\1g\1\2%s\1" + b"i" * 16 + b"t" * 8 + b"\1\1\1c%s\1" + b"i" * 16
    values = {
        "string": b"\0\1a\5hello", "int8": b"\0\1a\xc0\x7f", "int16": b"\0\1a\xc1\x39\x30", "int32": b"\0\1a\xc2\1\2\3\4",
        "lzf": b"\0\1a\xc3\3\x40\x80xyz", "long": b"\0\1a\x80\0\0\0\2ok", "longer": b"\0\1a\x81" + bytes(7) + b"\2ok",
        "list": b"\1\1a\2\1x\1y", "set": b"\2\1a\2\1x\xc0\1", "zset": b"\3\1a\3\1x\0031.5\1y\xfd\1z\xff", "hash": b"\4\1a\1\1x\1y",
        "zset2": b"\5\1a\1\1x" + bytes(8), "module": b"\7\1a" + module + b"\1\5\2\6\3abcd\4abcdefgh\5\3xyz\0", "intset": b"\x0b\1a\3xxx",
        "quicklist": b"\x0e\1a\2\1x\1y", "quicklist2": b"\x12\1a\2\1\1x\2\1y",
        "stream": b"\x0f\1a" + stream + b"\1\2\3" + group % (b"", b"s" * 8),
        "stream2": b"\x13\1a" + stream + bytes(range(8)) + group % (b"\3", b"s" * 8),
        "stream3": b"\x15\1a" + stream + bytes(range(8)) + group % (b"\3", b"s" * 16),
        "hash-ttl": b"\x18\1a" + bytes(8) + b"\1\5\1x\1y", "hash-pack": b"\x19\1a" + bytes(8) + b"\3xxx",
    }
    head = (b"REDIS0011\xfa\x09redis-ver\x067.2.99\xfa\x07repl-id\4abcd\xfa\x0brepl-offset\xc1\x39\x30\xf7" + module +
            b"\2\2\5\2hi\0\xf5\5#!lua\xfe\0\xfb\x10\1")
    full = head + b"\xfc" + bytes(8) + b"\xf9\5" + b"".join(values.values()) + b"\xfe\x40\x64\xf4\1\2\3" + values["string"] + b"\xff"
    variants(seeds, "full", b"\x0a" + full + rdb_crc(full), [1, 5, 10, 30, 60, 100, len(full) - 1, len(full) + 2, len(full) + 8],
             [1, 8, 10, 40, 70, 90, 120, len(full), len(full) + 3])
    seeds["bytes"] = b"\0" + full + rdb_crc(full)
    for name, value in values.items():
        seeds["value-" + name] = b"\2REDIS0010" + value + b"\xff" + bytes(8)
    seeds["unknown"] = b"\0REDIS0010\x1e"
    seeds["huge"] = b"\0REDIS0010\4\1h\x81" + b"\xff" * 8
    seeds["huge-skip"] = b"\0REDIS0010\0\1h\x81" + b"\xff" * 8 + b"abc"
    seeds["after"] = b"\0REDIS0010\xff" + bytes(8) + b"x"
    seeds["empty"] = b"\0"
    return seeds


def dns():
    """The first byte is the type's: TXT, A, AAAA, NS."""
    seeds = {}
    name, same = b"\1a\7example\0", b"\xc0\x0c"
    ask = {"txt": 16, "a": 1, "aaaa": 28, "ns": 2}

    def record(owner, kind, data):
        return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data

    def message(which, *records, flags=0x8400, count=None):
        return (bytes([list(ask).index(which)]) + struct.pack(">HHHHHH", 0x1234, flags, 1, len(records) if count is None else count, 0, 0) +
                name + struct.pack(">HH", ask[which], 1) + b"".join(records))
    text = record(same, 16, b"\5token") + record(same, 16, b"\2to\3ken\1\0")
    variants(seeds, "txt", message("txt", text[:18], text[18:]), [1, 5, 13, 20, 28, 30, 40, 45, 50], [1, 3, 8, 13, 25, 30, 36, 40, 46])
    seeds["a"] = message("a", record(same, 1, b"\x7f\0\0\1"), record(same, 1, b"\1\2\3"))
    seeds["aaaa"] = message("aaaa", record(same, 28, bytes(15) + b"\1"), record(same, 1, b"\x7f\0\0\1"))
    seeds["ns"] = message("ns", record(same, 2, b"\2ns" + same), record(same, 2, b"\3ns2\xc0\x0e"))
    alias = record(same, 5, b"\1b\xc0\x0e")
    seeds["alias"] = message("txt", alias, record(b"\1b\xc0\x0e", 16, b"\5token"), record(same, 16, b"\2no"))
    seeds["alias-alone"] = message("txt", alias)
    seeds["alias-loop"] = message("txt", alias, record(b"\1b\xc0\x0e", 5, same))
    seeds["alias-long"] = message("txt", *[record(bytes([1, 97 + n]) + b"\xc0\x0e", 5, bytes([1, 98 + n]) + b"\xc0\x0e") for n in range(20)])
    seeds["alias-root"] = message("txt", record(same, 5, b"\0"))
    seeds["other-owner"] = message("txt", record(b"\4evil\0", 16, b"\5token"))
    seeds["pointer-loop"] = message("txt", record(b"\xc0\x1b", 16, b"\5token"))
    seeds["pointer-ahead"] = message("ns", record(same, 2, b"\xc0\xff"))
    seeds["count"] = message("txt", text[:18], count=65535)
    seeds["refused"] = message("txt", flags=0x8005)
    seeds["long"] = message("txt", *[record(same, 16, b"\xff" + b"x" * 255) for _ in range(40)])
    seeds["label"] = message("ns", record(same, 2, b"\1.\1\\\1\0\0"))
    return seeds


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(
        os.path.abspath(__file__)), "corpus")
    for make in (config, dns, manifest, xml, age, rdb, pgarchive, tar, pgmanifest, pgbase):
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
