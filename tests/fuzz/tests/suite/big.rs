//! Big and deep events: memory stays within bounds, and what is too deep is refused in words, by Lambda's runtime too.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use nightshift_fuzz::big::{self, BIG, DEEP, LIMIT};
use serde_json::Value;

use super::probe::probe;

/// What a function may need besides the event itself, which Lambda's runtime has read already: so many times its bytes.
const HANDLING: u64 = 8;
/// All of it together, with the text that came over the wire twice, in the 256 MB that template.yaml gives a function.
const ALL: u64 = 224 * 1024 * 1024;

#[test]
fn a_big_event_fits_into_a_function() {
    let limit = LIMIT as u64;
    for kind in BIG {
        let told = probe(&["weigh", kind, &LIMIT.to_string()]);
        println!("{told}");
        assert!(told["refused"].is_null(), "{told}");
        let (reading, handling) = (told["reading"].as_u64().unwrap(), told["handling"].as_u64().unwrap());
        assert!(handling <= HANDLING * limit, "{told}");
        assert!(reading + handling + 2 * limit <= ALL, "{told}");
    }
}

#[test]
fn a_deep_event_is_refused_in_words() {
    for kind in DEEP {
        for levels in [1_000, 100_000] {
            let told = probe(&["weigh", kind, &levels.to_string()]);
            println!("{told}");
            // What is deep inside a text is the functions' own reading: the event itself is flat.
            match kind {
                "deep-in-sns" | "texts-in-texts" => assert!(told["handling"].is_u64(), "{told}"),
                _ => assert!(told["refused"].as_str().unwrap().contains("recursion limit"), "{told}"),
            }
        }
    }
}

/// A Runtime API that hands out these events, one after the other, and what was answered to each: `response`, `error`, and the body.
fn under_lambda(events: &[String]) -> Vec<(String, Value)> {
    let api = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = api.local_addr().unwrap().to_string();
    let mut function = Function::start(&address);
    let mut answers = Vec::new();
    let mut waiting = events.iter().enumerate();
    'connections: for stream in api.incoming() {
        let mut stream = BufReader::new(stream.unwrap());
        while let Some((path, body)) = request(&mut stream) {
            if path.ends_with("/invocation/next") {
                let Some((number, event)) = waiting.next() else { break 'connections };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-{number}\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:1:function:scale\r\nContent-Length: {}\r\n\r\n",
                    event.len()
                );
                stream.get_mut().write_all(head.as_bytes()).unwrap();
                stream.get_mut().write_all(event.as_bytes()).unwrap();
            } else {
                let how = path.rsplit('/').next().unwrap().to_owned();
                answers.push((how, serde_json::from_slice(&body).unwrap()));
                stream.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        }
    }
    assert!(function.0.try_wait().unwrap().is_none(), "the function has ended");
    answers
}

/// Path and body of the next request on a connection, if there is one.
fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_ascii_lowercase());
    }
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |length| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((path, body))
}

struct Function(Child);

impl Function {
    fn start(api: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_probe"));
        let environment = [
            ("AWS_LAMBDA_RUNTIME_API", api),
            ("AWS_LAMBDA_FUNCTION_NAME", "scale"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "g"),
        ];
        Self(command.arg("serve").envs(environment).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn lambda_s_runtime_answers_what_is_too_deep_with_an_error_and_goes_on() {
    let calm = r#"{"detail-type":"Somebody Else's Event","detail":{}}"#.to_owned();
    let mut events: Vec<String> = DEEP.iter().take(3).flat_map(|kind| [1_000, 100_000].map(|levels| big::event(kind, levels))).collect();
    let refused = events.len();
    events.push(calm.clone());
    events.push(big::event("deep-in-sns", 100_000));
    events.push(big::event("text", LIMIT));
    events.push("{\"a\":".to_owned());
    events.push(calm);
    let answers = under_lambda(&events);
    assert_eq!(answers.len(), events.len());
    for (how, body) in &answers[..refused] {
        assert_eq!(how, "error", "{body}");
        assert!(body["errorMessage"].as_str().unwrap().contains("recursion limit exceeded"), "{body}");
    }
    let how: Vec<&str> = answers[refused..].iter().map(|(how, _)| how.as_str()).collect();
    assert_eq!(how, ["response", "response", "response", "error", "response"], "{answers:?}");
    for (how, body) in answers[refused..].iter().filter(|(how, _)| how == "response") {
        assert!(body["decision"].is_string() && body["reason"].is_string(), "{how} {body}");
    }
}
