//! Copies of task definitions and launch templates: what is replaced, what never is, what counts as the same.

use nightshift_core::release::{blueprint_differences, definition_with_image, reads_secret, same_blueprint, template_with_image};
use proptest::prelude::*;
use serde_json::{Value, json};

const IMAGE: &str =
    "111122223333.dkr.ecr.us-west-2.amazonaws.com/shop/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const EAST: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com";

fn definition(images: &[&str]) -> Value {
    let containers =
        images.iter().zip(0..).map(|(image, number)| json!({ "name": format!("c{number}"), "image": image, "newField": { "x": [1] } }));
    json!({ "family": "web", "containerDefinitions": containers.collect::<Vec<_>>(), "fieldOfNextYear": { "a": [true, 1.5, null] } })
}

fn images(definition: &Value) -> Vec<&str> {
    definition["containerDefinitions"].as_array().unwrap().iter().map(|container| container["image"].as_str().unwrap()).collect()
}

fn template(user_data: &str) -> Value {
    json!({ "UserData": user_data, "InstanceType": "t3.small" })
}

fn replaced(user_data: &str) -> String {
    let copy = template_with_image(&template(user_data), "shop/web", IMAGE).unwrap();
    copy["UserData"].as_str().unwrap().to_owned()
}

#[test]
fn only_containers_of_the_registry_and_repository_get_the_image() {
    let others = [
        &format!("{EAST}/shop/web-worker:v1"),
        &format!("{EAST}/web:v1"),
        "docker.io/shop/web:v1",
        "shop/web:v1",
        "999999999999.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1",
        "public.ecr.aws/shop/web:v1",
        "nginx",
    ];
    let tagged = format!("{EAST}/shop/web:v1");
    let pinned = format!("{EAST}/shop/web:v1@sha256:bbbb");
    let all: Vec<&str> = [tagged.as_str(), pinned.as_str()].into_iter().chain(others).collect();
    let before = definition(&all);
    let after = definition_with_image(&before, "shop/web", IMAGE).unwrap();
    let expected: Vec<&str> = [IMAGE, IMAGE].into_iter().chain(others).collect();
    assert_eq!(images(&after), expected);
    let mut back = after;
    for (container, image) in back["containerDefinitions"].as_array_mut().unwrap().iter_mut().zip(&all) {
        container["image"] = json!(image);
    }
    assert_eq!(back, before, "nothing else changes");
}

#[test]
fn nothing_to_replace_is_an_error_that_names_what_is_there() {
    let error = definition_with_image(&definition(&["nginx", "docker.io/shop/web:v1"]), "shop/web", IMAGE).unwrap_err();
    let expected = "nothing of the task definition comes from the repository shop/web; it names: nginx, docker.io/shop/web:v1";
    assert_eq!(error.to_string(), expected);
    let error = definition_with_image(&json!({}), "shop/web", IMAGE).unwrap_err();
    assert!(error.to_string().ends_with("it names: no image"));
    let error = template_with_image(&template(&format!("docker run {EAST}/shop/api:1")), "shop/web", IMAGE).unwrap_err();
    assert!(error.to_string().ends_with(&format!("it names: {EAST}/shop/api:1")), "{error}");
    // A registry without a repository is no image, nor is a path of a file.
    let script = format!("#!/bin/sh\ndocker login {EAST}\ndocker run {EAST}/shop/api:1");
    let error = template_with_image(&template(&script), "shop/web", IMAGE).unwrap_err();
    assert_eq!(error.found, [format!("{EAST}/shop/api:1")]);
}

#[test]
fn user_data_gets_the_image_wherever_an_address_of_it_stands() {
    let address = format!("{EAST}/shop/web:v1.2_3-x");
    let table = [
        ("image=X\ndocker run \"$image\"", 1),
        ("docker pull X && docker run -d 'X'", 2),
        ("IMAGE=\"X\"; export IMAGE", 1),
        ("- image: X\n  other: 1", 1),
        ("{\"image\":\"X\"}", 1),
        ("skopeo inspect docker://X", 1),
        ("It runs X.", 1),
        ("X", 1),
        ("run(X),(X)\\X", 3),
        ("\u{e9}\u{1f600}X\u{e9}", 1),
    ];
    for (text, count) in table {
        let after = replaced(&text.replace('X', &address));
        assert_eq!(after, text.replace('X', IMAGE), "{text}");
        assert_eq!(after.matches(IMAGE).count(), count, "{text}");
    }
}

#[test]
fn what_only_looks_like_the_image_stays() {
    let kept = [
        format!("docker login {EAST}"),
        format!("docker run {EAST}/shop/web-worker:v1"),
        format!("docker run {EAST}/other/shop/web:v1"),
        "curl example.com/shop/web".to_owned(),
        "curl https://example.com/shop/web".to_owned(),
        "cp /etc/shop/web ./shop/web".to_owned(),
        // Put together by the script: half of an address must not be replaced.
        "docker run ${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/shop/web:v1".to_owned(),
        "docker run $ACCOUNT.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1".to_owned(),
    ];
    for text in kept {
        template_with_image(&template(&text), "shop/web", IMAGE).unwrap_err();
        let with_one = format!("{text}\nimage={EAST}/shop/web:v1");
        assert_eq!(replaced(&with_one), format!("{text}\nimage={IMAGE}"));
    }
}

#[test]
fn an_image_in_a_tag_is_replaced_as_well() {
    let tags = |image: &str| {
        let tags = json!([{ "Key": "Name", "Value": "web" }, { "Key": "image", "Value": image }]);
        json!({ "TagSpecifications": [{ "ResourceType": "instance", "Tags": tags }], "UserData": "#!/bin/sh\nstart-from-tag" })
    };
    let after = template_with_image(&tags(&format!("{EAST}/shop/web:v1")), "shop/web", IMAGE).unwrap();
    assert_eq!(after, tags(IMAGE));
}

#[test]
fn what_aws_fills_in_or_sorts_is_no_difference() {
    let written = json!({ "cpu": "256", "containerDefinitions": [
        { "name": "web", "environment": [{ "name": "B", "value": "" }, { "name": "A", "value": "1" }], "portMappings": [{ "containerPort": 80 }, { "containerPort": 81 }] }
    ] });
    let described = json!({ "cpu": "256", "volumes": [], "placementConstraints": null, "tags": [], "containerDefinitions": [
        { "name": "web", "cpu": 0, "essential": true, "mountPoints": [], "logConfiguration": { "options": {} },
          "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "" }], "portMappings": [{ "containerPort": 80 }, { "containerPort": 81 }] }
    ] });
    assert!(same_blueprint(&written, &described));
    assert_eq!(blueprint_differences(&written, &described, None), Vec::<String>::new());
    for (pointer, value) in [
        ("/cpu", json!("512")),
        ("/containerDefinitions/0/environment/1/value", json!("2")),
        ("/containerDefinitions/0/portMappings", json!([{ "containerPort": 81 }, { "containerPort": 80 }])),
    ] {
        let mut other = written.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        assert!(!same_blueprint(&written, &other), "{pointer}");
        assert!(!blueprint_differences(&written, &other, None).is_empty(), "{pointer}");
    }
}

#[test]
fn differences_show_where_but_nothing_confidential() {
    let body = |secret: &str, memory: &str| {
        json!({
            "memory": memory,
            "UserData": format!("TOKEN={secret}"),
            "containerDefinitions": [{
                "name": "web",
                "command": ["run", secret],
                "environment": [{ "name": "PASSWORD", "value": secret }],
                "dockerLabels": { "token": secret },
                "logConfiguration": { "options": { "splunk-token": secret, "awslogs-group": format!("/{memory}") } },
                "essential": memory == "512",
            }],
        })
    };
    let differences = blueprint_differences(&body("hunter2", "512"), &body("hunter3", "1024"), None);
    let text = differences.join("\n");
    assert!(!text.contains("hunter"), "{text}");
    insta::assert_snapshot!(text, @r#"
    UserData: (not shown) -> (not shown)
    containerDefinitions[web].command[1]: (not shown) -> (not shown)
    containerDefinitions[web].dockerLabels.token: (not shown) -> (not shown)
    containerDefinitions[web].environment[PASSWORD].value: (not shown) -> (not shown)
    containerDefinitions[web].essential: nothing -> false
    containerDefinitions[web].logConfiguration.options.awslogs-group: "/512" -> "/1024"
    containerDefinitions[web].logConfiguration.options.splunk-token: (not shown) -> (not shown)
    memory: "512" -> "1024"
    "#);
}

#[test]
fn the_releases_own_image_is_no_drift_but_every_other_is() {
    let (one, other) = (format!("{EAST}/shop/web:v1"), format!("{EAST}/shop/web@sha256:cc"));
    let differences = |before: &[&str], after: &[&str]| blueprint_differences(&definition(before), &definition(after), Some("shop/web"));
    assert_eq!(differences(&[&one, "nginx:1"], &[&other, "nginx:1"]), Vec::<String>::new());
    assert_eq!(differences(&[&one, "nginx:1"], &[&other, "nginx:2"]), ["containerDefinitions[c1].image: \"nginx:1\" -> \"nginx:2\""]);
    assert_eq!(differences(&[&one], &["nginx:2"]).len(), 1, "ours gave way to something else");
    let script = |image: &str, rest: &str| template(&format!("#!/bin/sh\ndocker run {image}\n{rest}"));
    assert_eq!(blueprint_differences(&script(&one, "a"), &script(&other, "a"), Some("shop/web")), Vec::<String>::new());
    assert_eq!(blueprint_differences(&script(&one, "a"), &script(&other, "b"), Some("shop/web")), ["UserData: (not shown) -> (not shown)"]);
}

#[test]
fn secrets_are_recognised_in_every_form_in_which_a_definition_names_them() {
    let arn = "arn:aws:secretsmanager:us-east-1:1:secret:shop/db-AbCdEf";
    let reading =
        |value_from: &str| json!({ "containerDefinitions": [{ "name": "web", "secrets": [{ "name": "DB", "valueFrom": value_from }] }] });
    let registry =
        |reference: &str| json!({ "containerDefinitions": [{ "repositoryCredentials": { "credentialsParameter": reference } }] });
    let option = json!({ "containerDefinitions": [{ "logConfiguration": { "secretOptions": [{ "name": "token", "valueFrom": arn }] } }] });
    let partial = "arn:aws:secretsmanager:us-east-1:1:secret:shop/db";
    let table = [
        (reading(arn), "shop/db", true),
        (reading(arn), arn, true),
        (reading(&format!("{arn}:password::")), "shop/db", true),
        (reading(&format!("{arn}:password:AWSCURRENT:")), arn, true),
        (reading(partial), arn, true),
        (reading(partial), "shop/db", true),
        (registry(arn), "shop/db", true),
        (registry("shop/db"), arn, true),
        (option, arn, true),
        (reading(arn), "shop", false),
        // Only six letters and digits behind a hyphen are Secrets Manager's own.
        (reading(&format!("{partial}-replica")), "shop/db", false),
        (reading(&format!("{partial}-a_b.cd")), "shop/db", false),
        (reading(&format!("{partial}-replica")), "shop/db-replica", true),
        (reading(arn), "shop/d", false),
        (reading(arn), "arn:aws:secretsmanager:us-east-1:1:secret:shop/db2-AbCdEf", false),
        (reading("arn:aws:ssm:us-east-1:1:parameter/shop/db"), "shop/db", false),
        (json!({ "containerDefinitions": [{ "environment": [{ "name": "DB", "value": arn }] }] }), arn, false),
    ];
    for (body, secret, expected) in table {
        assert_eq!(reads_secret(&body, secret), expected, "{secret} in {body}");
    }
}

proptest! {
    /// Replacing twice is replacing once, and everything between the images stays byte for byte.
    #[test]
    fn replacing_keeps_the_rest_and_is_stable(parts in prop::collection::vec("[a-z0-9./:@=$ \n\"'\u{e9}-]{0,12}[\n \"]", 1..6)) {
        let address = format!("{EAST}/shop/web:v1");
        let (before, wanted) = (parts.join(&format!(" {address} ")), parts.join(&format!(" {IMAGE} ")));
        prop_assume!(parts.len() > 1);
        let once = replaced(&before);
        prop_assert_eq!(&once, &wanted);
        prop_assert_eq!(replaced(&once), once);
    }

    /// No text makes it panic.
    #[test]
    fn any_text_is_taken(text in "\\PC{0,80}") {
        let _ = template_with_image(&template(&text), "shop/web", IMAGE);
    }
}
