//! `DB_URL`: what is taken, and how the rest is refused.

use stream_domain::ports::chain_of;

use crate::tls::Tls;
use crate::url::{InvalidUrl, TAKEN};

fn refusal(url: &str) -> String {
    match Tls::read_url(url) {
        Ok(_) => panic!("{url} is taken"),
        Err(error) => format!("{} {error:?}", chain_of(&error)),
    }
}

#[test]
fn parameters_that_mean_nothing_here_are_taken() {
    for parameters in [
        "gssencmode=disable",
        "gssencmode=prefer",
        "client_encoding=utf8",
        "client_encoding=UTF-8",
        "krbsrvname=postgres",
        "sslcompression=0",
        "fallback_application_name=psql",
        "pgbouncer=true",
        "schema=public",
        "uselibpqcompat=true&sslmode=require",
        "target_session_attrs=primary",
        "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
        "requiressl=1",
        "sslcert=&sslkey=&sslrootcert=",
        "channel_binding=prefer&load_balance_hosts=random&connect_timeout=5&tcp_user_timeout=1000",
        "options=-c%20search_path%3Dplatform",
        "application_name=a%40b",
    ] {
        let url = format!("postgresql://svc:secret@db.example.com/app?{parameters}");
        assert!(Tls::read_url(&url).is_ok(), "{parameters}: {}", refusal(&url));
    }
}

#[test]
fn what_is_not_taken_is_refused_by_name_and_with_what_to_do() {
    for (parameters, name, instead) in [
        ("passfile=/home/svc/.pgpass", "passfile", "put the password into the URL"),
        ("gssencmode=require", "gssencmode", "TLS alone"),
        ("client_encoding=latin1", "client_encoding", "UTF8"),
        ("schema=platform", "schema", "search_path"),
        ("ssl=true", "ssl", "sslmode=require"),
        ("sslcrl=/tmp/crl", "sslcrl", "revoked"),
        ("connection_limit=5", "connection_limit", "DB_POOL_SIZE"),
        ("target_session_attrs=standby", "target_session_attrs", "read-write"),
        ("replication=database", "replication", "leave it out"),
        ("sslnegotiation=never", "sslnegotiation", "postgres or direct"),
        ("ssl_min_protocol_version=SSLv3", "ssl_min_protocol_version", "TLSv1.2"),
        ("search_path=platform", "\"search_path\"", "taken are host, hostaddr, port"),
        ("sslmode=sometimes", "sslmode", "verify-full"),
        ("sslrootcert=system&sslmode=require", "sslrootcert=system", "verify-full"),
        ("sslrootcert=system&sslmode=verify-ca", "sslrootcert=system", "verify-full"),
        ("sslnegotiation=direct", "sslnegotiation=direct", "sslmode=require"),
        ("sslmode=require&sslrootcert=/nowhere/ca.crt", "sslrootcert", "PEM"),
        ("sslmode=require&sslcert=/nowhere/client.crt", "sslcert", "missing"),
        ("sslmode=require&sslcert=/nowhere/client.crt&sslkey=/nowhere/client.key", "sslkey", "unreadable"),
    ] {
        let told = refusal(&format!("postgresql://svc:hunter2@db.example.com/app?{parameters}"));
        assert!(told.contains(name) && told.contains(instead), "{parameters}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn the_operating_systems_roots_want_and_imply_the_whole_check() {
    assert!(
        Tls::read_url("postgresql://svc@db.example.com/app?sslrootcert=system&sslmode=verify-full").is_ok()
    );
    let (config, tls) = Tls::read_url("postgresql://svc@db.example.com/app?sslrootcert=system").unwrap();
    assert_eq!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
    assert!(matches!(tls, Tls::On(_)));
}

#[test]
fn a_password_that_is_not_percent_encoded_is_told_so_and_not_shown() {
    for password in [
        "hunter2@home",
        "hunter2/home",
        "hunter2?home",
        "hunter2?ho=me",
        "12/hunter2",
        "12?hunter2",
        "a:hunter2/x",
        "p@hunter2:w/o#rd%?&",
    ] {
        for rest in ["db.example.com/app", "db.example.com:5432/app?sslmode=require", "[::1]:5432/app"] {
            let told = refusal(&format!("postgresql://svc:{password}@{rest}"));
            assert!(told.contains("percent-encode"), "{password}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
    // These may stand there as they are.
    for password in ["hun:ter2", "hun#ter2", "hun%25ter2", "hun%40ter2%2F%3F", "hunter2!$&'()*+,;=~", ""] {
        for rest in ["db.example.com/app", "db1:5432,db2:5433/app?application_name=x@y", "%2Fvar%2Frun/app"] {
            let url = format!("postgresql://svc:{password}@{rest}");
            let (config, _) = Tls::read_url(&url).unwrap_or_else(|error| panic!("{url}: {error:?}"));
            assert!(
                config.get_password().is_some_and(|read| read.starts_with(b"hun")) || password.is_empty()
            );
        }
    }
    assert!(Tls::read_url("postgresql:///app?host=/run/pg&user=a@b").is_ok());
    assert!(Tls::read_url("postgresql://db.example.com/app?user=a@b").is_ok());
    assert!(matches!(Tls::read_url("postgresql://svc:p/w@h/d"), Err(InvalidUrl::RawPassword)));
}

#[test]
fn the_parameters_that_are_taken_are_documented() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations/postgresql.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("## The database's URL").unwrap();
    let section = section.split("\n## ").next().unwrap();
    for name in TAKEN {
        assert!(section.contains(&format!("`{name}`")), "{name} is not documented");
    }
}
