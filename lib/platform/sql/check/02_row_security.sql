SELECT object, CASE WHEN relkind = 'f' THEN 'is a foreign table, which knows no row security'
	WHEN relrowsecurity THEN 'row security is not forced on its owner' ELSE 'row security is off' END
FROM tables WHERE relkind = 'f' OR NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1
