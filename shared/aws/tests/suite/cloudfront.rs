use nightshift_aws::{AwsCaller, CloudFrontEdges};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::front_end::{InvalidationNow, InvalidationStatus, Invalidator, Made};

use super::recorded::{Recorded, kind_of, wait};

const CREATE: &str = "POST /2020-05-31/distribution/E1/invalidation";
const GET: &str = "GET /2020-05-31/distribution/E1/invalidation/I1";

fn edges(recorded: &Recorded) -> CloudFrontEdges {
    CloudFrontEdges::new(AwsCaller::new(&recorded.config()).in_region("eu-west-1"))
}

fn body(status: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Id>I1</Id><Status>{status}</Status>\
         <CreateTime>2026-11-20T20:00:00Z</CreateTime><InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/</Path></Items></Paths>\
         <CallerReference>r</CallerReference></InvalidationBatch></Invalidation>"
    )
}

fn error(code: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>as CloudFront says</Message></Error></ErrorResponse>")
}

fn create(recorded: &Recorded) -> PortResult<InvalidationNow> {
    let paths = ["/".to_owned(), "/a&b<c>.txt".to_owned()];
    wait(edges(recorded).invalidate("E1", "nightshift-pizza-site-1", &paths))
}

fn get(recorded: &Recorded) -> PortResult<InvalidationNow> {
    let made = Made { distribution: "E1".into(), invalidation: "I1".into(), at: "2026-11-20T20:00:00Z".parse().unwrap() };
    wait(edges(recorded).invalidation(&made))
}

#[test]
fn an_invalidation_is_asked_for_with_its_paths_and_reference_at_the_one_place() {
    let recorded = Recorded::default().answer(CREATE, 201, body("InProgress"));
    assert_eq!(create(&recorded), Ok(InvalidationNow { id: "I1".into(), status: InvalidationStatus::InProgress }));
    let asked = &recorded.asked()[0];
    assert!(asked.url.starts_with("https://cloudfront.amazonaws.com/"), "{}", asked.url);
    assert!(asked.header("authorization").contains("/us-east-1/cloudfront/"), "the API stands in one region");
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
                    <Paths><Quantity>2</Quantity><Items><Path>/</Path><Path>/a&amp;b&lt;c&gt;.txt</Path></Items></Paths>\
                    <CallerReference>nightshift-pizza-site-1</CallerReference></InvalidationBatch>";
    assert_eq!(asked.body, expected);
}

#[test]
fn it_is_followed_by_its_id() {
    let recorded =
        Recorded::default().answer(GET, 200, body("InProgress")).answer(GET, 200, body("Completed")).answer(GET, 200, body("New"));
    assert_eq!(get(&recorded).unwrap().status, InvalidationStatus::InProgress);
    assert_eq!(get(&recorded).unwrap().status, InvalidationStatus::Completed);
    assert_eq!(get(&recorded).unwrap().status, InvalidationStatus::InProgress, "a word that is new is not the end");
}

#[test]
fn refusals_have_their_kinds_and_a_cut_answer_is_no_invalidation() {
    for (status, code, kind) in [
        (404, "NoSuchDistribution", PortErrorKind::NotFound),
        (403, "AccessDenied", PortErrorKind::Denied),
        (400, "InvalidArgument", PortErrorKind::Denied),
        (400, "InvalidationBatchAlreadyExists", PortErrorKind::Conflict),
    ] {
        let refused = create(&Recorded::default().answer(CREATE, status, error(code))).unwrap_err();
        assert_eq!((refused.kind, refused.operation.as_str()), (kind, "cloudfront:CreateInvalidation"), "{code}");
        assert!(refused.message.starts_with(code), "{refused}");
    }
    let many =
        |times| (0..times).fold(Recorded::default(), |recorded, _| recorded.answer(CREATE, 400, error("TooManyInvalidationsInProgress")));
    assert_eq!(kind_of(create(&many(3))), PortErrorKind::Throttled);
    assert_eq!(kind_of(get(&Recorded::default().answer(GET, 404, error("NoSuchInvalidation")))), PortErrorKind::NotFound);
    for cut in ["<Invalidation><Status>Completed</Status></Invalidation>", "<Invalidation><Id>I1</Id></Invalidation>", "", "<Invalidation>"]
    {
        assert_eq!(kind_of(get(&Recorded::default().answer(GET, 200, cut))), PortErrorKind::Unavailable, "{cut:?}");
    }
}
