-- maratea: once a database
-- Ways in past the policies: another connection, to wherever it leads.
SELECT 'the foreign server ' || s.srvname, CASE WHEN has_server_privilege('public', s.oid, 'USAGE') THEN 'everybody' ELSE u.rolname END || ' may use it'
FROM pg_foreign_server s, used u WHERE NOT u.rolsuper AND has_server_privilege(u.oid, s.oid, 'USAGE')
UNION
SELECT c.oid::regclass::text, 'is a foreign table that ' || CASE WHEN has_any_column_privilege('public', c.oid, 'SELECT') THEN 'everybody' ELSE u.rolname END || ' may read'
FROM pg_class c, used u WHERE c.relkind = 'f' AND NOT u.rolsuper AND has_any_column_privilege(u.oid, c.oid, 'SELECT')
ORDER BY 1, 2
