"""contract.py - runs the compiled store contract, each of its tests a test here."""
import os
import subprocess

PROGRAM = os.path.join(os.environ["MRT_BUILD"], "tests", "integration", "store_contract")


def contract_tests(module_globals, name, env):
    """Adds one test per test of the program to a module; the program runs once, at the first."""
    results = {}

    def run():
        if results:
            return results
        done = subprocess.run([PROGRAM], env=dict(env, CMOCKA_MESSAGE_OUTPUT="TAP"), capture_output=True, text=True,
                              timeout=500)
        for line in done.stdout.splitlines():
            state, dash, test = line.partition(" - ")
            if dash and state.split()[0] in ("ok", "not"):
                results[test.strip()] = state.startswith("ok")
        results["all of it"] = done.returncode == 0 and len(results) == len(listed())
        results["words"] = done.stdout + done.stderr
        return results

    def listed():
        source = os.path.join(os.environ["MRT_SOURCE"], "tests", "integration", "store_contract.c")
        return [line.split("(")[1].split(")")[0] for line in open(source) if "cmocka_unit_test(" in line]

    def make(test):
        def check():
            found = run()
            if not found.get(test, False):
                raise AssertionError(found["words"][-6000:])
        return check
    for test in listed() + ["all of it"]:
        module_globals["test_%s_%s" % (name, test)] = make(test)
