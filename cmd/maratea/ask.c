/* ask.c - a secret typed at the terminal. */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "maratea/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>

#define TERMINAL "/dev/tty"
#define LONGEST 1024

bool mrt_ask_possible(void)
{
	mrt_autofd fd = open(TERMINAL, O_RDWR | O_CLOEXEC | O_NOCTTY);
	return fd >= 0;
}

static int read_line(int fd, char line[LONGEST], struct mrt_error *err)
{
	size_t len = 0;
	while (len < LONGEST - 1) {
		ssize_t n = read(fd, line + len, 1);
		if (n < 0)
			return errno == EINTR ? mrt_fail(err, MRT_CANCELLED, "interrupted")
			                      : mrt_fail_errno(err, errno, "read from " TERMINAL);
		if (n == 0 || line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	return len < LONGEST - 1 ? 0 : mrt_fail(err, MRT_USAGE, "that is too long");
}

int mrt_ask(const char *question, char **ret, struct mrt_error *err)
{
	char line[LONGEST];
	struct termios old, quiet;
	mrt_autofd fd = open(TERMINAL, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || tcgetattr(fd, &old) < 0)
		return mrt_fail_errno(err, errno, "open " TERMINAL);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* first: what is typed at once after the question must neither show nor get lost */
	int rc = tcsetattr(fd, TCSAFLUSH, &quiet) < 0
	                 ? mrt_fail_errno(err, errno, "switch off the echo")
	                 : mrt_fd_write(fd, TERMINAL, question, strlen(question), err);
	if (rc == 0)
		rc = read_line(fd, line, err);
	tcsetattr(fd, TCSADRAIN, &old);
	mrt_fd_write(fd, TERMINAL, "\n", 1, NULL);
	if (rc == 0)
		rc = mrt_text_dup(line, ret, err);
	explicit_bzero(line, sizeof(line));
	return rc;
}
