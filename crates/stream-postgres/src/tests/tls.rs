//! Encryption, beside libpq: whatever psql says of a server, this store says too.

use std::process::{Child, Command, Stdio};

use stream_test_postgres::Cluster;

use super::{block_on, new_stream, store_at};
use stream_domain::ports::KeyStore as _;

/// A server with `pg_hba.conf` lines, whose folder has certificates of every kind.
struct Server {
    cluster: Cluster,
}

impl Server {
    fn start(access: &str) -> Self {
        let cluster = Cluster::start();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/certificates.sh");
        let made = Command::new("sh").arg(script).arg(cluster.data()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(cluster.data().join("pg_hba.conf"), format!("local all all trust\n{access}\n"))
            .unwrap();
        Self { cluster }
    }

    /// Begins to connect with psql.
    fn libpq(&self, url: &str) -> Child {
        let mut psql = Command::new(self.cluster.client("psql"));
        let quiet =
            psql.args(["-X", "-q", "-d", url, "-c", "SELECT 1"]).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.current_dir("/").spawn().unwrap()
    }

    /// The server's certificate from here on, and further settings.
    fn show(&self, certificate: &str, settings: &str) {
        let copy = format!(
            "cp '{certificate}.crt' server.crt && cp '{certificate}.key' server.key
            && chmod 600 server.key && chown --reference=. server.key server.crt"
        );
        let mut sh = Command::new("sh");
        let copied =
            sh.args(["-c", &copy.replace('\n', " ")]).current_dir(self.cluster.data()).status().unwrap();
        assert!(copied.success());
        self.cluster.reconfigure(&format!("ssl = on\n{settings}"));
    }

    fn file(&self, name: &str) -> String {
        self.cluster.data().join(name).display().to_string()
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgresql://postgres@{host}:{}/postgres?{parameters}", self.cluster.port())
    }
}

/// Whether this store connects, or why not.
async fn ours(url: &str) -> Result<(), String> {
    store_at(url).plan_migration().await.map(|_| ()).map_err(|error| format!("{error:?}"))
}

#[test]
fn every_mode_root_name_and_kind_of_certificate_is_judged_as_libpq_does() {
    block_on(async {
        let server = Server::start("host all all all trust");
        let mut verdicts = 0;
        for (certificate, root) in [
            ("san", "ca"),
            ("other-san", "ca"),
            ("address", "ca"),
            ("common-name", "ca"),
            ("upper-case", "ca"),
            ("address-as-name", "ca"),
            ("instance", "ca"),
            ("clients", "ca"),
            ("clients-authority", "ca"),
            ("signing-only", "ca"),
            ("authority-flag", "ca"),
            ("expired", "ca"),
            ("expired-authority", "ca"),
            ("first-version", "ca"),
            ("below", "ca"),
            ("below-not", "ca"),
            ("localhost", "localhost"),
            ("curve", "curve"),
        ] {
            server.show(certificate, "");
            let right = format!("&sslrootcert={}", server.file(&format!("{root}.crt")));
            let wrong = format!("&sslrootcert={}", server.file("other-ca.crt"));
            // Each mode with each root needs one certificate; the kinds of certificates differ where one is looked at.
            let (modes, roots): (&[&str], Vec<&str>) = match certificate {
                "san" => (
                    &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
                    vec![&right, &wrong, ""],
                ),
                "localhost" | "first-version" => (&["require", "verify-full"], vec![&right, &wrong]),
                _ => (&["verify-ca", "verify-full"], vec![&right]),
            };
            for (mode, root) in modes.iter().flat_map(|mode| roots.iter().map(move |root| (mode, root))) {
                for host in ["localhost", "127.0.0.1"] {
                    let url = server.url(host, &format!("sslmode={mode}{root}"));
                    let mut libpq = server.libpq(&url);
                    let verdict = ours(&url).await;
                    assert_eq!(
                        verdict.is_ok(),
                        libpq.wait().unwrap().success(),
                        "{certificate} {url}: {verdict:?}"
                    );
                    verdicts += usize::from(verdict.is_ok());
                }
            }
        }
        assert!(verdicts > 40, "{verdicts} connected");
    });
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    block_on(async {
        let server = Server::start("host all all all trust");
        let root = server.file("ca.crt");
        for (parameters, expected) in [
            ("sslmode=prefer".to_owned(), true),
            ("sslmode=require".to_owned(), false),
            (format!("sslmode=verify-full&sslrootcert={root}"), false),
        ] {
            let url = server.url("localhost", &parameters);
            assert_eq!(ours(&url).await.is_ok(), expected, "{parameters}");
            assert_eq!(server.libpq(&url).wait().unwrap().success(), expected, "{parameters}");
        }
        // On a socket in the file system nothing is encrypted, whatever is asked for.
        let folder = server.cluster.data().parent().unwrap().display().to_string();
        let url = format!(
            "postgresql:///postgres?host={folder}&port={}&user=postgres&sslmode=require",
            server.cluster.port()
        );
        assert!(server.libpq(&url).wait().unwrap().success());
        ours(&url).await.unwrap();
    });
}

#[test]
fn a_client_shows_its_certificate_with_a_key_in_either_form() {
    block_on(async {
        let server = Server::start("hostssl all all all cert");
        server.show("san", "ssl_ca_file = 'ca.crt'");
        for (certificate, key, expected) in [
            ("client.crt", "client.key", true),
            ("client.crt", "client-traditional.key", true),
            ("stranger.crt", "stranger.key", false),
        ] {
            let files = format!("sslcert={}&sslkey={}", server.file(certificate), server.file(key));
            let url = server.url(
                "localhost",
                &format!("sslmode=verify-full&sslrootcert={}&{files}", server.file("ca.crt")),
            );
            let verdict = ours(&url).await;
            assert_eq!(verdict.is_ok(), expected, "{key}: {verdict:?}");
        }
        assert!(ours(&server.url("localhost", "sslmode=require")).await.is_err());
    });
}

#[test]
fn encryption_without_negotiation_works_where_the_server_knows_it() {
    block_on(async {
        let server = Server::start("hostssl all all all trust");
        server.show("san", "");
        let root = server.file("ca.crt");
        let url =
            server.url("localhost", &format!("sslmode=verify-full&sslrootcert={root}&sslnegotiation=direct"));
        let verdict = ours(&url).await;
        assert_eq!(verdict.is_ok(), server.cluster.version() >= 17, "{verdict:?}");
        ours(&url.replace("=direct", "=postgres")).await.unwrap();
        ours(&url.replace("sslnegotiation=direct", "ssl_min_protocol_version=TLSv1.3&sslsni=0"))
            .await
            .unwrap();
    });
}

#[test]
fn a_server_that_speaks_only_the_older_protocol_is_judged_the_same() {
    block_on(async {
        let server = Server::start("hostssl all all all trust");
        for certificate in ["san", "first-version", "localhost"] {
            server.show(certificate, "ssl_max_protocol_version = 'TLSv1.2'");
            let root = if certificate == "localhost" { "localhost.crt" } else { "ca.crt" };
            let url =
                server.url("localhost", &format!("sslmode=verify-full&sslrootcert={}", server.file(root)));
            ours(&url).await.unwrap();
            assert!(ours(&url.replace(root, "other-ca.crt")).await.is_err(), "{certificate}");
            assert!(ours(&format!("{url}&ssl_min_protocol_version=TLSv1.3")).await.is_err(), "{certificate}");
        }
    });
}

#[test]
fn who_is_refused_is_told_what_to_do_and_no_password() {
    block_on(async {
        let server = Server::start("host all nobody all reject\nhost all all all scram-sha-256");
        server.cluster.stop();
        server.cluster.resume();
        let sql = |statements: &str| {
            let folder = server.cluster.data().parent().unwrap().display().to_string();
            let mut psql = Command::new("psql");
            psql.args([
                "-X",
                "-q",
                "-h",
                &folder,
                "-p",
                &server.cluster.port().to_string(),
                "-U",
                "postgres",
                "-c",
                statements,
            ]);
            assert!(psql.status().unwrap().success());
        };
        sql("SET password_encryption = 'scram-sha-256'; ALTER ROLE postgres PASSWORD 'correct-horse'");
        sql("SET password_encryption = 'scram-sha-256'; CREATE ROLE guest LOGIN PASSWORD 'correct-horse'");
        sql("CREATE DATABASE closed");
        sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
        let url = |user: &str, password: &str, database: &str| {
            format!("postgresql://{user}:{password}@127.0.0.1:{}/{database}", server.cluster.port())
        };
        let store = store_at(&url("postgres", "correct-horse", "postgres"));
        store.migrate().await.unwrap();
        store.start(&new_stream(1, "mine")).await.unwrap();
        for (url, cure) in [
            (url("postgres", "battery-staple", "postgres"), "correct user and password in DB_URL"),
            (url("nobody", "battery-staple", "postgres"), "pg_hba.conf"),
            (url("postgres", "correct-horse", "nowhere"), "CREATE DATABASE"),
            (url("guest", "correct-horse", "closed"), "GRANT CONNECT"),
        ] {
            let error = store_at(&url).migrate().await.unwrap_err();
            let told = stream_domain::ports::chain_of(&error);
            assert!(told.contains(cure), "{told}");
            assert!(!told.contains("battery-staple") && !told.contains("correct-horse"), "{told}");
        }
    });
}
