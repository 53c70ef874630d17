-- maratea: once a database
-- What a session begins with: it must name no school, and be nobody else.
SELECT coalesce(r.rolname, 'every role'), 'has ' || name || ' set for all its sessions'
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) v, lower(split_part(v, '=', 1)) name
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	AND name IN ('maratea.tenant_id', 'role')
UNION
SELECT 'the server', 'has maratea.tenant_id set for all sessions' WHERE nullif(current_setting('maratea.tenant_id', true), '') IS NOT NULL
ORDER BY 1
