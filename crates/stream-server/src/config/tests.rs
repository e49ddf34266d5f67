//! What settings accept, and how they refuse what they do not.

use std::collections::BTreeMap;

use clap::{CommandFactory as _, Parser as _};
use tracing::level_filters::LevelFilter;

use super::flags::Arguments;
use super::origins::Origins;
use super::{Command, CommandLine, Config, DbUrl, Order};
use crate::secret::SecretSource;

fn command_line(arguments: &[&str]) -> Result<CommandLine, String> {
    let arguments = std::iter::once("stream-server").chain(arguments.iter().copied());
    Arguments::try_parse_from(arguments).map(CommandLine::from).map_err(|error| error.to_string())
}

fn command(arguments: &[&str]) -> Result<Command, String> {
    command_line(arguments)?.parse(&BTreeMap::new()).map_err(|failure| failure.to_string())
}

/// The settings of `serve`.
fn config(flags: &[&str]) -> Result<Config, String> {
    match command(flags)? {
        Command::Serve(config) => Ok(*config),
        _ => panic!("{flags:?} is another command"),
    }
}

/// The database of `migrate`, which needs no secret.
fn database(url: &str) -> Result<DbUrl, String> {
    match command(&["migrate", "--db-url", url])? {
        Command::Migrate { database, .. } => Ok(database.url),
        _ => panic!("migrate is another command"),
    }
}

#[test]
fn without_any_setting_the_documented_defaults_hold() {
    let config = config(&[]).unwrap();
    assert_eq!(config.database.url, DbUrl::Sqlite("data/streams.db".into()));
    assert!(config.database.is_default);
    assert_eq!(config.address.to_string(), "0.0.0.0:8082");
    assert_eq!(config.rtmp_base, "rtmp://localhost:1935/live");
    assert_eq!(config.broadcasts.application, "live");
    assert_eq!(config.hls_base, "http://localhost:8083/live");
    assert_eq!(
        config.cors_origins,
        ["http://localhost:3000", "http://127.0.0.1:3000", "http://localhost:3001"]
    );
    assert_eq!(config.tokens.user_id_claims, ["id", "user_id", "sub"]);
    assert!(matches!(&config.tokens.secret, SecretSource::File(path) if path.ends_with("data/secret_key")));
    assert_eq!(command_line(&[]).unwrap().log().level, LevelFilter::INFO);
}

#[test]
fn an_empty_variable_counts_as_not_set_and_none_as_none() {
    let config = config(&["--cors-origins", "", "--rtmp-base-url", "", "--hls-base-url", ""]).unwrap();
    assert_eq!(config.cors_origins.len(), 3);
    assert_eq!(config.rtmp_base, "rtmp://localhost:1935/live");
    assert_eq!(config.hls_base, "http://localhost:8083/live");
    let none = Origins::parse("none").unwrap();
    assert!(none.0.is_empty());
}

#[test]
fn an_empty_secret_is_refused_unless_a_file_has_it() {
    assert!(
        config(&["--secret-key", ""])
            .is_err_and(|why| why.contains("SECRET_KEY (or --secret-key): it is empty"))
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a secret that stands in a file alone").unwrap();
    let config = config(&["--secret-key", "", "--secret-key-file", file.path().to_str().unwrap()]);
    assert!(config.is_ok_and(|config| matches!(config.tokens.secret, SecretSource::Given(_))));
}

#[test]
fn a_command_is_not_stopped_by_a_setting_that_it_does_not_need() {
    for arguments in [
        &["migrate", "--db-url", "postgresql://u@h/d", "--media-servers", "nonsense"][..],
        &["token", "--user=1", "--secret-key", "a given secret", "--require-db-url", "true"],
        &["token", "--user=1", "--secret-key", "a given secret", "--db-url", "oracle://h/d"],
        &["healthcheck", "--db-url", "oracle://h/d", "--rtmp-base-url", "nonsense"],
    ] {
        assert!(command(arguments).is_ok(), "{arguments:?}");
    }
    assert!(
        config(&["--db-url", "postgresql://u@h/d"]).is_err_and(|why| why.contains("SECRET_KEY is not set"))
    );
    assert!(config(&["--media-servers", "nonsense"]).is_err_and(|why| why.starts_with("MEDIA_SERVERS: ")));
}

#[test]
fn quotes_around_a_list_are_taken_off() {
    let given = config(&[
        "--token-audience",
        "\"streams\"",
        "--token-required-claims",
        "'type=access'",
        "--hook-networks",
        "\"10.0.0.0/8\"",
    ]);
    let given = given.unwrap();
    assert_eq!(given.tokens.rules.audiences, ["streams"]);
    assert_eq!(given.tokens.rules.required, [("type".to_owned(), "access".to_owned())]);
    assert_eq!(given.hook_networks.0.len(), 1);
    assert!(config(&["--require-db-url", ""]).is_err_and(|refusal| refusal.contains("true or false")));
}

#[test]
fn a_database_url_names_its_store() {
    for text in ["postgresql://u:p@h:5432/d", "postgres://u@h/d?sslmode=require"] {
        assert_eq!(database(text), Ok(DbUrl::Postgres(text.to_owned())));
    }
    assert_eq!(database("sqlite://streams.db"), Ok(DbUrl::Sqlite("streams.db".into())));
    assert_eq!(database("sqlite:///var/lib/streams.db"), Ok(DbUrl::Sqlite("/var/lib/streams.db".into())));
    for text in
        ["", "mysql://h/d", "postgresql:h", "sqlite://", "sqlite://:memory:", "sqlite://x?mode=ro", "data.db"]
    {
        let refusal = database(text).unwrap_err();
        assert!(refusal.contains("DB_URL"), "{refusal}");
    }
}

#[test]
fn a_database_is_shown_by_host_and_name_and_never_by_its_password() {
    for (url, told) in [
        ("postgresql://u:pw@db:5433/platform", "the PostgreSQL database platform at db:5433"),
        ("postgres://u:pw@a:1,b:2/platform?sslmode=require", "the PostgreSQL database platform at a:1,b:2"),
        ("postgresql://u:p%40w@[::1]:5432/platform", "the PostgreSQL database platform at [::1]:5432"),
        (
            "postgresql://u@/platform?host=/run/postgresql",
            "the PostgreSQL database platform at /run/postgresql",
        ),
        ("postgresql:///?host=db&dbname=platform&password=pw", "the PostgreSQL database platform at db"),
        ("postgresql://u:pw@db", "the PostgreSQL database (the user's) at db"),
        ("postgresql://u:1234/pw@db/platform", "a PostgreSQL database"),
        ("postgresql://u:12?34@db/platform", "a PostgreSQL database"),
        ("sqlite:///data/streams.db", "the SQLite file /data/streams.db"),
    ] {
        assert_eq!(database(url).unwrap().to_string(), told);
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_name_and_what_is_allowed() {
    let cases = [
        ("--port", "web", "from 0 to 65535"),
        ("--port", "65536", "from 0 to 65535"),
        ("--host", "localhost", "an IP address"),
        ("--db-pool-size", "1", "from 2 to 1000"),
        ("--db-timeout", "0", "from 1 to 60"),
        ("--sweep-interval", "0", "from 1 to 3600"),
        ("--log-level", "loud", "off, error, warn, info, debug or trace"),
        ("--log-format", "xml", "auto, text, json"),
        ("--flask-debug", "perhaps", "true or false"),
        ("--cors-origins", "*", "list them one by one"),
        ("--cors-origins", "http://localhost:3000/", "is no origin"),
        ("--cors-origins", "localhost:3000", "is no origin"),
        ("--user-id-claims", "id,,sub", "separated by commas"),
    ];
    for (flag, value, told) in cases {
        let refusal = config(&[flag, value]).err().unwrap_or_else(|| panic!("{flag} {value} is accepted"));
        assert!(refusal.contains(flag), "{refusal}");
        assert!(refusal.contains(told), "{flag} {value}: {refusal}");
    }
}

#[test]
fn a_wrong_base_is_refused_without_being_shown() {
    for (flag, value, told) in [
        ("--rtmp-base-url", "http://localhost/live", "rtmp:// or rtmps://host/path"),
        ("--hls-base-url", "localhost:8083/live", "http:// or https://host/path"),
        ("--rtmp-base-url", " rtmp://host/live", "blanks"),
        ("--hls-base-url", "http://user:password@host/live", "without user"),
    ] {
        let refusal = config(&[flag, value]).err().unwrap();
        assert!(refusal.contains(told) && !refusal.contains("password"), "{refusal}");
    }
}

#[test]
fn unknown_flags_and_commands_are_refused() {
    assert!(command(&["--prot", "80"]).is_err());
    assert!(command(&["sreve"]).is_err());
}

#[test]
fn the_earlier_services_debug_setting_means_debug_logging() {
    let level = |flags: &[&str]| command_line(flags).unwrap().log().level;
    for value in ["true", "True", "1"] {
        assert_eq!(level(&["--flask-debug", value]), LevelFilter::DEBUG);
    }
    for value in ["false", "0", ""] {
        assert_eq!(level(&["--flask-debug", value]), LevelFilter::INFO);
    }
    assert_eq!(level(&["--flask-debug", "true", "--log-level", "warning"]), LevelFilter::WARN);
    assert_eq!(level(&["--log-level", ""]), LevelFilter::INFO);
}

#[test]
fn every_setting_has_a_variable_a_flag_and_a_help_text() {
    for argument in Arguments::command().get_arguments() {
        let Some(variable) = argument.get_env() else {
            continue;
        };
        let flag = argument.get_long().unwrap();
        assert_eq!(variable.to_str().unwrap().to_lowercase().replace('_', "-"), flag);
        assert!(argument.get_help().is_some_and(|help| help.to_string().len() > 15), "{flag}");
        assert!(argument.is_hide_env_values_set(), "{flag} would show its value in --help");
    }
}

#[test]
fn networks_are_those_of_addresses_of_either_version() {
    let networks = |text: &str| config(&["--hook-networks", text]).map(|config| config.hook_networks);
    assert!(networks("").unwrap().0.is_empty());
    let named = networks(" 10.1.2.3/8, fd00::/8,192.168.1.7 ,").unwrap();
    assert_eq!(
        named.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.0.0/8", "fd00::/8", "192.168.1.7/32"]
    );
    assert!(!named.are_all());
    assert!(networks("0.0.0.0/0").unwrap().are_all() && networks("10.0.0.0/8,::/0").unwrap().are_all());
    for wrong in ["docker", "10.0.0.0/33", "10.0.0", "10.0.0.0-10.0.0.9"] {
        let refusal = networks(wrong).unwrap_err();
        assert!(
            refusal.contains("--hook-networks") && refusal.contains("is no network such as"),
            "{refusal}"
        );
    }
}

#[test]
fn other_ways_to_publish_are_templates_that_have_the_key() {
    let read = |form: &str, text: &str| {
        let config = config(&["--addresses", form, "--ingest-alternatives", text]);
        config.map(|config| config.ingest_alternatives)
    };
    let both = "srt=srt://h:8890?streamid=publish:live/{playback_id}:key={stream_key} \
                whip=https://h/live/{playback_id}/whip?key={stream_key}";
    let protocols: Vec<String> =
        read("playback", both).unwrap().into_iter().map(|(protocol, _)| protocol).collect();
    assert_eq!(protocols, ["srt", "whip"]);
    assert!(read("key", "srt=srt://h:10080?streamid=%23!::r=live/{stream_key},m=publish").is_ok());
    assert_eq!(read("key", ""), Ok(Vec::new()));
    for (form, wrong, told) in [
        ("key", "srt://h/{stream_key}", "must begin with srt="),
        ("key", "rist=rist://h/{stream_key}", "must begin with srt="),
        ("key", "srt=http://h/{stream_key}", "srt:// URL"),
        ("key", "whip=https://h/{key}", "{stream_key}"),
        ("key", "whip=https://user:password@h/{stream_key}", "https:// URL"),
        ("key", "rtsp=rtsp://h/live", "must have {stream_key}"),
        ("playback", "rtsp=rtsp://h/live/{stream_key}", "must have {playback_id}"),
    ] {
        let refusal = read(form, wrong).unwrap_err();
        assert!(refusal.starts_with("INGEST_ALTERNATIVES: ") && refusal.contains(told), "{refusal}");
        assert!(!refusal.contains("password"), "{refusal}");
    }
}

#[test]
fn rules_for_tokens_are_read_and_none_is_the_default() {
    let rules = |flags: &[&str]| config(flags).map(|config| config.tokens.rules);
    for flags in [&[][..], &["--token-audience", "", "--token-issuer", " ", "--token-required-claims", ""]] {
        assert_eq!(rules(flags).unwrap(), stream_jwt::ClaimRules::default());
    }
    let given = rules(&[
        "--token-audience",
        "streams, live",
        "--token-issuer",
        "https://users.example",
        "--token-required-claims",
        "type=access, scope=stream,https://example.org/kind=a=b",
    ]);
    let given = given.unwrap();
    assert_eq!((given.audiences.len(), given.issuers.len(), given.required.len()), (2, 1, 3));
    assert_eq!(given.required[2], ("https://example.org/kind".to_owned(), "a=b".to_owned()));
    for wrong in ["type", "type=", "=access", "type=access,", "a b=c", "ty\"pe=x", "aud=streams", "iss=users"]
    {
        let refusal = rules(&["--token-required-claims", wrong]).unwrap_err();
        assert!(refusal.contains("type=access"), "{wrong}: {refusal}");
    }
    assert!(rules(&["--token-audience", "a,,b"]).is_err());
}

/// Keys are base64url, so one in 64 begins with a hyphen; to refuse it would also show it.
#[test]
fn a_key_that_begins_with_a_hyphen_is_taken_as_a_key() {
    for key in ["-hV3kQ", "--V3kQ", "-", "plain"] {
        for (command, flags) in
            [(["keys", "check"], &[][..]), (["streams", "show"], &["--json"]), (["streams", "stop"], &[])]
        {
            let told = match order_of(&[&command[..], flags, &[key]].concat()) {
                Order::CheckKey { key } => key,
                Order::ShowStream { stream } | Order::StopStream { stream } => stream,
                _ => panic!("{command:?} is another order"),
            };
            assert_eq!(told, key, "{command:?}");
        }
    }
}

fn order_of(arguments: &[&str]) -> Order {
    match command(arguments).unwrap() {
        Command::Operate { order, .. } => order,
        _ => panic!("{arguments:?} is no order"),
    }
}
