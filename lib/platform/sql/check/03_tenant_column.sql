SELECT object, 'has no column ' || key || ' uuid NOT NULL' FROM tables t
WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = t.key AND a.attnotnull AND a.atttypid = 'uuid'::regtype)
ORDER BY 1
