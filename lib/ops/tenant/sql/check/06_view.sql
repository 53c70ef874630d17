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
	OR NOT coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=yes,security_invoker=1}', false)
ORDER BY 1, 2
