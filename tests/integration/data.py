"""data.py - a database that has of everything: what a restore must bring back, byte for byte."""

SCHOOL = r'''
CREATE ROLE school_owner NOLOGIN;
CREATE ROLE teacher LOGIN PASSWORD 'teach';
CREATE ROLE "Ünï ""quoted"" role" NOLOGIN;
GRANT teacher TO school_owner;
CREATE DATABASE school OWNER school_owner;
COMMENT ON DATABASE school IS 'a school; it''s "ours"';
REVOKE CONNECT ON DATABASE school FROM PUBLIC;
GRANT CONNECT ON DATABASE school TO teacher;
GRANT CREATE ON DATABASE school TO "Ünï ""quoted"" role" WITH GRANT OPTION;
ALTER DATABASE school SET search_path TO "$user", public, "Odd, schema";
ALTER DATABASE school SET work_mem TO '7MB';
ALTER DATABASE school SET "myapp.flag" TO 'it''s; on';
ALTER ROLE teacher IN DATABASE school SET statement_timeout TO '90s';
ALTER DATABASE school CONNECTION LIMIT 50;
CREATE DATABASE "we;ird ""näme""/../x %";
CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' ENCODING 'UTF8';
\c school
SET ROLE school_owner;
CREATE SCHEMA "Odd, schema";
CREATE TABLE users (tenant_id int, id serial, email text, note text, PRIMARY KEY (tenant_id, id));
INSERT INTO users (tenant_id, email, note) SELECT g % 7, 'user' || g || '@example.org',
  CASE g % 4 WHEN 0 THEN NULL WHEN 1 THEN E'two\nlines\twith\\backslash' WHEN 2 THEN '\.' ELSE '' END
  FROM generate_series(1, 5000) g;
CREATE TABLE "Odd, schema"."Täble ""q""" (a int, b bytea);
INSERT INTO "Odd, schema"."Täble ""q""" SELECT g, decode(md5(g::text), 'hex') FROM generate_series(1, 321) g;
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE empty_one (id int);
CREATE UNLOGGED TABLE fast (id int);
INSERT INTO fast SELECT generate_series(1, 11);
CREATE TABLE events (id bigint, day date, body text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
INSERT INTO events SELECT g, date '2026-01-01' + g % 365, repeat('x', g % 300) FROM generate_series(1, 4000) g;
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (3);
CREATE VIEW user_count AS SELECT tenant_id, count(*) FROM users GROUP BY 1;
CREATE MATERIALIZED VIEW user_count_m AS SELECT tenant_id, count(*) FROM users GROUP BY 1;
CREATE FUNCTION two() RETURNS int LANGUAGE sql AS 'SELECT 2';
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (tenant_id = 1);
RESET ROLE;
CREATE EXTENSION hstore;
CREATE TABLE with_hstore (id int, h hstore);
INSERT INTO with_hstore VALUES (1, 'a=>1'), (2, NULL);
SELECT lo_from_bytea(0, convert_to(repeat('large object ' || g, 2000), 'UTF8')) FROM generate_series(1, 25) g;
SELECT lo_create(0);
GRANT SELECT ON users TO teacher;
\c "we;ird ""näme""/../x %"
CREATE TABLE t (id int);
INSERT INTO t VALUES (42);
'''

# (schema, table, rows) of school, as COPY counts them
SCHOOL_ROWS = {
    ("Odd, schema", 'Täble "q"'): 321, ("public", "child"): 1, ("public", "empty_one"): 0,
    ("public", "events_1"): None, ("public", "events_2"): None, ("public", "fast"): 11, ("public", "nothing"): 2,
    ("public", "parent"): 2, ("public", "users"): 5000, ("public", "with_hstore"): 2,
}

# everything that a restored database must show as the original does
FINGERPRINTS = [
    "SELECT tenant_id, id, email, note FROM users ORDER BY 1, 2",
    'SELECT a, encode(b, \'hex\') FROM "Odd, schema"."Täble ""q""" ORDER BY 1',
    "SELECT id, day, md5(body) FROM events ORDER BY 1",
    "SELECT tableoid::regclass, id FROM parent ORDER BY 2",
    "SELECT count(*) FROM nothing", "SELECT sum(id) FROM fast", "SELECT id, h FROM with_hstore ORDER BY 1",
    "SELECT * FROM user_count_m ORDER BY 1", "SELECT two()",
    "SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY 1",
    "SELECT nspname, relname, relkind, relpersistence, pg_get_userbyid(relowner), relacl, relrowsecurity "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^pg_' AND nspname <> "
    "'information_schema' ORDER BY 1, 2",
    "SELECT last_value, is_called FROM users_id_seq",
]

# of pg_database and pg_db_role_setting, without oids and names
DATABASE_PROPERTIES = (
    "SELECT pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype, daticulocale, datconnlimit, "
    "pg_get_userbyid(datdba), datistemplate, datallowconn, shobj_description(d.oid, 'pg_database'), "
    "(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(datacl, acldefault('d', datdba))) a), "
    "(SELECT string_agg(coalesce(setrole::regrole::text, '') || array_to_string(setconfig, '|'), ' / ' ORDER BY "
    "setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '%s'")
