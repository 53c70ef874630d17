/* dns_message.c - answers of DNS. */
#include "codec/dns_message.h"
#include "base/buf.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX 16

void mrt_dns_answer_release(struct mrt_dns_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		free(answer->items[i]);
	for (size_t i = 0; i < answer->n_links; i++)
		free(answer->links[i]);
	free(answer->items);
	free(answer->links);
	*answer = (struct mrt_dns_answer) { 0 };
}

static int add_text(char ***list, size_t *n, struct mrt_buf *text, struct mrt_error *err)
{
	char **grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return mrt_no_memory(err);
	*list = grown;
	int rc = mrt_buf_take(text, &grown[*n], err);
	*n += rc == 0;
	return rc;
}

/* The strings of a TXT record, put together. A NUL, which texts of ours cannot have, becomes "?".
 */
static bool add_strings(const ns_rr *rr, struct mrt_buf *to)
{
	const unsigned char *p = ns_rr_rdata(*rr), *end = p + ns_rr_rdlen(*rr);
	while (p < end) {
		size_t n = *p++;
		if (n > (size_t)(end - p))
			return false;
		for (size_t i = 0; i < n; i++)
			mrt_buf_add_char(to, p[i] ? (char)p[i] : '?');
		p += n;
	}
	return true;
}

static bool add_address(const ns_rr *rr, int family, struct mrt_buf *to)
{
	char plain[INET6_ADDRSTRLEN];
	if (ns_rr_rdlen(*rr) != (family == AF_INET ? 4 : 16) ||
	    !inet_ntop(family, ns_rr_rdata(*rr), plain, sizeof(plain)))
		return false;
	mrt_buf_add_text(to, plain);
	return true;
}

/* The name in a record of that kind, as text. */
static bool read_name(const ns_msg *message, const ns_rr *rr, char ret[NS_MAXDNAME])
{
	return ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), ns_rr_rdata(*rr),
	                          ret, NS_MAXDNAME) >= 0;
}

static bool add_value(const ns_msg *message, const ns_rr *rr, struct mrt_buf *to)
{
	char name[NS_MAXDNAME];
	switch (ns_rr_type(*rr)) {
	case ns_t_txt:
		return add_strings(rr, to);
	case ns_t_a:
		return add_address(rr, AF_INET, to);
	case ns_t_aaaa:
		return add_address(rr, AF_INET6, to);
	default:
		if (!read_name(message, rr, name))
			return false;
		mrt_buf_add_text(to, name);
		return true;
	}
}

static int garbled(const char *name, struct mrt_error *err)
{
	return mrt_fail(err, MRT_CORRUPT, "%s: the answer of DNS is damaged", name);
}

/* Whose records count: the name's, or those of what its CNAMEs lead to. */
static int follow_aliases(ns_msg *message, const char *name, struct mrt_dns_answer *to,
                          char ret[NS_MAXDNAME], struct mrt_error *err)
{
	int n = ns_msg_count(*message, ns_s_an);
	bool moved = true;
	snprintf(ret, NS_MAXDNAME, "%s", name);
	for (int step = 0; moved && step < ALIASES_MAX; step++) {
		moved = false;
		for (int i = 0; !moved && i < n; i++) {
			ns_rr rr;
			if (ns_parserr(message, ns_s_an, i, &rr) < 0)
				return garbled(name, err);
			if (ns_rr_type(rr) != ns_t_cname || strcasecmp(ns_rr_name(rr), ret) != 0)
				continue;
			mrt_auto_buf text = { .ceiling = NS_MAXDNAME + 1 };
			if (!read_name(message, &rr, ret))
				return garbled(name, err);
			mrt_buf_add_text(&text, ret);
			int rc = add_text(&to->links, &to->n_links, &text, err);
			if (rc < 0)
				return rc;
			moved = true;
		}
	}
	return moved ? garbled(name, err) : 0;
}

/* The records of that type and name, and no others that the answer may have. */
static int read_answer(const void *data, size_t len, const char *name, int type,
                       struct mrt_dns_answer *to, struct mrt_error *err)
{
	ns_msg message;
	char owner[NS_MAXDNAME];
	if (len > NS_MAXMSG || ns_initparse(data, (int)len, &message) < 0)
		return garbled(name, err);
	to->rcode = ns_msg_getflag(message, ns_f_rcode);
	to->authoritative = ns_msg_getflag(message, ns_f_aa) != 0;
	int rc = follow_aliases(&message, name, to, owner, err);
	if (rc == 0 && strcasecmp(owner, name) != 0)
		snprintf(to->alias, sizeof(to->alias), "%.255s", owner);
	for (int i = 0; rc == 0 && i < ns_msg_count(message, ns_s_an); i++) {
		mrt_auto_buf text = { .ceiling = 64 << 10 };
		ns_rr rr;
		if (ns_parserr(&message, ns_s_an, i, &rr) < 0)
			return garbled(name, err);
		if ((int)ns_rr_type(rr) != type || ns_rr_class(rr) != ns_c_in ||
		    strcasecmp(ns_rr_name(rr), owner) != 0)
			continue;
		rc = add_value(&message, &rr, &text) ? add_text(&to->items, &to->n, &text, err)
		                                     : garbled(name, err);
	}
	return rc;
}

int mrt_dns_message_read(const void *data, size_t len, const char *name, int type,
                         struct mrt_dns_answer *ret, struct mrt_error *err)
{
	mrt_cleanup(mrt_dns_answer_release) struct mrt_dns_answer found = { 0 };
	int rc = read_answer(data, len, name, type, &found, err);
	if (rc < 0)
		return rc;
	*ret = found;
	found = (struct mrt_dns_answer) { 0 };
	return 0;
}

const char *mrt_dns_rcode(int rcode)
{
	static const char *const names[] = { "NOERROR",  "FORMERR", "SERVFAIL",
		                             "NXDOMAIN", "NOTIMP",  "REFUSED" };
	return rcode >= 0 && rcode < 6 ? names[rcode] : "an error";
}
