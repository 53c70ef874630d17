-- What everybody, or a role that services use, however it came by it, may do beyond what it needs: on
-- tables of schools, on those of the platform, on schemas and on the database.
, who AS (
	SELECT oid, rolname::text AS name, rolname = 'maratea_ops' OR pg_has_role(oid, 'maratea_ops', 'USAGE') AS ops FROM used WHERE NOT rolsuper
), places AS (
	SELECT oid, object, false AS platform, '' AS relname FROM tables
	UNION ALL
	SELECT c.oid, 'maratea.' || c.relname, true, c.relname FROM pg_class c WHERE c.relnamespace = to_regnamespace('maratea') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), acls AS (
	SELECT p.object, a.grantee, a.privilege_type AS privilege, '' AS part FROM places p JOIN pg_class c USING (oid), aclexplode(c.relacl) a
	UNION ALL
	SELECT p.object, x.grantee, x.privilege_type, ' (' || a.attname || ')' FROM places p
		JOIN pg_attribute a ON a.attrelid = p.oid AND NOT a.attisdropped, aclexplode(a.attacl) x
)
SELECT object, 'everybody has ' || privilege || part FROM acls WHERE grantee = 0
UNION
SELECT p.object, w.name || ' has ' || v FROM places p, who w, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) v
WHERE has_table_privilege(w.oid, p.oid, v) AND NOT has_table_privilege('public', p.oid, v) AND CASE
	WHEN v IN ('TRUNCATE', 'REFERENCES', 'TRIGGER') THEN true
	WHEN v = 'SELECT' THEN p.platform AND NOT w.ops AND p.relname NOT IN ('plans', 'domains', 'placements', 'platform', 'schema_migrations')
	ELSE p.platform OR w.name = 'maratea_ops' END
UNION
SELECT p.object, w.name || ' has ' || v || ' (' || a.attname || ')' FROM places p JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped, who w,
	unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) v
WHERE a.attacl IS NOT NULL AND has_column_privilege(w.oid, p.oid, a.attnum, v) AND NOT has_table_privilege(w.oid, p.oid, v) AND NOT has_column_privilege('public', p.oid, a.attnum, v)
	AND CASE WHEN v = 'REFERENCES' THEN true
	WHEN v = 'SELECT' THEN p.platform AND NOT w.ops AND (p.relname <> 'tenants' OR a.attname NOT IN ('id', 'slug', 'name', 'status', 'plan', 'version'))
	ELSE p.platform OR w.name = 'maratea_ops' END
UNION
SELECT 'the schema ' || n.nspname, CASE WHEN has_schema_privilege('public', n.oid, 'CREATE') THEN 'everybody' ELSE w.name END || ' has CREATE'
FROM pg_namespace n, who w WHERE n.nspname IN ($1, 'maratea', 'public') AND has_schema_privilege(w.oid, n.oid, 'CREATE')
UNION
SELECT 'the database', CASE WHEN has_database_privilege('public', current_database(), v) THEN 'everybody' ELSE w.name END || ' has ' || v
FROM who w, unnest(ARRAY['CREATE', 'TEMPORARY']) v WHERE has_database_privilege(w.oid, current_database(), v)
ORDER BY 1, 2
