"""From requests to what AWS asks, and both held against the Service Authorization Reference."""

import unittest

from harness.ministack import ROOT
from harness.wire import Asked

from .exceptions import NARROWER
from .reference import UnknownAction, is_possible, resource_types
from .resources import UnknownOperation, checks
from .template import Stack, Template

ACCOUNT = "123456789012"
PLACE = f"us-east-1:{ACCOUNT}"


def asked(name: str, params: dict, region: str = "us-east-1") -> list[tuple[str, str]]:
    service, operation = name.split(":")
    return [(check.action, check.resource) for check in checks(Asked(service, operation, params, "json", "", region), ACCOUNT)]


class Resources(unittest.TestCase):
    def test_services_by_name_and_by_arn(self):
        whole = f"arn:aws:ecs:{PLACE}:service/shop/web"
        self.assertEqual(
            asked("ecs:DescribeServices", {"cluster": f"arn:aws:ecs:{PLACE}:cluster/shop", "services": ["api", whole]}),
            [("ecs:DescribeServices", f"arn:aws:ecs:{PLACE}:service/shop/api"), ("ecs:DescribeServices", whole)],
        )

    def test_a_deployment_is_asked_for_with_its_service(self):
        deployment = f"arn:aws:ecs:{PLACE}:service-deployment/shop/api/abc"
        for name, params in (
            ("ecs:DescribeServiceDeployments", {"serviceDeploymentArns": [deployment]}),
            ("ecs:StopServiceDeployment", {"serviceDeploymentArn": deployment}),
        ):
            self.assertEqual([resource for _, resource in asked(name, params)], [deployment, f"arn:aws:ecs:{PLACE}:service/shop/api"])

    def test_a_revision_hands_its_roles_over_and_has_its_tags(self):
        role = f"arn:aws:iam::{ACCOUNT}:role/task"
        params = {"family": "app", "taskRoleArn": role, "executionRoleArn": "execution", "tags": [{"key": "a", "value": "b"}]}
        found = checks(Asked("ecs", "RegisterTaskDefinition", params, "json", "", "us-east-1"), ACCOUNT)
        self.assertEqual(
            [(check.action, check.resource) for check in found],
            [
                ("ecs:RegisterTaskDefinition", f"arn:aws:ecs:{PLACE}:task-definition/app:some-id"),
                ("iam:PassRole", role),
                ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/execution"),
                ("ecs:TagResource", f"arn:aws:ecs:{PLACE}:task-definition/app:some-id"),
            ],
        )
        self.assertEqual(found[1].context, (("iam:PassedToService", ("ecs-tasks.amazonaws.com",)),))
        self.assertEqual(found[3].context, (("ecs:CreateAction", ("RegisterTaskDefinition",)),))
        self.assertEqual(len(asked("ecs:RegisterTaskDefinition", {"family": "app"})), 1)

    def test_a_refresh_with_a_template_has_to_be_able_to_launch_it(self):
        template = {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}}
        found = asked("autoscaling:StartInstanceRefresh", {"AutoScalingGroupName": "web", "DesiredConfiguration": template})
        self.assertEqual(
            {action for action, _ in found}, {"autoscaling:StartInstanceRefresh", "ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"}
        )
        self.assertIn(("ec2:RunInstances", f"arn:aws:ec2:{PLACE}:launch-template/lt-1"), found)
        self.assertEqual(len(asked("autoscaling:StartInstanceRefresh", {"AutoScalingGroupName": "web"})), 1)

    def test_secrets_by_name_by_arn_and_by_half_an_arn(self):
        arn = f"arn:aws:secretsmanager:{PLACE}:secret:app/key-aBcDeF"
        for named, expected in ((arn, arn), ("app/key", f"{arn[:-6]}??????"), (arn[:-7], f"{arn[:-6]}??????")):
            self.assertEqual(asked("secretsmanager:GetSecretValue", {"SecretId": named}), [("secretsmanager:GetSecretValue", expected)])

    def test_a_secret_whose_arn_a_parameter_tells(self):
        arns = f"arn:aws:secretsmanager:{PLACE}:secret:app/key-aBcDeF,x"
        stack = Stack(ACCOUNT, "us-east-1", "s", {"RotatedSecretArns": arns, "Mode": "act"})
        for named, expected in (("app/key", "app/key-aBcDeF"), ("app/key-two", "app/key-two-??????"), ("key", "key-??????")):
            request = Asked("secretsmanager", "GetSecretValue", {"SecretId": named}, "json", "", "us-east-1")
            (check,) = checks(request, ACCOUNT, stack.secrets())
            self.assertEqual(check.resource, f"arn:aws:secretsmanager:{PLACE}:secret:{expected}")

    def test_the_rest(self):
        schedule = {"Name": "look", "GroupName": "night", "Target": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/s"}}
        entries = {"Entries": [{"Source": "nightshift", "DetailType": "Report"}]}
        pipeline = {"pipelineName": "p", "stageName": "s", "actionName": "a"}
        for name, params, expected in (
            ("scheduler:CreateSchedule", schedule, f"arn:aws:scheduler:{PLACE}:schedule/night/look"),
            ("dynamodb:BatchGetItem", {"RequestItems": {"ledger": {}}}, f"arn:aws:dynamodb:{PLACE}:table/ledger"),
            ("lambda:Invoke", {"FunctionName": "nightshift-deploy"}, f"arn:aws:lambda:{PLACE}:function:nightshift-deploy"),
            ("events:PutEvents", entries, f"arn:aws:events:{PLACE}:event-bus/default"),
            ("cloudfront:CreateInvalidation", {"DistributionId": "E1"}, f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"),
            ("ecr:DescribeImages", {"repositoryName": "a/b", "registryId": "1"}, "arn:aws:ecr:us-east-1:1:repository/a/b"),
            ("codepipeline:PutApprovalResult", pipeline, f"arn:aws:codepipeline:{PLACE}:p/s/a"),
            ("ssm:GetParameters", {"Names": ["/app/key"]}, f"arn:aws:ssm:{PLACE}:parameter/app/key"),
            ("ecs:ListTasks", {"cluster": "shop"}, "*"),
        ):
            with self.subTest(name):
                self.assertEqual(asked(name, params)[0][1], expected)
        self.assertEqual(asked("lambda:Invoke", {"FunctionName": "f"})[0][0], "lambda:InvokeFunction")

    def test_an_operation_that_is_not_in_the_table_is_an_error(self):
        with self.assertRaises(UnknownOperation):
            asked("ecs:DeleteService", {"service": "x"})


class Reference(unittest.TestCase):
    def test_what_it_knows(self):
        self.assertEqual(resource_types("ecs:DescribeServices"), ("service",))
        self.assertEqual(resource_types("autoscaling:DescribePolicies"), ())
        self.assertTrue(is_possible("ecs:DescribeServices", f"arn:aws:ecs:{PLACE}:service/shop/api"))
        self.assertFalse(is_possible("ecs:DescribeServices", f"arn:aws:ecs:{PLACE}:cluster/shop"))
        self.assertFalse(is_possible("sns:Publish", "*"))
        with self.assertRaises(UnknownAction):
            resource_types("ecs:DescribeEverything")

    def test_every_action_of_every_role_is_in_it(self):
        template = Template.read(ROOT / "template.yaml")
        for function in template.functions():
            for statement in template.statements(function, Stack(ACCOUNT, "us-east-1")):
                for action in statement.actions:
                    resource_types(action)

    def test_the_exceptions_are_exceptions(self):
        for action in NARROWER:
            self.assertEqual(resource_types(action), ())


if __name__ == "__main__":
    unittest.main()
