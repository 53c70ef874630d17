-- maratea: no-transaction
-- What happened lately, and what somebody did.

CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_at ON audit_log (tenant_id, at);
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_actor ON audit_log (tenant_id, actor, seq);
