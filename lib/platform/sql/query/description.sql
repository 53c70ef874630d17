-- Lines for the schema $1, without its name, in byte order. What db init and migrate keep there for
-- themselves is left out.
SELECT line FROM (
WITH rel AS (SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname NOT IN ('schema_migrations', 'schema_migrations_pkey') AND (n.nspname <> 'maratea' OR c.relname NOT IN ('platform', 'platform_pkey'))), 
tab AS (SELECT * FROM rel WHERE relkind IN ('r', 'p')) 
SELECT 'table ' || relname || CASE WHEN relrowsecurity THEN ', row security' ELSE '' END || CASE WHEN relforcerowsecurity THEN ' forced' ELSE '' END || ', of ' || relowner::regrole::text AS line FROM tab 
UNION ALL SELECT 'table ' || t.relname || ': column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') FROM tab t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum 
UNION ALL SELECT 'table ' || t.relname || ': constraint ' || k.conname || ' ' || replace(pg_get_constraintdef(k.oid), t.nspname || '.', '') FROM tab t JOIN pg_constraint k ON k.conrelid = t.oid 
UNION ALL SELECT 'table ' || t.relname || ': index ' || replace(pg_get_indexdef(i.indexrelid), t.nspname || '.', '') || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END FROM tab t JOIN pg_index i ON i.indrelid = t.oid 
UNION ALL SELECT 'table ' || p.tablename || ': policy ' || p.policyname || ' ' || p.permissive || ' ' || p.cmd || ' TO ' || array_to_string(p.roles, ', ') || coalesce(' USING ' || p.qual, '') || coalesce(' WITH CHECK ' || p.with_check, '') FROM pg_policies p WHERE p.schemaname = $1 
UNION ALL SELECT 'table ' || t.relname || ': ' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' may ' || a.privilege_type FROM tab t, aclexplode(t.relacl) a WHERE a.grantee <> t.relowner 
UNION ALL SELECT 'table ' || t.relname || ': ' || CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END || ' may ' || x.privilege_type || ' ' || a.attname FROM tab t JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped, aclexplode(a.attacl) x 
UNION ALL SELECT 'trigger ' || replace(pg_get_triggerdef(g.oid), t.nspname || '.', '') FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
UNION ALL SELECT 'table ' || t.relname || ': ' || CASE WHEN g.tgisinternal THEN 'the constraint ' || k.conname ELSE 'the trigger ' || g.tgname END
	|| CASE g.tgenabled WHEN 'D' THEN ' is not enforced' ELSE ' is enforced for ' || g.tgenabled::text END
	FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid AND g.tgenabled <> 'O' LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
UNION ALL SELECT 'table ' || r.tablename || ': rule ' || r.rulename || ' ' || replace(r.definition, $1 || '.', '') FROM pg_rules r WHERE r.schemaname = $1
UNION ALL SELECT 'table ' || t.relname || ': inherits to ' || replace(i.inhparent::regclass::text, t.nspname || '.', '') FROM tab t JOIN pg_inherits i ON i.inhrelid = t.oid
UNION ALL SELECT 'schema: ' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' may CREATE' FROM pg_namespace n, aclexplode(n.nspacl) a
	WHERE n.nspname = $1 AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
UNION ALL SELECT 'foreign table ' || relname FROM rel WHERE relkind = 'f'
UNION ALL SELECT 'sequence ' || relname FROM rel WHERE relkind = 'S'
UNION ALL SELECT 'type ' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = $1 AND t.typrelid = 0 AND t.typcategory <> 'A'
UNION ALL SELECT 'view ' || relname || ': with ' || array_to_string(reloptions, ', ') FROM rel WHERE relkind IN ('v', 'm') AND reloptions IS NOT NULL
UNION ALL SELECT 'view ' || r.relname || ': ' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' may ' || a.privilege_type
	FROM rel r, aclexplode(r.relacl) a WHERE r.relkind IN ('v', 'm') AND a.grantee <> r.relowner

UNION ALL SELECT CASE relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || relname || ' AS ' || replace(pg_get_viewdef(oid), nspname || '.', '') FROM rel WHERE relkind IN ('v', 'm') 
UNION ALL SELECT 'function ' || replace(p.oid::regprocedure::text, n.nspname || '.', '') || ' ' || md5(p.prosrc) || ', of ' || p.proowner::regrole::text || CASE WHEN p.prosecdef THEN ', SECURITY DEFINER' ELSE '' END
	|| coalesce(', SET ' || array_to_string(p.proconfig, ', '), '') || coalesce(', ' || array_to_string(p.proacl, ' '), '') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1) AS all_of_it ORDER BY line COLLATE "C"
