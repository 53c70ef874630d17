-- What runs, unseen, when rows of schools are written: ours have no triggers.
SELECT t.object || '.' || g.tgname, 'is a trigger, and runs ' || g.tgfoid::regprocedure || ' when rows of schools are written'
FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid
WHERE NOT g.tgisinternal
ORDER BY 1, 2
