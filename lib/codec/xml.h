/* xml.h - a small XML document as a tree: what S3 answers. No DTD, no entities beyond the five,
 * bounded depth and size; namespace prefixes are dropped from names. */
#ifndef MRT_CODEC_XML_H
#define MRT_CODEC_XML_H

#include "base/buf.h"

struct mrt_xml {
	char *name;
	struct mrt_buf text; /* character data directly inside */
	struct mrt_xml *parent, *children, *next, *last_child;
};

int mrt_xml_parse(const char *data, size_t len, struct mrt_xml **ret, struct mrt_error *err);
void mrt_xml_free(struct mrt_xml *xml);
MRT_DEFINE_AUTO(mrt_xml)

/* The first child of that name, or NULL. */
const struct mrt_xml *mrt_xml_child(const struct mrt_xml *xml, const char *name);
/* The next sibling of the same name, or NULL. */
const struct mrt_xml *mrt_xml_again(const struct mrt_xml *xml);
/* Text of the first child of that name, "" when there is none. */
const char *mrt_xml_text(const struct mrt_xml *xml, const char *name);

#endif
