-- maratea: once a database
-- What PostgreSQL keeps to its administrators, and somebody gave away here.
, given AS (
	SELECT p.oid::regprocedure::text AS object, p.oid, 'pg_proc'::regclass AS class, 0 AS part, a.grantee, a.privilege_type AS privilege
	FROM pg_proc p, aclexplode(p.proacl) a WHERE p.oid < 16384
	UNION ALL
	SELECT c.oid::regclass::text, c.oid, 'pg_class'::regclass, 0, a.grantee, a.privilege_type
	FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid < 16384
	UNION ALL
	SELECT c.oid::regclass || '.' || t.attname, c.oid, 'pg_class'::regclass, t.attnum, a.grantee, a.privilege_type
	FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE c.oid < 16384
), made AS (
	SELECT i.objoid, i.classoid, i.objsubid, a.grantee, a.privilege_type FROM pg_init_privs i, aclexplode(i.initprivs) a WHERE i.privtype = 'i'
)
SELECT DISTINCT g.object, CASE WHEN g.grantee = 0 THEN 'everybody' ELSE r.rolname END || ' has ' || g.privilege
FROM given g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE EXISTS (SELECT FROM used u WHERE NOT u.rolsuper AND CASE WHEN g.grantee = 0 THEN true ELSE pg_has_role(u.oid, g.grantee, 'MEMBER') END)
	AND NOT EXISTS (SELECT FROM made m WHERE m.objoid = g.oid AND m.classoid = g.class AND m.objsubid = g.part AND m.grantee IN (0, g.grantee) AND m.privilege_type = g.privilege)
	-- what was never kept to anybody
	AND EXISTS (SELECT FROM pg_init_privs i WHERE i.objoid = g.oid AND i.classoid = g.class AND i.objsubid IN (0, g.part))
ORDER BY 1, 2
