-- maratea: once a database
SELECT coalesce(r.rolname, 'every role'), 'has ' || split_part(v, '=', 1) || ' set for all its sessions'
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) v
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	AND (v LIKE 'maratea.tenant\_id=%' OR v LIKE 'role=%')
ORDER BY 1
