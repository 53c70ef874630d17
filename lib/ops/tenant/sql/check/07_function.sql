-- maratea: once a database
-- Those that run as somebody else than who calls them.
SELECT p.oid::regprocedure::text, 'is SECURITY DEFINER, and ' || CASE
	WHEN EXISTS (SELECT FROM pg_roles m LEFT JOIN powers w ON w.oid = m.oid
		WHERE (m.oid = r.oid OR pg_has_role(r.oid, m.oid, 'MEMBER')) AND (w.power IS NOT NULL OR m.rolname = 'maratea_ops'))
	THEN r.rolname || ' sees every school' ELSE 'runs with the rights of ' || r.rolname END
FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1
