"""test_credentials.py - temporary credentials: a pod's web identity, a container's, an instance's; renewed while a run goes on."""
import http.server
import json
import os
import shutil
import threading
import time
import urllib.parse

from harness import *
from servers import Postgres, Rgw, free_port

RGW = Rgw(sts=True)
PG = Postgres()
PG.psql("CREATE TABLE t AS SELECT g, encode(sha512(g::text::bytea), 'hex') AS h FROM generate_series(1, 30000) g")
ROOT = temporary()
CLEANUP = [PG.close, RGW.close, lambda: shutil.rmtree(ROOT)]
RGW.make_bucket("temporary")
ARN = "arn:aws:iam::123456789012:role/backup"


SESSION = RGW.session()
ENV = environment(DATABASE_URL=PG.url(), MARATEA_STORE="s3://temporary/x", S3_ENDPOINT=RGW.endpoint, S3_REGION="default")


class Giver:
    """Stands for AWS's STS, the containers' and the instances' credential services, which cannot be installed here
    (STS API reference; ECS task roles; EC2 user guide, IMDSv2)."""

    def __init__(self, lasts=3600, status=200, answer=None):
        self.lasts, self.status, self.answer, self.asked = lasts, status, answer, []
        giver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(self, text, status=200):
                data = (giver.answer if giver.answer is not None else text).encode()
                self.send_response(giver.status if giver.status != 200 else status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def document(self):
                return json.dumps(dict(Code="Success", AccessKeyId=SESSION["AccessKeyId"], SecretAccessKey=SESSION["SecretAccessKey"],
                                       Token=SESSION["SessionToken"], Expiration=giver.expiration()))

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                giver.asked.append(form)
                self.reply('<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                           "<AssumeRoleWithWebIdentityResult><Credentials>%s<Expiration>%s</Expiration></Credentials>"
                           "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>" % (
                               "".join("<%s>%s</%s>" % (k, v, k) for k, v in SESSION.items()), giver.expiration()))

            def do_PUT(self):
                giver.asked.append(("PUT", self.path, self.headers["X-aws-ec2-metadata-token-ttl-seconds"]))
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.reply("imds-token")

            def do_GET(self):
                giver.asked.append(("GET", self.path, self.headers["Authorization"] or self.headers["X-aws-ec2-metadata-token"]))
                if self.path.endswith("security-credentials/"):
                    self.reply("backup-role\n")
                else:
                    self.reply(self.document())

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def expiration(self):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lasts))


def whoami(env, status=0):
    return maratea("store", "whoami", "-o", "json", env=env, status=status)


def test_a_pods_web_identity_is_exchanged_for_credentials():
    giver = Giver()
    token = ROOT + "/token"
    open(token, "w").write("eyJ.web identity+/=\n")
    env = dict(ENV, AWS_ROLE_ARN=ARN, AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS=giver.url + "/")
    made = maratea("backup", "run", "postgres", "-o", "json", env=env).json()
    maratea("backup", "verify", made["id"], env=env)
    equal(giver.asked[0], {"Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"], "RoleArn": [ARN],
                           "RoleSessionName": ["maratea"], "WebIdentityToken": ["eyJ.web identity+/="]})
    equal(len(giver.asked), 2)  # once a run
    me = whoami(env).json()
    equal((me["access_key"], me["source"]), (SESSION["AccessKeyId"], "web identity, role " + ARN))
    equal([t["source"] for t in me["tried"]], ["store.access-key", "$S3_ACCESS_KEY", "$AWS_ACCESS_KEY_ID", "profile", "web identity"])
    equal([t["result"] for t in me["tried"]], ["not set"] * 4 + ["used"])
    assert me["expires"].endswith("Z")
    shown = maratea("store", "whoami", "-v", env=env)
    lacks(shown.out + shown.err, SESSION["SecretAccessKey"], SESSION["SessionToken"], "eyJ")


def test_a_containers_credentials_need_its_token():
    giver = Giver()
    secret = ROOT + "/container-token"
    open(secret, "w").write("Bearer abc\n")
    env = dict(ENV, AWS_CONTAINER_CREDENTIALS_FULL_URI=giver.url + "/v1/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=secret)
    maratea("store", "probe", "--write", env=env)
    equal(giver.asked, [("GET", "/v1/credentials", "Bearer abc")])
    env = dict(ENV, AWS_CONTAINER_CREDENTIALS_FULL_URI=giver.url + "/v1/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN="plain")
    equal(whoami(env).json()["source"], "container, %s/v1/credentials" % giver.url)
    equal(giver.asked[-1][2], "plain")
    for uri in ("http://192.0.2.1/x", "http://127.0.0.1.evil.example/x", "ftp://127.0.0.1/x", "/x"):
        failed = whoami(dict(ENV, AWS_CONTAINER_CREDENTIALS_FULL_URI=uri), status=3)
        holds(failed.err, "container: %s is neither https nor on this host" % uri)


def test_an_instance_is_asked_by_imds_version_2_and_can_be_switched_off():
    giver = Giver()
    env = dict(ENV, AWS_EC2_METADATA_SERVICE_ENDPOINT=giver.url)
    maratea("backup", "list", env=env)
    base = "/latest/meta-data/iam/security-credentials/"
    equal(giver.asked, [("PUT", "/latest/api/token", "21600"), ("GET", base, "imds-token"), ("GET", base + "backup-role", "imds-token")])
    equal(whoami(env).json()["source"], "instance, role backup-role")
    # credentials of this host never go through a proxy, wherever it leads
    lost = "http://127.0.0.1:%d" % free_port()
    equal(whoami(dict(env, http_proxy=lost, HTTP_PROXY=lost, all_proxy=lost)).json()["source"], "instance, role backup-role")
    failed = whoami(dict(env, AWS_EC2_METADATA_DISABLED="true"), status=3)
    equal(failed.json()["tried"][-1], {"source": "instance", "result": "AWS_EC2_METADATA_DISABLED is set"})
    failed = maratea("backup", "list", env=dict(env, AWS_EC2_METADATA_DISABLED="true"), status=3)
    holds(failed.err, "there are no credentials for the store", "hint: set store.access-key and store.secret-key",
          "'maratea store whoami' tells what was tried")
    began = time.monotonic()
    failed = whoami(dict(env, AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:%d" % free_port()), status=3)
    holds(failed.err, "no credentials for the store: instance: ")
    assert time.monotonic() - began < 5


def test_credentials_that_run_out_are_renewed_while_a_run_goes_on():
    giver = Giver(lasts=301)  # a second later they are due
    env = dict(ENV, AWS_EC2_METADATA_SERVICE_ENDPOINT=giver.url)
    maratea("backup", "run", "postgres", "--max-rate", "2MiB", "-m", "physical", env=env)
    fetched = len([a for a in giver.asked if a[0] == "PUT"])
    assert fetched >= 2, giver.asked


def test_what_is_set_up_must_answer_and_nothing_else_is_asked_instead():
    good = Giver()
    token = ROOT + "/token2"
    open(token, "w").write("t")
    base = dict(ENV, AWS_ROLE_ARN=ARN, AWS_EC2_METADATA_SERVICE_ENDPOINT=good.url)
    cases = [
        (dict(AWS_WEB_IDENTITY_TOKEN_FILE=ROOT + "/absent", AWS_ENDPOINT_URL_STS=good.url), "web identity: open %s/absent: No such file" % ROOT),
        (dict(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS=Giver(status=403, answer="<Error><Code>AccessDenied</Code></Error>").url),
         "answered 403 <Error><Code>AccessDenied"),
        (dict(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS=Giver(status=500, answer="").url), "answered 500"),
        (dict(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS=Giver(answer="{garbage").url), "web identity: "),
        (dict(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS=Giver(answer="<a/>").url), "the answer holds no credentials"),
        (dict(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS="http://127.0.0.1:%d" % free_port()), "Failed to connect"),
    ]
    for more, words in cases:
        failed = maratea("backup", "list", env=dict(base, **more), status=6 if words in ("answered 500", "Failed to connect") else 3)
        holds(failed.err, "no credentials for the store: web identity: ", words)
    equal(good.asked, [])
    for answer in ("", "{}", "[]", '{"AccessKeyId": "a"}', '{"AccessKeyId": 1, "SecretAccessKey": []}', "x" * 100000):
        env = dict(ENV, AWS_CONTAINER_CREDENTIALS_FULL_URI=Giver(answer=answer).url)
        holds(maratea("backup", "list", env=env, status=3).err, "no credentials for the store: container: ")


def test_keys_that_are_set_come_before_all_of_them():
    giver = Giver()
    env = dict(ENV, AWS_EC2_METADATA_SERVICE_ENDPOINT=giver.url, S3_ACCESS_KEY=RGW.access, S3_SECRET_KEY=RGW.secret)
    me = whoami(env).json()
    equal((me["access_key"], me["source"], me["expires"]), (RGW.access, "$S3_ACCESS_KEY", None))
    equal([(t["source"], t["result"]) for t in me["tried"]], [("store.access-key", "not set"), ("$S3_ACCESS_KEY", "used")])
    maratea("backup", "list", env=env)
    equal(giver.asked, [])
    home = ROOT + "/home"
    os.makedirs(home + "/.aws")
    open(home + "/.aws/credentials", "w").write("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (RGW.access, RGW.secret))
    me = whoami(dict(ENV, HOME=home)).json()
    equal((me["source"], me["tried"][-1]), ("profile default", {"source": "profile", "result": "used"}))
    failed = maratea("store", "whoami", env=environment(MARATEA_STORE="file:///tmp/x"), status=2)
    holds(failed.err, "file:///tmp/x is a directory: it knows no identities")


main(globals())
