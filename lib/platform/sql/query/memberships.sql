-- What our roles are members of beyond what they need.
SELECT m.roleid::regrole, m.member::regrole
FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
WHERE u.rolname IN ('maratea_owner', 'maratea_migrate', 'maratea_backup', 'maratea_app', 'maratea_ops')
	AND (u.rolname, g.rolname) NOT IN (('maratea_migrate', 'maratea_owner'), ('maratea_migrate', 'maratea_app'), ('maratea_backup', 'pg_read_all_data'))
ORDER BY 2, 1
