-- maratea: once a database
-- Who comes.
SELECT rolname, text FROM (
	SELECT DISTINCT ON (r.rolname) r.rolname, CASE WHEN m.oid = r.oid THEN p.power
		WHEN p.power IS NULL THEN 'may become maratea_ops, who reads tables across schools'
		ELSE 'may become ' || m.rolname || ', who ' || p.power END AS text
	FROM used r JOIN pg_roles m ON m.oid = r.oid OR pg_has_role(r.oid, m.oid, 'MEMBER')
		JOIN powers p ON p.oid = m.oid
	WHERE p.power IS NOT NULL OR (m.rolname = 'maratea_ops' AND m.oid <> r.oid)
	ORDER BY r.rolname, m.oid <> r.oid, p.power IS NULL, m.rolname
) found
UNION ALL
SELECT $2::text, 'is whom postgres.url connects as, and there is no such role' WHERE $2::text NOT IN (SELECT rolname FROM pg_roles)
ORDER BY 1, 2
