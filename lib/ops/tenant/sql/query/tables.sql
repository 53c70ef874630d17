-- What every check may read. tables: those of the schema $1 that hold what belongs to schools;
-- ours: tables, wherever, with our policy and row security that holds their owner, too.
WITH RECURSIVE key AS NOT MATERIALIZED (
	SELECT c.oid, CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END AS key FROM pg_class c
), tables AS (
	SELECT c.oid, n.oid AS schema, n.nspname, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, k.key,
		n.nspname || '.' || c.relname AS object
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN key k ON k.oid = c.oid
	WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f') AND c.relname <> 'schema_migrations'
), right_policy AS NOT MATERIALIZED (
	SELECT c.oid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN key k ON k.oid = c.oid,
		format('(%s = (SELECT (NULLIF(current_setting(''maratea.tenant_id''::text, true), ''''::text))::uuid AS "nullif"))', k.key) AS text
	WHERE p.polname = 'tenant_isolation' AND p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
		AND regexp_replace(pg_get_expr(p.polqual, c.oid), '\s+', '', 'g') = regexp_replace(text, '\s+', '', 'g')
		AND regexp_replace(pg_get_expr(p.polwithcheck, c.oid), '\s+', '', 'g') = regexp_replace(text, '\s+', '', 'g')
), ours AS (
	SELECT c.oid FROM pg_class c JOIN right_policy USING (oid) WHERE c.relrowsecurity AND c.relforcerowsecurity
), powers AS (
	-- roles that see more than one school, and why
	SELECT r.oid, CASE
		WHEN r.rolsuper THEN 'is a superuser: no policy holds it'
		WHEN r.rolbypassrls THEN 'bypasses row security'
		WHEN r.rolcreaterole THEN 'makes roles, and may join one that bypasses row security'
		WHEN r.rolreplication THEN 'may copy the whole server by replication'
		WHEN r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') THEN 'reaches the files of the server'
		WHEN EXISTS (SELECT FROM tables t WHERE t.relowner = r.oid) THEN 'owns tables of schools'
		END AS power
	FROM pg_roles r
)
