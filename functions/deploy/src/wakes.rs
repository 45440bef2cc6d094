//! Which services and front ends an event concerns, and the one answer that comes of all of them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use nightshift_core::fleet::{DeployTarget, Fleet, Fleets, Service, ServiceName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::release::{ImageRef, StopHow, Wake};
use nightshift_core::signal::{
    ImageEvent, ImageSignal, Parsed, RecheckSignal, RefreshSignal, ReleaseCommand, ReleaseVerb, ReportSignal, SecretSignal, ServiceSignal,
    Signal,
};
use nightshift_lambda::{HandlerError, Invocation, one_answer};
use serde_json::{Value, json};

const NARROW_THE_RULE: &str = "Narrow the EventBridge rule or the subscription that sends it here.";

/// One service to look at.
pub(crate) struct Call<'a> {
    pub key: ServiceKey,
    pub fleet: &'a Fleet,
    pub service: &'a Service,
    pub wake: Wake,
    /// How many looks in a row this is.
    pub attempt: u32,
    /// The SQS message that asked for it.
    pub message_id: Option<String>,
}

/// What came of one service or front end.
pub(crate) struct Answered {
    pub message_id: Option<String>,
    pub answer: Value,
    /// Where Lambda's retry, or a person, has to take over.
    pub failure: Option<HandlerError>,
}

/// What an event asks for.
pub(crate) struct Wakes<'a> {
    calls: Vec<Call<'a>>,
    front_ends: Vec<(&'a Signal, Option<String>)>,
    ignored: Vec<Value>,
    is_queue: bool,
}

/// Where this function runs, and what it knows.
struct Here<'a> {
    fleets: &'a Fleets,
    region: &'a str,
    account: Option<&'a str>,
    now: Timestamp,
}

impl<'a> Wakes<'a> {
    pub(crate) fn of(parsed: &'a Parsed, fleets: &'a Fleets, region: &'a str, invocation: &'a Invocation) -> Self {
        let here = Here { fleets, region, account: account_of(&invocation.function_arn), now: invocation.now() };
        let mut wakes = Self { calls: Vec::new(), front_ends: Vec::new(), ignored: Vec::new(), is_queue: false };
        for record in &parsed.records {
            wakes.is_queue |= record.message_id.is_some();
            let (calls, front_ends) = (wakes.calls.len(), wakes.front_ends.len());
            match &record.result {
                Err(ignored) => wakes.ignore(ignored.code(), format!("{ignored}. {}", ignored.remedy())),
                Ok(signal) => wakes.signal(signal, &here),
            }
            for call in wakes.calls.iter_mut().skip(calls) {
                call.message_id.clone_from(&record.message_id);
            }
            for (_, message_id) in wakes.front_ends.iter_mut().skip(front_ends) {
                message_id.clone_from(&record.message_id);
            }
        }
        wakes
    }

    fn signal(&mut self, signal: &'a Signal, here: &Here<'a>) {
        match signal {
            Signal::Image(image) => self.image(image, here),
            Signal::Service(service) => self.deployment(service, here),
            Signal::Refresh(refresh) => self.refresh(refresh, here),
            Signal::Secret(secret) => self.secret(secret, here),
            Signal::Report(report) => self.report(report, here),
            Signal::Release(command) => self.command(command, here),
            Signal::Recheck(recheck) => self.recheck(recheck, here),
            Signal::CalendarTick => {
                self.sweep(here);
                self.front_ends.push((signal, None));
            }
            Signal::Object(_) | Signal::FrontEnd(_) => self.front_ends.push((signal, None)),
            Signal::Alarm(_) | Signal::Pipeline(_) => {
                self.ignore("not_for_deploy", format!("not for this function: {signal}. {NARROW_THE_RULE}"));
            }
        }
    }

    /// The services to look at: those of one service stand together, in the order of the event.
    pub(crate) fn by_service(&self) -> Vec<Vec<&Call<'a>>> {
        let mut groups: BTreeMap<&ServiceKey, Vec<&Call<'a>>> = BTreeMap::new();
        for call in &self.calls {
            groups.entry(&call.key).or_default().push(call);
        }
        groups.into_values().collect()
    }

    /// What concerns front ends, with the SQS message that told it.
    pub(crate) fn front_ends(&self) -> &[(&'a Signal, Option<String>)] {
        &self.front_ends
    }

    /// The answers of the records that concern nothing of ours.
    pub(crate) fn ignored(&self) -> &[Value] {
        &self.ignored
    }

    fn image(&mut self, image: &ImageSignal, here: &Here<'a>) {
        if self.is_elsewhere(image.region.as_deref(), format_args!("repository {}", image.repository), here) {
            return;
        }
        if let (Some(told), Some(own)) = (image.account.as_deref(), here.account)
            && told != own
        {
            return self.ignore("other_account", format!("repository {} is of account {told}, this is {own}", image.repository));
        }
        let wake = match (image.what, image.digest.as_ref(), image.tag.as_ref()) {
            (ImageEvent::Scanned, ..) => Wake::Look { because: "scanned".to_owned() },
            (ImageEvent::Pushed, Some(digest), tag) => Wake::Pushed { image: ImageRef::Digest(digest.clone()), tag: tag.cloned() },
            (ImageEvent::Pushed, None, Some(tag)) => Wake::Pushed { image: ImageRef::Tag(tag.clone()), tag: Some(tag.clone()) },
            (ImageEvent::Pushed, None, None) => {
                return self.ignore("incomplete_event", format!("the push to {} has neither digest nor tag", image.repository));
            }
        };
        let is_of = |service: &Service| service.deploy.as_ref().is_some_and(|deploy| deploy.repository == image.repository);
        self.each(here, is_of, &wake, format_args!("no service of the fleet files is deployed from repository {}", image.repository));
    }

    fn deployment(&mut self, signal: &ServiceSignal, here: &Here<'a>) {
        if self.is_elsewhere(signal.region.as_deref(), format_args!("ECS service {}", signal.service), here) {
            return;
        }
        let is_it = |target: &DeployTarget| match target {
            DeployTarget::Tasks(tasks) => {
                tasks.service == signal.service && signal.cluster.as_ref().is_none_or(|cluster| *cluster == tasks.cluster)
            }
            DeployTarget::Group(_) => false,
        };
        let wake = Wake::Look { because: "deployment".to_owned() };
        let none = format_args!("no service of the fleet files deploys onto ECS service {}", signal.service);
        self.each(here, |service| service.all_targets().into_iter().any(|target| is_it(&target)), &wake, none);
    }

    fn refresh(&mut self, signal: &RefreshSignal, here: &Here<'a>) {
        if self.is_elsewhere(signal.region.as_deref(), format_args!("group {}", signal.group), here) {
            return;
        }
        let is_it = |target: &DeployTarget| matches!(target, DeployTarget::Group(group) if *group == signal.group);
        let wake = Wake::Look { because: "instance_refresh".to_owned() };
        let none = format_args!("no service of the fleet files deploys onto Auto Scaling group {}", signal.group);
        self.each(here, |service| service.all_targets().into_iter().any(|target| is_it(&target)), &wake, none);
    }

    /// Who reads the secret stands in the task definitions, so that every ECS service is asked; of instances it stands in the
    /// fleet file.
    fn secret(&mut self, signal: &SecretSignal, here: &Here<'a>) {
        if self.is_elsewhere(signal.region.as_deref(), format_args!("secret {}", signal.secret), here) {
            return;
        }
        let is_named =
            |fleet: &Fleet, name: &ServiceName| fleet.secret_by(&signal.secret).is_some_and(|(_, secret)| secret.readers.contains(name));
        let may_read = |fleet: &Fleet, name: &ServiceName, service: &Service| {
            service.rotated_secrets.restart && (runs_tasks(service) || is_named(fleet, name))
        };
        let wake = Wake::Rotated { secret: signal.secret.clone(), version: signal.version.clone(), at: signal.at };
        self.each_of(here, may_read, &wake, format_args!("no service of the fleet files is started anew when this secret is rotated"));
    }

    fn report(&mut self, report: &ReportSignal, here: &Here<'a>) {
        self.named(&report.system, &report.service, here, 0, || Wake::Reported { report: report.clone() });
    }

    fn command(&mut self, command: &ReleaseCommand, here: &Here<'a>) {
        let stop = |release: &Option<String>, how: StopHow, why: &String| Wake::Stop {
            release: release.clone(),
            how,
            by: command.by.clone(),
            why: why.clone(),
        };
        self.named(&command.system, &command.service, here, 0, || match &command.verb {
            ReleaseVerb::Deploy { image, accepts_drift, only_here } => Wake::Deploy {
                image: ImageRef::parse(image),
                by: command.by.clone(),
                at: command.at.unwrap_or(here.now),
                accepts_drift: *accepts_drift,
                only_here: *only_here,
            },
            ReleaseVerb::Abort { release, why } => stop(release, StopHow::Abort, why),
            ReleaseVerb::Rollback { release, why } => stop(release, StopHow::RollBack, why),
            ReleaseVerb::Answered => Wake::Look { because: "answered".to_owned() },
        });
    }

    fn recheck(&mut self, recheck: &RecheckSignal, here: &Here<'a>) {
        self.named(&recheck.system, &recheck.service, here, recheck.attempt, || Wake::Look { because: "recheck".to_owned() });
    }

    /// Every service that may have a release or a restart in hand: events can be lost.
    fn sweep(&mut self, here: &Here<'a>) {
        for (fleet, name, service) in services(here) {
            let reads_secrets = || runs_tasks(service) || fleet.secrets.values().any(|secret| secret.readers.contains(name));
            if service.deploy.is_some() || (service.rotated_secrets.restart && reads_secrets()) {
                self.calls.push(call(fleet, name, service, Wake::Sweep, 0));
            }
        }
    }

    /// One service by name.
    fn named(&mut self, system: &str, service: &str, here: &Here<'a>, attempt: u32, wake: impl FnOnce() -> Wake) {
        match here.fleets.service(system, service) {
            Some((fleet, name, service)) => self.calls.push(call(fleet, name, service, wake(), attempt)),
            None => self.ignore("not_ours", format!("{system}/{service} is not in the fleet files")),
        }
    }

    /// Every service of this region that is meant.
    fn each(&mut self, here: &Here<'a>, is_meant: impl Fn(&Service) -> bool, wake: &Wake, if_none: fmt::Arguments<'_>) {
        self.each_of(here, |_, _, service| is_meant(service), wake, if_none);
    }

    fn each_of(
        &mut self,
        here: &Here<'a>,
        is_meant: impl Fn(&Fleet, &ServiceName, &Service) -> bool,
        wake: &Wake,
        if_none: fmt::Arguments<'_>,
    ) {
        let before = self.calls.len();
        let meant = services(here).filter(|(fleet, name, service)| is_meant(fleet, name, service));
        self.calls.extend(meant.map(|(fleet, name, service)| call(fleet, name, service, wake.clone(), 0)));
        if self.calls.len() == before {
            self.ignore("not_ours", if_none.to_string());
        }
    }

    /// Whether it is another region's matter; told if so. An event that does not say is of this region.
    fn is_elsewhere(&mut self, region: Option<&str>, what: fmt::Arguments<'_>, here: &Here<'a>) -> bool {
        let Some(other) = region.filter(|other| *other != here.region) else { return false };
        self.ignore("other_region", format!("{what} is of {other}, this is {}", here.region));
        true
    }

    fn ignore(&mut self, reason: &str, text: String) {
        self.ignored.push(json!({ "decision": "hold", "reason": reason, "text": text, "steps": [], "plan_id": null }));
    }

    /// The function's answer: the first outcome's fields, all of them under `outcomes`, and for queues what is to be redelivered.
    pub(crate) fn answer(mut self, answered: Vec<Answered>) -> Result<Value, HandlerError> {
        let mut answers: Vec<Value> = answered.iter().map(|one| one.answer.clone()).collect();
        answers.append(&mut self.ignored);
        let failed: Vec<&Answered> = answered.iter().filter(|one| one.failure.is_some()).collect();
        if self.is_queue {
            let failures: Vec<Value> =
                failed.iter().filter_map(|one| one.message_id.as_ref()).map(|id| json!({ "itemIdentifier": id })).collect();
            return Ok(one_answer(answers, "nothing of ours is concerned", json!({ "batchItemFailures": failures })));
        }
        match together(failed.into_iter().filter_map(|one| one.failure.clone())) {
            None => Ok(one_answer(answers, "nothing of ours is concerned", json!({}))),
            Some(error) => Err(error),
        }
    }
}

/// The first error, in the name of all.
fn together(errors: impl Iterator<Item = HandlerError>) -> Option<HandlerError> {
    errors.reduce(|first, next| {
        let names = |other: &HandlerError| match other {
            HandlerError::NotArranged { services, .. } | HandlerError::Refused { services, .. } => format!(", {services}"),
            HandlerError::Configuration { .. } | HandlerError::OutOfTime | HandlerError::Rotation { .. } => String::new(),
        };
        match first {
            HandlerError::NotArranged { services, cause } => HandlerError::NotArranged { services: services + &names(&next), cause },
            HandlerError::Refused { services, cause } => HandlerError::Refused { services: services + &names(&next), cause },
            other @ (HandlerError::Configuration { .. } | HandlerError::OutOfTime | HandlerError::Rotation { .. }) => other,
        }
    })
}

fn services<'a>(here: &Here<'a>) -> impl Iterator<Item = (&'a Fleet, &'a ServiceName, &'a Service)> {
    let region = here.region;
    let fleets = here.fleets.iter().filter(move |fleet| fleet.regions.iter().any(|own| own == region));
    fleets.flat_map(|fleet| fleet.services.iter().map(move |(name, service)| (fleet, name, service)))
}

fn runs_tasks(service: &Service) -> bool {
    service.all_targets().into_iter().any(|target| matches!(target, DeployTarget::Tasks(_)))
}

fn call<'a>(fleet: &'a Fleet, name: &ServiceName, service: &'a Service, wake: Wake, attempt: u32) -> Call<'a> {
    let key = ServiceKey { system: fleet.system.clone(), service: name.clone() };
    Call { key, fleet, service, wake, attempt, message_id: None }
}

/// `arn:aws:lambda:us-east-1:111122223333:function:nightshift-deploy`: the fifth part.
fn account_of(function_arn: &str) -> Option<&str> {
    function_arn.split(':').nth(4).filter(|account| account.len() == 12)
}
