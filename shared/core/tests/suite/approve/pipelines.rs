//! CodePipeline's questions: until when they stand, who may answer, and what CodePipeline is told.

use jiff::SignedDuration;
use nightshift_core::fleet::{ApprovalRule, Seconds};
use nightshift_core::release::Verdict;
use nightshift_core::release::approve::{PipelineQuestion, Question, Told, WRONG_CODES};
use nightshift_core::signal::PipelineSignal;

use super::world::*;

fn signal() -> PipelineSignal {
    PipelineSignal {
        region: Some("us-east-1".into()),
        pipeline: "multi-region-web".into(),
        stage: "Approve".into(),
        action: "AskPeople".into(),
        token: "0f7d3e4a-1111-2222-3333-444455556666".into(),
        expires: Some(now() + SignedDuration::from_hours(3)),
        custom_data: Some("Staging looks good.\nSee the dashboard.".into()),
        external_link: Some("https://example.com/staging".into()),
    }
}

fn question(needed: u32) -> PipelineQuestion {
    PipelineQuestion::new(&signal(), &key().system, &rule(needed), now())
}

#[test]
fn it_stands_until_the_first_of_all_ends() {
    assert_eq!(question(1).expires_at, now() + SignedDuration::from_hours(3), "CodePipeline's own end");
    let unsaid = PipelineSignal { expires: None, ..signal() };
    let of = |rule: &ApprovalRule| PipelineQuestion::new(&unsaid, &key().system, rule, now()).expires_at - now();
    assert_eq!(of(&rule(1)).total(jiff::Unit::Hour).unwrap(), 24.0, "the rule's");
    let long = ApprovalRule { expires: Seconds::new(30 * 86_400), ..rule(1) };
    assert_eq!(of(&long).total(jiff::Unit::Hour).unwrap(), 7.0 * 24.0, "seven days, after which CodePipeline fails it");
}

#[test]
fn enough_have_to_agree_and_one_can_refuse() {
    let two = question(2);
    assert_eq!(two.outcome(), None);
    let one = two.clone().answered(&name("ann"), answer(Verdict::Approve));
    assert_eq!((one.outcome(), one.is_to_be_told()), (None, false));
    let both = one.clone().answered(&name("bob"), answer(Verdict::Approve));
    let told = both.outcome().unwrap();
    assert_eq!((told.verdict, told.summary.as_str()), (Verdict::Approve, "Approved on Nightshift's page by ann, bob"));
    assert!(both.is_to_be_told());
    let refused = one.answered(&name("bob"), answer(Verdict::Reject));
    assert_eq!(refused.outcome().unwrap().summary, "Rejected on Nightshift's page by bob");
    let changed_mind = both.answered(&name("ann"), answer(Verdict::Reject));
    assert_eq!(changed_mind.outcome().unwrap().verdict, Verdict::Approve, "a first answer stays");
}

#[test]
fn it_is_closed_for_each_reason_with_words() {
    let wrong = (0..WRONG_CODES).fold(question(1), |question, _| question.wrongly_typed(&name("ann")));
    let cases = [
        question(1).standing(&name("eve"), now()),
        question(2).answered(&name("ann"), answer(Verdict::Approve)).standing(&name("ann"), now()),
        question(1).answered(&name("bob"), answer(Verdict::Approve)).standing(&name("ann"), now()),
        PipelineQuestion { told: Some(Told { at: now(), is_taken: false }), ..question(1) }.standing(&name("ann"), now()),
        wrong.standing(&name("ann"), now()),
        question(1).standing(&name("ann"), now() + SignedDuration::from_hours(3)),
    ];
    let told = cases.map(|closed| closed.unwrap_err()).map(|closed| format!("{}: {closed}\n  {}", closed.code(), closed.remedy()));
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(wrong.standing(&name("bob"), now()), Ok(()), "one approver's wrong codes lock nobody else out");
}

#[test]
fn its_token_is_shown_to_nobody() {
    let question = question(1);
    let token = signal().token;
    assert!(!format!("{question:?}").contains(&token));
    assert!(!question.id().contains(&token) && question.id().len() == 32);
    assert_ne!(
        question.id(),
        PipelineQuestion::new(&PipelineSignal { token: "other".into(), ..signal() }, &key().system, &rule(1), now()).id()
    );
    assert!(!format!("{:?}", Question::of_pipeline(&question)).contains(&token));
}

#[test]
fn only_https_becomes_a_link() {
    let link = |address: &str| {
        let signal = PipelineSignal { external_link: Some(address.into()), ..signal() };
        let question = Question::of_pipeline(&PipelineQuestion::new(&signal, &key().system, &rule(1), now()));
        question.facts.last().unwrap().link.clone()
    };
    assert_eq!(link("https://example.com/a?b=c").as_deref(), Some("https://example.com/a?b=c"));
    for other in
        ["http://example.com", "javascript:alert(1)", "https://", "https://a\"b", "HTTPS://x<y", " https://example.com", "data:text/html,x"]
    {
        assert_eq!(link(other), None, "{other}");
    }
}

#[test]
fn a_pipeline_in_words() {
    let question = Question::of_pipeline(&question(1));
    insta::assert_snapshot!(format!("{}\n[{}] [{}]\n{}", question.headline, question.approve, question.reject, question.text()));
}
