/* faults.c - several things that are wrong with one input. */
#include "base/faults.h"

#include <string.h>

void mrt_faults_release(struct mrt_faults *f)
{
	mrt_buf_release(&f->text);
	*f = (struct mrt_faults) { 0 };
}

int mrt_faults_add(struct mrt_faults *f, int rc, const struct mrt_error *err)
{
	if (rc == 0 || mrt_code_is_final(rc))
		return rc;
	if (f->n == 0) {
		f->text = (struct mrt_buf) { .ceiling = 1 << 16 };
		f->first = *err;
	}
	if (f->n < MRT_FAULTS_MAX) {
		mrt_buf_printf(&f->text, "\n- %.300s", err->text.unmasked);
		if (*err->hint.unmasked)
			mrt_buf_printf(&f->text, " (%.*s)", (int)strcspn(err->hint.unmasked, "\n"),
			               err->hint.unmasked);
	}
	f->n++;
	return 0;
}

int mrt_faults_end(const struct mrt_faults *f, struct mrt_error *err)
{
	if (f->n == 0)
		return 0;
	if (f->n == 1) {
		if (err)
			*err = f->first;
		return f->first.code;
	}
	if (f->n <= MRT_FAULTS_MAX)
		return mrt_fail(err, f->first.code, "%zu things are wrong:%s", f->n,
		                mrt_buf_text(&f->text));
	return mrt_fail(err, f->first.code, "%zu things are wrong, the first of them:%s", f->n,
	                mrt_buf_text(&f->text));
}
