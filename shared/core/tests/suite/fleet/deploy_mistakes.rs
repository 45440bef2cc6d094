//! What is said about mistakes in deploy paths, gates, approvals, front ends and pipelines; read like those of `mistakes`.

use nightshift_core::fleet::{FleetErrors, Fleets};

use super::mistakes::{Case, told};
use super::{WHOLE, changed, errors};

/// The topics of the three approvers in the whole file.
const ANA: &str = "topic: arn:aws:sns:eu-central-1:111122223333:ana";
const BO: &str = "topic: arn:aws:sns:eu-central-1:111122223333:bo";

#[test]
fn parts_that_are_missing_or_do_not_exist() {
    let told = told(&[
        ("no repository", "{ repository: shop/worker, path: direct }", "{ path: direct }"),
        ("no path", "{ repository: shop/worker, path: direct }", "{ repository: shop/worker }"),
        ("a path mistyped", "{ repository: shop/worker, path: direct }", "{ repository: shop/worker, path: dirct }"),
        ("a path that is none", "{ repository: shop/worker, path: direct }", "{ repository: shop/worker, path: canary }"),
        ("a path's name", "\n  direct:\n", "\n  Direct:\n"),
        ("a path that nobody takes", "    deploy: { repository: shop/worker, path: direct }\n", ""),
        ("a field mistyped", "    on_failure: roll_back_stage", "    on_failur: roll_back_stage"),
        ("a choice mistyped", "on_failure: roll_back_stage", "on_failure: rollback_stage"),
        ("a choice that is none", "drift: accept", "drift: ignore"),
        ("no tags", "    tags: { match: [\"*\"] }\n", ""),
        ("no stage's name", "      - name: live\n        waves:\n", "      - waves:\n"),
        ("no waves", "        waves:\n          - regions:\n              - eu-central-1\n\nfront_ends:", "\nfront_ends:"),
        ("no regions", "          - regions:\n              - eu-central-1\n            bake: 15m\n", "          - bake: 15m\n"),
        ("no severities", "      most: { critical: 0, high: 2, medium: 20, undefined: 0 }\n", ""),
        ("a severity mistyped", "critical: 0, high: 2", "critcal: 0, high: 2"),
        ("a severity that is none", "undefined: 0", "grave: 0"),
        ("an allowed finding without end", ", until: 2026-12-31T00:00:00Z", ""),
        ("an allowed finding without reason", ", why: the parser is not used", ""),
        ("an allowed finding without name", "cve: CVE-2026-12345, ", ""),
        ("an approval by nobody", "approval: { by: [{ name: ana }], expires: 7d }", "approval: { expires: 7d }"),
        ("an approver without name", "[{ name: ana }]", "[{ nam: ana }]"),
        ("a pipeline without approval", "approval: { by: [{ name: ana }], expires: 7d }", "{}"),
        ("no bucket", "    bucket: shop-site\n", ""),
        ("no distribution", "    distribution: E2QWRUHAPOMQZL\n", ""),
        ("a target of nothing", "staging: { asg: { group: shop-batch-staging } }", "staging: {}"),
        ("a target with bounds", "{ group: shop-batch-staging }", "{ group: shop-batch-staging, bounds: { min: 1, max: 2 } }"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn which_images_and_where() {
    let told = told(&[
        ("no tag counts", "tags: { match: [\"*\"] }", "tags: {}"),
        ("a pattern alone", "tags: { match: [\"*\"] }", "tags: { match: \"*\" }"),
        ("an empty pattern", "tags: { match: [\"*\"] }", "tags: { match: [\"\"] }"),
        ("a regular expression", "\"hotfix-?\"", "\"^hotfix-[0-9]$\""),
        ("an image's address for a tag", "\"hotfix-?\"", "\"shop/web:hotfix\""),
        ("a range that is none", "semver: \">=1.4, <3\"", "semver: latest"),
        ("a range without quotes", "semver: \">=1.4, <3\"", "semver: 1.4"),
        (
            "a repository's address",
            "repository: shop/batch",
            "repository: 111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/batch:latest",
        ),
        ("a repository's ARN", "repository: shop/batch", "repository: arn:aws:ecr:eu-central-1:111122223333:repository/shop/batch"),
        ("a repository in capitals", "repository: shop/batch", "repository: Shop/Batch"),
        ("a repository with a slash too many", "repository: shop/batch", "repository: shop//batch"),
        (
            "no stage",
            "    stages:\n      - name: live\n        waves:\n          - regions:\n              - eu-central-1\n\n",
            "    stages: []\n\n",
        ),
        ("two stages of one name", "      - name: production", "      - name: staging"),
        ("a stage's name that is taken", "      - name: live", "      - name: scan"),
        ("no wave", "        waves:\n          - regions:\n              - eu-central-1\n\n", "        waves: []\n\n"),
        (
            "no region in a wave",
            "          - regions:\n              - eu-central-1\n            bake: 15m",
            "          - regions: []\n            bake: 15m",
        ),
        ("a region mistyped", "              - eu-central-1\n            bake: 15m", "              - eu-centrl-1\n            bake: 15m"),
        (
            "a region of another file",
            "              - eu-central-1\n            bake: 15m",
            "              - us-east-1\n            bake: 15m",
        ),
        (
            "a region twice in a wave",
            "              - eu-central-1\n            bake: 15m",
            "              - eu-central-1\n              - eu-central-1",
        ),
        (
            "a region in two waves",
            "              - eu-central-1\n            bake: 15m",
            "              - eu-central-1\n          - regions:\n              - eu-central-1",
        ),
        ("a target for no stage", "        staging: { asg: {", "        stagin: { asg: {"),
        ("a target's cluster", "{ cluster: shop-staging, service: web }", "{ cluster: cluster/shop-staging, service: web }"),
        ("a target of both kinds", "staging: { asg: {", "staging: { ecs: { cluster: shop, service: batch }, asg: {"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn times_shares_and_alarms_that_cannot_be() {
    let told = told(&[
        ("a long bake", "bake: 1h", "bake: 2d"),
        ("a short deadline", "deadline: 45m", "deadline: 5s"),
        ("a long deadline", "deadline: 45m", "deadline: 25h"),
        ("a long wait", "expires: 5d", "expires: 91d"),
        ("no wait at all", "expires: 5d", "expires: 0s"),
        ("an answer that comes too late", "expires: 2d", "expires: 6d"),
        ("an answer in no time", "expires: 2d", "expires: 1s"),
        ("a scan that comes too late", "patience: 20m", "patience: 6d"),
        ("a scan in no time", "patience: 20m", "patience: 1s"),
        ("a pipeline that waits for ever", "expires: 7d", "expires: 61d"),
        ("a restart a day later", "settle: 5m", "settle: 1d"),
        ("a freeze without reason", "why: weekend", "why: \"\""),
        ("a freeze without end", "timezone: Europe/Berlin, for: 62h", "timezone: Europe/Berlin, for: 170h"),
        ("no crash", "crashes: 6", "crashes: 0"),
        ("an alarm twice", "alarms: [orders-fail, nightshift-shop-web-slow]", "alarms: [orders-fail, orders-fail]"),
        ("an alarm without name", "alarms: [orders-fail, nightshift-shop-web-slow]", "alarms: [\" \"]"),
        ("an alarm's ARN", "alarms: [orders-fail,", "alarms: [\"arn:aws:cloudwatch:eu-central-1:111122223333:alarm:orders-fail\","),
        ("an alarm of ours that is none", "nightshift-shop-web-slow]", "nightshift-shop-web-slwo]"),
        ("more than whole", "minimum_healthy: 90", "minimum_healthy: 110"),
        ("less than whole", "maximum_healthy: 150", "maximum_healthy: 90"),
        ("too far apart", "minimum_healthy: 90, maximum_healthy: 150", "minimum_healthy: 40, maximum_healthy: 150"),
        ("a checkpoint at nothing", "checkpoints: [20, 50]", "checkpoints: [0, 50]"),
        ("a checkpoint beyond all", "checkpoints: [20, 50]", "checkpoints: [20, 150]"),
        ("checkpoints in disorder", "checkpoints: [20, 50]", "checkpoints: [50, 20]"),
        ("a checkpoint for days", "checkpoints: [20, 50], checkpoint_delay: 5m", "checkpoint_delay: 3d"),
        ("stops that outlast the deadline", "checkpoint_delay: 5m", "checkpoint_delay: 30m"),
        ("a warmup that outlasts the deadline", "warmup: 150s", "warmup: 1h"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn gates_and_approvals_that_hold_nothing_up() {
    let told = told(&[
        ("a gate without a gate", "{ critical: 0, high: 2, medium: 20, undefined: 0 }", "{}"),
        ("the worst findings may pass", "{ critical: 0, high: 2,", "{ high: 2,"),
        ("worse findings may pass", "{ critical: 0, high: 2,", "{ critical: 0,"),
        ("only the mildest", "{ critical: 0, high: 2, medium: 20, undefined: 0 }", "{ medium: 20 }"),
        (
            "a finding allowed twice",
            "      allow:\n",
            "      allow:\n        - { cve: CVE-2026-12345, until: 2026-11-30T00:00:00Z, why: once }\n",
        ),
        ("a finding in words", "cve: CVE-2026-12345", "cve: all of openssl"),
        ("a finding without reason", "why: the parser is not used", "why: \"\""),
        ("a finding until some day", "until: 2026-12-31T00:00:00Z", "until: 2026-12-31"),
        ("a finding for ever", "until: 2026-12-31T00:00:00Z", "until:"),
        ("nobody to agree", "approval: { by: [{ name: ana }], expires: 7d }", "approval: { by: [], expires: 7d }"),
        ("nobody needed", "          needed: 2\n", "          needed: 0\n"),
        ("everybody needed", "          needed: 2\n", "          needed: 11\n"),
        ("more than there are", "          needed: 2\n", "          needed: 4\n"),
        ("an approver twice", "name: bo,", "name: ana,"),
        ("an approver's address", BO, "topic: bo@example.com"),
        ("an approver without a topic", &format!("{{ name: ana, {ANA} }}"), "{ name: ana }"),
        ("two approvers with one topic", BO, ANA),
        ("an approver with everybody's topic", BO, "topic: arn:aws:sns:eu-central-1:111122223333:people"),
    ]);
    insta::assert_snapshot!(told);
    // Whom to ask: only where no stage has an approval.
    let asking =
        changed(WHOLE, "tags: { match: [\"*\"] }", "tags: { match: [\"*\"] }\n    scan: { most: { critical: 0 }, without_result: ask }");
    insta::assert_snapshot!("nobody_to_ask", errors(&asking));
}

#[test]
fn front_ends_and_pipelines() {
    let two_sites = "  second:\n    bucket: shop-site\n    prefix: www\n    distribution: E1\n\npipelines:";
    let told = told(&[
        ("a bucket in capitals", "bucket: shop-site", "bucket: Shop_Site"),
        ("a bucket's address", "bucket: shop-site", "bucket: s3://shop-site/www"),
        ("a bucket's ARN", "bucket: shop-site", "bucket: arn:aws:s3:::shop-site"),
        ("a bucket's domain", "bucket: shop-site", "bucket: shop-site.s3.eu-central-1.amazonaws.com"),
        ("an address for a bucket", "bucket: shop-site", "bucket: 192.168.5.4"),
        ("an alias for a bucket", "bucket: shop-site", "bucket: shop-s3alias"),
        ("a prefix from the root", "prefix: www/", "prefix: /www"),
        ("the root for a prefix", "prefix: www/", "prefix: /"),
        ("a domain for a distribution", "distribution: E2QWRUHAPOMQZL", "distribution: d111111abcdef8.cloudfront.net"),
        ("no time to settle", "settle: 45s", "settle: 1s"),
        ("hours to settle", "settle: 45s", "settle: 1h"),
        ("no file", "hashed: [assets/*]", "hashed: [\"\"]"),
        ("every file", "hashed: [assets/*]", "hashed: [\"*\"]"),
        ("the page itself", "hashed: [assets/*]", "hashed: [\"*.html\"]"),
        ("a pattern twice", "hashed: [assets/*]", "hashed: [assets/*, assets/*]"),
        ("two front ends in one place", "\npipelines:", two_sites),
        ("a front end's name", "  site:", "  Site:"),
        ("a pipeline's ARN", "  shop-Mobile.App:", "  \"arn:aws:codepipeline:eu-central-1:111122223333:mobile\":"),
        ("a pipeline with spaces", "  shop-Mobile.App:", "  mobile app:"),
    ]);
    insta::assert_snapshot!(told);
}

const STAGING: &str = "staging: { asg: { group: shop-batch-staging } }";

#[test]
fn one_resource_takes_one_release_at_a_time() {
    let cases: [Case<'_>; 6] = [
        ("a target that another service runs on", STAGING, "staging: { ecs: { cluster: shop, service: web } }"),
        ("a group under another service's tasks", STAGING, "staging: { asg: { group: shop-workers } }"),
        ("a target of two services", STAGING, "staging: { ecs: { cluster: shop-staging, service: web } }"),
        ("two stages on the same thing", &format!("      targets:\n        {STAGING}\n"), ""),
        ("a target that is the service itself", STAGING, "staging: { asg: { group: shop-batch } }"),
        (
            "the instances under the tasks",
            "{ repository: shop/worker, path: direct }",
            "{ repository: shop/worker, path: direct, targets: { live: { asg: { group: shop-workers } } } }",
        ),
    ];
    insta::assert_snapshot!(told(&cases));
}

/// Stages that share nothing but the service: the same thing in another region is another thing.
#[test]
fn stages_in_different_regions_need_no_targets_of_their_own() {
    let text = "
version: 1
system: shop
regions: [us-east-1, us-west-2]
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 1, max: 2 }
    deploy: { repository: web, path: usual }
paths:
  usual:
    tags: { match: ['*'] }
    stages:
      - { name: canary, waves: [{ regions: [us-west-2] }] }
      - { name: rest, waves: [{ regions: [us-east-1] }] }
";
    let fleet = super::read(text);
    assert_eq!(fleet.paths["usual"].home_region(), Some("us-west-2"));
    let three = changed(
        text,
        "- { name: rest, waves: [{ regions: [us-east-1] }] }",
        "- { name: rest, waves: [{ regions: [us-east-1, us-west-2] }] }",
    );
    let errors = errors(&three);
    assert!(
        errors.to_string().contains("the stages `canary` and `rest` both deploy onto the ECS service shop/web in us-west-2"),
        "{errors}"
    );
}

fn two_files(one: &str, two: &str) -> Result<Fleets, FleetErrors> {
    Fleets::from_files(vec![("a.yaml".to_owned(), one.to_owned()), ("b.yaml".to_owned(), two.to_owned())])
}

#[test]
fn two_files_may_not_deploy_onto_the_same_thing() {
    let small = "
version: 1
system: small
regions: [eu-central-1, us-east-1]
services:
  small:
    runs_on: { ecs: { cluster: small, service: small } }
    bounds: { min: 1, max: 2 }
    deploy: { repository: small, path: usual, targets: { one: { ecs: TARGET } } }
paths:
  usual:
    tags: { match: ['*'] }
    stages: [{ name: one, waves: [{ regions: [REGION] }] }]
front_ends: { site: { bucket: BUCKET, prefix: www, distribution: E1 } }
pipelines: { PIPELINE: { approval: { by: [{ name: ana }] } } }
";
    let other = |target: &str, region: &str, bucket: &str, pipeline: &str| {
        let text = small.replace("TARGET", target).replace("REGION", region);
        text.replace("BUCKET", bucket).replace("PIPELINE", pipeline)
    };
    let (own, web, staging) =
        ("{ cluster: own, service: own }", "{ cluster: shop, service: web }", "{ cluster: shop-staging, service: web }");
    two_files(WHOLE, &other(own, "eu-central-1", "small-site", "small")).expect("nothing in common");
    two_files(WHOLE, &other(web, "us-east-1", "small-site", "small")).expect("the same name in another region");
    let mut told = String::new();
    for text in [
        other(web, "eu-central-1", "small-site", "small"),
        other(staging, "eu-central-1", "small-site", "small"),
        other(own, "eu-central-1", "shop-site", "small"),
        other(own, "eu-central-1", "small-site", "shop-Mobile.App"),
    ] {
        let errors = two_files(WHOLE, &text).expect_err("the same thing twice");
        assert_eq!(errors.errors().len(), 1, "{errors}");
        told += &format!("{}\n\n", errors.errors()[0]);
    }
    // The other way round: what the earlier file deploys onto, the later one runs on.
    let runs = other(own, "eu-central-1", "small-site", "small").replace("{ cluster: small, service: small }", staging);
    told += &two_files(WHOLE, &runs).expect_err("the same thing twice").to_string();
    insta::assert_snapshot!(told);
}

/// One reading tells everything, in the order of the file, and nothing that only follows.
#[test]
fn many_mistakes_in_paths_are_all_told_at_once() {
    let text = include_str!("many_deploy_mistakes.yaml");
    let errors = errors(text);
    insta::assert_snapshot!(errors);
    let marked: Vec<usize> = (1..).zip(text.lines()).filter(|(_, line)| line.contains("# wrong")).map(|(number, _)| number).collect();
    let mut told: Vec<usize> = errors.errors().iter().map(|error| error.line).collect();
    told.dedup();
    assert_eq!(told, marked, "each line that is marked as wrong, and no other");
}
