//! CloudFront: invalidations. Its API stands once for all regions.
//!
//! Owns the request's XML and what its answers mean. Must never make a second invalidation for one reference.

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::front_end::{InvalidationNow, InvalidationStatus, Invalidator, Made};

use crate::call::services::CLOUDFRONT;
use crate::call::{AwsCaller, RestAnswer, RestRequest, Xml};

const CREATE_INVALIDATION: &str = "cloudfront:CreateInvalidation";
const GET_INVALIDATION: &str = "cloudfront:GetInvalidation";
const VERSION: &str = "2020-05-31";

/// The account's distributions.
#[derive(Clone, Debug)]
pub struct CloudFrontEdges {
    caller: AwsCaller,
}

impl CloudFrontEdges {
    /// Called with `caller`, whatever its region.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }
}

impl Invalidator for CloudFrontEdges {
    async fn invalidate(&self, distribution: &str, reference: &str, paths: &[String]) -> PortResult<InvalidationNow> {
        let request = RestRequest::new("POST", &[VERSION, "distribution", distribution, "invalidation"]);
        let answer = self.caller.rest(&CLOUDFRONT, CREATE_INVALIDATION, request.with_xml(batch(reference, paths))).await?;
        invalidation_of(CREATE_INVALIDATION, &answer)
    }

    async fn invalidation(&self, made: &Made) -> PortResult<InvalidationNow> {
        let request = RestRequest::new("GET", &[VERSION, "distribution", &made.distribution, "invalidation", &made.invalidation]);
        let answer = self.caller.rest(&CLOUDFRONT, GET_INVALIDATION, request).await?;
        invalidation_of(GET_INVALIDATION, &answer)
    }
}

/// The elements stand in the order of the service's model.
fn batch(reference: &str, paths: &[String]) -> String {
    let items: String = paths.iter().map(|path| format!("<Path>{}</Path>", Xml::escaped(path))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/{VERSION}/\"><Paths>\
         <Quantity>{}</Quantity><Items>{items}</Items></Paths><CallerReference>{}</CallerReference></InvalidationBatch>",
        paths.len(),
        Xml::escaped(reference)
    )
}

fn invalidation_of(operation: &str, answer: &RestAnswer) -> PortResult<InvalidationNow> {
    let root = answer.xml()?;
    let needed = |name: &str| {
        let lacking = || PortError::new(PortErrorKind::Unavailable, operation, format!("the answer lacks {name}"));
        root.text(name).map(str::to_owned).ok_or_else(lacking)
    };
    // CloudFront knows two words; whatever is not the one is not yet the end.
    let status = match needed("Status")?.as_str() {
        "Completed" => InvalidationStatus::Completed,
        _ => InvalidationStatus::InProgress,
    };
    Ok(InvalidationNow { id: needed("Id")?, status })
}
