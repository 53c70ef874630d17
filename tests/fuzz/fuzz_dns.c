/* fuzz_dns.c - answers of name servers, which anybody may run. The first byte chooses the type. */
#include "codec/dns_message.h"
#include "fuzz.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int types[] = { ns_t_txt, ns_t_a, ns_t_aaaa, ns_t_ns };
	struct mrt_error err;
	struct mrt_dns_answer answer = { 0 };
	if (len == 0)
		return 0;
	int type = types[data[0] % 4];
	if (mrt_dns_message_read(data + 1, len - 1, "a.example", type, &answer, &err) == 0) {
		unsigned char raw[16];
		for (size_t i = 0; i < answer.n; i++) {
			fuzz_check(answer.items[i] != NULL);
			if (type == ns_t_a)
				fuzz_check(inet_pton(AF_INET, answer.items[i], raw) == 1);
			if (type == ns_t_aaaa)
				fuzz_check(inet_pton(AF_INET6, answer.items[i], raw) == 1);
		}
		fuzz_check(strlen(answer.alias) < MRT_DNS_NAME_SIZE);
		fuzz_check(answer.n_links <= 16 && (answer.n_links > 0) >= (*answer.alias != 0));
		fuzz_check(answer.rcode >= 0 && answer.rcode < 16);
	} else {
		fuzz_check(err.code == MRT_CORRUPT && !answer.items && !answer.links);
	}
	mrt_dns_answer_release(&answer);
	return 0;
}
