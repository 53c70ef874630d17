"""test_store.py - the store contract, kept by the dir driver; and what only a directory can show."""
import os
import shutil
import stat

from harness import *
from contract import contract_tests

ROOT = temporary()
CLEANUP = [lambda: shutil.rmtree(ROOT)]
contract_tests(globals(), "dir", environment(MARATEA_STORE="file://" + ROOT + "/contract"))


def test_objects_are_private_to_their_owner():
    maratea("store", "probe", "--write", env=environment(MARATEA_STORE="file://" + ROOT + "/private"))
    equal(stat.S_IMODE(os.stat(ROOT + "/private").st_mode), 0o700)


def test_a_file_where_the_directory_should_be_is_an_error():
    with open(ROOT + "/file", "w") as f:
        f.write("x")
    env = environment(MARATEA_STORE="file://" + ROOT + "/file")
    holds(maratea("store", "probe", env=env, status=1).err, ROOT + "/file", "Not a directory")
    holds(maratea("store", "probe", "--write", env=env, status=1).err, ROOT + "/file", "Not a directory")
    holds(maratea("backup", "list", env=env, status=1).err, "Not a directory")


def test_urls_that_name_no_store_are_configuration_errors():
    for url, words in (("file://relative/x", "must name an absolute path"),
                       ("ftp://x/y", "neither file:///path nor s3://bucket"),
                       ("s3://b", "a bucket's name has at least 3 characters"),
                       ("s3://user:pw@bucket", "write s3://bucket/prefix")):
        env = environment(MARATEA_STORE=url, S3_ACCESS_KEY="a", S3_SECRET_KEY="b")
        holds(maratea("store", "probe", env=env, status=3).err, words)
    holds(maratea("store", "probe", status=3).err, "no store is configured", "hint: set store.url")


def test_a_driver_this_build_does_not_have_is_named():
    env = environment(MARATEA_STORE="s3://bucket", MARATEA_STORE_DRIVER="libs4", S3_ACCESS_KEY="a", S3_SECRET_KEY="b")
    holds(maratea("store", "probe", env=env, status=3).err, "store.driver 'libs4' is not known to this build")


main(globals())
