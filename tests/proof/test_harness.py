"""The harness itself: what it is to find is found, in requests, in what is let out, and in what a bucket gives."""

import http.client
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.faults import KINDS, Fault, Target, error_of
from harness.limits import Bucket
from harness.proxy import Line
from harness.wire import understand
from worlds.common import ACCESS_KEY_CANARY, _spellings

SCOPE = "AWS4-HMAC-SHA256 Credential=100000000001/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=none"


def asked(service: str, target: str, body: dict):
    headers = {"authorization": SCOPE.format(service), "x-amz-target": target}
    return understand("POST", "/", headers, json.dumps(body).encode())


class Requests(unittest.TestCase):
    def test_a_good_request_has_no_problem(self):
        found = asked("ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", {"cluster": "c", "services": ["s"]})
        self.assertEqual((found.name, found.account, found.problems), ("ecs:DescribeServices", "100000000001", []))

    def test_what_the_model_refuses_is_found(self):
        service = "AmazonEC2ContainerServiceV20141113."
        for operation, body, words in (
            ("DescribeServices", {"cluster": "c"}, "services"),
            ("DescribeServices", {"services": ["s"], "servises": []}, "no member servises"),
            ("DescribeServices", {"services": ["s"] * 11}, "10 at most"),
            ("UpdateService", {"service": "s", "desiredCount": "two"}, "desiredCount"),
            ("UpdateService", {"service": "s", "propagateTags": "ALL"}, "not one of"),
        ):
            problems = asked("ecs", service + operation, body).problems
            self.assertTrue(any(words in problem for problem in problems), f"{body}: {problems}")

    def test_forms_and_paths_are_read_too(self):
        body = b"Action=DescribeAutoScalingGroups&Version=2011-01-01&AutoScalingGroupNames.member.1=a&Nonsense=1"
        found = understand("POST", "/", {"authorization": SCOPE.format("autoscaling")}, body)
        self.assertEqual(found.params["AutoScalingGroupNames"], ["a"])
        self.assertTrue(any("Nonsense" in problem for problem in found.problems), found.problems)
        found = understand("POST", "/schedules/one", {"authorization": SCOPE.format("scheduler")}, b'{"ScheduleExpression":"at(x)"}')
        self.assertEqual((found.name, found.params["Name"]), ("scheduler:CreateSchedule", "one"))
        self.assertTrue(any("Target" in problem for problem in found.problems), found.problems)


class Faults(unittest.TestCase):
    def test_once_strikes_the_first_attempt_and_always_everything_after(self):
        target = Target("ecs:UpdateService", 1)
        once, always = Fault("hang", target, False), Fault("hang", target, True)
        tried = [(0, False), (1, False), (1, True), (2, False)]
        self.assertEqual([once.strikes("ecs:UpdateService", *one) for one in tried], [False, True, False, False])
        self.assertEqual([always.strikes("ecs:UpdateService", *one) for one in tried], [False, True, True, True])
        self.assertFalse(always.strikes("ecs:DescribeServices", 5, False))

    def test_codes_are_those_of_the_operations_own_model(self):
        store = asked("dynamodb", "DynamoDB_20120810.PutItem", {"TableName": "table", "Item": {}})
        self.assertEqual(error_of("conflict", store)[1], "ConditionalCheckFailedException")
        read = asked("ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", {"services": ["s"]})
        self.assertEqual(error_of("not_found", read)[1], "ClusterNotFoundException")


class Bodies(BaseHTTPRequestHandler):
    """An AWS that says well done."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Lines(unittest.TestCase):
    def setUp(self):
        self.aws = ThreadingHTTPServer(("127.0.0.1", 0), Bodies)
        threading.Thread(target=self.aws.serve_forever, daemon=True).start()
        self.addCleanup(self.aws.server_close)
        self.addCleanup(self.aws.shutdown)

    def call(self, port: int, limit_s: float = 1.0) -> str:
        """What a caller sees of one call: a status and a body, or an error's name."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)
        headers = {"Authorization": SCOPE.format("ecs"), "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListServices"}
        try:
            connection.request("POST", "/", b"{}", headers)
            answer = connection.getresponse()
            return f"{answer.status} {answer.read().decode()[:40]}"
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()

    def test_every_kind_is_seen_by_the_caller_and_heals(self):
        seen = {}
        with Line(self.aws.server_address[1]) as line:
            for kind in KINDS:
                line.fault = Fault(kind, Target("ecs:ListServices", 0), True)
                seen[kind] = self.call(line.port)
                line.heal()
                line.take_calls()
                self.assertEqual(self.call(line.port), "200 {}", f"after {kind}")
                line.take_calls()
        self.assertNotIn("200 {}", seen.values(), seen)
        self.assertTrue(seen["denied"].startswith("400") and seen["error_503"].startswith("503"), seen)

    def test_refused_and_not_taken_hold_until_it_heals(self):
        with Line(self.aws.server_address[1]) as line:
            line.fault = Fault("refused", Target("ecs:ListServices", 0), True)
            self.call(line.port)
            self.assertEqual(self.call(line.port), "ConnectionRefusedError")
            line.heal()
            line.fault = Fault("connect_timeout", Target("ecs:ListServices", 0), True)
            line.take_calls()
            self.call(line.port)
            self.assertIn(self.call(line.port, 0.5), ("TimeoutError", "timeout"))


class Rest(unittest.TestCase):
    def test_a_bucket_gives_its_burst_and_then_its_rate(self):
        bucket = Bucket(burst=3, per_second=2, tokens=3, filled_at=0.0)
        self.assertEqual([bucket.take(0.0) for _ in range(4)], [True, True, True, False])
        self.assertEqual([bucket.take(0.5), bucket.take(0.5)], [True, False])

    def test_a_canary_is_found_however_it_is_written(self):
        import base64

        for text in (
            f"key={ACCESS_KEY_CANARY}",
            json.dumps({"key": ACCESS_KEY_CANARY}),
            base64.b64encode(f"user:{ACCESS_KEY_CANARY}:more".encode()).decode(),
            ACCESS_KEY_CANARY.encode().hex(),
        ):
            self.assertTrue(any(spelling in text for spelling in _spellings(ACCESS_KEY_CANARY)), text)
        self.assertFalse(any(spelling in "nothing of it" for spelling in _spellings(ACCESS_KEY_CANARY)))


if __name__ == "__main__":
    unittest.main()


