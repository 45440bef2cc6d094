//! Whether a log group exists: a task whose log group is missing does not start.

use serde_json::json;

use super::Seen;
use crate::call::AwsCaller;
use crate::call::services::LOGS;
use crate::targets::answers::{list, text};

const DESCRIBE: &str = "logs:DescribeLogGroups";

pub(super) async fn look(caller: &AwsCaller, group: &str, region: Option<&str>) -> Seen {
    let caller = region.map_or_else(|| caller.clone(), |region| caller.in_region(region));
    // Groups can be asked for by the beginning of their name only.
    for page in caller.json_pages(&LOGS, DESCRIBE, &json!({ "logGroupNamePrefix": group })).await? {
        if list(DESCRIBE, &page, "logGroups")?.iter().any(|found| text(found, "logGroupName") == Some(group)) {
            return Ok(None);
        }
    }
    Ok(Some("there is no such log group, and its tasks would not start; create it, or set awslogs-create-group to true".into()))
}
