//! ElastiCache: how a replication group or a user stands, and changes of their passwords.
//!
//! A change is only begun here and may take twenty minutes. Must never show a request's form, and never take a change that is
//! under way, or a state that is not known, for settled.

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::SecretText;
use nightshift_core::rotation::ports::{CacheClusters, ClusterNow, TokenStrategy};

use crate::call::services::ELASTICACHE;
use crate::call::{AwsCaller, Form, Xml};

const DESCRIBE_GROUPS: &str = "elasticache:DescribeReplicationGroups";
const DESCRIBE_USERS: &str = "elasticache:DescribeUsers";
const MODIFY_GROUP: &str = "elasticache:ModifyReplicationGroup";
const MODIFY_USER: &str = "elasticache:ModifyUser";

/// Redis's own, which ElastiCache takes where none is said.
const USUAL_PORT: u16 = 6379;

/// The replication groups and users of one account and region.
#[derive(Clone, Debug)]
pub struct CacheGroups {
    caller: AwsCaller,
}

impl CacheGroups {
    /// Called with `caller`, in its region.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }

    async fn group_now(&self, replication_group: &str) -> PortResult<ClusterNow> {
        let form = Form::new().with("ReplicationGroupId", replication_group);
        let asked = self.caller.query(&ELASTICACHE, DESCRIBE_GROUPS, &form).await;
        let answer = asked.map_err(|error| explained(error, &format!("replication group {replication_group}")))?;
        let group = answer.first("ReplicationGroups/ReplicationGroup").ok_or_else(|| lacking(DESCRIBE_GROUPS, "ReplicationGroup"))?;
        let status = group.text("Status").ok_or_else(|| lacking(DESCRIBE_GROUPS, "Status"))?;
        let pending = pending(group);
        let is_settled = status == "available" && pending.is_none();
        let status = pending.map_or_else(|| status.to_owned(), |pending| format!("{status}, {pending}"));
        Ok(ClusterNow { is_settled, status, endpoint: endpoint(group) })
    }

    /// Whether no change of the user is under way, and what ElastiCache calls its state.
    async fn user_now(&self, user_id: &str) -> PortResult<(bool, String)> {
        let asked = self.caller.query(&ELASTICACHE, DESCRIBE_USERS, &Form::new().with("UserId", user_id)).await;
        let answer = asked.map_err(|error| explained(error, &format!("user {user_id}")))?;
        let user = answer.first("Users/member").ok_or_else(|| lacking(DESCRIBE_USERS, "Users"))?;
        let status = user.text("Status").ok_or_else(|| lacking(DESCRIBE_USERS, "Status"))?;
        Ok((status == "active", status.to_owned()))
    }
}

impl CacheClusters for CacheGroups {
    async fn cluster_now(&self, replication_group: &str, user_id: Option<&str>) -> PortResult<ClusterNow> {
        let Some(user_id) = user_id else { return self.group_now(replication_group).await };
        let (group, user) = futures_util::future::join(self.group_now(replication_group), self.user_now(user_id)).await;
        let (group, (is_active, user)) = (group?, user?);
        let status = format!("{}, user {user_id} {user}", group.status);
        Ok(ClusterNow { is_settled: group.is_settled && is_active, status, ..group })
    }

    async fn set_token(&self, replication_group: &str, token: &SecretText, strategy: TokenStrategy) -> PortResult<()> {
        let strategy = match strategy {
            TokenStrategy::Rotate => "ROTATE",
            TokenStrategy::Set => "SET",
        };
        let form = Form::new()
            .with("ReplicationGroupId", replication_group)
            .with("AuthToken", token.reveal())
            .with("AuthTokenUpdateStrategy", strategy)
            .with("ApplyImmediately", true);
        let set = self.caller.query(&ELASTICACHE, MODIFY_GROUP, &form).await;
        set.map(|_| ()).map_err(|error| explained(error, &format!("replication group {replication_group}")))
    }

    async fn set_user_passwords(&self, user_id: &str, passwords: &[SecretText]) -> PortResult<()> {
        let form = Form::new()
            .with("UserId", user_id)
            .with("AuthenticationMode.Type", "password")
            .with_members("AuthenticationMode.Passwords", passwords.iter().map(SecretText::reveal));
        let set = self.caller.query(&ELASTICACHE, MODIFY_USER, &form).await;
        set.map(|_| ()).map_err(|error| explained(error, &format!("user {user_id}")))
    }
}

/// What of the group's passwords is on its way to the nodes, even where the group calls itself `available`. Other changes may
/// wait for the maintenance window, and are no reason to wait with them.
fn pending(group: &Xml) -> Option<String> {
    let values = group.first("PendingModifiedValues")?;
    match (values.text("AuthTokenStatus"), values.first("UserGroups")) {
        (Some(status), _) => Some(format!("AUTH token {status}")),
        (None, Some(groups)) if !groups.children().is_empty() => Some("user groups being changed".to_owned()),
        (None, _) => None,
    }
}

/// With cluster mode the configuration endpoint, else that of the one node group's primary.
fn endpoint(group: &Xml) -> Option<(String, u16)> {
    let of = |path: &str| {
        let found = group.first(path)?;
        Some((found.text("Address")?.to_owned(), found.parsed("Port").unwrap_or(USUAL_PORT)))
    };
    of("ConfigurationEndpoint").or_else(|| of("NodeGroups/NodeGroup/PrimaryEndpoint"))
}

fn lacking(operation: &str, member: &str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, format!("the answer lacks {member}"))
}

fn explained(error: PortError, what: &str) -> PortError {
    let is_refused_value = error.message.starts_with("InvalidParameter");
    let words = match error.kind {
        PortErrorKind::NotFound => format!("there is no {what} in this account and region; correct the fleet file"),
        // ElastiCache's own words could repeat the password (Amazon ElastiCache API reference, ModifyReplicationGroup).
        PortErrorKind::Denied if is_refused_value => format!(
            "ElastiCache refuses the change of {what} ({}); a password has 16 to 128 printable characters and none of / \" @ %, and an \
             AUTH token needs encryption in transit",
            error.message
        ),
        _ => return error,
    };
    PortError { message: words, ..error }
}
