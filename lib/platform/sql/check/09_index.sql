SELECT i.indexrelid::regclass::text, CASE WHEN i.indisunique OR i.indisexclusion THEN 'makes values unique across schools, on '
	ELSE 'does not begin with ' || t.key || ', on ' END || t.object
FROM tables t JOIN pg_index i ON i.indrelid = t.oid
WHERE (SELECT attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0]) IS DISTINCT FROM t.key
ORDER BY 1
