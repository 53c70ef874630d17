"""schools.py - a platform to make schools in, for the tests of its commands."""
import os

from harness import environment, maratea


def make_platform(pg, root, **more):
    """A database "platform" with roles and schemas, not migrated yet. Its id, the password of a role,
    and the environment of who migrates."""
    pg.psql("CREATE DATABASE platform")
    os.mkdir(root + "/pw")
    made = maratea("db", "init", "--yes", "--passwords", root + "/pw", "-o", "json", env=environment(MARATEA_ADMIN_URL=pg.url("platform")))

    def password(role):
        with open(root + "/pw/" + role) as f:
            return f.read()

    id = made.json()["platform_id"]
    return id, password, environment(MARATEA_PLATFORM_ID=id, MARATEA_POSTGRES_MIGRATE_URL=pg.url("platform", "maratea_migrate", password("maratea_migrate")), **more)
