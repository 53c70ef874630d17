/* who.c - who runs this, and from where: a CI job, a service account, or somebody at a terminal. */
#include "platform/audit.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static bool ci_job(char *ret, size_t size)
{
	if (variable("GITHUB_ACTIONS"))
		snprintf(ret, size, "GitHub Actions %s, workflow %s, by %s",
		         variable("GITHUB_REPOSITORY") ?: "?", variable("GITHUB_WORKFLOW") ?: "?",
		         variable("GITHUB_ACTOR") ?: "?");
	else if (variable("GITLAB_CI"))
		snprintf(ret, size, "GitLab CI %s, job %s, by %s",
		         variable("CI_PROJECT_PATH") ?: "?", variable("CI_JOB_ID") ?: "?",
		         variable("GITLAB_USER_LOGIN") ?: "?");
	else
		return false;
	return true;
}

static bool service_account(char *ret, size_t size)
{
	char namespace[64] = "";
	FILE *f = fopen(SERVICE_ACCOUNT, "re");
	if (!f)
		return false;
	bool there = fgets(namespace, sizeof(namespace), f) != NULL;
	fclose(f);
	namespace[strcspn(namespace, "\r\n")] = '\0';
	if (there)
		snprintf(ret, size, "a pod of the namespace %s", namespace);
	return there;
}

static void user(char *ret, size_t size)
{
	struct passwd entry, *found = NULL;
	char room[4096];
	const char *sudo = variable("SUDO_USER");
	getpwuid_r(getuid(), &entry, room, sizeof(room), &found);
	if (found)
		snprintf(ret, size, "user %s", found->pw_name);
	else
		snprintf(ret, size, "user %u", (unsigned)getuid());
	if (sudo && getuid() == 0)
		snprintf(ret + strlen(ret), size - strlen(ret), ", who is %s by sudo", sudo);
}

/* The environment says what somebody put there; who the process belongs to, the system knows. */
static void add_user(char *ret, size_t size)
{
	char name[128];
	user(name, sizeof(name));
	snprintf(ret + strlen(ret), size - strlen(ret), ", as %s", name);
}

/* Texts of the environment: no control characters, and UTF-8, or the server would refuse them. */
static void clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 32 || *p > 126)
			*p = '?';
}

void mrt_audit_who(struct mrt_audit_who *ret)
{
	char host[256] = "";
	const char *ssh = variable("SSH_CONNECTION");
	gethostname(host, sizeof(host) - 1);
	char job[sizeof(ret->actor) - 80];
	if (ci_job(job, sizeof(job)) || service_account(job, sizeof(job))) {
		snprintf(ret->actor, sizeof(ret->actor), "%s", job);
		add_user(ret->actor, sizeof(ret->actor));
	} else {
		user(ret->actor, sizeof(ret->actor));
	}
	snprintf(ret->origin, sizeof(ret->origin), "%s%s%.*s", host, ssh ? ", from " : "",
	         ssh ? (int)strcspn(ssh, " ") : 0, ssh ? ssh : "");
	clean(ret->actor);
	clean(ret->origin);
}
