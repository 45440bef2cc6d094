//! The room that is left on a container instance.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{Attachment, ContainerInstance, Resource};
use nightshift_core::scale::InstanceRoom;

pub(super) fn instance_room(instance: &ContainerInstance) -> InstanceRoom {
    let (left, whole) = (instance.remaining_resources(), instance.registered_resources());
    InstanceRoom {
        cpu_left: amount(left, "CPU"),
        memory_left: amount(left, "MEMORY"),
        cpu_total: amount(whole, "CPU"),
        memory_total: amount(whole, "MEMORY"),
        ports_taken: ports_taken(left),
        interfaces_taken: interfaces_taken(instance.attachments()),
        pending_tasks: natural(instance.pending_tasks_count()),
        running_tasks: natural(instance.running_tasks_count()),
    }
}

fn amount(resources: &[Resource], name: &str) -> u32 {
    resources.iter().find(|resource| resource.name() == Some(name)).map_or(0, |resource| natural(resource.integer_value()))
}

/// Among the *remaining* resources, PORTS and PORTS_UDP list what is taken: reserved by the agent or by a task (ECS API
/// reference, ContainerInstance). Both protocols together: at worst an instance is thought fuller than it is.
fn ports_taken(remaining: &[Resource]) -> Vec<u16> {
    let lists = remaining.iter().filter(|resource| matches!(resource.name(), Some("PORTS" | "PORTS_UDP")));
    let ports: BTreeSet<u16> = lists.flat_map(Resource::string_set_value).filter_map(|port| port.parse().ok()).collect();
    ports.into_iter().collect()
}

/// Interfaces of awsvpc tasks; ECS writes their type as `ElasticNetworkInterface` or, in events and older answers, `eni`.
fn interfaces_taken(attachments: &[Attachment]) -> u32 {
    let is_interface = |attachment: &&Attachment| {
        let kind = attachment.r#type().unwrap_or_default();
        kind.eq_ignore_ascii_case("eni") || kind.eq_ignore_ascii_case("ElasticNetworkInterface")
    };
    let taken = attachments.iter().filter(is_interface).filter(|attachment| attachment.status() != Some("DELETED"));
    u32::try_from(taken.count()).unwrap_or(u32::MAX)
}

fn natural(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
