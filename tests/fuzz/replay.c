/* replay.c - runs a fuzzer's function over every file of its corpus and prints TAP. A failing input
 * ends the program; its name is the last line printed. */
#include "base/file.h"
#include "fuzz.h"

#include <dirent.h>

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **names = NULL;
	int n = argc == 2 ? scandir(argv[1], &names, visible, alphasort) : -1;
	if (n <= 0) {
		printf("Bail out! usage: replay CORPUS, a directory with files\n");
		return 2;
	}
	printf("1..%d\n", n);
	int failed = 0;
	for (int i = 0; i < n; i++) {
		struct mrt_error err;
		mrt_auto_buf content = MRT_BUF_INIT;
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
		printf("# %s\n", names[i]->d_name);
		fflush(stdout);
		int rc = mrt_file_read(path, &content, &err);
		if (rc == 0) {
			/* a copy of its exact size, so that a sanitizer sees the end */
			uint8_t *data = malloc(content.len ? content.len : 1);
			if (data && content.len > 0)
				memcpy(data, content.data, content.len);
			rc = data ? LLVMFuzzerTestOneInput(data, content.len) : -1;
			free(data);
		}
		failed += rc != 0;
		printf("%sok %d - %s\n", rc == 0 ? "" : "not ", i + 1, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return failed > 0;
}
