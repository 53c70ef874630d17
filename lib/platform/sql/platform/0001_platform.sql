-- The platform: what belongs to no single school. Run as maratea_owner, in the schema maratea.

CREATE TABLE plans (
	name text PRIMARY KEY CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
	isolation text NOT NULL DEFAULT 'shared' CHECK (isolation IN ('shared', 'schema', 'database')),
	users_limit bigint CHECK (users_limit >= 0),
	courses_limit bigint CHECK (courses_limit >= 0),
	storage_limit bigint CHECK (storage_limit >= 0),
	requests_per_second integer CHECK (requests_per_second > 0),
	backup_interval interval CHECK (backup_interval > interval '0'),
	backup_retention jsonb NOT NULL DEFAULT '{}',
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tenants (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	slug text COLLATE "C" NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
	name text NOT NULL CHECK (name <> ''),
	status text NOT NULL DEFAULT 'provisioning'
		CHECK (status IN ('provisioning', 'active', 'suspended', 'archived')),
	plan text NOT NULL REFERENCES plans (name),
	reason text,
	inventory text,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tenants_plan ON tenants (plan);
CREATE INDEX tenants_inventory ON tenants (inventory) WHERE inventory IS NOT NULL;

-- A slug that somebody had is nobody's for a while: links, cookies and OAuth callbacks are out there.
CREATE TABLE slug_tombstones (
	slug text PRIMARY KEY,
	tenant_id uuid NOT NULL,
	until timestamptz NOT NULL
);

-- Which tenant a request is for.
CREATE TABLE domains (
	name text PRIMARY KEY CHECK (name = lower(name)),
	tenant_id uuid NOT NULL REFERENCES tenants (id),
	active_since timestamptz,
	checked_at timestamptz
);
CREATE INDEX domains_tenant ON domains (tenant_id);

-- Where a tenant's own tables are.
CREATE TABLE placements (
	tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
	mode text NOT NULL CHECK (mode IN ('shared', 'schema', 'database')),
	database_name text,
	schema_name text NOT NULL,
	CHECK ((mode = 'database') = (database_name IS NOT NULL)),
	CHECK ((mode = 'shared') = (schema_name = 'maratea_shared' AND database_name IS NULL)),
	CHECK (mode <> 'schema' OR schema_name NOT IN ('maratea', 'public'))
);
-- A place is one school's, or the one that all the others share.
CREATE UNIQUE INDEX placements_own ON placements (database_name, schema_name) NULLS NOT DISTINCT WHERE mode <> 'shared';

-- What was done towards something that takes several steps; before and after each.
CREATE TABLE journal (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id uuid NOT NULL,
	step text NOT NULL,
	state text NOT NULL CHECK (state IN ('begun', 'done', 'failed')),
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	actor text NOT NULL,
	detail jsonb
);
CREATE INDEX journal_tenant ON journal (tenant_id, id);

-- What was done to a tenant here; its own tables keep what was done there. What belongs to no single
-- one has the platform's id.
CREATE TABLE audit_log (
	tenant_id uuid NOT NULL,
	seq bigint NOT NULL CHECK (seq > 0),
	at timestamptz NOT NULL,
	actor text NOT NULL,
	action text NOT NULL,
	origin text NOT NULL,
	payload json,
	salt bytea,
	payload_digest bytea NOT NULL,
	digest bytea NOT NULL,
	PRIMARY KEY (tenant_id, seq),
	CHECK ((payload IS NULL) = (salt IS NULL))
);
CREATE INDEX audit_log_at ON audit_log (at, tenant_id, seq);
-- The end of each chain: locked last before commit, it makes them gapless.
CREATE TABLE audit_heads (
	tenant_id uuid PRIMARY KEY,
	seq bigint NOT NULL,
	digest bytea NOT NULL
);

-- Services find their tenant here; nothing else of it is theirs.
GRANT SELECT ON plans, domains, placements TO maratea_app;
GRANT SELECT (id, slug, name, status, plan, version) ON tenants TO maratea_app;
GRANT SELECT ON plans, tenants, slug_tombstones, domains, placements, journal, audit_log, audit_heads TO maratea_ops;
