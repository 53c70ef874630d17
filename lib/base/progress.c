/* progress.c - how far a piece of work has come. */
#include "base/progress.h"
#include "base/clock.h"
#include "base/text.h"

#define SETTLED (MRT_SECOND / 2) /* a rate is worth saying from here on */

void mrt_progress_begin(struct mrt_progress *p, const char *what, uint64_t total)
{
	if (!p)
		return;
	p->what = NULL; /* nobody reads the old name with the new numbers */
	p->done = 0;
	p->total = total;
	p->began = mrt_clock_monotonic();
	p->what = what;
}

void mrt_progress_end(struct mrt_progress *p)
{
	if (p)
		p->what = NULL;
}

void mrt_progress_describe(const struct mrt_progress *p, int64_t now, struct mrt_buf *buf)
{
	const char *what = p->what;
	if (!what)
		return;
	uint64_t done = p->done, total = p->total;
	int64_t took = now - p->began;
	char size[MRT_SIZE_SIZE], left[MRT_DURATION_SIZE];
	if (done == 0 && total == 0) {
		mrt_duration_format(took > 0 ? took : 0, left);
		mrt_buf_printf(buf, "%s: since %s", what, left);
		return;
	}
	if (total > 0 && done <= total) {
		mrt_size_format(total, size);
		mrt_buf_printf(buf, "%s: %.0f%% of %s", what, 100.0 * (double)done / (double)total,
		               size);
	} else {
		mrt_size_format(done, size);
		mrt_buf_printf(buf, "%s: %s", what, size);
	}
	if (took < SETTLED)
		return;
	double rate = (double)done * (double)MRT_SECOND / (double)took;
	mrt_size_format((uint64_t)rate, size);
	mrt_buf_printf(buf, ", %s/s", size);
	if (rate > 0 && done <= total) {
		mrt_duration_format((int64_t)((double)(total - done) / rate * 1e9), left);
		mrt_buf_printf(buf, ", %s left", left);
	}
}
