//! The commands, one file each: what is asked of AWS, and what people read.

pub(crate) mod alarms;
pub(crate) mod check;
pub(crate) mod history;
pub(crate) mod overriding;
pub(crate) mod pauses;
pub(crate) mod plan;
pub(crate) mod release;
pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod secrets;
