/* fuzz_manifest.c - manifests as they stand, and with the digest made right so that the members are
 * reached. */
#include "fuzz.h"
#include "repository/manifest.h"

static void read_manifest(const char *text, size_t len)
{
	struct mrt_error err;
	mrt_auto(mrt_manifest) *m = NULL;
	int rc = mrt_manifest_parse(text, len, &m, &err);
	if (rc < 0) {
		fuzz_check(rc == MRT_CORRUPT || rc == MRT_UNSUPPORTED);
		return;
	}
	fuzz_check(mrt_backup_id_valid(m->id));
	for (size_t i = 0; i < m->n_objects; i++) {
		const struct mrt_manifest_object *o = &m->objects[i];
		fuzz_check(o->n_volumes > 0 && o->sha256 && o->stored_sha256);
		fuzz_check(mrt_manifest_object(m, o->key) != NULL);
		for (size_t k = 0; k < o->n_volumes; k++)
			fuzz_check(!strstr(o->volumes[k].key, ".."));
	}
	mrt_manifest_database(m, "school");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 65536)
		return 0;
	read_manifest((const char *)data, len);
	struct mrt_error err;
	mrt_auto_json json = NULL;
	mrt_auto_buf text = MRT_BUF_INIT;
	if (mrt_json_parse((const char *)data, len, &json, &err) < 0)
		return 0;
	json_object_del(json, "sha256");
	if (json_object_size(json) == 0)
		return 0;
	fuzz_check(mrt_manifest_print(json, &text, &err) == 0);
	read_manifest(text.data, text.len);
	return 0;
}
