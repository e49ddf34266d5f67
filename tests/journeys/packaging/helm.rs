//! The Helm chart: rendered by the real Helm, checked by Kubernetes' schemas and for what it promises, and the service
//! started with what it sets; and the commands of kubernetes.md with the real clients, which have no cluster here.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::{Value, json};
use stream_tests::documents::{block, run, try_run};
use stream_tests::tools::{faults_of_manifests, tool, yaml};
use stream_tests::{SECRET_KEY, Service, ServiceBuilder, StoreKind, TestStore, workspace};
use tempfile::TempDir;

use crate::docs::containers::program;
use crate::tidy::settings_of_help;

/// The oldest and the newest Kubernetes that the manifests are checked for.
const VERSIONS: [&str; 2] = ["1.27", "1.37"];

/// What Helm renders with these values in YAML, or why it refuses them.
fn rendered(values: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, values).expect("the folder is writable");
    let mut helm = Command::new(tool("helm"));
    helm.args(["template", "stream-service"]).arg(workspace().join("docker/helm")).arg("--values").arg(&file);
    let output = helm.env("HOME", folder.path()).output().expect("helm is there");
    let text = |bytes| String::from_utf8(bytes).expect("helm prints text");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Every value that is not the default.
fn everything() -> String {
    let migration = "migration: {enabled: true, secretName: owner}\nsecretName: secrets\n";
    let more = "podAnnotations: {a: b}\npodLabels: {c: d}\nnodeSelector: {e: f}\ntolerations: [{operator: Exists}]\n\
        affinity: {nodeAffinity: {}}\nservice: {type: LoadBalancer, port: 8080, annotations: {g: h}}\n\
        serviceAccount: {annotations: {i: j}}\n";
    let image = "  pullSecrets: [registry]\n  tag: '1'\n";
    block("kubernetes-values").replace("image:\n", &format!("image:\n{image}")) + migration + more
}

/// The one manifest of a kind.
fn of_kind(manifests: &[Value], kind: &str) -> Value {
    let found: Vec<&Value> = manifests.iter().filter(|manifest| manifest["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {found:?}");
    found[0].clone()
}

#[test]
fn helm_finds_no_fault_in_the_chart() {
    let folder = tempfile::tempdir().expect("a folder");
    for values in [String::new(), everything()] {
        let file = folder.path().join("values.yaml");
        std::fs::write(&file, values).expect("the folder is writable");
        let mut helm = Command::new(tool("helm"));
        helm.args(["lint", "--strict"]).arg(workspace().join("docker/helm")).arg("--values").arg(&file);
        let output = helm.env("HOME", folder.path()).output().expect("helm is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn metrics_have_a_port_of_their_own_where_they_have_an_address() {
    let ports = |values: &str| {
        let manifests = yaml(&rendered(values).expect("Helm renders it"));
        let container = of_kind(&manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0].take();
        container["ports"].clone()
    };
    let http = json!({"name": "http", "containerPort": 8082});
    for address in ["api", "none"] {
        assert_eq!(ports(&format!("settings: {{METRICS_ADDRESS: {address}}}")), json!([http]), "{address}");
    }
    let metrics = json!({"name": "metrics", "containerPort": 9090});
    for address in ["0.0.0.0:9090", "[::]:9090"] {
        let values = format!("settings: {{METRICS_ADDRESS: \"{address}\"}}");
        assert_eq!(ports(&values), json!([http, metrics]), "{address}");
        let manifests = rendered(&values).expect("Helm renders it");
        assert_eq!(faults_of_manifests(&manifests, VERSIONS[1]), "");
    }
}

#[test]
fn kubernetes_schemas_accept_every_manifest() {
    for values in [String::new(), block("kubernetes-values"), everything()] {
        let manifests = rendered(&values).unwrap_or_else(|error| panic!("{error}"));
        for version in VERSIONS {
            assert_eq!(faults_of_manifests(&manifests, version), "", "{values}");
        }
        let wrong = manifests.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem");
        assert!(faults_of_manifests(&wrong, VERSIONS[1]).contains("readOnlyRootFileSystem"));
    }
    let kinds = yaml(&rendered(&everything()).expect("Helm renders it"));
    let mut kinds: Vec<&str> = kinds.iter().filter_map(|manifest| manifest["kind"].as_str()).collect();
    kinds.sort_unstable();
    let all = [
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ];
    assert_eq!(kinds, all);
}

#[test]
fn the_chart_refuses_values_that_would_be_ignored_or_show_a_secret() {
    for (values, reason) in [
        ("settings: {SECRET_KEY: x}", "SECRET_KEY"),
        ("settings: {DB_URL_FILE: /x}", "DB_URL_FILE"),
        ("settings: {PORT: '1'}", "PORT"),
        ("settings: {KEY_LIFETIME_HOURS: 24}", "KEY_LIFETIME_HOURS"),
        ("replicaCount: 3", "replicaCount"),
        ("secretFiles: [secret_key]", "secretFiles"),
        ("migration: {enabled: true}", "secretName"),
        ("ingress: {enabled: true}", "host"),
    ] {
        let error = rendered(values).expect_err(values);
        assert!(error.contains(reason), "{values}: {error}");
    }
}

#[test]
fn the_pods_meet_the_restricted_pod_security_standard() {
    let manifests = yaml(&rendered(&everything()).expect("Helm renders it"));
    for kind in ["Deployment", "Job"] {
        let pod = &of_kind(&manifests, kind)["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{kind}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{kind}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{kind}");
        let container = &pod["containers"][0];
        let expected = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
        assert_eq!(container["securityContext"], expected, "{kind}");
        assert!(container["resources"]["requests"]["cpu"].is_string(), "{kind}");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{kind}");
        // The image's own user, who may read the files of the Secret by the group.
        let dockerfile = crate::tidy::read("docker/Dockerfile");
        assert!(dockerfile.contains(&format!("USER {0}:{0}", pod["securityContext"]["runAsUser"])), "{kind}");
        assert_eq!(pod["securityContext"]["fsGroup"], pod["securityContext"]["runAsGroup"], "{kind}");
    }
}

#[test]
fn probes_and_grace_period_are_those_of_the_documentation() {
    let manifests = yaml(&rendered("").expect("Helm renders it"));
    let pod = of_kind(&manifests, "Deployment")["spec"]["template"]["spec"].take();
    let documented = yaml(&block("kubernetes-probes")).remove(0);
    assert_eq!(pod["terminationGracePeriodSeconds"], documented["terminationGracePeriodSeconds"]);
    assert_eq!(pod["containers"][0]["ports"], json!([{"name": "http", "containerPort": 8082}]));
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let mut expected = documented["containers"][0][probe].clone();
        expected["httpGet"]["port"] = json!("http");
        assert_eq!(pod["containers"][0][probe], expected, "{probe}");
    }
    let longer = "settings: {SHUTDOWN_NOTICE: '15', SHUTDOWN_DEADLINE: '60'}";
    let manifests = yaml(&rendered(longer).expect("Helm renders it"));
    let pod = of_kind(&manifests, "Deployment")["spec"]["template"]["spec"].take();
    assert_eq!(pod["terminationGracePeriodSeconds"], 80);
}

#[test]
fn everything_selects_the_same_pods_and_autoscaling_sets_their_number() {
    let manifests = yaml(&rendered(&everything()).expect("Helm renders it"));
    let deployment = of_kind(&manifests, "Deployment");
    let selector = deployment["spec"]["selector"]["matchLabels"].clone();
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let has_all = |labels: &Value| {
        selector.as_object().expect("a map").iter().all(|(name, value)| &labels[name] == value)
    };
    assert!(has_all(labels), "{labels}");
    // The pod of a migration must not receive requests.
    assert!(!has_all(&of_kind(&manifests, "Job")["spec"]["template"]["metadata"]["labels"]));
    assert_eq!(of_kind(&manifests, "Service")["spec"]["selector"], selector);
    assert_eq!(of_kind(&manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"], selector);
    assert_eq!(
        of_kind(&manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"],
        deployment["metadata"]["name"]
    );
    assert!(deployment["spec"].get("replicas").is_none(), "the autoscaler's number would be overwritten");
    let paths = of_kind(&manifests, "Ingress")["spec"]["rules"][0]["http"]["paths"].take();
    let paths: Vec<&str> =
        paths.as_array().expect("a list").iter().filter_map(|path| path["path"].as_str()).collect();
    assert_eq!(paths, ["/api", "/health"]);
}

/// The service with the environment of a container, and its files of secrets in a folder.
fn setup_of(container: &Value, secrets: &TempDir) -> ServiceBuilder {
    let mount = container["volumeMounts"][0]["mountPath"].as_str().expect("a path");
    let own = secrets.path().display().to_string();
    let known = settings_of_help();
    let variables = container["env"].as_array().expect("a list").iter();
    variables.fold(ServiceBuilder::default().with("REQUIRE_DB_URL", "true"), |setup, variable| {
        let (name, value) =
            (variable["name"].as_str().expect("a name"), variable["value"].as_str().expect("a value"));
        assert!(known.contains_key(name), "{name} is not a setting");
        // The tests' services listen on free ports.
        let value = if name == "PORT" { "0".to_owned() } else { value.replace(mount, &own) };
        setup.with(name, &value)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_migrates_and_starts_with_what_the_chart_sets() {
    let (store, secrets) = (TestStore::new(StoreKind::Postgres), tempfile::tempdir().expect("a folder"));
    let manifests = yaml(&rendered(&everything()).expect("Helm renders it"));
    let container_of =
        |kind: &str| of_kind(&manifests, kind)["spec"]["template"]["spec"]["containers"][0].take();
    // As `openssl` and editors leave them, with a line end.
    for (name, content) in
        [("db_url", store.url()), ("secret_key", SECRET_KEY.to_owned()), ("media_servers", String::new())]
    {
        std::fs::write(secrets.path().join(name), format!("{content}\n")).expect("the folder is writable");
    }
    let job = container_of("Job");
    let arguments: Vec<&str> =
        job["args"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let (status, said, errors) = setup_of(&job, &secrets).run(&arguments);
    assert!(status.success() && said.starts_with("Ran the migrations"), "{said}{errors}");

    let container = container_of("Deployment");
    let service: Service = setup_of(&container, &secrets).start().await;
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str().expect("a path");
        assert_eq!(service.get(path).await.status, 200, "{probe}");
    }
    let stream = service.generate_key(1).await.json["stream"].take();
    let address = stream["rtmp_url"].as_str().expect("an address");
    assert!(address.starts_with("rtmp://ingest.example.org/live/"), "{address}");
    let (files, volume) =
        (&of_kind(&manifests, "Deployment")["spec"]["template"]["spec"]["volumes"][0]["secret"], "secrets");
    assert_eq!(files["secretName"], volume);
    assert_eq!(files["items"].as_array().map(Vec::len), Some(3));
}

/// A folder like the repository's root, with clients that have no cluster.
fn without_cluster() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    symlink(workspace().join("docker"), folder.path().join("docker")).expect("the folder is writable");
    let settings = "export KUBECONFIG=/dev/null HOME=/missing";
    let (kubectl, helm) = (tool("kubectl").display().to_string(), tool("helm").display().to_string());
    // An object is made here, and shown; of what asks the cluster, the words are checked.
    program(
        folder.path(),
        "kubectl",
        &format!(
            "{settings}\n[ \"$1\" = create ] && exec '{kubectl}' \"$@\" --dry-run=client --output=json\n\
         said=$('{kubectl}' \"$@\" 2>&1) && exit\n\
         case $said in *'connection to the server'*) ;; *) echo \"$said\" >&2; exit 1 ;; esac"
        ),
    );
    // An upgrade needs the release of before, which only a cluster has.
    program(
        folder.path(),
        "helm",
        &format!(
            "{settings}\n[ \"$1\" = install ] && exec '{helm}' \"$@\" --dry-run=client\n\
         said=$('{helm}' \"$@\" 2>&1) && exit\n\
         case $said in *'cluster unreachable'*) ;; *) echo \"$said\" >&2; exit 1 ;; esac"
        ),
    );
    std::fs::write(folder.path().join("values.yaml"), block("kubernetes-values"))
        .expect("the folder is writable");
    folder
}

#[test]
fn kubectl_and_helm_accept_every_documented_command() {
    let folder = without_cluster();
    let secret = run(&block("kubernetes-secret"), folder.path(), &[]);
    let secret: Value = serde_json::from_str(&secret).unwrap_or_else(|error| panic!("{error}: {secret}"));
    let manifests = yaml(&rendered(&block("kubernetes-values")).expect("Helm renders it"));
    let volume = of_kind(&manifests, "Deployment")["spec"]["template"]["spec"]["volumes"][0]["secret"].take();
    assert_eq!(secret["metadata"]["name"], volume["secretName"]);
    for item in volume["items"].as_array().expect("a list") {
        let key = item["key"].as_str().expect("a key");
        assert!(secret["data"][key].is_string(), "{key} is not in the documented Secret");
    }
    let said = run(&block("kubernetes-install"), folder.path(), &[]);
    assert!(
        said.contains("kind: Deployment") && said.contains("http://stream-service.streaming.svc:80"),
        "{said}"
    );
    for name in ["kubernetes-doctor", "kubernetes-upgrade", "kubernetes-restart"] {
        run(&block(name), folder.path(), &[]);
    }
    for (name, right, wrong) in [
        ("kubernetes-install", "--values", "--valeus"),
        ("kubernetes-upgrade", "docker/helm", "docker/chart"),
        ("kubernetes-restart", "rollout restart", "rollout reboot"),
        ("kubernetes-doctor", "exec deployment/", "exec --of deployment/"),
    ] {
        let output = try_run(&block(name).replace(right, wrong), folder.path(), &[]);
        assert!(!output.status.success(), "{name}: {output:?}");
    }
}
