-- maratea: once a database
-- What reads a table by its own owner's rights, directly or through what reads it.
, readers (oid, rule, over) AS (
	SELECT oid, 0::oid, object FROM kept
	UNION
	SELECT r.ev_class, r.oid, x.over FROM readers x
		JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid AND d.classid = 'pg_rewrite'::regclass
		JOIN pg_rewrite r ON r.oid = d.objid
)
SELECT DISTINCT v.oid::regclass::text, CASE
	WHEN r.rulename <> '_RETURN' THEN 'has the rule ' || r.rulename || ', which reads '
	WHEN v.relkind = 'm' THEN 'is a materialised view over '
	ELSE 'is a view without security_invoker over ' END || x.over
FROM readers x JOIN pg_rewrite r ON r.oid = x.rule JOIN pg_class v ON v.oid = x.oid
WHERE r.rulename <> '_RETURN' OR v.relkind = 'm'
	OR NOT coalesce(v.reloptions::text ~* '\msecurity_invoker=(true|on|yes|1)\M', false)
UNION
-- what a function of somebody's read when it was filled, nobody can tell
SELECT v.oid::regclass::text, 'is a materialised view over the function ' || f.refobjid::regprocedure
FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid
	JOIN pg_depend f ON f.classid = 'pg_rewrite'::regclass AND f.objid = r.oid AND f.refclassid = 'pg_proc'::regclass AND f.refobjid >= 16384
WHERE v.relkind = 'm' AND EXISTS (SELECT FROM used u WHERE has_any_column_privilege(u.oid, v.oid, 'SELECT'))
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.refobjid AND d.deptype = 'e')
ORDER BY 1, 2
