-- Claims, and what became of them. $1: slug, $2: name, $3: state, each NULL for any; $4, $5: name and
-- school behind which to begin, $6: how many.
SELECT t.slug, c.name,
	CASE WHEN h.tenant_id = c.tenant_id THEN 'active' WHEN c.expires_at > now() THEN 'pending' ELSE 'expired' END,
	h.tenant_id = c.tenant_id AND h.is_primary, c.token,
	to_char(c.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	to_char(CASE WHEN h.tenant_id = c.tenant_id THEN h.active_since END AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	to_char(CASE WHEN h.tenant_id = c.tenant_id THEN h.checked_at END AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	by.slug, CASE WHEN by.id IS NOT NULL THEN holder.slug END,
	to_char(CASE WHEN by.id IS NOT NULL THEN h.challenge_ends END AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	by.id IS NOT NULL AND h.challenge_ends <= now(),
	c.tenant_id, t.status, holder.id, holder.slug, (SELECT token FROM domain_claims WHERE name = h.name AND tenant_id = h.tenant_id),
	h.method, rival.tenant_id, rival.token
FROM domain_claims c JOIN tenants t ON t.id = c.tenant_id
	LEFT JOIN domains h ON h.name = c.name
	LEFT JOIN tenants holder ON holder.id = h.tenant_id
	LEFT JOIN tenants by ON by.id = h.challenger AND h.challenge_ends > now() - interval '7 days' AND c.tenant_id IN (h.tenant_id, h.challenger)
	LEFT JOIN domain_claims rival ON rival.name = h.name AND rival.tenant_id = h.challenger AND h.challenge_ends > now() - interval '7 days'
WHERE ($1::text IS NULL OR t.slug = $1) AND ($2::text IS NULL OR c.name = $2) AND (c.name, c.tenant_id) > ($4, $5::uuid)
	AND CASE $3 WHEN 'active' THEN h.tenant_id = c.tenant_id
		WHEN 'pending' THEN h.tenant_id IS DISTINCT FROM c.tenant_id AND c.expires_at > now()
		WHEN 'expired' THEN h.tenant_id IS DISTINCT FROM c.tenant_id AND c.expires_at <= now() ELSE true END
ORDER BY c.name, c.tenant_id LIMIT $6
