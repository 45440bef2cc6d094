//! Keys of uploaded files, and definitions of what runs.

use std::collections::BTreeSet;

use nightshift_core::fleet::FrontEnd;
use nightshift_core::release::front_end::{Arrival, arrival, covers, fewest_paths};
use nightshift_core::release::{blueprint_differences, definition_with_image, reads_secret, same_blueprint, template_with_image};
use serde_json::{Value, json};

use super::{json as read_json, text};

/// A prefix, a pattern of hashed names, then keys, each on a line: no path that changed is left out.
pub(super) fn uploads(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut lines = text.lines();
    let (prefix, hashed) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let file = json!({ "bucket": "b", "distribution": "E1", "prefix": prefix, "hashed": [hashed] });
    let Ok(front_end) = serde_json::from_value::<FrontEnd>(file) else { return };
    let (mut all, mut coarse) = (BTreeSet::new(), BTreeSet::new());
    for key in lines {
        if let Arrival::Stale(stale) = arrival(&front_end, key) {
            assert!(!stale.paths.is_empty() && stale.paths.iter().all(|path| path.starts_with('/')), "{key:?}: {stale:?}");
            for path in &stale.paths {
                assert!(stale.coarse.iter().any(|named| covers(named, path)), "{key:?}: {path} is not in the coarse paths");
            }
            all.extend(stale.paths);
            coarse.extend(stale.coarse);
        }
    }
    for stale in [&all, &coarse] {
        let named = fewest_paths(stale);
        assert!(named.len() <= 30, "{} paths", named.len());
        for path in stale {
            assert!(named.iter().any(|named| covers(named, path)), "{path} is left out of {named:?}");
        }
    }
}

/// Keys of sites.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let many: String = (0..40).map(|number| format!("docs/{}/page-{number}.html\n", number % 12)).collect();
    let few = "site/\n*.chunk.js\nsite/index.html\nsite/main.3f2a1b9c.js\nsite/a b/caf\u{e9}.html\nother/x\nsite/~user/*\n";
    vec![few.as_bytes().to_vec(), format!("\n\n{many}").into_bytes()]
}

/// `[before, after]`: a copy with another image differs by the image alone.
pub(super) fn blueprint(bytes: &[u8]) {
    let Some(Value::Array(pair)) = read_json(bytes) else { return };
    let [before, after] = pair.as_slice() else { return };
    const REPOSITORY: &str = "shop/web";
    const IMAGE: &str =
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web@sha256:455aa647b26d9310341733d58b9b7442e8dac759573892e5c97103e61d136e0a";
    for copied in [definition_with_image, template_with_image] {
        if let Ok(copy) = copied(before, REPOSITORY, IMAGE) {
            let differences = blueprint_differences(before, &copy, Some(REPOSITORY));
            assert!(differences.len() <= 20);
            let again = copied(&copy, REPOSITORY, IMAGE).expect("a copy can be copied");
            assert!(same_blueprint(&copy, &again), "done twice is not done once");
        }
    }
    assert!(same_blueprint(before, before));
    assert!(blueprint_differences(before, after, None).is_empty() || !same_blueprint(before, after), "equal and different");
    reads_secret(before, "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/database-Kd3vNx");
}

/// A task definition and a launch template.
pub(super) fn blueprint_seeds() -> Vec<Vec<u8>> {
    let address = "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1";
    let definition = json!({
        "family": "web", "cpu": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [
            { "name": "web", "image": address, "essential": true, "environment": [{ "name": "A", "value": "1" }],
              "secrets": [{ "name": "P", "valueFrom": "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/database-Kd3vNx:password::" }] },
            { "name": "side", "image": "public.ecr.aws/x/y:1", "repositoryCredentials": { "credentialsParameter": "shop/registry" } },
        ],
        "tags": [{ "key": "a", "value": "b" }], "revision": 7,
    });
    let user_data = "#!/bin/sh\ndocker run 111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1\n";
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, user_data);
    let template = json!({ "ImageId": "ami-1", "UserData": encoded, "TagSpecifications": [{ "ResourceType": "instance", "Tags": [{ "Key": "image", "Value": address }] }] });
    [json!([definition, definition]), json!([template, definition]), json!([template, {}])]
        .map(|pair| pair.to_string().into_bytes())
        .to_vec()
}
