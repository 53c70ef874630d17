/* faults.h - several things that are wrong with one input, told together. */
#ifndef MRT_BASE_FAULTS_H
#define MRT_BASE_FAULTS_H

#include "base/buf.h"

#define MRT_FAULTS_MAX 10 /* that are told; the rest are counted */

struct mrt_faults {
	struct mrt_buf text; /* a line "- ..." each */
	struct mrt_error first;
	size_t n;
};
void mrt_faults_release(struct mrt_faults *faults);
#define mrt_auto_faults mrt_cleanup(mrt_faults_release) struct mrt_faults

/* Keeps a fault, and gives 0; but rc where it says that nothing goes on, see mrt_code_is_final().
 */
int mrt_faults_add(struct mrt_faults *faults, int rc, const struct mrt_error *err);
/* 0: there were none. One alone is told as it was; several in lines, with the code of the first. */
int mrt_faults_end(const struct mrt_faults *faults, struct mrt_error *err);

#endif
