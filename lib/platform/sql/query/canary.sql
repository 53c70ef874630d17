-- A row in every table of the schema, of the school that the transaction names; so that they are in
-- nobody's way, what is unique is made of its id.
INSERT INTO tenants (id) VALUES (current_setting('maratea.tenant_id')::uuid);
INSERT INTO tenant_settings (tenant_id) VALUES (current_setting('maratea.tenant_id')::uuid);
INSERT INTO tenant_domains (tenant_id, name) SELECT t, t || '.invalid' FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO users (tenant_id, id, email, email_norm) SELECT t, t, t || '@x.invalid', t || '@x.invalid'
	FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO memberships (tenant_id, user_id, role) SELECT t, t, 'owner' FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO invitations (tenant_id, id, email_norm, role, token_digest, expires_at, invited_by)
	SELECT t, t, t || '@x.invalid', 'student', uuid_send(t), now(), t FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO courses (tenant_id, id, slug, title, author_id) SELECT t, t, t::text, '', t
	FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO modules (tenant_id, id, course_id, position, title) SELECT t, t, t, 1, '' FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO lessons (tenant_id, id, module_id, position, title) SELECT t, t, t, 1, '' FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO enrolments (tenant_id, id, user_id, course_id) SELECT t, t, t, t FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO progress (tenant_id, enrolment_id, lesson_id) SELECT t, t, t FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO certificates (tenant_id, id, enrolment_id, serial) SELECT t, t, t, t::text FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO usage_counters (tenant_id, metric, period) SELECT t, t::text, current_date FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO audit_heads (tenant_id, seq, digest) SELECT t, 1, '' FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
INSERT INTO audit_log (tenant_id, seq, at, actor, action, origin, payload_digest, digest) SELECT t, 1, now(), '', 'check', '', '', ''
	FROM (SELECT current_setting('maratea.tenant_id')::uuid AS t) AS one;
SET CONSTRAINTS ALL IMMEDIATE
