-- maratea: once a database
-- Those that run as somebody else than who calls them.
SELECT p.oid::regprocedure::text, 'is SECURITY DEFINER, and ' || CASE
	WHEN EXISTS (SELECT FROM pg_roles m LEFT JOIN powers w ON w.oid = m.oid
		WHERE (m.oid = r.oid OR pg_has_role(r.oid, m.oid, 'MEMBER')) AND (w.power IS NOT NULL OR m.rolname = 'maratea_ops'))
	THEN r.rolname || ' sees every school' ELSE 'runs with the rights of ' || r.rolname END
FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
WHERE p.prosecdef AND p.oid >= 16384
UNION
SELECT p.oid::regprocedure::text, 'sets ' || name || ' for itself'
FROM pg_proc p, unnest(p.proconfig) v, lower(split_part(v, '=', 1)) name
WHERE p.oid >= 16384 AND name IN ('maratea.tenant_id', 'role', 'session_authorization', 'row_security')
ORDER BY 1, 2
