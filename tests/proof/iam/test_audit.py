"""The check itself: whatever is taken from a role, added to it or done beyond it is found."""

import base64
import json
import tempfile
import unittest
from pathlib import Path

from harness.wire import Asked

from .audit import audit, stars, without_which_denied
from .evaluate import Check, Statement
from .exceptions import Unseen
from .recordings import BadRecording, Heard, function_of, heard
from .template import Stack, Template

STACK = Stack("123456789012", "us-east-1")
HEAD = """
Resources:
  F: {Type: AWS::Serverless::Function, Properties: {FunctionName: !Sub '${AWS::StackName}-f', Role: !GetAtt R.Arn}}
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
"""
SERVICES = "!Sub 'arn:aws:ecs:${AWS::Region}:${AWS::AccountId}:service/*'"
STATEMENTS = {
    "Read": f"{{Sid: Read, Effect: Allow, Action: 'ecs:DescribeServices', Resource: {SERVICES}}}",
    "Set": f"{{Sid: Set, Effect: Allow, Action: 'ecs:UpdateService', Resource: {SERVICES}}}",
    "See": "{Sid: See, Effect: Allow, Action: 'autoscaling:DescribePolicies', Resource: '*'}",
    "Logs": "{Sid: Logs, Effect: Allow, Action: 'logs:PutLogEvents', Resource: 'arn:aws:logs:us-east-1:123456789012:log-group:f:*'}",
}
UNSEEN = (Unseen(("f",), "Logs", "Lambda writes them"),)
CALLS = (
    Asked("ecs", "DescribeServices", {"cluster": "c", "services": ["a", "b"]}, "json", "", "us-east-1"),
    Asked("ecs", "UpdateService", {"cluster": "c", "service": "a"}, "json", "", "us-east-1"),
    Asked("autoscaling", "DescribePolicies", {}, "query", "", "us-east-1"),
)


def problems(statements: dict[str, str], calls=CALLS, unseen=UNSEEN) -> list[str]:
    text = HEAD + "".join(f"              - {statement}\n" for statement in statements.values())
    return audit(Template(text), "f", [Heard("f", STACK, call) for call in calls], STACK, unseen).problems


class Audit(unittest.TestCase):
    def test_a_role_that_fits_has_no_problem(self):
        self.assertEqual(problems(STATEMENTS), [])

    def test_removing_any_one_statement_is_found(self):
        for sid in STATEMENTS:
            with self.subTest(sid):
                left = {name: text for name, text in STATEMENTS.items() if name != sid}
                self.assertNotEqual(problems(left), [])

    def test_a_statement_that_no_call_needs_is_found(self):
        tell = "{Sid: Tell, Effect: Allow, Action: 'sns:Publish', Resource: 'arn:aws:sns:us-east-1:123456789012:t'}"
        more = STATEMENTS | {"Tell": tell}
        self.assertEqual(problems(more), ["Tell: sns:Publish is needed by no call: not seen here, and no reason is given"])
        for call in CALLS:
            self.assertNotEqual(problems(STATEMENTS, [other for other in CALLS if other is not call]), [])

    def test_an_action_too_many_in_a_statement_is_found(self):
        more = STATEMENTS | {"Set": STATEMENTS["Set"].replace("'ecs:UpdateService'", "['ecs:UpdateService', 'ecs:DeleteService']")}
        self.assertEqual(problems(more), ["Set: ecs:DeleteService is needed by no call: not seen here, and no reason is given"])

    def test_a_statement_twice_is_found(self):
        more = STATEMENTS | {"Again": STATEMENTS["Set"].replace("Sid: Set", "Sid: Again")}
        found = problems(more)
        self.assertEqual(len(found), 2)
        self.assertTrue(all("others allow all of it" in problem for problem in found), found)

    def test_a_denial_and_a_narrower_resource_are_found(self):
        deny = STATEMENTS | {"Refuse": "{Sid: Refuse, Effect: Deny, Action: 'ecs:UpdateService', Resource: '*'}"}
        self.assertTrue(any(problem.startswith("denied by Refuse") for problem in problems(deny)))
        narrow = STATEMENTS | {"Read": STATEMENTS["Read"].replace("service/*", "service/c/a")}
        expected = "not allowed: ecs:DescribeServices on arn:aws:ecs:us-east-1:123456789012:service/c/b"
        self.assertEqual(problems(narrow), [expected], "each of several resources has to be allowed")

    def test_a_star_where_there_is_a_resource_is_found(self):
        wide = STATEMENTS | {"Set": "{Sid: Set, Effect: Allow, Action: 'ecs:UpdateService', Resource: '*'}"}
        self.assertEqual(problems(wide), ["Set: ecs:UpdateService on *, though it takes service"])
        narrow = Statement("See", "Allow", ("autoscaling:DescribePolicies",), ("arn:aws:autoscaling:us-east-1:123456789012:x",))
        self.assertEqual(len(stars([narrow])), 1)

    def test_reasons_end_when_their_cause_does(self):
        seen = (*UNSEEN, Unseen(("f",), "Set", "never"))
        self.assertEqual(problems(STATEMENTS, unseen=seen), ["exceptions.py explains Set: ecs:UpdateService, which is seen after all"])
        gone = (*UNSEEN, Unseen(("f",), "Gone", "never"))
        self.assertEqual(problems(STATEMENTS, unseen=gone), ["exceptions.py explains Gone, which is no more"])
        part = (*UNSEEN, Unseen(("f",), "Set", "never", ("ecs:DeleteService",)))
        self.assertEqual(problems(STATEMENTS, unseen=part)[0], "exceptions.py explains Set: ecs:DeleteService, which is no more")
        without = [call for call in CALLS if call.operation != "UpdateService"]
        self.assertEqual(problems(STATEMENTS, without, seen), [], "a reason is one as long as it is true")

    def test_what_is_not_understood_is_a_problem(self):
        strange = Asked("ecs", "DeleteService", {}, "json", "", "us-east-1")
        self.assertIn("ecs:DeleteService is not in the table of iam/resources.py", problems(STATEMENTS, (*CALLS, strange)))
        bad = Asked("ecs", "UpdateService", {"cluster": "c", "service": "a"}, "json", "", "us-east-1", ["no such member"])
        self.assertIn("ecs:UpdateService: no such member", problems(STATEMENTS, (*CALLS, bad)))

    def test_removal_is_proven_by_evaluation(self):
        one, two = (Statement(sid, "Allow", ("sns:Publish",), ("*",)) for sid in ("A", "B"))
        check = Check("sns:Publish", "arn:aws:sns:r:1:t")
        self.assertEqual(without_which_denied([one], check), [("A", "sns:Publish")])
        self.assertEqual(without_which_denied([one, two], check), [])


class Recordings(unittest.TestCase):
    def test_the_function_is_the_last_part_of_the_name_that_the_sdk_says(self):
        agent = "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0 app/nightshift-us-west-2-scale"
        self.assertEqual(function_of({"user-agent": agent}), "nightshift-us-west-2-scale")
        also = {"user-agent": "x", "x-amz-user-agent": "aws-sdk-rust/1.3.9 app/nightshift-deploy"}
        self.assertEqual(function_of(also), "nightshift-deploy")
        self.assertIsNone(function_of({"user-agent": "aws-sdk-rust/1.3.9 app/nightshift"}))

    def test_requests_are_of_the_stack_that_was_made_before(self):
        make = "Action=CreateChangeSet&Version=2010-05-15&StackName=nightshift-west&ChangeSetName=c"
        make += "&Parameters.member.1.ParameterKey=FleetLocation&Parameters.member.1.ParameterValue=%2Fx"
        lines = [
            line("cloudformation", "us-west-2", make.encode(), {"content-type": "application/x-www-form-urlencoded"}),
            line("ecs", "us-west-2", b'{"services":["a"]}', ECS | {"user-agent": "app/nightshift-west-scale"}),
            line("ecs", "us-west-2", b'{"services":["a"]}', ECS | {"user-agent": "app/nightshift"}),
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "1.jsonl"
            file.write_text("".join(lines))
            (one,) = heard([file])
            self.assertEqual((one.function, one.stack.name, one.stack.region), ("scale", "nightshift-west", "us-west-2"))
            self.assertEqual((one.asked.name, one.asked.problems), ("ecs:DescribeServices", []))
            self.assertEqual(one.stack.parameters, {"FleetLocation": "/x"})
            file.write_text(lines[1])
            with self.assertRaises(BadRecording):
                list(heard([file]))


ECS = {"x-amz-target": "AmazonEC2ContainerServiceV20141113.DescribeServices", "content-type": "application/x-amz-json-1.1"}


def line(service: str, region: str, body: bytes, headers: dict) -> str:
    scope = f"Credential=test/20260101/{region}/{service}/aws4_request"
    signed = {"authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x"}
    return json.dumps({"method": "POST", "path": "/", "headers": headers | signed, "body": base64.b64encode(body).decode()}) + "\n"


if __name__ == "__main__":
    unittest.main()
