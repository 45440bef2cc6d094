//! Whether an image is in its repository, in the region that its address names.

use nightshift_core::release::repository_of;
use serde_json::{Value, json};

use super::{Seen, or_missing, without};
use crate::call::AwsCaller;
use crate::call::services::ECR;
use crate::targets::answers::items;

const DESCRIBE: &str = "ecr:DescribeImages";

pub(super) async fn look(caller: &AwsCaller, address: &str) -> Seen {
    let Some((repository, Some(digest))) = repository_of(address) else {
        return Ok(Some("it is not pinned to a digest; a release names its image as <registry>/<repository>@sha256:<digest>".into()));
    };
    let registry = Registry::of(address);
    let mut body = json!({ "repositoryName": repository, "imageIds": [{ "imageDigest": digest }] });
    if let (Some(registry), Value::Object(members)) = (&registry, &mut body) {
        members.insert("registryId".into(), Value::String(registry.account.to_owned()));
    }
    let region = registry.as_ref().map(|registry| registry.region);
    let missing = || {
        let place = region.map(|region| format!(" in {region}")).unwrap_or_default();
        format!("it is not in the repository {repository}{place}; push it there, or let the repository be replicated there")
    };
    let caller = region.map_or_else(|| caller.clone(), |region| caller.in_region(region));
    match or_missing(caller.json(&ECR, DESCRIBE, &body).await, missing) {
        Ok(answer) if answer.get("imageDetails").is_none() => Err(without(DESCRIBE, "imageDetails")),
        // ECR refuses to describe an image that is not there; a local AWS answers with none.
        Ok(answer) => Ok(items(&answer, "imageDetails").is_empty().then(missing)),
        Err(seen) => seen,
    }
}

/// `<account>.dkr.ecr.<region>.amazonaws.com`, or the dual-stack form `<account>.dkr-ecr.<region>.on.aws`.
struct Registry<'a> {
    account: &'a str,
    region: &'a str,
}

impl<'a> Registry<'a> {
    fn of(address: &'a str) -> Option<Self> {
        let host = address.split('/').next()?;
        let (account, rest) = host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr-ecr."))?;
        let (region, _) = rest.split_once('.')?;
        Some(Self { account, region })
    }
}
