"""A local AWS that containers can reach, with Nightshift and the five systems deployed, for as long as the block lasts.

Its account is the one that the runtime's emulator says it is in: a push to another account's repository is not ours. Must listen
nowhere but on the address that it is given, and leave nothing running: MiniStack ends with its standard input (tests/src/launcher.py).
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions

ROOT = Path(__file__).resolve().parent.parent.parent
# The account is written into the emulator that SAM brings; the samples are about another one.
ACCOUNT, SAMPLE_ACCOUNT, REGION = "012345678912", "111122223333", "us-east-1"
SYSTEMS = ["ecommerce", "ecs-postgres", "multi-region", "pizza", "stateless"]
# What the local AWS lacks; tests/src/deploy.rs says the same of each.
PARAMETERS = {
    "ecs-postgres": {"CapacityProvider": "false", "MachineImage": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
    "multi-region": {"NatGateways": "false", "FlowLogs": "false"},
    "stateless": {"AttachFirewall": "false"},
}
# Secrets of the samples, by name: Secrets Manager appends six characters to an ARN that nobody can choose.
SAMPLE_SECRETS = {"ecs-postgres/database": "Kd3vNx", "pizza/api": "Qw8rTz"}
# The version that the samples of events/rotate are about.
SAMPLE_VERSION = "7d1c0e52-5b0e-4f0c-9c3a-2f6a1b8e4d90"


class NotDeployed(Exception):
    """Something could not be deployed on the local AWS; the text says what and why."""


class Estate:
    """The local AWS; `endpoint` is where, `environment` what a shell that uses it has."""

    def __init__(self, address: str):
        self._address = address

    def __enter__(self) -> "Estate":
        self._folder = Path(tempfile.mkdtemp(prefix="nightshift-sam-local-"))
        with socket.create_server((self._address, 0)) as probe:
            port = probe.getsockname()[1]
        self.endpoint = f"http://{self._address}:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = kept | {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
        }
        self._start(port)
        return self

    def _start(self, port: int) -> None:
        # With a Docker daemon in reach it would start real containers.
        more = {"DOCKER_HOST": "unix:///nonexistent", "TMPDIR": str(self._folder), "HOME": str(self._folder), "AUTH": "false"}
        more |= {"GATEWAY_PORT": str(port), "BIND_HOST": self._address, "LOG_LEVEL": "INFO", "MINISTACK_ACCOUNT_ID": ACCOUNT}
        # One-time schedules would call the deployed functions in the middle of the samples: they come far later here.
        more |= {"NIGHTSHIFT_SWEEP_SECONDS": "86400", "NIGHTSHIFT_MAILBOX": str(self._folder / "mail.jsonl")}
        command = [sys.executable, str(ROOT / "tests/src/launcher.py"), str(self._folder)]
        with open(self._folder / "ministack.log", "wb") as log:
            self._process = subprocess.Popen(
                command,
                env=self.environment | more,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client("sts").get_caller_identity()
                return
            except botocore.exceptions.BotoCoreError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    tail = self.log_tail()
                    self.__exit__()
                    raise NotDeployed(f"the local AWS did not start:\n{tail}") from None
                time.sleep(0.2)

    def client(self, service: str, region: str = REGION):
        """A boto3 client of the local AWS."""
        patience = botocore.config.Config(connect_timeout=10, read_timeout=120, retries={"max_attempts": 0})
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint, config=patience, **keys)

    def log_tail(self) -> str:
        """The end of MiniStack's log."""
        return (self._folder / "ministack.log").read_text(errors="replace")[-2000:]

    def deploy_systems(self) -> None:
        """The stacks of the five systems, at home."""
        for name in SYSTEMS:
            cloudformation = self.client("cloudformation", "ap-southeast-1" if name == "ecommerce" else REGION)
            cloudformation.create_stack(
                StackName=name,
                TemplateBody=(ROOT / "systems" / name / "stack.yaml").read_text(),
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.get(name, {}).items()],
            )
            self._wait_for(cloudformation, name)

    def _wait_for(self, cloudformation, stack: str) -> None:
        deadline = time.monotonic() + 60
        while (status := cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]) != "CREATE_COMPLETE":
            if not status.endswith("IN_PROGRESS") or time.monotonic() > deadline:
                raise NotDeployed(f"the stack {stack} is {status}:\n{self.log_tail()}")
            time.sleep(0.1)

    def deploy_nightshift(self, template: Path, environment: dict[str, str]) -> dict[str, dict[str, str]]:
        """Deploys the built template as a person does; the environment of each function (by logical id) as it was deployed."""
        # A layer is recorded here but not unpacked, so the deployed functions read the fleet files where they lie.
        overrides = [
            "Mode=act",
            f"FleetLocation={ROOT / 'systems'}",
            "CalendarState=DISABLED",
            "SweepState=DISABLED",
            "LedgerProtection=false",
        ]
        sam = [str(Path(sys.executable).parent / "sam"), "deploy", "--template-file", str(template), "--stack-name", "nightshift"]
        sam += ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]
        done = subprocess.run(
            [*sam, "--parameter-overrides", *overrides], env=environment, cwd=self._folder, capture_output=True, text=True
        )
        if done.returncode:
            raise NotDeployed(f"sam deploy failed:\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}\n{self.log_tail()}")
        resources = self.client("cloudformation").describe_stack_resources(StackName="nightshift")["StackResources"]
        functions = {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::Lambda::Function"
        }
        lambdas = self.client("lambda")
        deployed = {name: lambdas.get_function_configuration(FunctionName=physical) for name, physical in functions.items()}
        return {name: configuration["Environment"]["Variables"] for name, configuration in sorted(deployed.items())}

    def make_busy(self, command_line: Path) -> int:
        """The alarms that the fleet files mean, and load that those with a name in `-high` stand for; how many of these there are."""
        # A topic that nobody reads: the deployed functions would act before the samples come.
        topic = self.client("sns").create_topic(Name="nobody-reads-this")["TopicArn"]
        sync = [str(command_line), "alarms", "sync", "--yes", "--topic-arn", topic]
        done = subprocess.run(sync, env=self.environment, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise NotDeployed(f"nightshift alarms sync failed:\n{done.stdout[-1000:]}\n{done.stderr[-1000:]}")
        cloudwatch = self.client("cloudwatch")
        alarms = [
            each
            for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="nightshift-")
            for each in page["MetricAlarms"]
        ]
        busy = [each for each in alarms if each["AlarmName"].endswith("-high") and each.get("MetricName")]
        now = time.time()
        for alarm in busy:
            datum = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": alarm["Threshold"] * 1.3}
            data = [datum | {"Timestamp": now - 60 * minutes} for minutes in range(15)]
            cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=data)
            cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="the load of tests/local")
        return len(busy)

    def begin_sample_rotation(self) -> None:
        """What Secrets Manager does before it calls the first step: a version that is pending and has no value."""
        function = self.client("lambda").get_function_configuration(FunctionName="nightshift-rotate")["FunctionArn"]
        rules = {"AutomaticallyAfterDays": 30}
        self.client("secretsmanager").rotate_secret(
            SecretId="ecs-postgres/database", ClientRequestToken=SAMPLE_VERSION, RotationLambdaARN=function, RotationRules=rules
        )

    def at_home(self) -> dict[str, str]:
        """What stands for this estate in a sample, by what the sample says: the account, and the end of each secret's ARN."""
        secrets = self.client("secretsmanager")
        here = {name: secrets.describe_secret(SecretId=name)["ARN"].rsplit("-", 1)[1] for name in SAMPLE_SECRETS}
        endings = {f"secret:{name}-{theirs}": f"secret:{name}-{here[name]}" for name, theirs in SAMPLE_SECRETS.items()}
        return {SAMPLE_ACCOUNT: ACCOUNT} | endings

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
