/* xml.c - a small XML document as a tree, by expat. */
#include "codec/xml.h"
#include "base/text.h"

#include <expat.h>
#include <string.h>

#define DEPTH_MAX 32
#define SIZE_MAX_BYTES ((size_t)16 << 20)

struct building {
	XML_Parser parser;
	struct mrt_xml *root, *at;
	unsigned depth;
	int failed;
};

void mrt_xml_free(struct mrt_xml *xml)
{
	while (xml) {
		struct mrt_xml *next = xml->next;
		mrt_xml_free(xml->children); /* depth is bounded by DEPTH_MAX */
		mrt_buf_release(&xml->text);
		free(xml->name);
		free(xml);
		xml = next;
	}
}

static void stop(struct building *b, int code)
{
	b->failed = code;
	XML_StopParser(b->parser, XML_FALSE);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
	(void)attributes;
	struct building *b = context;
	const char *colon = strrchr(name, ':');
	struct mrt_xml *node = calloc(1, sizeof(*node));
	if (!node || mrt_text_dup(colon ? colon + 1 : name, &node->name, NULL) < 0) {
		free(node);
		stop(b, MRT_NO_MEMORY);
		return;
	}
	node->text = MRT_BUF_INIT;
	node->parent = b->at;
	if (!b->at)
		b->root = node;
	else if (b->at->last_child)
		b->at->last_child->next = node;
	else
		b->at->children = node;
	if (b->at)
		b->at->last_child = node;
	b->at = node;
	if (++b->depth > DEPTH_MAX)
		stop(b, MRT_CORRUPT);
}

static void on_end(void *context, const XML_Char *name)
{
	(void)name;
	struct building *b = context;
	if (b->failed) /* expat still ends the empty element in which we stopped it */
		return;
	b->at = b->at->parent;
	b->depth--;
}

static void on_text(void *context, const XML_Char *text, int len)
{
	struct building *b = context;
	if (!b->at)
		return;
	mrt_buf_add(&b->at->text, text, (size_t)len);
	if (b->at->text.failed)
		stop(b, MRT_NO_MEMORY);
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *sysid,
                       const XML_Char *pubid, int internal)
{
	(void)name, (void)sysid, (void)pubid, (void)internal;
	stop(context, MRT_CORRUPT);
}

static const XML_Memory_Handling_Suite memory = { malloc, realloc, free };

int mrt_xml_parse(const char *data, size_t len, struct mrt_xml **ret, struct mrt_error *err)
{
	if (len > SIZE_MAX_BYTES)
		return mrt_fail(err, MRT_CORRUPT, "XML of %zu bytes is too large", len);
	struct building b = { .parser = XML_ParserCreate_MM(NULL, &memory, NULL) };
	if (!b.parser)
		return mrt_no_memory(err);
	XML_SetUserData(b.parser, &b);
	XML_SetElementHandler(b.parser, on_start, on_end);
	XML_SetCharacterDataHandler(b.parser, on_text);
	XML_SetStartDoctypeDeclHandler(b.parser, on_doctype);
	int rc = 0;
	if (XML_Parse(b.parser, data, (int)len, XML_TRUE) != XML_STATUS_OK) {
		enum XML_Error why = XML_GetErrorCode(b.parser);
		if (b.failed == MRT_NO_MEMORY || why == XML_ERROR_NO_MEMORY)
			rc = mrt_no_memory(err);
		else
			rc = mrt_fail(err, MRT_CORRUPT, "XML, line %lu: %s",
			              XML_GetCurrentLineNumber(b.parser),
			              b.failed ? "not allowed here" : XML_ErrorString(why));
	}
	XML_ParserFree(b.parser);
	if (rc < 0)
		mrt_xml_free(b.root);
	else
		*ret = b.root;
	return rc;
}

static const struct mrt_xml *named(const struct mrt_xml *xml, const char *name)
{
	while (xml && strcmp(xml->name, name) != 0)
		xml = xml->next;
	return xml;
}

const struct mrt_xml *mrt_xml_child(const struct mrt_xml *xml, const char *name)
{
	return xml ? named(xml->children, name) : NULL;
}

const struct mrt_xml *mrt_xml_again(const struct mrt_xml *xml)
{
	return named(xml->next, xml->name);
}

const char *mrt_xml_text(const struct mrt_xml *xml, const char *name)
{
	const struct mrt_xml *child = mrt_xml_child(xml, name);
	return child ? mrt_buf_text(&child->text) : "";
}
