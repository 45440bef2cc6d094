//! The template against the code: environment, permissions, logs, failure destinations, alarms, retries.

use std::collections::BTreeSet;
use std::path::Path;

use nightshift_tests::{project, template};
use serde_json::{Map, Value, json};

mod rotation;

/// A function: its logical name, its folder, the adapters that it is made with (files and folders of `shared/aws/src`), those of
/// their operations that it never calls, and the variables that it reads.
struct Function {
    name: &'static str,
    crate_folder: &'static str,
    adapters: &'static [&'static str],
    never_calls: &'static [&'static str],
    environment: fn() -> Vec<&'static str>,
}

/// Adding a function is adding its entry.
const FUNCTIONS: &[Function] = &[
    Function {
        name: "ScaleFunction",
        crate_folder: "functions/scale",
        adapters: &[
            "application_autoscaling.rs",
            "autoscaling.rs",
            "cloudwatch.rs",
            "dynamodb.rs",
            "ecs.rs",
            "ecs",
            "scheduler.rs",
            "sns.rs",
            "sns",
        ],
        // Writing parts of an item is for releases.
        never_calls: &["dynamodb:UpdateItem"],
        environment: || nightshift_lambda::ENVIRONMENT.to_vec(),
    },
    Function {
        name: "DeployFunction",
        crate_folder: "functions/deploy",
        adapters: &[
            "cloudfront.rs",
            "cloudwatch.rs",
            "dynamodb.rs",
            "dynamodb/front_ends.rs",
            "dynamodb/releases.rs",
            "ecr.rs",
            "events.rs",
            "scheduler.rs",
            "secrets.rs",
            "sns.rs",
            "sns",
            "targets",
        ],
        // The two of STS stand in the trust policies that are looked at.
        never_calls: &["cloudwatch:GetMetricData", "sts:AssumeRole", "sts:TagSession"],
        environment: || [nightshift_lambda::ENVIRONMENT, nightshift_deploy::ENVIRONMENT].concat(),
    },
    Function {
        name: "ApproveFunction",
        crate_folder: "functions/approve",
        adapters: &[
            "codepipeline.rs",
            "dynamodb.rs",
            "dynamodb/pipelines.rs",
            "dynamodb/releases.rs",
            "invoke.rs",
            "secrets.rs",
            "sns.rs",
            "sns",
        ],
        never_calls: &["lambda:GetFunctionConfiguration"],
        environment: || nightshift_approve::ENVIRONMENT.to_vec(),
    },
    Function {
        name: "RotateFunction",
        crate_folder: "functions/rotate",
        adapters: &[
            "dynamodb.rs",
            "dynamodb/releases.rs",
            "dynamodb/rotations.rs",
            "elasticache.rs",
            "invoke.rs",
            "scheduler.rs",
            "secrets_manager.rs",
            "sns.rs",
            "sns",
            // What tasks are made from says who reads a secret; nothing else of a target is asked for or done.
            "targets/definitions.rs",
            "targets/services.rs",
        ],
        never_calls: &[
            "dynamodb:UpdateItem",
            "ecs:RegisterTaskDefinition",
            "ecs:UpdateService",
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunctionUrlConfig",
            "secretsmanager:ListSecretVersionIds",
        ],
        environment: || [nightshift_lambda::ENVIRONMENT, nightshift_rotate::ENVIRONMENT].concat(),
    },
];

/// What each role needs besides the calls of our own adapters: Lambda's own doings in the function's name.
const LAMBDAS_CALLS: &[&str] =
    &["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "xray:PutTelemetryRecords", "xray:PutTraceSegments"];

/// What AWS itself asks for where a function calls something else: to hand roles over, to tag and to launch in its name, to let
/// ECR ask Inspector, and Secrets Manager KMS; and what Lambda needs in a VPC.
const CALLED_BY_AWS: &[(&str, &[&str])] = &[
    ("ScaleFunction", &["iam:PassRole"]),
    (
        "DeployFunction",
        &["ec2:CreateTags", "ec2:RunInstances", "ecs:TagResource", "iam:PassRole", "inspector2:ListCoverage", "inspector2:ListFindings"],
    ),
    (
        "RotateFunction",
        &[
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
            "iam:PassRole",
            "kms:Decrypt",
            "kms:GenerateDataKey",
        ],
    ),
];

fn read() -> Value {
    template::read(&project::root().join("template.yaml"))
}

fn of_type<'t>(template: &'t Value, kind: &'t str) -> impl Iterator<Item = (&'t String, &'t Map<String, Value>)> {
    let resources = template["Resources"].as_object().expect("a template has resources");
    let of_kind = resources.iter().filter(move |(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name, resource["Properties"].as_object().expect("a resource has properties")))
}

fn functions(template: &Value) -> Vec<(&String, &Map<String, Value>)> {
    let functions: Vec<_> = of_type(template, "AWS::Serverless::Function").collect();
    assert!(!functions.is_empty(), "the template has no function");
    functions
}

#[test]
fn every_variable_that_the_functions_read_is_set_and_no_other() {
    let template = read();
    let globals = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (name, function) in functions(&template) {
        let own = function["Environment"]["Variables"].as_object().into_iter().flatten();
        let set: BTreeSet<&str> = own.chain(globals.as_object().into_iter().flatten()).map(|(name, _)| name.as_str()).collect();
        let read: BTreeSet<&str> = (known(name).environment)().into_iter().collect();
        // Every function is given the mode, also one that only answers people.
        let set: BTreeSet<&str> = set.into_iter().filter(|name| *name != "NIGHTSHIFT_MODE" || read.contains(name)).collect();
        assert_eq!(set, read, "{name}: left is what the template sets, right is what its code reads");
    }
}

fn known(name: &str) -> &'static Function {
    FUNCTIONS.iter().find(|function| function.name == name).unwrap_or_else(|| panic!("{name} has no entry in FUNCTIONS"))
}

/// Every `"service:Operation"` in these adapters: that is how errors name the call that failed.
fn operations_of(adapters: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for adapter in adapters {
        operations_in(&project::root().join("shared/aws/src").join(adapter), &mut found);
    }
    assert!(found.contains("sns:Publish"), "the search for operations finds nothing: {found:?}");
    found
}

fn operations_in(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("the adapters are there") {
            operations_in(&entry.expect("a folder can be read").path(), found);
        }
        return;
    }
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.extend(text.split('"').filter(|quoted| is_operation(quoted)).map(str::to_owned));
}

fn is_operation(text: &str) -> bool {
    let Some((service, operation)) = text.split_once(':') else { return false };
    let is_service =
        !service.is_empty() && service.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    is_service
        && operation.starts_with(|letter: char| letter.is_ascii_uppercase())
        && operation.chars().all(|letter| letter.is_ascii_alphanumeric())
}

/// The statements of a role's policies, those that a condition may leave out included.
fn statements(role: &Map<String, Value>) -> Vec<&Value> {
    let policies = role["Policies"].as_array().expect("a role has its policy inline");
    let written = policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten());
    written.map(|statement| if statement["Fn::If"].is_array() { &statement["Fn::If"][1] } else { statement }).collect()
}

fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => panic!("a statement without actions: {other}"),
    }
}

/// The role of a function, by the logical name in `Role: !GetAtt <name>.Arn`.
fn role<'t>(template: &'t Value, function: &Map<String, Value>) -> &'t Map<String, Value> {
    let name =
        function["Role"]["Fn::GetAtt"].as_str().and_then(|role| role.strip_suffix(".Arn")).expect("a function has a role of its own");
    of_type(template, "AWS::IAM::Role").find(|(known, _)| *known == name).expect("the role is in the template").1
}

#[test]
fn each_role_may_do_what_its_function_calls_and_nothing_else() {
    let template = read();
    for (name, function) in functions(&template) {
        let known = known(name);
        let allowed: BTreeSet<String> = statements(role(&template, function)).into_iter().flat_map(actions).collect();
        let mut needed = operations_of(known.adapters);
        for not_called in known.never_calls {
            assert!(needed.remove(*not_called), "{name}: {not_called} is no longer in its adapters: take it off the list");
        }
        let by_aws = CALLED_BY_AWS.iter().filter(|(caller, _)| caller == name).flat_map(|(_, actions)| actions.iter());
        needed.extend(LAMBDAS_CALLS.iter().chain(by_aws).map(|action| (*action).to_owned()));
        let missing: Vec<_> = needed.difference(&allowed).collect();
        let needless: Vec<_> = allowed.difference(&needed).collect();
        assert!(
            missing.is_empty() && needless.is_empty(),
            "{name}: called but not allowed: {missing:?}; allowed but not called: {needless:?}"
        );
    }
}

/// The lists of adapters above are those that the functions are really made with.
#[test]
fn the_adapters_of_each_function_are_those_of_its_own_code() {
    for function in FUNCTIONS {
        let made = construction_of(function);
        for (adapter, file) in ADAPTERS {
            let is_made = made.contains(&format!("{adapter}::new("));
            // Of a folder, also those of its files that the function gets to.
            let is_listed = function.adapters.iter().any(|listed| listed == file || listed.starts_with(&format!("{file}/")));
            assert_eq!(is_made, is_listed, "{}: {adapter} ({file}): made in its code: {is_made}, listed here: {is_listed}", function.name);
        }
    }
}

/// Where a function makes its adapters: `deps.rs`, or `aws.rs` beside it.
fn construction_of(function: &Function) -> String {
    let source = project::root().join(function.crate_folder).join("src");
    let deps = std::fs::read_to_string(source.join("deps.rs")).expect("a function has its deps.rs");
    deps + &std::fs::read_to_string(source.join("aws.rs")).unwrap_or_default()
}

/// Each adapter and the file or folder in which its calls are named.
const ADAPTERS: &[(&str, &str)] = &[
    ("ApprovalSecret", "secrets.rs"),
    ("AutoScalingGroups", "autoscaling.rs"),
    ("CacheGroups", "elasticache.rs"),
    ("CloudFrontEdges", "cloudfront.rs"),
    ("CloudWatch", "cloudwatch.rs"),
    ("DynamoLedger", "dynamodb.rs"),
    ("EcrImages", "ecr.rs"),
    ("EcsServices", "ecs.rs"),
    ("Functions", "invoke.rs"),
    ("ManagedSecrets", "secrets_manager.rs"),
    ("OneTimeSchedules", "scheduler.rs"),
    ("Pipelines", "codepipeline.rs"),
    ("RegionBuses", "events.rs"),
    ("ReleaseTargets", "targets"),
    ("SnsTopics", "sns.rs"),
];

#[test]
fn no_policy_reaches_further_than_it_says() {
    let template = read();
    let text = std::fs::read_to_string(project::root().join("template.yaml")).expect("the template is there");
    let mut stars = 0;
    for (name, role) in of_type(&template, "AWS::IAM::Role") {
        assert!(!role.contains_key("ManagedPolicyArns"), "{name} has a managed policy");
        let mut sids = BTreeSet::new();
        for statement in statements(role) {
            assert!(sids.insert(statement["Sid"].as_str().expect("a statement has a Sid")), "{name}: a Sid stands twice");
            assert!(actions(statement).iter().all(|action| !action.contains('*')), "{name}: a star in the actions of {statement}");
            stars += usize::from(statement["Resource"] == "*");
        }
    }
    let explained = text.lines().filter(|line| line.contains("Resource: '*'") && line.contains('#')).count();
    assert_eq!(explained, stars, "every Resource '*' stands alone and says on its line why");
}

#[test]
fn each_function_has_one_log_group_that_forgets() {
    let template = read();
    let groups: Vec<_> = of_type(&template, "AWS::Logs::LogGroup").collect();
    assert_eq!(groups.len(), functions(&template).len(), "one log group for each function");
    for (name, group) in &groups {
        assert!(group.contains_key("RetentionInDays"), "{name} keeps its logs for ever");
    }
    for (name, function) in functions(&template) {
        let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str();
        assert!(groups.iter().any(|(known, _)| Some(known.as_str()) == group), "{name} logs to {group:?}");
    }
}

#[test]
fn each_function_says_what_becomes_of_a_failed_event() {
    let template = read();
    for (name, function) in functions(&template) {
        let invoke = &function["EventInvokeConfig"];
        assert!(invoke["MaximumRetryAttempts"].is_i64(), "{name}: how often is an event tried again?");
        assert!(invoke["MaximumEventAgeInSeconds"].is_i64(), "{name}: how old may an event get?");
        let failure = &invoke["DestinationConfig"]["OnFailure"];
        assert_eq!(*failure, json!({ "Type": "SQS", "Destination": { "Fn::GetAtt": "FailureQueue.Arn" } }), "{name}");
        for (source, event) in function["Events"].as_object().into_iter().flatten() {
            let properties = &event["Properties"];
            let dead_letters = [&properties["DeadLetterConfig"]["Arn"], &properties["RedrivePolicy"]["deadLetterTargetArn"]];
            assert!(dead_letters.iter().any(|arn| arn["Fn::GetAtt"] == "FailureQueue.Arn"), "{name}: what {source} cannot deliver is lost");
            if event["Type"] != "SNS" {
                assert!(properties["RetryPolicy"]["MaximumRetryAttempts"].is_i64(), "{name}: {source} has no retry count");
                assert!(properties["RetryPolicy"]["MaximumEventAgeInSeconds"].is_i64(), "{name}: {source} has no event age");
            }
        }
    }
}

#[test]
fn each_function_has_one_alarm_on_errors_and_one_on_throttles() {
    let template = read();
    for (name, _) in functions(&template) {
        for metric in ["Errors", "Throttles"] {
            let watches = |alarm: &Map<String, Value>| {
                let dimension = json!([{ "Name": "FunctionName", "Value": { "Ref": name } }]);
                alarm["Namespace"] == "AWS/Lambda" && alarm["MetricName"] == metric && alarm["Dimensions"] == dimension
            };
            let alarms: Vec<_> = of_type(&template, "AWS::CloudWatch::Alarm").filter(|(_, alarm)| watches(alarm)).collect();
            assert_eq!(alarms.len(), 1, "{name}: alarms on {metric}");
            let actions = alarms[0].1["AlarmActions"].as_array().map_or(0, Vec::len);
            assert_eq!(actions, 1, "{name}: the alarm on {metric} tells nobody");
        }
    }
}

#[test]
fn the_failure_queue_is_watched_and_keeps_what_it_gets() {
    let template = read();
    let queue = of_type(&template, "AWS::SQS::Queue").find(|(name, _)| *name == "FailureQueue").expect("there is a FailureQueue").1;
    assert_eq!(queue["MessageRetentionPeriod"], 1_209_600, "14 days, the most that SQS keeps");
    let watched = of_type(&template, "AWS::CloudWatch::Alarm").any(|(_, alarm)| {
        alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
            && alarm["Dimensions"][0]["Value"]["Fn::GetAtt"] == "FailureQueue.QueueName"
    });
    assert!(watched, "nobody is told of a message in the failure queue");
}

#[test]
fn a_new_stack_only_observes_and_every_parameter_explains_itself() {
    let template = read();
    assert_eq!(template["Parameters"]["Mode"]["Default"], "observe");
    for (name, parameter) in template["Parameters"].as_object().expect("there are parameters") {
        assert!(parameter["Description"].as_str().is_some_and(|text| text.len() > 10), "{name} has no description");
        // CloudFormation holds the pattern of a list against each of its items.
        let is_bounded = parameter.get("AllowedValues").is_some() || parameter.get("AllowedPattern").is_some();
        assert!(is_bounded, "{name} takes anything");
    }
}
