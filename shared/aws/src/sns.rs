//! SNS topics: publishing one message.
//!
//! Owns SNS's limits: a subject of 100 ASCII characters, 256 KB in all. A message that is too long is cut, never lost.

use aws_sdk_sns::Client;
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_types::SdkConfig;
use nightshift_core::notice::Message;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult};

use crate::error::port_error;

mod fit;

const PUBLISH: &str = "sns:Publish";

/// SNS.
#[derive(Clone, Debug)]
pub struct SnsTopics {
    client: Client,
}

impl SnsTopics {
    /// The client.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl Messenger for SnsTopics {
    async fn publish(&self, topic_arn: &str, message: &Message) -> PortResult<()> {
        let mut request = self.client.publish().topic_arn(topic_arn).message(fit::body(message));
        request = request.set_subject(fit::subject(&message.subject));
        if message.is_per_protocol {
            request = request.message_structure("json");
        }
        // SNS refuses an attribute without a value.
        for (name, value) in message.attributes.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.message_attributes(*name, text_attribute(value)?);
        }
        request.send().await.map(|_| ()).map_err(|error| port_error(PUBLISH, error))
    }
}

fn text_attribute(value: &str) -> PortResult<MessageAttributeValue> {
    let built = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    built.map_err(|error: BuildError| PortError::new(PortErrorKind::Denied, PUBLISH, error.to_string()))
}
