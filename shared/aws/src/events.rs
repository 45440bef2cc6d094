//! EventBridge: reports to the default event buses of other regions.
//!
//! Owns the event's shape and size. Must never take an entry that was refused for one that was delivered.

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::Report;
use nightshift_core::release::ports::Neighbours;
use nightshift_core::signal::report_detail;
use serde_json::{Value, json};

use crate::call::AwsCaller;
use crate::call::services::EVENTS;
use crate::error::kind_of_code;

const PUT_EVENTS: &str = "events:PutEvents";

const SOURCE: &str = "nightshift";
const DETAIL_TYPE: &str = "Nightshift Release Report";

/// An entry's source, detail-type and detail together (Amazon EventBridge, "Calculating event entry size"), with some room.
const MOST_BYTES: usize = 256 * 1_024 - 512;

/// The default event buses of the account's regions.
#[derive(Clone, Debug)]
pub struct RegionBuses {
    caller: AwsCaller,
}

impl RegionBuses {
    /// Called with `caller`, in whatever region a report goes to.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }
}

impl Neighbours for RegionBuses {
    async fn tell(&self, region: &str, report: &Report) -> PortResult<()> {
        let entry = json!({ "Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": detail(report)? });
        let answer = self.caller.in_region(region).json(&EVENTS, PUT_EVENTS, &json!({ "Entries": [entry] })).await?;
        let entries = answer.get("Entries").and_then(Value::as_array);
        let (Some(failed), Some([entry])) = (answer.get("FailedEntryCount").and_then(Value::as_u64), entries.map(Vec::as_slice)) else {
            return Err(PortError::new(PortErrorKind::Unavailable, PUT_EVENTS, "the answer does not tell what became of the event"));
        };
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        match (failed, text("ErrorCode")) {
            (0, None) => Ok(()),
            (_, code) => {
                let (code, words) = (code.unwrap_or("no code"), text("ErrorMessage").unwrap_or("no words"));
                Err(PortError::new(kind_of_code(code, words), PUT_EVENTS, format!("{region} refused the report: {code}: {words}")))
            }
        }
    }
}

/// The report as text; without its log where it would be too large: every region keeps its own.
fn detail(report: &Report) -> PortResult<String> {
    let whole = report_detail(report).to_string();
    if size(&whole) <= MOST_BYTES {
        return Ok(whole);
    }
    let mut report = report.clone();
    report.release.log.clear();
    let short = report_detail(&report).to_string();
    if size(&short) <= MOST_BYTES {
        return Ok(short);
    }
    let words = format!("the report of release {} has {} bytes without its log; EventBridge takes 256 KB", report.release.id, short.len());
    Err(PortError::new(PortErrorKind::Denied, PUT_EVENTS, words))
}

fn size(detail: &str) -> usize {
    SOURCE.len() + DETAIL_TYPE.len() + detail.len()
}
