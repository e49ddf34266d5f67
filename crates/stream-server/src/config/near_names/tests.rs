//! Names that were meant for this service, and names that were not.

use super::*;
use crate::config::flags::variables;

/// What is found in an environment of these variables.
fn found(given: &[(&str, &str)]) -> Vec<(String, String)> {
    let environment = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let near = find(&environment.collect(), &variables());
    near.into_iter().map(|near| (near.name, near.setting)).collect()
}

fn setting_for(name: &str, value: &str) -> Option<String> {
    found(&[(name, value)]).pop().map(|(_, setting)| setting)
}

#[test]
fn other_names_for_the_database_are_known_with_and_without_a_file() {
    let url = "postgresql://u:p@h/d";
    for name in [
        "DATABASE_URL",
        "DB_URI",
        "DBURL",
        "DB_URLS",
        "DB_ULR",
        "DB-URL",
        "db_url",
        "POSTGRES_URL",
        "PG_URL",
        "SQLALCHEMY_DATABASE_URI",
        "DATABASE_DSN",
        "PLATFORM_DATABASE_URL",
        "STREAM_DB_URL",
        "D_URL",
        "DB__URL",
    ] {
        assert_eq!(setting_for(name, url).as_deref(), Some("DB_URL"), "{name}");
    }
    for name in
        ["DATABASE_URL_FILE", "DBURL_FILE", "DB_URLFILE", "DB_URL_FILES", "db_url_file", "POSTGRES_URL_FILE"]
    {
        assert_eq!(setting_for(name, "/run/secrets/url").as_deref(), Some("DB_URL_FILE"), "{name}");
    }
}

#[test]
fn other_names_for_every_other_setting_are_known() {
    for (name, setting) in [
        ("SECRETKEY", "SECRET_KEY"),
        ("SECRET_KEYS", "SECRET_KEY"),
        ("SERCET_KEY", "SECRET_KEY"),
        ("JWT_SECRET", "SECRET_KEY"),
        ("JWT_SECRET_KEY", "SECRET_KEY"),
        ("APP_SECRET", "SECRET_KEY"),
        ("JWT_SECRET_FILE", "SECRET_KEY_FILE"),
        ("SECRET_KEY_FIEL", "SECRET_KEY_FILE"),
        ("SECRET_KEY_OLD", "SECRET_KEY_PREVIOUS"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("CORS_ALLOWED_ORIGINS", "CORS_ORIGINS"),
        ("MEDIA_SERVER", "MEDIA_SERVERS"),
        ("MEDIASERVERS_FILE", "MEDIA_SERVERS_FILE"),
        ("RTMP_BASEURL", "RTMP_BASE_URL"),
        ("HLS_URL", "HLS_BASE_URL"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("KEY_LIFETIME_HOUR", "KEY_LIFETIME_HOURS"),
        ("TAKE_OVER", "TAKEOVER"),
    ] {
        assert_eq!(setting_for(name, "something").as_deref(), Some(setting), "{name}");
    }
    for name in ["PORT_", "PORTS", "PROT", "SERVER_PORT", "FLASK_RUN_PORT"] {
        assert_eq!(setting_for(name, "8090").as_deref(), Some("PORT"), "{name}");
    }
}

#[test]
fn what_the_system_orchestrators_and_other_programs_set_is_left_alone() {
    for (name, value) in [
        ("STREAM_SERVICE_PORT", "tcp://10.0.0.7:8082"),
        ("STREAM_SERVICE_PORT_8082_TCP", "tcp://10.0.0.7:8082"),
        ("STREAM_SERVICE_SERVICE_HOST", "10.0.0.7"),
        ("STREAM_SERVICE_SERVICE_PORT", "8082"),
        ("SERVER_PORT", "tcp://10.0.0.7:8082"),
        ("DB_PORT", "tcp://10.0.0.9:5432"),
        ("DB_PORT_5432_TCP_ADDR", "10.0.0.9"),
        ("KUBERNETES_PORT", "tcp://10.0.0.1:443"),
        ("POSTGRES_SERVICE_HOST", "10.0.0.9"),
        ("POSTGRES_PASSWORD", "secret"),
        ("PGHOST", "db"),
        ("PGUSER", "streams"),
        ("PGPASSWORD", "secret"),
        ("PGDATABASE", "streams"),
        ("PGPORT", "5432"),
        ("HOSTNAME", "web-1"),
        ("HOME", "/root"),
        ("POST", "x"),
        ("COST", "x"),
        ("SORT", "8"),
        ("PATH", "/bin"),
        ("TERM", "xterm"),
        ("DATABASE_URL", ""),
        ("OTHER_SERVICE", "postgresql://u@h/d"),
        ("API_URL", "http://api"),
        ("FB_URL", "https://social.example"),
        ("REDIS_URL", "redis://cache"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ] {
        assert_eq!(setting_for(name, value), None, "{name}={value}");
    }
}

#[test]
fn no_setting_looks_like_another_setting() {
    let all = variables();
    assert!(all.len() > 20, "{all:?}");
    for name in &all {
        assert_eq!(setting_for(name, "1"), None, "{name}");
    }
}

#[test]
fn a_variable_that_repeats_its_setting_changes_nothing() {
    let url = "postgresql://u@h/d";
    assert_eq!(found(&[("DB_URL", url), ("DATABASE_URL", url)]), []);
    let other = found(&[("DB_URL", url), ("DATABASE_URL", "postgresql://u@other/d")]);
    assert_eq!(other, [("DATABASE_URL".to_owned(), "DB_URL".to_owned())]);
}
