SELECT object, 'the policy ' || p.policyname || ' lets ' || array_to_string(p.roles, ', ') || ' see more'
FROM tables t JOIN pg_policies p ON p.schemaname = t.nspname AND p.tablename = t.relname
WHERE p.policyname <> 'tenant_isolation' AND p.permissive = 'PERMISSIVE' AND NOT (p.policyname = 'operators' AND p.roles = '{maratea_ops}'
	AND p.cmd = 'SELECT' AND t.relname IN ('tenants', 'tenant_domains', 'usage_counters'))
ORDER BY 1, 2
