/* generate.c - "maratea key generate": a key pair for encrypted backups. */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/age/stream.h"
#include "maratea/commands.h"

#include <string.h>
#include <unistd.h>

struct args {
	const char *file;
};

static const struct mrt_opt opts[] = { MRT_OPERAND(struct args, file, "FILE",
	                                           "where the private key goes",
	                                           .offers = MRT_OFFER_FILES),
	                               MRT_OPT_END };

static int run(const struct mrt_cmd_env *env, const void *args, struct mrt_error *err)
{
	const struct args *a = args;
	mrt_auto_secret secret = NULL;
	mrt_autofree char *recipient = NULL;
	char now[MRT_TIME_SIZE];
	mrt_cleanup(mrt_buf_wipe) struct mrt_buf text = MRT_BUF_INIT;
	int rc = mrt_age_key_new(&secret, &recipient, err);
	if (rc < 0)
		return rc;
	mrt_time_format(env->ctx->wall() / MRT_SECOND, MRT_TIME_RFC3339, now);
	mrt_buf_reserve(&text, 512);
	mrt_buf_printf(&text, "# created: %s\n# public key: %s\n%s\n", now, recipient, secret);
	rc = mrt_buf_check(&text, err);
	if (rc == 0)
		rc = mrt_file_create(a->file, text.data, text.len, 0600, err);
	if (rc == MRT_EXISTS) {
		mrt_fail(err, MRT_EXISTS, "%s exists already, and a key is never overwritten",
		         a->file);
		return MRT_EXISTS;
	}
	if (rc < 0)
		return rc;
	if (env->out->json) {
		mrt_auto_json json = json_object();
		rc = json ? mrt_json_set_text(json, "recipient", recipient, err)
		          : mrt_no_memory(err);
		if (rc == 0)
			rc = mrt_json_set_text(json, "file", a->file, err);
		return rc < 0 ? rc : mrt_show_json(env->out, json, err);
	}
	mrt_show_field(env->out, "recipient", "%s", recipient);
	mrt_show_field(env->out, "private key", "%s", a->file);
	mrt_buf_add_text(&env->out->text,
	                 "Backup hosts get the recipient only (backup.recipients). Without the "
	                 "private key no backup\ncan be read: keep a copy in another place.\n");
	return 0;
}

const struct mrt_cmd mrt_cmd_key_generate = {
	.group = "key",
	.verb = "generate",
	.summary = "make a key pair for encrypted backups",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run,
};
