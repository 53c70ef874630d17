-- maratea: once a database
-- What a session begins with: it must name no school, and be nobody else.
SELECT coalesce(r.rolname, 'every role'), 'has ' || split_part(v, '=', 1) || ' set for all its sessions'
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) v
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	AND (v LIKE 'maratea.tenant\_id=%' OR v LIKE 'role=%')
UNION
SELECT 'the server', 'has maratea.tenant_id set for all sessions' WHERE nullif(current_setting('maratea.tenant_id', true), '') IS NOT NULL
ORDER BY 1
