//! A server that goes away, hangs, or wants TLS.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{CatalogStore as _, KeyLookup as _, KeyStore as _, MockEntropy, StoreError};
use stream_domain::testing::SeededEntropy;
use stream_test_postgres::Cluster;

use super::{block_on, key, migrated, new_stream, store_at};
use crate::connector::Connector;
use crate::{InvalidUrl, PostgresOptions, PostgresStore};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions { url: url.to_owned(), pool_size: 4, timeout: Duration::from_secs(1) }
}

#[test]
fn a_restarted_server_is_found_again() {
    block_on(async {
        let cluster = Cluster::start();
        let database = cluster.database();
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        let stream = store.start(&new_stream(1, "mine")).await.unwrap();
        cluster.stop();
        for _ in 0..20 {
            let error = store.find_by_key(&stream.key).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        }
        cluster.resume();
        for _ in 0..100 {
            if store.find_by_key(&stream.key).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(store.find_by_key(&stream.key).await.unwrap(), Some(stream));
    });
}

#[test]
fn writes_that_hang_do_not_starve_reads() {
    block_on(async {
        let (database, _) = migrated().await;
        let store =
            PostgresStore::new(&options(&database.url()), Arc::new(SeededEntropy::default())).unwrap();
        store.start(&new_stream(1, "mine")).await.unwrap();
        // Every write waits for this lock.
        let url = database.url();
        let hold = "BEGIN; LOCK TABLE streams IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(30)";
        let mut holder =
            std::process::Command::new("psql").args(["-X", "-q", "-d", &url, "-c", hold]).spawn().unwrap();
        stream_test_postgres::eventually("the lock", || {
            let held = "SELECT count(*) FROM pg_locks WHERE relation = 'streams'::regclass AND granted
                        AND mode = 'ShareRowExclusiveLock'";
            database.sql(held) == "1"
        });
        let writes: Vec<_> = (2..40)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { store.start(&new_stream(number, &format!("key-{number}"))).await })
            })
            .collect();
        for _ in 0..50 {
            assert!(store.find_by_key(&key("mine")).await.unwrap().is_some());
        }
        for write in writes {
            assert!(write.await.unwrap().is_err());
        }
        holder.kill().unwrap();
        holder.wait().unwrap();
    });
}

#[test]
fn a_step_that_its_caller_abandons_is_finished() {
    block_on(async {
        let (_database, store) = migrated().await;
        for number in 1..=50 {
            let new = new_stream(number, &format!("key-{number}"));
            let start = store.start(&new);
            let _ =
                tokio::time::timeout(Duration::from_micros(u64::try_from(number).unwrap() * 40), start).await;
        }
        for _ in 0..200 {
            let active = store
                .list(&CatalogQuery::active(stream_domain::PageRequest::default()), super::now())
                .await
                .unwrap();
            if active.streams.len() == 50 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("a step was not finished");
    });
}

#[test]
fn pauses_between_attempts_double_to_a_second_and_vary() {
    let connector = |byte: u8| {
        let mut entropy = MockEntropy::new();
        entropy.expect_fill().returning(move |bytes| {
            bytes.fill(byte);
            Ok(())
        });
        Connector::new("postgresql://u@127.0.0.1/d", Duration::from_secs(1), Arc::new(entropy)).unwrap()
    };
    let pauses = |byte| -> Vec<u128> {
        let connector = connector(byte);
        (0..7).map(|failures| connector.pause_after(failures).as_millis()).collect()
    };
    assert_eq!(pauses(255), [50, 100, 200, 400, 800, 1000, 1000]);
    assert_eq!(pauses(0), [25, 50, 100, 200, 400, 500, 500]);
}

#[test]
fn a_wrong_url_is_refused_without_showing_it() {
    let refused = |url: &str| {
        Connector::new(url, Duration::from_secs(1), Arc::new(SeededEntropy::default())).err().unwrap()
    };
    assert!(matches!(refused("mysql://u:hunter2@h/d"), InvalidUrl::Malformed(_)));
    assert!(matches!(refused("postgresql://u:hunter2@h:port/d"), InvalidUrl::Malformed(_)));
    assert!(matches!(refused("postgresql://u:hunter2@h/d?sslmode=maybe"), InvalidUrl::SslMode));
    let roots = refused("postgresql://u:hunter2@h/d?sslmode=verify-full&sslrootcert=/nowhere.pem");
    assert!(matches!(roots, InvalidUrl::RootCertificates));
    let shown =
        format!("{} {roots:?} {:?}", refused("mysql://u:hunter2@h/d"), options("postgresql://u:hunter2@h/d"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn tls_encrypts_and_where_asked_verifies() {
    block_on(async {
        let cluster = Cluster::start();
        let folder = cluster.data();
        // A certificate authority and a server certificate of its making, for localhost.
        let script = "set -e; cd \"$1\"
            openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca
            openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost
            printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE' > extensions
            openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.crt
            chmod 600 server.key; chown --reference=. server.key server.crt";
        let made = std::process::Command::new("sh").args(["-c", script, "sh"]).arg(&folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        cluster.reconfigure("ssl = on");
        std::fs::write(folder.join("pg_hba.conf"), "hostssl all all all trust\nlocal all all trust\n")
            .unwrap();
        let database_url = |parameters: &str| {
            format!("postgresql://postgres@localhost:{}/postgres?{parameters}", cluster.port())
        };
        cluster.stop();
        cluster.resume();
        let authority = folder.join("ca.crt");
        let verify_full = format!("sslmode=verify-full&sslrootcert={}", authority.display());
        for parameters in ["", "sslmode=prefer", "sslmode=require", &verify_full] {
            store_at(&database_url(parameters))
                .migrate()
                .await
                .unwrap_or_else(|e| panic!("{parameters}: {e:?}"));
        }
        // Without encryption, with an unknown authority, and with a name that is not on the certificate.
        assert!(store_at(&database_url("sslmode=disable")).migrate().await.is_err());
        assert!(store_at(&database_url("sslmode=verify-full")).migrate().await.is_err());
        let other_name = database_url(&verify_full).replace("localhost", "127.0.0.1");
        assert!(store_at(&other_name).migrate().await.is_err());
    });
}

/// Forwards connections to the server, until it is told to fall silent: then what is open stays open and says nothing.
fn proxy(port: u16) -> (u16, Arc<std::sync::atomic::AtomicBool>) {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let silence = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = silence.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            // A connection that is made during the silence works.
            let is_new = told.load(std::sync::atomic::Ordering::SeqCst);
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                let told = told.clone();
                std::thread::spawn(move || {
                    let mut bytes = [0; 65_536];
                    while let Ok(length) = from.read(&mut bytes) {
                        if length == 0 {
                            break;
                        }
                        if (is_new || !told.load(std::sync::atomic::Ordering::SeqCst))
                            && to.write_all(&bytes[..length]).is_err()
                        {
                            break;
                        }
                    }
                });
            }
        }
    });
    (own_port, silence)
}

#[test]
fn connections_that_fall_silent_are_replaced() {
    block_on(async {
        let (database, _) = migrated().await;
        let (port, silence) = proxy(Cluster::shared().port());
        let url = database.url().replace(&Cluster::shared().port().to_string(), &port.to_string());
        let store = PostgresStore::new(&options(&url), Arc::new(SeededEntropy::default())).unwrap();
        store.start(&new_stream(1, "mine")).await.unwrap();
        assert!(store.find_by_key(&key("mine")).await.is_ok());
        silence.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(store.find_by_key(&key("mine")).await.is_err());
        for _ in 0..20 {
            if store.find_by_key(&key("mine")).await.is_ok()
                && store.start(&new_stream(2, "second")).await.is_ok()
            {
                return;
            }
        }
        panic!("the store did not come back");
    });
}

#[test]
fn a_lookup_that_gets_no_answer_keeps_no_other_from_its_own() {
    block_on(async {
        let (database, _) = migrated().await;
        let (port, silence) = proxy(Cluster::shared().port());
        let url = database.url().replace(&Cluster::shared().port().to_string(), &port.to_string());
        let options = PostgresOptions { pool_size: 16, timeout: Duration::from_secs(20), ..options(&url) };
        let store = PostgresStore::new(&options, Arc::new(SeededEntropy::default())).unwrap();
        store.start(&new_stream(1, "mine")).await.unwrap();
        let wanted = key("mine");
        // The connection that lookups use first.
        assert!(store.find_by_key(&wanted).await.unwrap().is_some());
        silence.store(true, std::sync::atomic::Ordering::SeqCst);
        let mut hangs = std::pin::pin!(store.find_by_key(&wanted));
        tokio::select! {
            _ = &mut hangs => panic!("nobody answers"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        let others = futures_util::future::join_all((0..10).map(|_| store.find_by_key(&wanted)));
        tokio::select! {
            _ = &mut hangs => panic!("nobody answers"),
            found = others => assert!(found.into_iter().all(|found| found.unwrap().is_some())),
        }
    });
}

#[test]
fn a_server_that_gives_few_connections_is_shared() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql("DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 1; GRANT SELECT ON streams, publish_sessions TO few");
        let few = store_at(&database.url().replace("postgres@", "few@"));
        assert!(few.find_by_key(&key("mine")).await.is_ok());
        let wanted = key("mine");
        let lookups = futures_util::future::join_all((0..50).map(|_| few.find_by_key(&wanted))).await;
        assert!(lookups.iter().all(Result::is_ok), "{lookups:?}");
        database.sql("DROP OWNED BY few; DROP ROLE few");
    });
}
