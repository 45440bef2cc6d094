"""Roles out of templates: a small one by hand, and the project's own."""

import unittest

from harness.ministack import ROOT

from .evaluate import Statement
from .template import Stack, Template, TemplateError

SMALL = """
Parameters:
  Topic: {Type: String, Default: ''}
  More: {Type: CommaDelimitedList, Default: ''}
Conditions:
  Makes: !Equals [!Ref Topic, '']
  HasMore: !Not [!Equals [!Join ['', !Ref More], '']]
Resources:
  Own: {Type: AWS::SNS::Topic, Condition: Makes}
  Table: {Type: AWS::DynamoDB::Table}
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/aws/lambda/${AWS::StackName}-f'}}
  F:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: !Sub '${AWS::StackName}-f', Role: !GetAtt R.Arn}
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
              - {Sid: Tell, Effect: Allow, Action: 'sns:Publish', Resource: !If [Makes, !Ref Own, !Ref Topic]}
              - !If
                - HasMore
                - {Sid: TellMore, Effect: Allow, Action: 'sns:Publish', Resource: !Ref More}
                - !Ref AWS::NoValue
              - Sid: Keep
                Effect: Allow
                Action: ['dynamodb:PutItem', 'dynamodb:UpdateItem']
                Resource: [!GetAtt Table.Arn, !Sub 'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${F}']
                Condition: {StringEquals: {'aws:x': !Sub 'secretsmanager.${AWS::URLSuffix}'}}
              - {Sid: Log, Effect: Allow, Action: 'logs:PutLogEvents', Resource: !GetAtt Group.Arn}
"""
ACCOUNT = "123456789012"


def statements(stack: Stack, text: str = SMALL) -> dict[str, Statement]:
    return {statement.sid: statement for statement in Template(text).statements("f", stack)}


class Small(unittest.TestCase):
    def test_at_the_defaults(self):
        found = statements(Stack(ACCOUNT, "eu-west-1", "s"))
        self.assertEqual(list(found), ["Tell", "Keep", "Log"])
        self.assertEqual(found["Tell"].resources, (f"arn:aws:sns:eu-west-1:{ACCOUNT}:s-Own-*",))
        self.assertEqual(found["Keep"].actions, ("dynamodb:PutItem", "dynamodb:UpdateItem"))
        place = f"eu-west-1:{ACCOUNT}"
        self.assertEqual(found["Keep"].resources, (f"arn:aws:dynamodb:{place}:table/s-Table-*", f"arn:aws:lambda:{place}:function:s-f"))
        self.assertEqual(found["Keep"].conditions, (("StringEquals", "aws:x", ("secretsmanager.amazonaws.com",)),))
        self.assertEqual(found["Log"].resources, (f"arn:aws:logs:{place}:log-group:/aws/lambda/s-f:*",))

    def test_with_parameters_and_names(self):
        found = statements(Stack(ACCOUNT, "r", "s", {"Topic": "arn:aws:sns:r:1:t", "More": "arn:a,arn:b"}, {"Table": "ledger"}))
        self.assertEqual(found["Tell"].resources, ("arn:aws:sns:r:1:t",))
        self.assertEqual(found["TellMore"].resources, ("arn:a", "arn:b"))
        self.assertIn(f"arn:aws:dynamodb:r:{ACCOUNT}:table/ledger", found["Keep"].resources)

    def test_what_is_not_understood_is_an_error(self):
        for old, new in (
            ("!Ref Own", "!Select [0, [a]]"),
            ("Sid: Log", "Sid: Tell"),
            ("Sid: Log,", "Sid: Log, NotAction: x,"),
            ("!GetAtt Group.Arn", "!GetAtt Group.Name"),
            ("!GetAtt Group.Arn", "!Ref Missing"),
            ("Policies:", "ManagedPolicyArns: [x]\n      Policies:"),
        ):
            with self.subTest(new), self.assertRaises(TemplateError):
                self.assertIn(old, SMALL)
                statements(Stack(ACCOUNT, "r"), SMALL.replace(old, new))
        with self.assertRaises(TemplateError):
            statements(Stack(ACCOUNT, "r", "s", {"Missing": "x"}))


class Own(unittest.TestCase):
    def test_every_role_of_the_template_can_be_read_both_ways(self):
        template = Template.read(ROOT / "template.yaml")
        self.assertGreaterEqual(set(template.functions()), {"scale", "deploy", "approve", "rotate"})
        secret = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:app-??????"
        for function in template.functions():
            bare = template.statements(function, Stack(ACCOUNT, "us-east-1"))
            full = template.statements(function, Stack(ACCOUNT, "us-east-1", "nightshift", {"MoreTopicArns": "arn:aws:sns:us-east-1:1:x"}))
            self.assertEqual({one.sid for one in full} - {one.sid for one in bare}, {"TellMoreTopics"}, function)
        rotating = template.statements("rotate", Stack(ACCOUNT, "us-east-1", "nightshift", {"RotatedSecretArns": secret}))
        self.assertEqual(next(one for one in rotating if one.sid == "RotateSecrets").resources, (secret,))


if __name__ == "__main__":
    unittest.main()
