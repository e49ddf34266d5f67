//! What the standard variables say of traces.

use super::*;

fn parse(endpoint: &str, variables: &[(&str, &str)]) -> Result<Option<TracesConfig>, String> {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    TracesConfig::parse(Some(endpoint), &environment)
}

fn url(endpoint: &str, variables: &[(&str, &str)]) -> Option<String> {
    parse(endpoint, variables).expect("the settings are right").map(|config| config.url)
}

#[test]
fn traces_go_below_the_endpoint_of_all_signals_or_to_their_own() {
    let expected = Some("http://collector:4318/v1/traces".to_owned());
    assert_eq!(url("http://collector:4318", &[]), expected);
    assert_eq!(url(" http://collector:4318/ ", &[]), expected);
    assert_eq!(url("https://c/otlp/", &[]).as_deref(), Some("https://c/otlp/v1/traces"));
    let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other:9/as-it-is")];
    assert_eq!(url("http://collector:4318", &own).as_deref(), Some("http://other:9/as-it-is"));
    assert_eq!(url("", &own).as_deref(), Some("http://other:9/as-it-is"));
}

#[test]
fn nothing_goes_anywhere_without_an_endpoint_or_when_it_is_turned_off() {
    assert_eq!(url("", &[]), None);
    assert_eq!(url("http://collector", &[("OTEL_SDK_DISABLED", "TRUE")]), None);
    assert_eq!(url("http://collector", &[("OTEL_TRACES_EXPORTER", "none")]), None);
    assert!(
        url("http://collector", &[("OTEL_SDK_DISABLED", "false"), ("OTEL_TRACES_EXPORTER", "otlp")])
            .is_some()
    );
}

#[test]
fn a_collector_has_as_long_as_the_variables_say() {
    let timeout =
        |variables: &[(&str, &str)]| parse("http://c", variables).map(|config| config.map(|c| c.timeout));
    assert_eq!(timeout(&[]), Ok(Some(TIMEOUT)));
    let common = ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500");
    assert_eq!(timeout(&[common]), Ok(Some(Duration::from_millis(1500))));
    let own = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "20");
    assert_eq!(timeout(&[common, own]), Ok(Some(Duration::from_millis(20))));
}

#[test]
fn the_sampler_is_one_of_the_standards() {
    let sampler = |word: &str, argument: &str| {
        let variables = [("OTEL_TRACES_SAMPLER", word), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        let sampler = parse("http://c", &variables).expect("it is one").expect("an endpoint").sampler;
        (sampler.follows_parent, sampler.ratio)
    };
    for (word, argument, expected) in [
        ("", "", (true, 1.0)),
        ("always_on", "0.5", (false, 1.0)),
        ("always_off", "", (false, 0.0)),
        ("traceidratio", "0.25", (false, 0.25)),
        ("parentbased_always_off", "", (true, 0.0)),
        ("parentbased_traceidratio", "0.01", (true, 0.01)),
        ("parentbased_traceidratio", "", (true, 1.0)),
    ] {
        assert_eq!(sampler(word, argument), expected, "{word}");
    }
}

#[test]
fn a_wrong_variable_is_named_and_its_value_is_not_shown() {
    for (endpoint, variables, name) in [
        ("collector:4318", vec![], "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("//user:a-password@collector", vec![], "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("", vec![("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://c")], "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ("http://c", vec![("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            "http://c",
            vec![("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")],
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
        ("http://c", vec![("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")], "OTEL_EXPORTER_OTLP_COMPRESSION"),
        ("http://c", vec![("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")], "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ("http://c", vec![("OTEL_TRACES_EXPORTER", "zipkin")], "OTEL_TRACES_EXPORTER"),
        ("http://c", vec![("OTEL_TRACES_SAMPLER", "jaeger_remote")], "OTEL_TRACES_SAMPLER"),
        (
            "http://c",
            vec![("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "5")],
            "OTEL_TRACES_SAMPLER_ARG",
        ),
    ] {
        let error = parse(endpoint, &variables).expect_err(name);
        assert!(error.starts_with(&format!("{name}: ")) && !error.contains("a-password"), "{error}");
    }
}
