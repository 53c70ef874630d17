-- maratea: once a database
-- Tables elsewhere that look as if they held what belongs to schools.
SELECT n.nspname || '.' || c.relname, 'has a column tenant_id, and not our policy'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('maratea', 'information_schema', $1) AND n.nspname NOT LIKE 'pg\_%'
	AND c.oid NOT IN (SELECT oid FROM ours)
	AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
ORDER BY 1
