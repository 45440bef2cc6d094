//! What one task of a definition needs of an instance, as ECS's scheduler counts it.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{ContainerDefinition, NetworkMode, TaskDefinition};
use nightshift_core::scale::TaskNeed;

/// The task's own figures where it has them, else those of its containers together (ECS API reference, TaskDefinition).
pub(super) fn task_need(definition: &TaskDefinition) -> TaskNeed {
    let containers = definition.container_definitions();
    let all = |need: fn(&ContainerDefinition) -> u32| containers.iter().map(need).fold(0, u32::saturating_add);
    TaskNeed {
        cpu: figure(definition.cpu()).unwrap_or_else(|| all(|container| natural(container.cpu()))),
        memory: figure(definition.memory()).unwrap_or_else(|| all(reserved_memory)),
        host_ports: host_ports(definition),
        has_own_interface: definition.network_mode() == Some(&NetworkMode::Awsvpc),
    }
}

/// The soft limit is what is reserved where there is one; the hard limit else.
fn reserved_memory(container: &ContainerDefinition) -> u32 {
    natural(container.memory_reservation().or(container.memory()).unwrap_or_default())
}

/// Ports of the instance itself. A task with its own interface takes none; host mode takes the container's port where no
/// other is named; else 0 or none means "any that is free".
fn host_ports(definition: &TaskDefinition) -> Vec<u16> {
    if definition.network_mode() == Some(&NetworkMode::Awsvpc) {
        return Vec::new();
    }
    let is_host = definition.network_mode() == Some(&NetworkMode::Host);
    let mappings = definition.container_definitions().iter().flat_map(ContainerDefinition::port_mappings);
    let ports = mappings.filter_map(|mapping| {
        let container_port = mapping.container_port().filter(|_| is_host);
        mapping.host_port().filter(|port| *port != 0).or(container_port)
    });
    let fixed: BTreeSet<u16> = ports.filter_map(|port| u16::try_from(port).ok()).filter(|port| *port != 0).collect();
    fixed.into_iter().collect()
}

/// ECS gives a task's cpu and memory back as digits, whatever unit they were registered in.
fn figure(text: Option<&str>) -> Option<u32> {
    text.and_then(|text| text.trim().parse().ok())
}

fn natural(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
