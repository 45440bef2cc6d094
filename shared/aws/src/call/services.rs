//! The services that are called without a client of their own: how each is spoken to and where it stands.
//!
//! Owns names, versions and addresses (from the service models in botocore). Must never depend on what is called there.

/// What every service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The SDK's id; `AWS_ENDPOINT_URL_` and this in capitals with underscores names its own endpoint.
    pub sdk_id: &'static str,
    /// The first part of its host name.
    pub host: &'static str,
    /// Its name in signatures.
    pub signing_name: &'static str,
    /// The version of its API.
    pub api_version: &'static str,
    /// Where it stands.
    pub scope: Scope,
    /// Whether its bodies may hold secrets.
    pub bodies: Bodies,
}

/// Where a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In each region, on its own.
    Regional,
    /// Once in a partition, in one of its regions.
    Global {
        /// The region in which China's partition has it; every other partition has its global services in one region.
        in_china: &'static str,
    },
}

/// Whether bodies may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// Their beginning may stand in an error.
    Plain,
    /// They may hold a secret: nothing of them is ever shown, neither of requests nor of answers, not even in the SDK's traces,
    /// and of AWS's words only those of codes that cannot repeat what was sent.
    Secret,
}

/// A service of the protocol awsJson1_1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonService {
    /// The service.
    pub service: Service,
    /// What stands before the operation in `X-Amz-Target`.
    pub target_prefix: &'static str,
}

/// A service of the protocols awsQuery and ec2Query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryService {
    /// The service.
    pub service: Service,
}

/// A service of the protocols restJson1 and restXml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestService {
    /// The service.
    pub service: Service,
}

const fn regional(sdk_id: &'static str, host: &'static str, api_version: &'static str) -> Service {
    Service { sdk_id, host, signing_name: host, api_version, scope: Scope::Regional, bodies: Bodies::Plain }
}

const fn json(service: Service, target_prefix: &'static str) -> JsonService {
    JsonService { service, target_prefix }
}

/// CodePipeline.
pub const CODEPIPELINE: JsonService = json(regional("CodePipeline", "codepipeline", "2015-07-09"), "CodePipeline_20150709");
/// ECR; its host is not the one that docker pulls from.
pub const ECR: JsonService =
    json(Service { signing_name: "ecr", ..regional("ECR", "api.ecr", "2015-09-21") }, "AmazonEC2ContainerRegistry_V20150921");
/// ECS.
pub const ECS: JsonService = json(regional("ECS", "ecs", "2014-11-13"), "AmazonEC2ContainerServiceV20141113");
/// EventBridge.
pub const EVENTS: JsonService = json(regional("EventBridge", "events", "2015-10-07"), "AWSEvents");
/// CloudWatch Logs.
pub const LOGS: JsonService = json(regional("CloudWatch Logs", "logs", "2014-03-28"), "Logs_20140328");
/// Secrets Manager.
pub const SECRETS_MANAGER: JsonService =
    json(Service { bodies: Bodies::Secret, ..regional("Secrets Manager", "secretsmanager", "2017-10-17") }, "secretsmanager");
/// Systems Manager; parameters may be secrets.
pub const SSM: JsonService = json(Service { bodies: Bodies::Secret, ..regional("SSM", "ssm", "2014-11-06") }, "AmazonSSM");

/// Auto Scaling.
pub const AUTO_SCALING: QueryService = QueryService { service: regional("Auto Scaling", "autoscaling", "2011-01-01") };
/// EC2.
pub const EC2: QueryService = QueryService { service: regional("EC2", "ec2", "2016-11-15") };
/// ElastiCache; its requests may hold passwords.
pub const ELASTICACHE: QueryService =
    QueryService { service: Service { bodies: Bodies::Secret, ..regional("ElastiCache", "elasticache", "2015-02-02") } };
/// Elastic Load Balancing, for application and network load balancers.
pub const ELBV2: QueryService = QueryService { service: regional("Elastic Load Balancing v2", "elasticloadbalancing", "2015-12-01") };
/// IAM.
pub const IAM: QueryService =
    QueryService { service: Service { scope: Scope::Global { in_china: "cn-north-1" }, ..regional("IAM", "iam", "2010-05-08") } };
/// STS; what it answers are credentials.
pub const STS: QueryService = QueryService { service: Service { bodies: Bodies::Secret, ..regional("STS", "sts", "2011-06-15") } };

/// CloudFront.
pub const CLOUDFRONT: RestService = RestService {
    service: Service { scope: Scope::Global { in_china: "cn-northwest-1" }, ..regional("CloudFront", "cloudfront", "2020-05-31") },
};
/// Lambda.
pub const LAMBDA: RestService = RestService { service: regional("Lambda", "lambda", "2015-03-31") };

/// AWS's partitions but the first, by how the names of their regions begin: DNS suffix, the region of global services.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "amazonaws.com.cn", "cn-northwest-1"),
    ("us-gov-", "amazonaws.com", "us-gov-west-1"),
    ("eusc-", "amazonaws.eu", "eusc-de-east-1"),
    ("us-iso-", "c2s.ic.gov", "us-iso-east-1"),
    ("us-isob-", "sc2s.sgov.gov", "us-isob-east-1"),
    ("us-isof-", "csp.hci.ic.gov", "us-isof-south-1"),
    ("eu-isoe-", "cloud.adc-e.uk", "eu-isoe-west-1"),
];

/// Where a request goes and for which region it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) url: String,
    pub(super) signing_region: String,
}

impl Service {
    /// What host names of its region end with.
    pub fn dns_suffix(&self, region: &str) -> &'static str {
        let partition = PARTITIONS.iter().find(|(begin, _, _)| region.starts_with(begin));
        partition.map_or("amazonaws.com", |(_, suffix, _)| suffix)
    }

    /// Its public address for callers in `region`.
    pub(super) fn place(&self, region: &str) -> Place {
        let host = self.host;
        let partition = PARTITIONS.iter().find(|(begin, _, _)| region.starts_with(begin));
        match (self.scope, partition) {
            (Scope::Regional, _) => {
                let suffix = self.dns_suffix(region);
                Place { url: format!("https://{host}.{region}.{suffix}"), signing_region: region.to_owned() }
            }
            (Scope::Global { .. }, None) => Place { url: format!("https://{host}.amazonaws.com"), signing_region: "us-east-1".to_owned() },
            (Scope::Global { in_china }, Some((begin, suffix, global))) => {
                let home = if *begin == "cn-" { in_china } else { global };
                // GovCloud's global hosts carry the partition's name, all others that of a region.
                let label = if *begin == "us-gov-" { "us-gov" } else { home };
                Place { url: format!("https://{host}.{label}.{suffix}"), signing_region: home.to_owned() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_addresses() {
        let table = [
            (ECS.service, "eu-west-1", "https://ecs.eu-west-1.amazonaws.com", "eu-west-1"),
            (ECR.service, "us-east-1", "https://api.ecr.us-east-1.amazonaws.com", "us-east-1"),
            (STS.service, "ap-southeast-1", "https://sts.ap-southeast-1.amazonaws.com", "ap-southeast-1"),
            (ELASTICACHE.service, "ap-southeast-1", "https://elasticache.ap-southeast-1.amazonaws.com", "ap-southeast-1"),
            (ELBV2.service, "cn-north-1", "https://elasticloadbalancing.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            (EC2.service, "us-gov-east-1", "https://ec2.us-gov-east-1.amazonaws.com", "us-gov-east-1"),
            (EC2.service, "us-isob-east-1", "https://ec2.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
            (EC2.service, "eusc-de-east-1", "https://ec2.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            (IAM.service, "ap-southeast-1", "https://iam.amazonaws.com", "us-east-1"),
            (IAM.service, "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            (IAM.service, "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
            (IAM.service, "us-iso-west-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            (CLOUDFRONT.service, "eu-west-1", "https://cloudfront.amazonaws.com", "us-east-1"),
            (CLOUDFRONT.service, "cn-north-1", "https://cloudfront.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
        ];
        for (service, region, url, signing_region) in table {
            let place = Place { url: url.to_owned(), signing_region: signing_region.to_owned() };
            assert_eq!(service.place(region), place, "{} in {region}", service.sdk_id);
        }
    }
}
