/* environment.c - libpq's variables: what they say, read once. */
#include "client/pg/connection.h"

#include <string.h>

/* All that libpq 15 to 18 reads (PostgreSQL's manual, "Environment Variables", and
 * PGREQUIRESSL). PQconndefaults() would tell those of its parameters only. */
/* clang-format off */
static const char *const variables[] = {
	"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE",
	"PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGOPTIONS", "PGAPPNAME", "PGSSLMODE",
	"PGREQUIRESSL", "PGSSLCOMPRESSION", "PGSSLCERT", "PGSSLKEY", "PGSSLCERTMODE",
	"PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLSNI", "PGSSLNEGOTIATION",
	"PGREQUIREPEER", "PGREQUIREAUTH", "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION",
	"PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION", "PGGSSENCMODE", "PGKRBSRVNAME",
	"PGGSSLIB", "PGGSSDELEGATION", "PGCONNECT_TIMEOUT", "PGCLIENTENCODING",
	"PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS", "PGCHANNELBINDING", "PGREALM",
	"PGDATESTYLE", "PGTZ", "PGGEQO", "PGLOCALEDIR", "PGDATA", "PGCOLOR", "PGCOLORS", NULL
};
/* clang-format on */

/* libpq looks the service up and refuses parameters that it cannot use; there is no socket here, so
 * nothing is connected to. */
static bool service_is_usable(void)
{
	return PQping("host=/dev/null hostaddr='' port=1 sslmode=disable gssencmode=disable") !=
	       PQPING_NO_ATTEMPT;
}

int mrt_pg_params_ambient(struct mrt_pg_params **ret, struct mrt_error *err)
{
	mrt_auto(mrt_pg_params) *params = calloc(1, sizeof(*params));
	if (!params)
		return mrt_no_memory(err);
	PQconninfoOption *defaults = PQconndefaults();
	if (!defaults)
		return mrt_no_memory(err);
	int rc = 0;
	for (const PQconninfoOption *o = defaults; rc == 0 && o->keyword; o++) {
		if (!o->val || !*o->val)
			continue;
		/* what it says is in the other defaults; a name that stays is an error later */
		if (strcmp(o->keyword, "service") != 0 || !service_is_usable())
			rc = mrt_pg_params_set(params, o->keyword, o->val, err);
	}
	PQconninfoFree(defaults);
	if (rc == 0)
		*ret = mrt_steal(params);
	return rc;
}

/* What libpq reads although a conninfo has a value for every parameter; the others have no effect
 * on such a connection, and the configuration may still refer to them (${env:PGPASSWORD}). */
/* clang-format off */
static const char *const behind_parameters[] = {
	"PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGREQUIRESSL", "PGDATESTYLE", "PGTZ",
	"PGGEQO", "PGLOCALEDIR", "PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION", NULL
};
/* clang-format on */

const char *const *mrt_pg_environment(void)
{
	return variables;
}

void mrt_pg_environment_clear(void)
{
	for (size_t i = 0; behind_parameters[i]; i++)
		unsetenv(behind_parameters[i]);
}
