/* fuzz_xml.c - answers of an S3 server. */
#include "codec/xml.h"
#include "fuzz.h"

static void walk(const struct mrt_xml *xml, unsigned depth)
{
	fuzz_check(depth <= 32);
	for (const struct mrt_xml *c = xml->children; c; c = c->next) {
		fuzz_check(c->parent == xml && c->name && !strchr(c->name, ':'));
		fuzz_check(mrt_xml_child(xml, c->name) != NULL);
		walk(c, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mrt_error err;
	mrt_auto(mrt_xml) *xml = NULL;
	if (mrt_xml_parse((const char *)data, len, &xml, &err) == 0) {
		fuzz_check(xml && xml->name);
		walk(xml, 1);
		mrt_xml_text(xml, "Key");
	} else {
		fuzz_check(err.code == MRT_CORRUPT && !xml);
	}
	return 0;
}
