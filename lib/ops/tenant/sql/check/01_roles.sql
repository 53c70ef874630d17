-- maratea: once a database
-- Who comes: those that are connected, whom postgres.url connects as ($2), and ours for services. Of
-- other users' sessions a role without pg_read_all_stats sees no backend_type.
, used AS (
	SELECT usename AS name FROM pg_stat_activity
	WHERE datname = current_database() AND coalesce(backend_type, 'client backend') = 'client backend' AND pid <> pg_backend_pid()
		AND usename NOT IN ('maratea_migrate', 'maratea_backup')
	UNION SELECT unnest(ARRAY['maratea_app', 'maratea_ops'])
	UNION SELECT $2::text
)
SELECT DISTINCT ON (r.rolname) r.rolname, CASE WHEN m.oid = r.oid THEN p.power
	WHEN p.power IS NULL THEN 'may become maratea_ops, who reads tables across schools'
	ELSE 'may become ' || m.rolname || ', who ' || p.power END
FROM used JOIN pg_roles r ON r.rolname = used.name
	JOIN pg_roles m ON m.oid = r.oid OR pg_has_role(r.oid, m.oid, 'MEMBER')
	JOIN powers p ON p.oid = m.oid
WHERE p.power IS NOT NULL OR (m.rolname = 'maratea_ops' AND m.oid <> r.oid)
ORDER BY r.rolname, m.oid <> r.oid, p.power IS NULL, m.rolname
