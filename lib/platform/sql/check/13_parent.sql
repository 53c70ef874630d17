-- Who reads a parent reads its children's rows, whatever their row security says.
SELECT i.inhparent::regclass::text, 'is a parent of ' || t.object || ', and gives all its rows to read'
FROM tables t JOIN pg_inherits i ON i.inhrelid = t.oid WHERE i.inhparent NOT IN (SELECT oid FROM tables)
ORDER BY 1, 2
