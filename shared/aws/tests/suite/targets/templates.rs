use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::{TargetDeployer, TargetReader};
use nightshift_core::release::{Blueprint, template_with_image};
use serde_json::{Value, json};

use super::super::recorded::{Recorded, kind_of, wait};
use super::groups::{NUMBERED, described_group, version};
use super::{ec2_refused, form, group, release, targets};

const GROUPS: &str = "DescribeAutoScalingGroups";
const VERSIONS: &str = "DescribeLaunchTemplateVersions";
const CREATE: &str = "CreateLaunchTemplateVersion";

/// `#!/bin/sh\nimage=1.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1\n`.
const SCRIPT: &str = "IyEvYmluL3NoCmltYWdlPTEuZGtyLmVjci51cy1lYXN0LTEuYW1hem9uYXdzLmNvbS9zaG9wL3dlYjp2MQo=";
const DATA: &str = "<imageId>ami-1</imageId><instanceType>t3.small</instanceType>\
    <iamInstanceProfile><arn>arn:aws:iam::1:instance-profile/web</arn></iamInstanceProfile>\
    <securityGroupIdSet><item>sg-1</item><item>sg-2</item></securityGroupIdSet>\
    <memberOfNextYear><deepSet><item><a>1</a></item></deepSet></memberOfNextYear>\
    <tagSpecificationSet><item><resourceType>instance</resourceType><tagSet><item><key>Name</key><value>web</value></item>\
    <item><key>image</key><value>1.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1</value></item></tagSet></item></tagSpecificationSet>\
    <networkInterfaceSet/>";

fn data(user_data: &str) -> String {
    format!("<userData>{user_data}</userData>{DATA}")
}

fn body(image: &str) -> Value {
    json!({
        "UserData": format!("#!/bin/sh\nimage={image}\n"), "ImageId": "ami-1", "InstanceType": "t3.small",
        "IamInstanceProfile": { "Arn": "arn:aws:iam::1:instance-profile/web" }, "SecurityGroupIds": ["sg-1", "sg-2"],
        "MemberOfNextYear": { "Deeps": [{ "A": "1" }] }, "NetworkInterfaces": [],
        "TagSpecifications": [{ "ResourceType": "instance", "Tags": [{ "Key": "Name", "Value": "web" }, { "Key": "image", "Value": image }] }],
    })
}

fn old_body() -> Value {
    body("1.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1")
}

fn blueprint(recorded: &Recorded, proven: Option<&str>) -> PortResult<Blueprint> {
    wait(targets(recorded).blueprint(&group(), None, proven))
}

fn make(recorded: &Recorded, from: &str, body: &Value) -> PortResult<String> {
    wait(targets(recorded).make_revision(&group(), from, body, &release()))
}

fn created(number: u32) -> String {
    format!(
        "<{CREATE}Response><launchTemplateVersion><launchTemplateId>lt-1</launchTemplateId><versionNumber>{number}</versionNumber>\
         </launchTemplateVersion></{CREATE}Response>"
    )
}

fn with_group() -> Recorded {
    Recorded::default().answer(GROUPS, 200, described_group(NUMBERED))
}

#[test]
fn a_version_is_read_whole_with_its_user_data_decoded() {
    let recorded = with_group().answer(VERSIONS, 200, version(3, &data(SCRIPT))).answer(VERSIONS, 200, version(5, DATA));
    let seen = blueprint(&recorded, None).unwrap();
    assert_eq!((seen.running.revision.as_str(), seen.latest.revision.as_str(), seen.proven), ("lt-1:3", "lt-1:5", None));
    assert_eq!(seen.running.body, old_body());
    assert_eq!(seen.latest.body.get("UserData"), None);
    let asked: Vec<String> =
        recorded.asked_for(VERSIONS).iter().map(|asked| form(&asked.body)["LaunchTemplateVersion.1"].clone()).collect();
    assert_eq!(asked, ["3", "$Latest"]);
}

#[test]
fn the_proven_version_is_there_while_it_exists() {
    let versions = || with_group().answer(VERSIONS, 200, version(3, DATA)).answer(VERSIONS, 200, version(5, DATA));
    let seen = blueprint(&versions().answer(VERSIONS, 200, version(2, DATA)), Some("lt-1:2")).unwrap();
    assert_eq!(seen.proven.unwrap().revision, "lt-1:2");
    assert_eq!(blueprint(&versions().answer(VERSIONS, 200, version(3, DATA)), Some("lt-1:3")).unwrap().proven, None);
    let gone = versions().answer(VERSIONS, 400, ec2_refused("InvalidLaunchTemplateId.VersionNotFound"));
    assert_eq!(blueprint(&gone, Some("lt-1:2")).unwrap().proven, None);
    let none = format!("<{VERSIONS}Response><launchTemplateVersionSet/></{VERSIONS}Response>");
    assert_eq!(blueprint(&versions().answer(VERSIONS, 200, none), Some("lt-1:2")).unwrap().proven, None);
    let denied = versions().answer(VERSIONS, 403, ec2_refused("UnauthorizedOperation"));
    assert_eq!(kind_of(blueprint(&denied, Some("lt-1:2"))), PortErrorKind::Denied);
}

#[test]
fn user_data_that_is_no_text_is_an_error_that_says_so() {
    for (user_data, words) in [("H4sIAAAAAAAA", "is compressed (gzip)"), ("/9j/", "is no UTF-8 text"), ("???", "is no base64")] {
        let recorded = with_group().answer(VERSIONS, 200, version(3, &data(user_data))).answer(VERSIONS, 200, version(5, DATA));
        let error = blueprint(&recorded, None).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Denied);
        assert_eq!(error.message, format!("the user data of lt-1:3 {words}; an image can be replaced in plain text only"));
    }
    let untold = format!("<{VERSIONS}Response/>");
    let recorded = with_group().answer(VERSIONS, 200, untold).answer(VERSIONS, 200, version(5, DATA));
    assert_eq!(kind_of(blueprint(&recorded, None)), PortErrorKind::Unavailable);
}

#[test]
fn a_new_version_sends_what_changed_and_has_the_rest_copied() {
    let recorded = Recorded::default().answer(VERSIONS, 200, version(3, &data(SCRIPT))).answer(CREATE, 200, created(6));
    let wanted = template_with_image(&old_body(), "shop/web", "1.dkr.ecr.us-east-1.amazonaws.com/shop/web@sha256:aa").unwrap();
    assert_eq!(make(&recorded, "lt-1:3", &wanted).unwrap(), "lt-1:6");
    let mut sent = form(&recorded.asked_for(CREATE)[0].body);
    assert!(sent.remove("ClientToken").unwrap().starts_with("nightshift-"));
    let tag = "LaunchTemplateData.TagSpecification.1";
    let expected = [
        ("Action", CREATE),
        ("Version", "2016-11-15"),
        ("LaunchTemplateId", "lt-1"),
        ("SourceVersion", "3"),
        ("VersionDescription", "nightshift 20261120t120000z-abcdef012345"),
        ("LaunchTemplateData.UserData", "IyEvYmluL3NoCmltYWdlPTEuZGtyLmVjci51cy1lYXN0LTEuYW1hem9uYXdzLmNvbS9zaG9wL3dlYkBzaGEyNTY6YWEK"),
        (&format!("{tag}.ResourceType"), "instance"),
        (&format!("{tag}.Tag.1.Key"), "Name"),
        (&format!("{tag}.Tag.1.Value"), "web"),
        (&format!("{tag}.Tag.2.Key"), "image"),
        (&format!("{tag}.Tag.2.Value"), "1.dkr.ecr.us-east-1.amazonaws.com/shop/web%40sha256:aa"),
    ];
    assert_eq!(sent, expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
}

#[test]
fn the_token_is_the_same_for_the_same_version_and_another_for_another() {
    let token = |from: &str, image: &str| {
        let mut wanted = old_body();
        wanted["UserData"] = json!(format!("image={image}"));
        let recorded = Recorded::default().answer(VERSIONS, 200, version(3, &data(SCRIPT))).answer(CREATE, 200, created(6));
        make(&recorded, from, &wanted).unwrap();
        form(&recorded.asked_for(CREATE)[0].body)["ClientToken"].clone()
    };
    assert_eq!(token("lt-1:3", "a"), token("lt-1:3", "a"));
    assert_ne!(token("lt-1:3", "a"), token("lt-1:3", "b"));
    assert_ne!(token("lt-1:3", "a"), token("lt-1:2", "a"));
}

#[test]
fn disks_with_snapshots_are_named_again() {
    let disk = |snapshot: &str| {
        format!(
            "<blockDeviceMappingSet><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>20</volumeSize><encrypted>true</encrypted>{snapshot}</ebs>\
             </item></blockDeviceMappingSet>"
        )
    };
    let sent = |snapshot: &str| {
        let wanted = json!({ "UserData": "new" });
        let recorded = Recorded::default().answer(VERSIONS, 200, version(3, &disk(snapshot))).answer(CREATE, 200, created(6));
        make(&recorded, "lt-1:3", &wanted).unwrap();
        let sent = form(&recorded.asked_for(CREATE)[0].body);
        sent.into_iter().filter(|(name, _)| name.contains("BlockDevice")).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(sent(""), Vec::<String>::new());
    let disk = "LaunchTemplateData.BlockDeviceMapping.1";
    let expected = [
        format!("{disk}.DeviceName=/dev/xvda"),
        format!("{disk}.Ebs.Encrypted=true"),
        format!("{disk}.Ebs.SnapshotId=snap-1"),
        format!("{disk}.Ebs.VolumeSize=20"),
    ];
    assert_eq!(sent("<snapshotId>snap-1</snapshotId>"), expected);
}

#[test]
fn nothing_but_user_data_and_tags_is_changed() {
    let recorded = Recorded::default().answer(VERSIONS, 200, version(3, &data(SCRIPT)));
    let mut wanted = old_body();
    wanted["InstanceType"] = json!("m5.large");
    let error = make(&recorded, "lt-1:3", &wanted).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Denied);
    assert!(error.message.starts_with("InstanceType of a launch template is not changed by a release"), "{}", error.message);
    assert!(recorded.asked_for(CREATE).is_empty());
    assert_eq!(kind_of(make(&Recorded::default(), "web", &old_body())), PortErrorKind::Denied);
}
