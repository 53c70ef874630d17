-- What every check may read. $1: the schema; $2: whom services connect as; $3: a list, the schemas of
-- schools in this database. tables: those of $1 that hold what belongs to schools; ours: tables,
-- wherever, with our policy, no other, and row security that holds their owner, too; kept: tables,
-- wherever, of schools or of the platform; used: roles that services use.
WITH RECURSIVE schemas AS (
	SELECT n.oid, n.nspname FROM pg_namespace n WHERE n.nspname IN (SELECT $1 UNION SELECT json_array_elements_text($3::json))
), key AS NOT MATERIALIZED (
	SELECT c.oid, CASE WHEN c.relname = 'tenants' AND c.relnamespace IN (SELECT oid FROM schemas) THEN 'id' ELSE 'tenant_id' END AS key FROM pg_class c
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
), wider AS NOT MATERIALIZED (
	-- what lets see more than our policy does
	SELECT c.oid, p.polname, p.polroles FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
	WHERE p.polname <> 'tenant_isolation' AND p.polpermissive AND NOT (p.polname = 'operators' AND p.polcmd = 'r'
		AND p.polroles = ARRAY[to_regrole('maratea_ops')::oid] AND c.relname IN ('tenants', 'tenant_domains', 'usage_counters'))
), ours AS (
	SELECT c.oid FROM pg_class c JOIN right_policy USING (oid) WHERE c.relrowsecurity AND c.relforcerowsecurity AND c.oid NOT IN (SELECT oid FROM wider)
), kept AS NOT MATERIALIZED (
	SELECT c.oid, n.nspname || '.' || c.relname AS object FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
		AND (n.nspname = 'maratea' OR n.oid IN (SELECT oid FROM schemas)
			OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
), used AS NOT MATERIALIZED (
	-- those that are connected, whom postgres.url connects as, and ours for services. Of other users'
	-- sessions a role without pg_read_all_stats sees no backend_type.
	SELECT r.oid, r.rolname, r.rolsuper FROM pg_roles r WHERE r.rolname IN (
		SELECT usename FROM pg_stat_activity
		WHERE datname = current_database() AND coalesce(backend_type, 'client backend') = 'client backend' AND pid <> pg_backend_pid()
			AND usename NOT IN ('maratea_migrate', 'maratea_backup')
		UNION SELECT unnest(ARRAY['maratea_app', 'maratea_ops'])
		UNION SELECT $2::text)
), powers AS NOT MATERIALIZED (
	-- roles that see more than one school, and why
	SELECT r.oid, CASE
		WHEN r.rolsuper THEN 'is a superuser: no policy holds it'
		WHEN r.rolbypassrls THEN 'bypasses row security'
		WHEN r.rolcreaterole THEN 'makes roles, and may join one that bypasses row security'
		WHEN r.rolreplication THEN 'may copy the whole server by replication'
		WHEN r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') THEN 'reaches the files of the server'
		WHEN r.rolname IN ('pg_read_all_data', 'pg_write_all_data') THEN 'reaches every table of the platform'
		WHEN EXISTS (SELECT FROM pg_class c JOIN kept USING (oid) WHERE c.relowner = r.oid AND c.relnamespace IS DISTINCT FROM to_regnamespace('maratea')) THEN 'owns tables of schools'
		WHEN EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace('maratea') AND c.relowner = r.oid) THEN 'owns tables of the platform'
		WHEN EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid AND (n.nspname = 'maratea' OR n.oid IN (SELECT oid FROM schemas))) THEN 'owns a schema of schools or of the platform'
		WHEN EXISTS (SELECT FROM pg_database d WHERE d.datname = current_database() AND d.datdba = r.oid) THEN 'owns the database'
		END AS power
	FROM pg_roles r
)
