//! What AWS answers: any status and body through the adapters that read it.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use nightshift_aws::{
    ApprovalSecret, AutoScalingGroups, AwsCaller, CacheGroups, CallLimits, CloudWatch, DynamoLedger, EcrImages, EcsServices, Keep,
    ManagedSecrets, ReleaseTargets, Xml, sdk_config_with,
};
use nightshift_core::fleet::{DeployTarget, EcsService, SecretName, SystemName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{AlarmReader, GroupReader, Ledger, PortResult, TaskReader};
use nightshift_core::release::ImageRef;
use nightshift_core::release::approve::ports::{KeyReader, PipelineDesk};
use nightshift_core::release::front_end::{FrontEndKey, FrontEndLedger};
use nightshift_core::release::ports::{ImageReader, ReleaseLedger, TargetReader};
use nightshift_core::rotation::ports::{CacheClusters, RotationLedger, SecretReader, VersionRef};
use tokio::runtime::{Builder, Runtime};

use super::text;

/// Answers every request the same.
#[derive(Clone, Default)]
struct Always(Arc<Mutex<(u16, Vec<u8>)>>);

impl fmt::Debug for Always {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Always")
    }
}

impl HttpConnector for Always {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.0.lock().expect("one thread").clone();
        let mut response = HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body));
        response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Always {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

struct Aws {
    runtime: Runtime,
    answer: Always,
    config: aws_types::SdkConfig,
    caller: AwsCaller,
}

thread_local! {
    static AWS: RefCell<Option<Aws>> = const { RefCell::new(None) };
}

fn connect() -> Aws {
    let answer = Always::default();
    let lookup = |name: &str| match name {
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    };
    let limits = CallLimits { attempts: 1, first_backoff: Duration::from_millis(1), ..CallLimits::default() };
    let config = sdk_config_with(lookup, limits).expect("complete").to_builder().http_client(answer.clone()).build();
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let caller = AwsCaller::new(&config);
    Aws { runtime, answer, config, caller }
}

fn named<T: TryFrom<String, Error = String>>(text: &str) -> T {
    T::try_from(text.to_owned()).unwrap_or_else(|problem| panic!("{problem}"))
}

const CALLS: u8 = 14;
const STATUSES: [u16; 4] = [200, 400, 403, 500];

/// The first byte selects the call, the second the status; the rest is the body.
pub(super) fn aws(bytes: &[u8]) {
    let [call, status, body @ ..] = bytes else { return };
    if let Some(root) = text(body).and_then(|text| Xml::parse(text).ok()) {
        assert!(root.text("a/b").is_none_or(|found| body.len() >= found.len()));
        assert!(root.children().len() <= body.len());
    }
    AWS.with_borrow_mut(|aws| {
        let aws = aws.get_or_insert_with(connect);
        *aws.answer.0.lock().expect("one thread") = (STATUSES[usize::from(*status) % STATUSES.len()], body.to_vec());
        let told = aws.runtime.block_on(Box::pin(call_one(call % CALLS, &aws.config, &aws.caller)));
        if let Err(error) = told {
            assert!(!error.operation.is_empty() && error.message.len() < 4_000, "{} bytes of {}", error.message.len(), error.operation);
        }
    });
}

async fn call_one(which: u8, config: &aws_types::SdkConfig, caller: &AwsCaller) -> PortResult<()> {
    let ecs = EcsService { cluster: "shop".to_owned(), service: "web".to_owned() };
    let key = ServiceKey { system: named("shop"), service: named("web") };
    let ledger = || DynamoLedger::new(config, "ledger", Keep::default());
    match which {
        0 => EcsServices::new(config).tasks_now(&ecs).await.map(drop),
        1 => EcsServices::new(config).task_need("web:1").await.map(drop),
        2 => AutoScalingGroups::new(config).group_now("web").await.map(drop),
        3 => CloudWatch::new(config).alarms_now(&["a".to_owned()]).await.map(drop),
        4 => Ledger::read(&ledger(), &key).await.map(drop),
        5 => ledger().read_book(&key).await.map(drop),
        6 => ledger().rotation(&named::<SystemName>("shop"), &named::<SecretName>("shop/db")).await.map(drop),
        7 => ledger().read_front_end(&FrontEndKey { system: named("shop"), name: named("site") }).await.map(drop),
        8 => ledger().question("release", "0123").await.map(drop),
        9 => EcrImages::new(caller.clone()).image("shop/web", &ImageRef::parse("v1")).await.map(drop),
        10 => EcrImages::new(caller.clone()).scan("shop/web", "sha256:00").await.map(drop),
        11 => {
            let secrets = ManagedSecrets::new(caller.clone());
            secrets.value("shop/db", VersionRef::Stage("AWSCURRENT")).await?;
            secrets.secret_now("shop/db").await.map(drop)
        }
        12 => {
            ApprovalSecret::new(caller.clone(), "shop/key").approval_key().await?;
            CacheGroups::new(caller.clone()).cluster_now("shop", Some("app")).await.map(drop)
        }
        _ => ReleaseTargets::new(config).target_now(&DeployTarget::Tasks(ecs)).await.map(drop),
    }
}

/// Answers in shape, each for every call.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"services":[{"serviceArn":"arn:aws:ecs:us-east-1:1:service/shop/web","serviceName":"web","status":"ACTIVE","desiredCount":2,"runningCount":2,"pendingCount":0,"taskDefinition":"web:1","deployments":[{"id":"ecs-svc/1","status":"PRIMARY","desiredCount":2,"rolloutState":"COMPLETED","createdAt":1763632800.5}],"events":[]}],"failures":[]}"#,
        r#"{"taskDefinition":{"family":"web","revision":1,"cpu":"256","memory":"512","networkMode":"awsvpc","containerDefinitions":[{"name":"web","image":"x","portMappings":[{"hostPort":80}]}]}}"#,
        r#"<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>4</MaxSize><DesiredCapacity>2</DesiredCapacity></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"#,
        r#"{"Responses":{"ledger":[{"pk":{"S":"release#shop/web"},"sk":{"S":"book"},"version":{"N":"8"},"book":{"S":"{\"version\":7}"},"record":{"S":"{\"version\":8}"},"expires_at":{"N":"99"}},{"pk":{"S":"pause"},"sk":{"S":"all"},"scope":{"S":"all"},"by":{"S":"ana"},"why":{"S":"sale"},"until":{"S":"2026-11-20T21:00:00Z"}}]},"UnprocessedKeys":{}}"#,
        r#"{"imageDetails":[{"registryId":"111122223333","repositoryName":"shop/web","imageDigest":"sha256:00","imageTags":["v1"],"imagePushedAt":1763632800.0}]}"#,
        r#"{"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"findingSeverityCounts":{"HIGH":3},"findings":[{"name":"CVE-1","severity":"HIGH"}]}}"#,
        r#"{"ARN":"arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/db-Kd3vNx","Name":"shop/db","VersionId":"v1","SecretString":"0123456789012345678901234567890123456789","VersionStages":["AWSCURRENT"],"VersionIdsToStages":{"v1":["AWSCURRENT"]},"CreatedDate":1763632800.1,"RotationEnabled":true}"#,
        r#"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"#,
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no"}"#,
        "{}",
        "",
    ];
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for call in 0..CALLS {
        for (index, body) in bodies.iter().enumerate() {
            let status = if (7..9).contains(&index) { 1 } else { 0 };
            seeds.push([&[call, status], body.as_bytes()].concat());
        }
    }
    // CloudWatch speaks CBOR: {"MetricAlarms": [{"AlarmName": "a", "StateValue": "ALARM"}], "CompositeAlarms": []}.
    let cbor = b"\xa2\x6cMetricAlarms\x81\xa2\x69AlarmName\x61a\x6aStateValue\x65ALARM\x6fCompositeAlarms\x80";
    seeds.push([&[3, 0], cbor.as_slice()].concat());
    seeds
}
