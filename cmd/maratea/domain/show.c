/* show.c - a domain, and what there is to say of it. */
#include "maratea/domain/show.h"
#include "codec/domain.h"
#include "maratea/commands.h"
#include "ops/domain/verdict.h"

#include <stdio.h>
#include <string.h>

const char *mrt_domain_text(const json_t *domain, const char *name)
{
	return mrt_json_text_or(domain, name, "");
}

/* The name, and the claim to it. */
void mrt_domain_show_state(struct mrt_output *out, const json_t *d)
{
	const char *state = mrt_domain_text(d, "state"),
	           *since = mrt_domain_text(d, "active_since"),
	           *holder = mrt_domain_text(d, "holder");
	const json_t *challenge = json_object_get(d, "challenge");
	char name[MRT_DOMAIN_DISPLAY_SIZE];
	mrt_domain_display(mrt_domain_text(d, "name"), name);
	mrt_show_field(out, "domain", "%s", name);
	mrt_show_field(out, "school", "%s", mrt_domain_text(d, "slug"));
	if (*since)
		mrt_show_field(out, "state", "active since %s%s", since,
		               json_is_true(json_object_get(d, "primary")) ? ", primary" : "");
	else if (strcmp(state, "pending") == 0)
		mrt_show_field(out, "state", "pending, until %s", mrt_domain_text(d, "expires_at"));
	else
		mrt_show_field(out, "state", "%s", state);
	if (*holder)
		mrt_show_field(out, "held by", "'%s', another school", holder);
	if (json_is_object(challenge))
		mrt_show_field(out, "challenge",
		               "'%s' is to get it from '%s', which has until %s to show its token",
		               mrt_domain_text(challenge, "by"),
		               mrt_domain_text(challenge, "holder"),
		               mrt_domain_text(challenge, "until"));
}

/* For the school. */
static void add_record(struct mrt_output *out, const json_t *d)
{
	const json_t *record = json_object_get(d, "record"), *file = json_object_get(d, "file");
	const char *name = mrt_domain_text(record, "name"), *zone = mrt_domain_text(d, "zone");
	size_t n = strlen(name), z = strlen(zone);
	mrt_buf_printf(&out->text,
	               "\nTo show that %s belongs to the school, add this record to its DNS, and "
	               "keep it there:\n\n    %s.  %s  \"%s\"\n",
	               mrt_domain_text(d, "name"), name, mrt_domain_text(record, "type"),
	               mrt_domain_text(record, "value"));
	if (z > 0 && n > z && strcmp(name + n - z, zone) == 0)
		mrt_buf_printf(
		        &out->text,
		        "\nWhere your provider adds %s to names by itself, the name is %.*s\n",
		        zone, (int)(n - z - 1), name);
	mrt_buf_printf(&out->text,
	               "\nOr, as long as %s is a web site elsewhere, put those %zu characters into "
	               "a file there:\n\n    %s\n",
	               mrt_domain_text(d, "name"), strlen(mrt_domain_text(file, "content")),
	               mrt_domain_text(file, "url"));
}

static void add_target(struct mrt_output *out, const json_t *d)
{
	const char *target = mrt_domain_text(d, "target");
	mrt_buf_printf(&out->text,
	               "\nFor the school to be reached there, point the name to this platform:\n\n"
	               "    %s.  CNAME  %s.\n\n"
	               "or, where a CNAME is not possible, with the A and AAAA records that %s "
	               "has.\n",
	               mrt_domain_text(d, "name"), target, target);
}

void mrt_domain_print_wanted(struct mrt_output *out, const json_t *d)
{
	add_record(out, d);
	add_target(out, d);
	mrt_buf_printf(&out->text, "\nThen: maratea domain verify %s %s\n",
	               mrt_domain_text(d, "slug"), mrt_domain_text(d, "name"));
}

static void show_answers(struct mrt_output *out, const json_t *d)
{
	const json_t *one, *record;
	size_t i, k;
	json_array_foreach (json_object_get(d, "answers"), i, one) {
		const char *server = mrt_domain_text(one, "server"),
		           *address = mrt_domain_text(one, "address");
		mrt_show_field(out, i == 0 ? "answers" : "", "%s%s%s%s%s%s", server,
		               *address ? " (" : "", address, *address ? ")" : "",
		               *server ? " " : "", mrt_domain_text(one, "text"));
		if (strcmp(mrt_domain_text(one, "verdict"), "other") == 0)
			json_array_foreach (json_object_get(one, "records"), k, record)
				mrt_show_field(out, "", "  \"%s\"", json_string_value(record));
	}
	if (i == 0)
		mrt_show_field(out, "answers", "none: %s", mrt_domain_text(d, "error"));
}

static void show_way(struct mrt_output *out, const json_t *d)
{
	const json_t *to = json_object_get(d, "leads_to"), *here = json_object_get(to, "here"),
	             *address;
	mrt_auto_buf where = MRT_BUF_INIT;
	size_t i;
	mrt_buf_add_text(&where, mrt_domain_text(to, "alias"));
	json_array_foreach (json_object_get(to, "addresses"), i, address)
		mrt_buf_printf(&where, "%s%s", where.len ? ", " : "", json_string_value(address));
	if (where.len == 0)
		mrt_show_field(out, "leads to", json_is_null(here) ? "not known" : "nowhere yet");
	else
		mrt_show_field(out, "leads to", "%s: %s", mrt_buf_text(&where),
		               json_is_true(here)   ? "this platform"
		               : json_is_null(here) ? "this platform or another, that is not known"
		                                    : "not this platform");
	if (*mrt_domain_text(d, "site"))
		mrt_show_field(out, "the site", "%s", mrt_domain_text(d, "site"));
}

void mrt_domain_show(struct mrt_output *out, const json_t *d)
{
	const json_t *shown = json_object_get(d, "shown"),
	             *here = json_object_get(json_object_get(d, "leads_to"), "here");
	enum mrt_domain_method method = mrt_domain_method_in(d);
	enum mrt_domain_verdict verdict = mrt_domain_verdict_in(d);
	mrt_domain_show_state(out, d);
	mrt_show_field(out, "token", "%s, %s%s", mrt_domain_text(d, "token"),
	               json_is_true(shown) ? "shown by "
	               : method != MRT_SHOWN_BY_NOTHING
	                       ? "shown by a file once, and the name leads here"
	               : json_is_null(shown) ? "not known whether it is shown"
	                                     : "not shown",
	               json_is_true(shown) ? mrt_domain_text(d, "method") : "");
	show_answers(out, d);
	show_way(out, d);
	if (*mrt_domain_text(d, "advice"))
		mrt_show_field(out, "advice", "%s", mrt_domain_text(d, "advice"));
	if (verdict == MRT_DOMAIN_MISSING ||
	    (verdict == MRT_DOMAIN_CHALLENGED && method != MRT_SHOWN_BY_DNS))
		add_record(out, d);
	if (json_is_false(here) && verdict != MRT_DOMAIN_EXPIRED)
		add_target(out, d);
}
