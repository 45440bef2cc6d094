//! The fleet files of the five systems: they say what the systems' documents say, and name what their stacks create.

use std::collections::BTreeSet;

use nightshift_core::fleet::{
    Action, Amount, DeployTarget, Direction, EcsService, Elasticache, Issued, Keys, Path, Postgresql, PostgresqlUsers, Replacement, RunsOn,
    Seconds, SecretKind, Service,
};

use super::{SYSTEMS, read, system_file};

#[test]
fn the_figures_of_the_stateless_document_are_in_its_file() {
    let fleet = read(&system_file("stateless"));
    let web = &fleet.services["web"];
    assert_eq!(web.runs_on, RunsOn::Group("stateless-web".into()));
    assert_eq!((web.bounds.min().get(), web.bounds.max().get()), (2, 10));
    let figures: Vec<_> = web.rules.iter().map(|rule| (rule.metric().expect("a metric"), rule.then, rule.direction())).collect();
    assert_eq!((figures[0].0.threshold, figures[0].0.over, figures[0].1), (50.0, Seconds::new(120), Action::Add(Amount::Units(1))));
    assert_eq!((figures[1].0.threshold, figures[1].0.over, figures[1].1), (30.0, Seconds::new(300), Action::Remove(Amount::Units(1))));
    assert_eq!((figures[0].2, figures[1].2), (Direction::Grow, Direction::Shrink));
}

#[test]
fn the_figures_of_the_pizza_document_are_in_its_file() {
    let fleet = read(&system_file("pizza"));
    let api = &fleet.services["api"];
    assert!(matches!(&api.runs_on, RunsOn::Tasks(ecs) if ecs.cluster == "pizza" && ecs.service == "pizza-api"));
    assert_eq!((api.bounds.min().get(), api.bounds.max().get()), (2, 10));
    let busy = api.rules[0].metric().expect("a metric");
    assert_eq!((busy.threshold, busy.over, api.rules[0].then), (70.0, Seconds::new(300), Action::ToTarget(60.0)));
}

#[test]
fn every_file_names_the_schema_for_editors() {
    for system in SYSTEMS {
        let text = system_file(system);
        assert_eq!(text.lines().next(), Some("# yaml-language-server: $schema=../schema.json"), "{system}");
        assert_eq!(read(&text).system.as_str(), system);
    }
}

/// A path as one line: each stage with its target, who is asked, and the waves.
fn way(service: &Service, path: &Path) -> String {
    let stage = |stage: &nightshift_core::fleet::Stage| {
        let asked = stage.approval.as_ref().map_or(String::new(), |rule| format!(" ({} of {} agree)", rule.needed, rule.by.len()));
        let waves: Vec<String> = stage.waves.iter().map(|wave| wave.regions.join("+")).collect();
        format!("{}{asked}: {} in {}", stage.name, service.deploy_target(&stage.name), waves.join(", then "))
    };
    path.stages.iter().map(stage).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_service_has_the_path_of_its_document() {
    let mut told = Vec::new();
    for system in SYSTEMS {
        let fleet = read(&system_file(system));
        for (name, service) in &fleet.services {
            let deploy = service.deploy.as_ref().expect("a deploy path");
            told.push(format!("{system}/{name}: {} -> {}", deploy.repository, way(service, &fleet.paths[&deploy.path])));
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_the_documents_say_of_releases_is_in_the_files() {
    let ecommerce = read(&system_file("ecommerce"));
    assert_eq!((ecommerce.services.len(), ecommerce.paths.len()), (7, 1));
    let path = &ecommerce.paths["instances"];
    assert_eq!((path.instances.minimum_healthy, path.home_region()), (100, Some("ap-southeast-1")));

    let multi_region = read(&system_file("multi-region"));
    let path = &multi_region.paths["two-regions"];
    assert_eq!(path.stages[1].regions().collect::<Vec<_>>(), ["us-east-1", "us-west-2"]);
    assert!(path.stages[0].approval.is_none() && path.stages[1].approval.is_some());

    let postgres = read(&system_file("ecs-postgres"));
    let (api, path) = (&postgres.services["api"], &postgres.paths["scanned"]);
    let tasks = EcsService { cluster: "ecs-postgres".into(), service: "api".into() };
    assert_eq!(api.own_target(), DeployTarget::Tasks(tasks), "the tasks, not the instances under them");
    assert!(path.scan.as_ref().is_some_and(|gate| gate.most.values().next() == Some(&0)));
    assert!(path.tags.counts("v1.4.2") && !path.tags.counts("latest"));

    let pizza = read(&system_file("pizza"));
    assert!(pizza.services["api"].rotated_secrets.restart && pizza.front_ends.len() == 1);
}

/// The names of a stack, wherever in the template they stand.
fn stack(system: &str) -> String {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../systems").join(system).join("stack.yaml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn what_the_files_name_is_what_the_stacks_create() {
    for system in SYSTEMS {
        let (fleet, mut stack) = (read(&system_file(system)), stack(system));
        if system == "ecommerce" {
            // Seven times the same, made by Fn::ForEach from the names in a mapping.
            for name in fleet.services.keys().map(ToString::to_string) {
                assert!(stack.contains(&format!("      Name: {name}\n")), "{name} in the mapping");
                stack += &format!("RepositoryName: ecommerce/{name}\nAutoScalingGroupName: ecommerce-{name}\n");
            }
            assert!(stack.contains("RepositoryName: !Sub\n            - ecommerce/${Name}") && stack.contains("- ecommerce-${Name}"));
        }
        let has = |property: &str, name: &str| {
            assert!(stack.contains(&format!("{property}: {name}\n")), "{system}: the stack has no {property}: {name}");
        };
        for service in fleet.services.values() {
            let deploy = service.deploy.as_ref().expect("a deploy path");
            has("RepositoryName", &deploy.repository);
            let group = match &service.runs_on {
                RunsOn::TasksOnGroup { group, .. } => vec![DeployTarget::Group(group.clone())],
                _ => Vec::new(),
            };
            for target in deploy.targets.values().cloned().chain([service.own_target()]).chain(group) {
                match target {
                    DeployTarget::Tasks(EcsService { cluster, service }) => {
                        has("ClusterName", &cluster);
                        has("ServiceName", &service);
                    }
                    DeployTarget::Group(group) => has("AutoScalingGroupName", &group),
                }
            }
        }
    }
}

/// The secrets of each system in one line each, and the stack has what rotating them needs.
#[test]
fn every_secret_of_the_documents_is_rotated_or_watched() {
    let mut told = Vec::new();
    for system in SYSTEMS {
        let (fleet, stack) = (read(&system_file(system)), stack(system));
        let has = |text: &str| assert!(stack.contains(text), "{system}: the stack has no {text}");
        let mut logs_in = false;
        for (name, secret) in &fleet.secrets {
            let readers: Vec<&str> = secret.readers.iter().map(|reader| reader.as_str()).collect();
            let when = secret.rotate.as_ref().map_or("when somebody asks".to_owned(), ToString::to_string);
            told.push(format!("{system}: {name}: {}, {when}, read by {readers:?}", secret.kind.word()));
            match name.as_str().strip_suffix("/database").and_then(|owner| owner.strip_prefix("ecommerce/")) {
                Some(service) => assert!(fleet.services.contains_key(service) && stack.contains("- ecommerce/${Name}/database"), "{name}"),
                None => has(&format!("Name: {name}\n")),
            }
            match &secret.kind {
                SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, fields, .. }) => {
                    // The secret's user is the master user, whom the database has from its creation on.
                    let user = stack.split("MasterUsername: ").nth(1).and_then(|rest| rest.lines().next()).expect("a master user");
                    has(&format!("SecretStringTemplate: '{{\"{}\":\"{user}\"}}'", fields.username));
                    has(&format!("GenerateStringKey: {}\n", fields.password));
                    logs_in = true;
                }
                SecretKind::Elasticache(Elasticache { replication_group, fields, .. }) => {
                    has(&format!("ReplicationGroupId: {replication_group}\n"));
                    has(&format!("GenerateStringKey: {}\n", fields.password));
                    logs_in = true;
                }
                SecretKind::Keys(Keys { field, .. }) => has(&format!("GenerateStringKey: {field}\n")),
                SecretKind::Issued(Issued { field, .. }) => has(&format!("GenerateStringKey: {}\n", field.as_ref().expect("a field"))),
                other => panic!("{name}: {}", other.word()),
            }
        }
        // Both servers take the functions' security group where it is given.
        let ways_in = stack.matches("SourceSecurityGroupId: !Ref RotationSecurityGroup").count();
        assert_eq!(ways_in, if !logs_in { 0 } else { 1 + usize::from(stack.contains("ReplicationGroupId:")) }, "{system}");
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// Instances read secrets as the stack's mapping says; the file names the same readers.
#[test]
fn the_readers_on_instances_are_those_of_the_stack() {
    let fleet = read(&system_file("ecommerce"));
    let written: BTreeSet<(String, String)> = fleet
        .secrets
        .iter()
        .flat_map(|(name, secret)| secret.readers.iter().map(move |reader| (reader.to_string(), name.to_string())))
        .collect();
    let (mut service, mut mapped) = ("", BTreeSet::new());
    let stack = stack("ecommerce");
    for line in stack.lines() {
        if let Some(name) = line.strip_prefix("      Name: ") {
            service = name;
        } else if let Some(secrets) = line.strip_prefix("      Secrets: ").filter(|secrets| *secrets != "none") {
            mapped.extend(secrets.split(' ').map(|secret| (service.to_owned(), secret.to_owned())));
        }
    }
    assert_eq!((written.len(), &written), (17, &mapped));
}

#[test]
fn an_instance_refresh_goes_to_the_end_and_stops_where_it_is_told() {
    let stops = |checkpoints: &[u32]| Replacement { checkpoints: checkpoints.to_vec(), ..Replacement::default() };
    assert_eq!(stops(&[]).checkpoints_to_the_end(), Vec::<u32>::new());
    assert_eq!(stops(&[20, 50]).checkpoints_to_the_end(), [20, 50, 100]);
    assert_eq!(stops(&[20, 100]).checkpoints_to_the_end(), [20, 100]);
    // An hour at each, and none when all are new.
    let lengths = [stops(&[]), stops(&[20, 50]), stops(&[20, 100])].map(|stops| stops.stops_for().get());
    assert_eq!(lengths, [0, 7_200, 3_600]);
    assert_eq!(Replacement { checkpoint_delay: Seconds::new(60), ..stops(&[1]) }.stops_for(), Seconds::new(60));
}
