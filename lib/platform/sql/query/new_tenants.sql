-- Schools in shared tables, all of one statement. $1: a list of objects; $2: who; $3: from where;
-- $4: whose inventory. Their first audit rows were made by the caller: of the platform's chain, and
-- (2) of their own.
WITH input AS MATERIALIZED (
	SELECT i.*, lower(normalize(i.email, NFC) COLLATE "und-x-icu") AS norm, gen_random_uuid() AS owner,
		'1970-01-01 00:00Z'::timestamptz + i.at * interval '1 microsecond' AS time
	FROM json_to_recordset($1::json) AS i (id uuid, slug text, name text, plan text, email text, token text, payload text, at bigint,
		salt text, payload_digest text, digest text, salt2 text, payload_digest2 text, digest2 text)
), platform AS (
	INSERT INTO maratea.tenants (id, slug, name, plan, status, inventory) SELECT id, slug, name, plan, 'active', $4 FROM input
), placement AS (
	INSERT INTO maratea.placements (tenant_id, mode, schema_name) SELECT id, 'shared', 'maratea_shared' FROM input
), journal AS (
	INSERT INTO maratea.journal (tenant_id, step, state, actor, detail)
	SELECT id, step, 'done', $2, CASE step WHEN 'reserve' THEN payload::jsonb END FROM input, unnest(ARRAY['reserve', 'fill', 'activate']) AS s (step)
), chain AS (
	INSERT INTO maratea.audit_log (tenant_id, seq, at, actor, action, origin, payload, salt, payload_digest, digest)
	SELECT id, 1, time, $2, 'tenant.create', $3, payload::json, decode(salt, 'hex'), decode(payload_digest, 'hex'), decode(digest, 'hex') FROM input
), head AS (
	INSERT INTO maratea.audit_heads (tenant_id, seq, digest) SELECT id, 1, decode(digest, 'hex') FROM input
), school AS (
	INSERT INTO maratea_shared.tenants (id) SELECT id FROM input
), settings AS (
	INSERT INTO maratea_shared.tenant_settings (tenant_id) SELECT id FROM input
), person AS (
	INSERT INTO maratea_shared.users (tenant_id, id, email, email_norm, status) SELECT id, owner, email, norm, 'invited' FROM input
), role AS (
	INSERT INTO maratea_shared.memberships (tenant_id, user_id, role) SELECT id, owner, 'owner' FROM input
), invitation AS (
	INSERT INTO maratea_shared.invitations (tenant_id, email_norm, role, token_digest, expires_at)
	SELECT id, norm, 'owner', decode(token, 'hex'), now() + interval '7 days' FROM input
), chain2 AS (
	INSERT INTO maratea_shared.audit_log (tenant_id, seq, at, actor, action, origin, payload, salt, payload_digest, digest)
	SELECT id, 1, time, $2, 'tenant.create', $3, payload::json, decode(salt2, 'hex'), decode(payload_digest2, 'hex'), decode(digest2, 'hex') FROM input
)
INSERT INTO maratea_shared.audit_heads (tenant_id, seq, digest) SELECT id, 1, decode(digest2, 'hex') FROM input
