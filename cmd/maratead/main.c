/* main.c - maratead, the platform's server. It answers for its version; its work comes later. */
#include "maratea.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("maratead %s\n", mrt_version());
		return fflush(stdout) == 0 ? 0 : 1;
	}
	fprintf(stderr, "usage: maratead --version\n");
	return 2;
}
