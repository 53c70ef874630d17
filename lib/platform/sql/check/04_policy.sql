SELECT object, CASE WHEN EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'tenant_isolation')
	THEN 'its policy tenant_isolation is not ours' ELSE 'has no policy tenant_isolation' END
FROM tables t WHERE relkind <> 'f' AND oid NOT IN (SELECT oid FROM right_policy) ORDER BY 1
