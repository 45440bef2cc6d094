//! The password of an ACL user of a real Redis server: two hold during the hand-over, one after it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use nightshift_test_servers::Redis;
use serde_json::json;

use crate::rotations_world::{FIRST, House, ca, has_no, local_aws};

fn lets_in(redis: &Redis, password: &str) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).expect("the server takes connections");
    stream.write_all(format!("AUTH app {password}\r\n").as_bytes()).expect("the server reads");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("the server answers");
    assert!(answer.starts_with("+OK") || answer.starts_with("-WRONGPASS"), "{answer}");
    answer.starts_with("+OK")
}

#[tokio::test]
async fn both_passwords_hold_until_the_readers_are_proven_and_then_the_old_one_is_dead() {
    let (redis, aws) = (Redis::start(), local_aws());
    redis.command(&["ACL", "SETUSER", "app", "on", &format!(">{FIRST}"), "~*", "+@all"]);
    let kind = format!("redis:\n      {}", ca(redis.ca_pem(), 8));
    let value = json!({ "username": "app", "password": FIRST, "host": "localhost", "port": redis.tls_port() });
    let house = House::build(&aws, &kind, &value).await;

    house.nightshift.rotate_secret(house.secret);
    let new = house.field("AWSCURRENT", "password");
    assert!(new != FIRST && lets_in(&redis, &new) && lets_in(&redis, FIRST), "both hold during the hand-over");
    let told = house.readers_are_proven().await;
    assert!(told.contains("none was without a good credential"), "{told}");
    assert!(lets_in(&redis, &new) && !lets_in(&redis, FIRST), "the old one is dead");
    house.nothing_leaked(&[FIRST, &new]).await;
    has_no(&new, &redis.log(), "the server's log");
}
