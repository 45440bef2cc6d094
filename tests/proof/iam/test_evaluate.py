"""The evaluation of statements: what matches, what does not, and what is an error."""

import unittest

from .evaluate import Check, Statement, UnknownOperator, allows, matches

SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/api"


def allow(action: str, resource: str, *conditions, sid: str = "A", effect: str = "Allow") -> Statement:
    return Statement(sid, effect, (action,), (resource,), conditions)


def says(resource: str, asked: str) -> bool:
    return matches(allow("ecs:UpdateService", resource), Check("ecs:UpdateService", asked))


class Evaluate(unittest.TestCase):
    def test_nothing_is_allowed_unless_somebody_allows_it(self):
        self.assertFalse(allows([], Check("ecs:UpdateService", SERVICE)))
        self.assertFalse(allows([allow("ecs:DescribeServices", "*")], Check("ecs:UpdateService", SERVICE)))
        self.assertTrue(allows([allow("ecs:updateservice", SERVICE)], Check("ecs:UpdateService", SERVICE)), "actions have no case")

    def test_a_denial_wins_whatever_allows(self):
        statements = [allow("ecs:*", "*"), allow("ecs:UpdateService", "*", sid="D", effect="Deny")]
        self.assertFalse(allows(statements, Check("ecs:UpdateService", SERVICE)))
        self.assertTrue(allows(statements, Check("ecs:DescribeServices", SERVICE)))

    def test_wildcards_of_resources(self):
        self.assertTrue(says("arn:aws:ecs:us-east-1:123456789012:service/*", SERVICE))
        self.assertTrue(says("arn:aws:ecs:*:123456789012:service/shop/ap?", SERVICE))
        self.assertFalse(says("arn:aws:ecs:us-east-1:123456789012:service/shop/ap?x", SERVICE))
        self.assertFalse(says("arn:aws:ecs:us-west-2:123456789012:service/*", SERVICE), "another region")
        self.assertFalse(says("arn:aws:ecs:us-east-1:210987654321:service/*", SERVICE), "another account")
        self.assertFalse(says("arn:aws:ecs:*:service/shop/api", SERVICE), "a star does not reach over the account's colon")
        self.assertTrue(matches(allow("sqs:SendMessage", "arn:aws:sqs:*:*:a:*"), Check("sqs:SendMessage", "arn:aws:sqs:r:1:a:b:c")))

    def test_an_action_without_a_resource_needs_the_star(self):
        self.assertTrue(says("*", "*"))
        self.assertFalse(says("arn:aws:ecs:us-east-1:123456789012:*", "*"))
        self.assertFalse(says("arn:*:*:*:*:*", "*"))

    def test_conditions_need_their_key_and_its_value(self):
        passed = allow("iam:PassRole", "*", ("StringEquals", "iam:PassedToService", ("ecs-tasks.amazonaws.com",)))
        for service, expected in (("ecs-tasks.amazonaws.com", True), ("ec2.amazonaws.com", False)):
            self.assertEqual(matches(passed, Check("iam:PassRole", "*", (("iam:passedtoservice", (service,)),))), expected)
        self.assertFalse(matches(passed, Check("iam:PassRole", "*")), "a key that is missing matches nothing")

    def test_string_equals_has_no_wildcards_and_arn_like_has(self):
        template = "arn:aws:ec2:us-east-1:123456789012:launch-template/"
        asked = Check("ec2:RunInstances", "*", (("ec2:LaunchTemplate", (f"{template}lt-1",)),))
        self.assertTrue(matches(allow("ec2:RunInstances", "*", ("ArnLike", "ec2:LaunchTemplate", (f"{template}*",))), asked))
        self.assertFalse(matches(allow("ec2:RunInstances", "*", ("StringEquals", "ec2:LaunchTemplate", (f"{template}*",))), asked))

    def test_all_of_several_values(self):
        ours = allow("events:PutEvents", "*", ("ForAllValues:StringEquals", "events:source", ("nightshift",)))
        for sources, expected in ((("nightshift",), True), (("nightshift", "aws.ecs"), False), ((), True)):
            self.assertEqual(matches(ours, Check("events:PutEvents", "*", (("events:source", sources),))), expected)
        self.assertTrue(matches(ours, Check("events:PutEvents", "*")), "true where there is no such key")
        plain = allow("events:PutEvents", "*", ("StringEquals", "events:source", ("a", "b")))
        self.assertFalse(matches(plain, Check("events:PutEvents", "*", (("events:source", ("a", "b")),))))

    def test_an_operator_that_is_not_known_is_an_error_never_a_pass(self):
        for operator in ("NumericLessThan", "StringEqualsIfExists", "ForAnyValue:StringEquals", "Null", "ForAllValues:Bool"):
            with self.subTest(operator), self.assertRaises(UnknownOperator):
                allows([allow("sns:Publish", "*", (operator, "x", ("y",)))], Check("ecs:UpdateService", "*"))


if __name__ == "__main__":
    unittest.main()
