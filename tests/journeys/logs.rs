//! Logs for programs: without a terminal every line is JSON, including the last one of a failed run.

use std::io::{Read as _, Write as _};

use serde_json::Value;
use stream_tests::{SECRET_KEY, ServiceBuilder};

/// The lines of a log, each of which must be an object.
fn lines(log: &str) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    let lines: Vec<Value> = log.lines().map(line).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["message"].is_string()), "{log}");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_whole_run_is_json() {
    let mut service = ServiceBuilder::default().with("MEDIA_SERVERS", "edge=srs").start().await;
    service.get("/nowhere").await;
    service.generate_key(1).await;
    for signal in ["HUP", "TERM"] {
        service.program.signal(signal);
    }
    assert!(service.program.wait().await.success());
    let lines = lines(&service.program.errors());
    assert!(lines.iter().all(|line| line["level"] != "ERROR"), "{lines:?}");
    assert_eq!(service.program.output(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_input_is_not_logged_as_an_error() {
    let service = ServiceBuilder::on("sqlite://streams.db").with("LOG_LEVEL", "info").start().await;
    let address = service.url("").trim_start_matches("http://").to_owned();
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on\r\n\r\n";
    for sent in [
        &hello[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ] {
        let mut client = std::net::TcpStream::connect(&address).expect("the port is open");
        client.write_all(sent).expect("the service reads it");
        client.shutdown(std::net::Shutdown::Write).expect("a half-closed connection");
        // Until the service closes the connection.
        let _ = client.read_to_end(&mut Vec::new());
    }
    service.get("/the-last-of-them").await;
    stream_tests::eventually("the last line", || async {
        service.program.errors().contains("\"status\":404")
    })
    .await;
    let lines = lines(&service.program.errors());
    assert!(lines.iter().all(|line| line["level"] != "ERROR" && line["target"] != "actix_http"), "{lines:?}");
}

#[test]
fn every_failed_run_ends_with_one_error_event_that_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").port().to_string();
    let taken_address = format!("127.0.0.1:{taken}");
    for (variables, arguments, expected) in [
        (vec![("PORT", "eighty")], vec![], "PORT (or --port): it must be a whole number"),
        (vec![("PORT", "")], vec![], "PORT (or --port): it is empty"),
        (vec![("DB_TIMEOUT", "")], vec![], "DB_TIMEOUT (or --db-timeout): it is empty"),
        (vec![("HOST", "")], vec![], "HOST (or --host): it is empty"),
        (vec![("LOG_FORMAT", "")], vec![], "LOG_FORMAT (or --log-format): it is empty"),
        (vec![("LOG_FORMAT", "xml")], vec![], "one of auto, text, json"),
        (vec![("SECRET_KEY", "")], vec![], "SECRET_KEY (or --secret-key): it is empty"),
        (vec![("PORT", &*taken)], vec![], "choose another with HOST and PORT"),
        (vec![("METRICS_ADDRESS", &*taken_address)], vec![], "choose another METRICS_ADDRESS"),
        (vec![("METRICS_ADDRESS", "9090")], vec![], "an address with a port such as 127.0.0.1:9090"),
        (vec![("DB_URL", "sqlite:///proc/nowhere/streams.db")], vec![], "/proc/nowhere/secret_key"),
        (vec![("DB_URL", "postgresql://u@127.0.0.1/d")], vec![], "SECRET_KEY is not set"),
        (vec![("DB_URL", "oracle://h/d")], vec!["migrate"], "DB_URL: it must begin with"),
        (vec![("LOG_LEVEL", "off"), ("DB_URL", "oracle://h/d")], vec![], "DB_URL: it must begin with"),
        (vec![], vec!["--prot", "80"], "--prot"),
        (vec![], vec!["sreve"], "sreve"),
        (vec![], vec!["token"], "--user"),
        (vec![], vec!["token", "--user", "0"], "1 to 2147483647"),
        (vec![("PORT", "1")], vec!["healthcheck"], "does not answer"),
    ] {
        let setup =
            variables.iter().fold(ServiceBuilder::default(), |setup, (name, value)| setup.with(name, value));
        let (status, output, errors) = setup.run(&arguments);
        assert!(!status.success() && output.is_empty(), "{variables:?} {arguments:?}: {output}");
        let lines = lines(&errors);
        let last = lines.last().unwrap_or_else(|| panic!("{variables:?} {arguments:?} say nothing"));
        assert_eq!(last["level"], "ERROR", "{last}");
        assert!(last["message"].as_str().is_some_and(|text| text.contains(expected)), "{expected}: {last}");
    }
    let (_, _, errors) = ServiceBuilder::default().with("PORT", "eighty").with("LOG_FORMAT", "text").run(&[]);
    assert!(errors.starts_with("stream-server: PORT (or --port): it must be"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_is_logged_and_has_no_effect() {
    let mut service = ServiceBuilder::on("sqlite://streams.db").start().await;
    service.program.signal("HUP");
    stream_tests::eventually("the line", || async { service.program.errors().contains("SIGHUP") }).await;
    service.program.signal("HUP");
    assert_eq!(service.get("/health").await.status, 200);
    assert!(service.program.ended().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_immediately() {
    let mut service = ServiceBuilder::on("sqlite://streams.db").with("SHUTDOWN_NOTICE", "300").start().await;
    service.program.signal("TERM");
    stream_tests::eventually("draining", || async { service.get("/health/ready").await.status == 503 }).await;
    service.program.signal("INT");
    assert_eq!(service.program.wait().await.code(), Some(1));
    assert!(service.program.errors().contains("stopping at once"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_port_is_open_stops_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    // An address that never responds, so that the first check of the database takes long.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("postgresql://u@{}/d", silent.local_addr().expect("an address"));
    let setup = ServiceBuilder::on(&url).with("SECRET_KEY", SECRET_KEY);
    let mut program =
        stream_tests::Program::start(&mut setup.command(&folder), &folder.path().join("output"));
    let _held = tokio::task::spawn_blocking(move || silent.accept().map(|accepted| (accepted, silent)));
    let _held = _held.await;
    program.signal("TERM");
    assert!(program.wait().await.success());
    assert!(!program.errors().contains("listens on"), "{}", program.errors());
}
