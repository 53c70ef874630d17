-- On the tables, their columns and their schema; then what services may do in the platform's.
, grants AS (
	SELECT t.object, a.grantee, a.privilege_type AS privilege, '' AS part FROM tables t, aclexplode(t.relacl) a WHERE a.grantee <> t.relowner
	UNION ALL
	SELECT t.object, x.grantee, x.privilege_type, ' (' || a.attname || ')' FROM tables t
		JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped, aclexplode(a.attacl) x WHERE x.grantee <> t.relowner
), platform AS (
	SELECT 'maratea.' || c.relname AS object, a.grantee, a.privilege_type AS privilege, '' AS part, c.relname
	FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = to_regnamespace('maratea')
	UNION ALL
	SELECT 'maratea.' || c.relname, x.grantee, x.privilege_type, ' (' || a.attname || ')', c.relname || '.' || a.attname
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped, aclexplode(a.attacl) x
	WHERE c.relnamespace = to_regnamespace('maratea')
)
SELECT object, CASE grantee WHEN 0 THEN 'everybody' ELSE grantee::regrole::text END || ' has ' || privilege || part FROM grants
WHERE grantee = 0 OR privilege IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
UNION
SELECT 'the schema ' || n.nspname, CASE a.grantee WHEN 0 THEN 'everybody' ELSE a.grantee::regrole::text END || ' has CREATE'
FROM pg_namespace n, aclexplode(n.nspacl) a
WHERE n.nspname IN ($1, 'maratea', 'public') AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
	AND (n.nspname <> 'public' OR a.grantee = 0 OR a.grantee = to_regrole('maratea_app'))
UNION
SELECT object, CASE grantee WHEN 0 THEN 'everybody' ELSE grantee::regrole::text END || ' has ' || privilege || part FROM platform
WHERE (grantee = 0 OR grantee = to_regrole('maratea_app')) AND NOT (grantee <> 0 AND privilege = 'SELECT' AND relname IN ('plans', 'domains',
	'placements', 'platform', 'schema_migrations', 'tenants.id', 'tenants.slug', 'tenants.name', 'tenants.status', 'tenants.plan', 'tenants.version'))
ORDER BY 1, 2
