/* test_xml.c - small XML documents as trees. */
#include "unit.h"

#include "codec/xml.h"

static int parse(const char *text, struct mrt_xml **ret, struct mrt_error *err)
{
	return mrt_xml_parse(text, strlen(text), ret, err);
}

static void an_answer_of_s3_is_read(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_xml) *xml = NULL;
	assert_ok(parse("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	                "<Name>b</Name><Contents><Key>one</Key><Size>1</Size></Contents>"
	                "<Contents><Key>two</Key><Size/></Contents><Other/></ListBucketResult>",
	                &xml, &err));
	assert_string_equal(xml->name, "ListBucketResult");
	assert_string_equal(mrt_xml_text(xml, "Name"), "b");
	const struct mrt_xml *c = mrt_xml_child(xml, "Contents");
	assert_string_equal(mrt_xml_text(c, "Key"), "one");
	assert_string_equal(mrt_xml_text(c, "Size"), "1");
	c = mrt_xml_again(c);
	assert_string_equal(mrt_xml_text(c, "Key"), "two");
	assert_string_equal(mrt_xml_text(c, "Size"), "");
	assert_null(mrt_xml_again(c));
	assert_null(mrt_xml_child(xml, "Absent"));
	assert_string_equal(mrt_xml_text(xml, "Absent"), "");
	assert_string_equal(mrt_xml_text(NULL, "Absent"), "");
	assert_null(mrt_xml_child(NULL, "Absent"));
}

static void the_five_entities_and_characters_by_number_are_text(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_xml) *xml = NULL;
	assert_ok(parse("<a><b>&lt;&gt;&amp;&quot;&apos;&#65;&#x20AC;<![CDATA[<&]]></b></a>", &xml,
	                &err));
	assert_string_equal(mrt_xml_text(xml, "b"), "<>&\"'A\xe2\x82\xac<&");
}

static void prefixes_of_names_are_dropped(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_xml) *xml = NULL;
	assert_ok(parse("<s3:Error xmlns:s3=\"x\"><s3:Code>NoSuchKey</s3:Code></s3:Error>", &xml,
	                &err));
	assert_string_equal(xml->name, "Error");
	assert_string_equal(mrt_xml_text(xml, "Code"), "NoSuchKey");
}

static void text_around_children_is_put_together(void **state)
{
	(void)state;
	struct mrt_error err;
	mrt_auto(mrt_xml) *xml = NULL;
	assert_ok(parse("<a>x<b>in</b>y<!-- no -->z</a>", &xml, &err));
	assert_string_equal(mrt_buf_text(&xml->text), "xyz");
	assert_ptr_equal(mrt_xml_child(xml, "b")->parent, xml);
}

static void a_doctype_is_refused(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_xml *xml = NULL;
	assert_code(MRT_CORRUPT,
	            parse("<!DOCTYPE a [<!ENTITY e \"&e;&e;\">]><a>&e;</a>", &xml, &err));
	assert_string_equal(err.text.unmasked, "XML, line 1: not allowed here");
	assert_code(MRT_CORRUPT,
	            parse("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", &xml, &err));
	assert_null(xml);
}

static void what_is_no_xml_is_refused_with_its_line(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_xml *xml = NULL;
	const char *const wrong[] = { "",
		                      " ",
		                      "text",
		                      "<a>",
		                      "<a></b>",
		                      "<a/><b/>",
		                      "<a>&nbsp;</a>",
		                      "<a>&#0;</a>",
		                      "<a b=1/>",
		                      "<a>\x01</a>",
		                      "<a>\xff</a>",
		                      "<a/>tail",
		                      "{\"json\":1}" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_code(MRT_CORRUPT, parse(wrong[i], &xml, &err));
		assert_null(xml);
	}
	assert_code(MRT_CORRUPT, parse("<a>\n<b>\n</a>", &xml, &err));
	assert_string_equal(err.text.unmasked, "XML, line 3: mismatched tag");
}

static void nested(struct mrt_buf *buf, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		mrt_buf_add_text(buf, "<d>");
	for (unsigned i = 0; i < depth; i++)
		mrt_buf_add_text(buf, "</d>");
}

static void depth_is_bounded(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_xml *xml = NULL;
	mrt_auto_buf deep = MRT_BUF_INIT, deeper = MRT_BUF_INIT;
	nested(&deep, 32);
	assert_ok(mrt_xml_parse(deep.data, deep.len, &xml, &err));
	mrt_xml_free(xml);
	xml = NULL;
	nested(&deeper, 33);
	assert_code(MRT_CORRUPT, mrt_xml_parse(deeper.data, deeper.len, &xml, &err));
	assert_string_equal(err.text.unmasked, "XML, line 1: not allowed here");
	mrt_buf_clear(&deeper);
	nested(&deeper, 100000);
	assert_code(MRT_CORRUPT, mrt_xml_parse(deeper.data, deeper.len, &xml, &err));
	assert_null(xml);
	mrt_xml_free(NULL);
}

static void size_is_bounded(void **state)
{
	(void)state;
	struct mrt_error err;
	struct mrt_xml *xml = NULL;
	mrt_autofree char *large = malloc(((size_t)16 << 20) + 1);
	memset(large, ' ', ((size_t)16 << 20) + 1);
	assert_code(MRT_CORRUPT, mrt_xml_parse(large, ((size_t)16 << 20) + 1, &xml, &err));
	assert_string_equal(err.text.unmasked, "XML of 16777217 bytes is too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_of_s3_is_read),
		cmocka_unit_test(the_five_entities_and_characters_by_number_are_text),
		cmocka_unit_test(prefixes_of_names_are_dropped),
		cmocka_unit_test(text_around_children_is_put_together),
		cmocka_unit_test(a_doctype_is_refused),
		cmocka_unit_test(what_is_no_xml_is_refused_with_its_line),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(size_is_bounded),
	};
	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
