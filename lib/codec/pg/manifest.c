/* manifest.c - PostgreSQL's backup_manifest, line by line. */
#include "codec/pg/manifest.h"
#include "base/buf.h"
#include "base/text.h"
#include "codec/digest.h"
#include "codec/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)64 << 10) /* a path has at most 1,024 bytes */

enum state { HEAD, FILES, BETWEEN, RANGES, DIGEST, END };

struct mrt_pgmanifest {
	int (*file)(void *context, const struct mrt_pgmanifest_file *file, struct mrt_error *err);
	void *context;
	struct mrt_pgmanifest_info info;
	enum state state;
	uint64_t line;
	struct mrt_buf rest; /* an unfinished line */
	struct mrt_digest *digest;
	char want[MRT_SHA256_HEX];
};

int mrt_lsn_parse(const char *text, uint64_t *ret, struct mrt_error *err)
{
	unsigned high = 0, low = 0;
	int n = 0;
	if (strspn(text, "0123456789ABCDEFabcdef/") != strlen(text) || strlen(text) > 17 ||
	    sscanf(text, "%8x/%8x%n", &high, &low, &n) != 2 || text[n] != '\0')
		return mrt_fail(err, MRT_CORRUPT, "'%.40s' is no LSN", text);
	*ret = (uint64_t)high << 32 | low;
	return 0;
}

void mrt_lsn_format(uint64_t lsn, char ret[MRT_LSN_SIZE])
{
	snprintf(ret, MRT_LSN_SIZE, "%X/%X", (unsigned)(lsn >> 32), (unsigned)lsn);
}

int mrt_pgmanifest_new(int (*file)(void *context, const struct mrt_pgmanifest_file *file,
                                   struct mrt_error *err),
                       void *context, struct mrt_pgmanifest **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pgmanifest) *m = calloc(1, sizeof(*m));
	if (!m)
		return mrt_no_memory(err);
	m->file = file;
	m->context = context;
	m->rest.ceiling = LINE_MAX_BYTES;
	int rc = mrt_digest_new(&m->digest, err);
	if (rc == 0)
		*ret = mrt_steal(m);
	return rc;
}

void mrt_pgmanifest_free(struct mrt_pgmanifest *m)
{
	if (!m)
		return;
	mrt_buf_release(&m->rest);
	mrt_digest_free(m->digest);
	free(m);
}

static int corrupt(const struct mrt_pgmanifest *m, const char *what, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "backup_manifest, line %" PRIu64 ": %s", m->line, what);
}

static int object_of(const struct mrt_pgmanifest *m, const char *line, size_t len, json_t **ret,
                     struct mrt_error *err)
{
	if (len > 0 && line[len - 1] == ',')
		len--;
	int rc = mrt_json_parse(line, len, ret, err);
	return rc < 0 && rc != MRT_NO_MEMORY ? corrupt(m, "it is no object", err) : rc;
}

/* "Path", or "Encoded-Path" in hex where the name is not UTF-8 */
static int path_of(const struct mrt_pgmanifest *m, const json_t *json, char *decoded, size_t cap,
                   const char **ret, struct mrt_error *err)
{
	const char *hex = mrt_json_text_or(json, "Encoded-Path", NULL);
	*ret = mrt_json_text_or(json, "Path", NULL);
	if (!hex)
		return *ret ? 0 : corrupt(m, "a file without a path", err);
	size_t n = strlen(hex) / 2;
	if (n >= cap || strlen(hex) % 2 != 0 || !mrt_unhex(hex, decoded, n) ||
	    memchr(decoded, 0, n))
		return corrupt(m, "an impossible path", err);
	decoded[n] = '\0';
	*ret = decoded;
	return 0;
}

static int take_file(struct mrt_pgmanifest *m, const char *line, size_t len, struct mrt_error *err)
{
	mrt_auto_json json = NULL;
	char decoded[4096];
	struct mrt_pgmanifest_file file = { 0 };
	int rc = object_of(m, line, len, &json, err);
	if (rc == 0)
		rc = path_of(m, json, decoded, sizeof(decoded), &file.path, err);
	if (rc < 0)
		return rc;
	file.algorithm = mrt_json_text_or(json, "Checksum-Algorithm", "NONE");
	file.checksum = mrt_json_text_or(json, "Checksum", "");
	if (mrt_json_size(json, "Size", &file.size, NULL) < 0)
		return corrupt(m, "a file without a size", err);
	m->info.files++;
	m->info.bytes += file.size;
	return m->file ? m->file(m->context, &file, err) : 0;
}

static int take_range(struct mrt_pgmanifest *m, const char *line, size_t len, struct mrt_error *err)
{
	mrt_auto_json json = NULL;
	uint64_t timeline = 0;
	int rc = object_of(m, line, len, &json, err);
	if (rc < 0)
		return rc;
	if (m->info.n_ranges == MRT_PGMANIFEST_RANGES)
		return corrupt(m, "too many WAL ranges", err);
	struct mrt_pgmanifest_range *r = &m->info.ranges[m->info.n_ranges++];
	if (mrt_json_size(json, "Timeline", &timeline, NULL) < 0 ||
	    mrt_lsn_parse(mrt_json_text_or(json, "Start-LSN", ""), &r->start, NULL) < 0 ||
	    mrt_lsn_parse(mrt_json_text_or(json, "End-LSN", ""), &r->end, NULL) < 0 ||
	    timeline == 0 || timeline > UINT32_MAX || r->end < r->start)
		return corrupt(m, "an impossible WAL range", err);
	r->timeline = (unsigned)timeline;
	return 0;
}

static int take_head(struct mrt_pgmanifest *m, const char *line, struct mrt_error *err)
{
	if (strcmp(line, "\"Files\": [") == 0) {
		m->state = FILES;
		return m->info.version > 0 ? 0 : corrupt(m, "it has no version", err);
	}
	static const char version[] = "{ \"PostgreSQL-Backup-Manifest-Version\": ";
	static const char identifier[] = "\"System-Identifier\": ";
	if (m->line == 1 && strncmp(line, version, sizeof(version) - 1) == 0) {
		const char *rest = line + sizeof(version) - 1;
		size_t n = strspn(rest, "0123456789");
		if (n == 0 || strcmp(rest + n, ",") != 0)
			return corrupt(m, "it is no PostgreSQL backup manifest", err);
		m->info.version = strcmp(rest, "1,") == 0 ? 1 : strcmp(rest, "2,") == 0 ? 2 : 0;
		return m->info.version > 0 ? 0 : corrupt(m, "its version is neither 1 nor 2", err);
	}
	if (m->line == 2 && m->info.version == 2 &&
	    strncmp(line, identifier, sizeof(identifier) - 1) == 0) {
		const char *rest = line + sizeof(identifier) - 1;
		size_t n = strspn(rest, "0123456789");
		errno = 0;
		m->info.system_identifier = strtoull(rest, NULL, 10);
		return n > 0 && errno == 0 && strcmp(rest + n, ",") == 0
		               ? 0
		               : corrupt(m, "an impossible system identifier", err);
	}
	return corrupt(m, "it is no PostgreSQL backup manifest", err);
}

static int take_digest(struct mrt_pgmanifest *m, const char *line, struct mrt_error *err)
{
	static const char start[] = "\"Manifest-Checksum\": \"";
	size_t n = sizeof(start) - 1, hex = MRT_SHA256_HEX - 1;
	if (strncmp(line, start, n) != 0 || strlen(line) != n + hex + 2 ||
	    strcmp(line + n + hex, "\"}") != 0)
		return corrupt(m, "no digest at its end", err);
	memcpy(m->want, line + n, hex);
	m->state = END;
	return 0;
}

/* One line, without its newline. */
static int take_line(struct mrt_pgmanifest *m, char *line, size_t len, struct mrt_error *err)
{
	m->line++;
	if (strlen(line) != len)
		return corrupt(m, "a NUL", err);
	switch (m->state) {
	case HEAD:
		return take_head(m, line, err);
	case FILES:
		if (strcmp(line, "],") != 0)
			return take_file(m, line, len, err);
		m->state = BETWEEN;
		return 0;
	case BETWEEN:
		m->state = RANGES;
		return strcmp(line, "\"WAL-Ranges\": [") == 0
		               ? 0
		               : corrupt(m, "WAL-Ranges are missing", err);
	case RANGES:
		if (strcmp(line, "],") != 0)
			return take_range(m, line, len, err);
		m->state = DIGEST;
		return 0;
	case DIGEST:
		return take_digest(m, line, err);
	default:
		return corrupt(m, "something behind the end", err);
	}
}

int mrt_pgmanifest_feed(struct mrt_pgmanifest *m, const void *data, size_t len,
                        struct mrt_error *err)
{
	const char *p = data;
	while (len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t n = end ? (size_t)(end - p) + 1 : len;
		mrt_buf_add(&m->rest, p, end ? n - 1 : n);
		if (m->rest.failed && m->rest.failed != MRT_NO_MEMORY)
			return mrt_fail(err, MRT_CORRUPT,
			                "backup_manifest, line %" PRIu64 ": a line without end",
			                m->line + 1);
		int rc = mrt_buf_check(&m->rest, err);
		p += n;
		len -= n;
		if (rc < 0 || !end)
			return rc;
		bool digest = m->state == DIGEST;
		if (!digest)
			rc = mrt_digest_add(m->digest, mrt_buf_text(&m->rest), m->rest.len, err);
		if (rc == 0 && !digest)
			rc = mrt_digest_add(m->digest, "\n", 1, err);
		mrt_buf_add(&m->rest, "", 0);
		char empty[1] = "";
		if (rc == 0)
			rc = take_line(m, m->rest.data ? m->rest.data : empty, m->rest.len, err);
		if (rc < 0)
			return rc;
		mrt_buf_clear(&m->rest);
	}
	return 0;
}

int mrt_pgmanifest_end(struct mrt_pgmanifest *m, struct mrt_error *err)
{
	char have[MRT_SHA256_HEX];
	if (m->state != END || m->rest.len > 0)
		return corrupt(m, "it ends too early", err);
	int rc = mrt_digest_end(m->digest, have, err);
	if (rc == 0 && strcmp(have, m->want) != 0)
		rc = mrt_fail(err, MRT_CORRUPT, "backup_manifest: its own digest is wrong");
	return rc;
}

const struct mrt_pgmanifest_info *mrt_pgmanifest_info(const struct mrt_pgmanifest *m)
{
	return &m->info;
}
