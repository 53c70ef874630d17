-- sample.sql - a small school, for the quickstart.
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL, role text NOT NULL);
INSERT INTO users (email, role)
SELECT format('user%s@school.example', g), CASE g % 20 WHEN 0 THEN 'instructor' ELSE 'student' END
FROM generate_series(1, 20000) g;
CREATE TABLE grades (user_id int REFERENCES users, course text, grade int);
INSERT INTO grades SELECT g, 'mathematics', g % 10 FROM generate_series(1, 20000) g;
