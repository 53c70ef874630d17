-- A school's own tables. Names are unqualified, and no foreign key leaves the set: the same files
-- make the schema that schools share, a schema of one, and a database of one. Run as maratea_owner.

CREATE TABLE tenants (
	id uuid PRIMARY KEY,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tenant_settings (
	tenant_id uuid PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
	brand jsonb NOT NULL DEFAULT '{}',
	locale text NOT NULL DEFAULT 'en',
	integrations jsonb NOT NULL DEFAULT '{}',
	contact jsonb NOT NULL DEFAULT '{}',
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tenant_domains (
	tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	name text NOT NULL CHECK (name = lower(name)),
	is_primary boolean NOT NULL DEFAULT false,
	PRIMARY KEY (tenant_id, name)
);

-- One e-mail in two schools is two people. email_norm is the lower-case NFC form, made by who writes.
CREATE TABLE users (
	tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	email text NOT NULL CHECK (email LIKE '%_@_%'),
	email_norm text NOT NULL,
	name text NOT NULL DEFAULT '',
	password_hash text,
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('invited', 'active', 'disabled')),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, email_norm)
);

CREATE TABLE memberships (
	tenant_id uuid NOT NULL,
	user_id uuid NOT NULL,
	role text NOT NULL CHECK (role IN ('owner', 'admin', 'instructor', 'student')),
	since timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, user_id, role),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE invitations (
	tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	email_norm text NOT NULL,
	role text NOT NULL CHECK (role IN ('owner', 'admin', 'instructor', 'student')),
	token_digest bytea NOT NULL,
	expires_at timestamptz NOT NULL,
	invited_by uuid,
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, token_digest),
	FOREIGN KEY (tenant_id, invited_by) REFERENCES users (tenant_id, id) ON DELETE SET NULL (invited_by)
);
CREATE INDEX invitations_invited_by ON invitations (tenant_id, invited_by);

CREATE TABLE courses (
	tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	slug text NOT NULL,
	title text NOT NULL,
	status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
	author_id uuid,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, slug),
	FOREIGN KEY (tenant_id, author_id) REFERENCES users (tenant_id, id) ON DELETE SET NULL (author_id)
);
CREATE INDEX courses_author ON courses (tenant_id, author_id);

CREATE TABLE modules (
	tenant_id uuid NOT NULL,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	course_id uuid NOT NULL,
	position integer NOT NULL,
	title text NOT NULL,
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, course_id, position) DEFERRABLE,
	FOREIGN KEY (tenant_id, course_id) REFERENCES courses (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE lessons (
	tenant_id uuid NOT NULL,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	module_id uuid NOT NULL,
	position integer NOT NULL,
	title text NOT NULL,
	content jsonb NOT NULL DEFAULT '{}',
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, module_id, position) DEFERRABLE,
	FOREIGN KEY (tenant_id, module_id) REFERENCES modules (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE enrolments (
	tenant_id uuid NOT NULL,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	user_id uuid NOT NULL,
	course_id uuid NOT NULL,
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'cancelled')),
	since timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, user_id, course_id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant_id, course_id) REFERENCES courses (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX enrolments_course ON enrolments (tenant_id, course_id);

CREATE TABLE progress (
	tenant_id uuid NOT NULL,
	enrolment_id uuid NOT NULL,
	lesson_id uuid NOT NULL,
	state text NOT NULL DEFAULT 'started' CHECK (state IN ('started', 'done')),
	at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, enrolment_id, lesson_id),
	FOREIGN KEY (tenant_id, enrolment_id) REFERENCES enrolments (tenant_id, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant_id, lesson_id) REFERENCES lessons (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX progress_lesson ON progress (tenant_id, lesson_id);

CREATE TABLE certificates (
	tenant_id uuid NOT NULL,
	id uuid NOT NULL DEFAULT gen_random_uuid(),
	enrolment_id uuid NOT NULL,
	serial text NOT NULL,
	issued_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, serial),
	FOREIGN KEY (tenant_id, enrolment_id) REFERENCES enrolments (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX certificates_enrolment ON certificates (tenant_id, enrolment_id);

CREATE TABLE usage_counters (
	tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	metric text NOT NULL,
	period date NOT NULL,
	value bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant_id, metric, period)
);

-- Rows chain salted digests; the payload lies beside them and can be erased. It outlives its tenant.
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

-- The end of each chain: locked last before commit, it makes them gapless.
CREATE TABLE audit_heads (
	tenant_id uuid PRIMARY KEY,
	seq bigint NOT NULL,
	digest bytea NOT NULL
);

-- Whoever comes sees the rows of the tenant that the transaction names, and none where it names none.
-- The subselect is evaluated once a statement. After the first transaction of a connection that is
-- used again the setting is '', not NULL.
DO $$
DECLARE
	name text;
	key text;
BEGIN
	FOREACH name IN ARRAY ARRAY['tenants', 'tenant_settings', 'tenant_domains', 'users', 'memberships',
		'invitations', 'courses', 'modules', 'lessons', 'enrolments', 'progress', 'certificates',
		'usage_counters', 'audit_log', 'audit_heads'] LOOP
		key := CASE name WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END;
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
		EXECUTE format(
			'CREATE POLICY tenant_isolation ON %I '
			'USING (%I = (SELECT nullif(current_setting(''maratea.tenant_id'', true), '''')::uuid)) '
			'WITH CHECK (%I = (SELECT nullif(current_setting(''maratea.tenant_id'', true), '''')::uuid))',
			name, key, key);
		IF name = 'tenants' THEN
			EXECUTE format('GRANT SELECT ON %I TO maratea_app', name);
		ELSIF name = 'audit_log' THEN
			EXECUTE format('GRANT SELECT, INSERT ON %I TO maratea_app', name);
		ELSIF name = 'audit_heads' THEN
			EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO maratea_app', name);
		ELSE
			EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO maratea_app', name);
		END IF;
	END LOOP;
	-- what operators count across schools
	FOREACH name IN ARRAY ARRAY['tenants', 'tenant_domains', 'usage_counters'] LOOP
		EXECUTE format('CREATE POLICY operators ON %I FOR SELECT TO maratea_ops USING (true)', name);
		EXECUTE format('GRANT SELECT ON %I TO maratea_ops', name);
	END LOOP;
END $$;
