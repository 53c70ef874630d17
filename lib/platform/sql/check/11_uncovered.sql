-- maratea: once a database
-- Tables elsewhere that look as if they held what belongs to schools.
SELECT n.nspname || '.' || c.relname, 'has a column tenant_id, and ' || CASE
	WHEN c.oid NOT IN (SELECT oid FROM right_policy) THEN 'not our policy'
	WHEN c.oid IN (SELECT oid FROM wider) THEN 'a policy that lets see more than ours'
	WHEN c.relrowsecurity THEN 'row security is not forced on its owner' ELSE 'row security is off' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('maratea', 'information_schema') AND n.oid NOT IN (SELECT oid FROM schemas)
	AND n.nspname NOT LIKE 'pg\_%' AND c.oid NOT IN (SELECT oid FROM ours)
	AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
ORDER BY 1
