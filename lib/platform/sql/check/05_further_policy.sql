SELECT object, 'the policy ' || w.polname || ' lets '
	|| (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END, ', ') FROM unnest(w.polroles) r) || ' see more'
FROM tables t JOIN wider w ON w.oid = t.oid
ORDER BY 1, 2
