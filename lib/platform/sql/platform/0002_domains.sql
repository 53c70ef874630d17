-- Domains that schools have of their own: who claims which, and of those that are active, who else may
-- get them.

CREATE TABLE domain_claims (
	tenant_id uuid NOT NULL REFERENCES tenants (id),
	name text COLLATE "C" NOT NULL CHECK (name = lower(name)),
	token text NOT NULL CHECK (token ~ '^[0-9a-f]{32}$'),
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (tenant_id, name)
);
CREATE INDEX domain_claims_name ON domain_claims (name, tenant_id);

ALTER TABLE domains
	ALTER name TYPE text COLLATE "C",
	ALTER active_since SET DEFAULT now(),
	ALTER active_since SET NOT NULL,
	-- the name that the school's links have
	ADD is_primary boolean NOT NULL DEFAULT false,
	-- how its token was shown, see checked_at
	ADD method text NOT NULL CHECK (method IN ('dns', 'file')),
	-- who is to get it, from when on
	ADD challenger uuid REFERENCES tenants (id),
	ADD challenge_ends timestamptz,
	ADD CHECK ((challenger IS NULL) = (challenge_ends IS NULL));

CREATE UNIQUE INDEX domains_primary ON domains (tenant_id) WHERE is_primary;

CREATE INDEX domains_challenger ON domains (challenger) WHERE challenger IS NOT NULL;

-- Schools whose own list of domains may be another than the platform's, until that is seen to.
CREATE TABLE domain_syncs (
	tenant_id uuid NOT NULL REFERENCES tenants (id),
	name text COLLATE "C" NOT NULL, -- that was changed
	version bigint GENERATED ALWAYS AS IDENTITY, -- another one each time
	PRIMARY KEY (tenant_id, name)
);

GRANT SELECT ON domain_claims, domain_syncs TO maratea_ops;
