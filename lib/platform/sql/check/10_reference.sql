SELECT object, 'its foreign key ' || k.conname || CASE WHEN f.relnamespace <> t.schema THEN ' leaves the schema'
	ELSE ' may lead to another school' END
FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f' JOIN pg_class f ON f.oid = k.confrelid
WHERE f.relnamespace <> t.schema
	OR (SELECT attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = k.conkey[1]) IS DISTINCT FROM t.key
	OR (SELECT attname FROM pg_attribute a WHERE a.attrelid = f.oid AND a.attnum = k.confkey[1]) IS DISTINCT FROM
		CASE f.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END
UNION
SELECT k.conrelid::regclass::text, 'its foreign key ' || k.conname || ' tells what is in ' || t.object
FROM tables t JOIN pg_constraint k ON k.confrelid = t.oid AND k.contype = 'f' JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace <> t.schema
ORDER BY 1, 2
