//! ElastiCache: when a change is over, where to log in, and what is sent.

use nightshift_aws::{AwsCaller, CacheGroups};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::rotation::SecretText;
use nightshift_core::rotation::ports::{CacheClusters, ClusterNow, TokenStrategy};

use super::recorded::{Recorded, kind_of, wait};

const GROUPS: &str = "DescribeReplicationGroups";
const USERS: &str = "DescribeUsers";
const ONE_NODE_GROUP: &str = "<NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><PrimaryEndpoint><Port>6380</Port>\
                              <Address>master.shop.cache.amazonaws.com</Address></PrimaryEndpoint></NodeGroup></NodeGroups>";

fn clusters(recorded: &Recorded) -> CacheGroups {
    CacheGroups::new(AwsCaller::new(&recorded.config()))
}

fn group(status: &str, rest: &str) -> String {
    format!(
        "<DescribeReplicationGroupsResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\"><DescribeReplicationGroupsResult>\
         <ReplicationGroups><ReplicationGroup><ReplicationGroupId>shop</ReplicationGroupId><Status>{status}</Status>{rest}\
         </ReplicationGroup></ReplicationGroups></DescribeReplicationGroupsResult></DescribeReplicationGroupsResponse>"
    )
}

fn user(status: &str) -> String {
    format!(
        "<DescribeUsersResponse><DescribeUsersResult><Users><member><UserId>shop-app</UserId><Status>{status}</Status>\
         <Authentication><Type>password</Type><PasswordCount>1</PasswordCount></Authentication></member></Users></DescribeUsersResult>\
         </DescribeUsersResponse>"
    )
}

fn refused(code: &str, words: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>")
}

fn now(status: &str, rest: &str) -> ClusterNow {
    let recorded = Recorded::default().answer(GROUPS, 200, group(status, rest));
    wait(clusters(&recorded).cluster_now("shop", None)).unwrap()
}

fn password(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

#[test]
fn a_group_is_settled_when_no_change_of_its_passwords_is_under_way() {
    let quiet = now("available", &format!("<PendingModifiedValues/>{ONE_NODE_GROUP}"));
    let endpoint = Some(("master.shop.cache.amazonaws.com".to_owned(), 6380));
    assert_eq!(quiet, ClusterNow { is_settled: true, status: "available".into(), endpoint });
    let rotating = now("available", "<PendingModifiedValues><AuthTokenStatus>ROTATING</AuthTokenStatus></PendingModifiedValues>");
    assert_eq!((rotating.is_settled, rotating.status.as_str()), (false, "available, AUTH token ROTATING"));
    assert!(!now("modifying", ONE_NODE_GROUP).is_settled);
    assert!(!now("snapshotting", "").is_settled, "ElastiCache refuses changes then");
    let groups =
        "<PendingModifiedValues><UserGroups><UserGroupIdsToAdd><member>g</member></UserGroupIdsToAdd></UserGroups></PendingModifiedValues>";
    assert!(!now("available", groups).is_settled);
    let window = "<PendingModifiedValues><AutomaticFailoverStatus>enabled</AutomaticFailoverStatus></PendingModifiedValues>";
    assert!(now("available", window).is_settled, "that may wait for days");
}

#[test]
fn with_cluster_mode_the_configuration_endpoint_is_where_to_log_in() {
    let endpoint = "<ConfigurationEndpoint><Address>clustercfg.shop</Address><Port>6379</Port></ConfigurationEndpoint>";
    assert_eq!(now("available", &format!("{endpoint}{ONE_NODE_GROUP}")).endpoint, Some(("clustercfg.shop".into(), 6379)));
    assert_eq!(now("creating", "").endpoint, None);
}

#[test]
fn a_user_has_to_be_active_too() {
    let with_user = |status: &str| {
        let recorded = Recorded::default().answer(GROUPS, 200, group("available", ONE_NODE_GROUP)).answer(USERS, 200, user(status));
        let now = wait(clusters(&recorded).cluster_now("shop", Some("shop-app"))).unwrap();
        assert!(recorded.asked_for(USERS)[0].body.ends_with("&UserId=shop-app"));
        now
    };
    assert!(with_user("active").is_settled && with_user("active").endpoint.is_some());
    let modifying = with_user("modifying");
    assert_eq!((modifying.is_settled, modifying.status.as_str()), (false, "available, user shop-app modifying"));
}

#[test]
fn what_is_missing_is_not_found_and_what_cannot_be_read_is_not_settled() {
    let read = |recorded: Recorded| wait(clusters(&recorded).cluster_now("shop", Some("shop-app")));
    let gone =
        Recorded::default().answer(GROUPS, 404, refused("ReplicationGroupNotFoundFault", "not found")).answer(USERS, 200, user("active"));
    let error = read(gone).unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("no replication group shop"), "{error}");
    let nobody = Recorded::default().answer(GROUPS, 200, group("available", "")).answer(USERS, 404, refused("UserNotFound", "not found"));
    assert_eq!(kind_of(read(nobody)), PortErrorKind::NotFound);
    let empty = "<DescribeReplicationGroupsResponse><DescribeReplicationGroupsResult><ReplicationGroups/></DescribeReplicationGroupsResult></DescribeReplicationGroupsResponse>";
    let empty = Recorded::default().answer(GROUPS, 200, empty).answer(USERS, 200, user("active"));
    assert_eq!(kind_of(read(empty)), PortErrorKind::Unavailable);
    let slow = (0..3).fold(Recorded::default().answer(USERS, 200, user("active")), |recorded, _| {
        recorded.answer(GROUPS, 400, refused("Throttling", "Rate exceeded"))
    });
    assert_eq!(kind_of(read(slow)), PortErrorKind::Throttled);
}

#[test]
fn a_token_comes_beside_the_present_one_and_then_in_its_place() {
    let done = "<ModifyReplicationGroupResponse><ModifyReplicationGroupResult/></ModifyReplicationGroupResponse>";
    let recorded = Recorded::default().answer("ModifyReplicationGroup", 200, done).answer("ModifyReplicationGroup", 200, done);
    wait(clusters(&recorded).set_token("shop", &password("a&b c!"), TokenStrategy::Rotate)).unwrap();
    wait(clusters(&recorded).set_token("shop", &password("x"), TokenStrategy::Set)).unwrap();
    let form = "Action=ModifyReplicationGroup&Version=2015-02-02&ReplicationGroupId=shop&AuthToken=a%26b%20c%21\
                &AuthTokenUpdateStrategy=ROTATE&ApplyImmediately=true";
    assert_eq!(recorded.asked()[0].body, form);
    assert!(recorded.asked()[1].body.contains("&AuthTokenUpdateStrategy=SET&"));
}

#[test]
fn a_user_gets_exactly_these_passwords() {
    let done = "<ModifyUserResponse><ModifyUserResult><Status>modifying</Status></ModifyUserResult></ModifyUserResponse>";
    let recorded = Recorded::default().answer("ModifyUser", 200, done);
    wait(clusters(&recorded).set_user_passwords("shop-app", &[password("new"), password("old")])).unwrap();
    let form = "Action=ModifyUser&Version=2015-02-02&UserId=shop-app&AuthenticationMode.Type=password\
                &AuthenticationMode.Passwords.member.1=new&AuthenticationMode.Passwords.member.2=old";
    assert_eq!(recorded.asked()[0].body, form);
}

#[test]
fn a_state_that_refuses_is_a_conflict_and_a_refused_password_is_not_repeated() {
    let set = |code: &str| -> PortResult<()> {
        let recorded = Recorded::default().answer("ModifyReplicationGroup", 400, refused(code, "AuthToken 'hunter2hunter2' is wrong"));
        wait(clusters(&recorded).set_token("shop", &password("hunter2hunter2"), TokenStrategy::Set))
    };
    assert_eq!(kind_of(set("InvalidReplicationGroupState")), PortErrorKind::Conflict);
    let error = set("InvalidParameterValue").unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("16 to 128"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let busy = Recorded::default().answer("ModifyUser", 400, refused("InvalidUserState", "The user is not in active state."));
    assert_eq!(kind_of(wait(clusters(&busy).set_user_passwords("shop-app", &[password("x")]))), PortErrorKind::Conflict);
}
