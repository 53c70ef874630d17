-- A school's own rows: itself, its settings, its owner ($2) with an invitation whose token has the
-- digest $3. Again: a new invitation, and nothing else. Gives whether the school is new.
WITH school AS (
	INSERT INTO tenants (id) VALUES ($1::uuid) ON CONFLICT DO NOTHING RETURNING id
), settings AS (
	INSERT INTO tenant_settings (tenant_id) VALUES ($1::uuid) ON CONFLICT DO NOTHING
), norm AS (
	SELECT lower(normalize($2::text, NFC) COLLATE "und-x-icu") AS email
), owner AS (
	INSERT INTO users (tenant_id, email, email_norm, status) SELECT $1::uuid, $2, email, 'invited' FROM norm
	ON CONFLICT (tenant_id, email_norm) DO UPDATE SET email_norm = excluded.email_norm RETURNING id
), role AS (
	INSERT INTO memberships (tenant_id, user_id, role) SELECT $1::uuid, id, 'owner' FROM owner ON CONFLICT DO NOTHING
), old AS (
	DELETE FROM invitations i USING norm WHERE i.tenant_id = $1::uuid AND i.email_norm = norm.email
), invitation AS (
	INSERT INTO invitations (tenant_id, email_norm, role, token_digest, expires_at)
	SELECT $1::uuid, email, 'owner', decode($3, 'hex'), now() + interval '7 days' FROM norm
)
SELECT EXISTS (SELECT FROM school)
