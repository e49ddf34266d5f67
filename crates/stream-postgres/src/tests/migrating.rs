//! The lock for migrations, and what is made again.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use stream_domain::ports::{KeyStore as _, StoreError};
use stream_test_postgres::{Cluster, Database, eventually, free_port};

use super::{block_on, documented, migrated, new_stream, now, store_at, user};
use crate::advisory_lock::Turn;
use crate::migrate::{LoggedSteps, MIGRATIONS, bring_up_to_date, too_old};

const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// What holds the lock for migrations: a statement that takes it, in a session that then does nothing or waits.
fn holder(database: &Database<'_>, statement: &str) -> Child {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-d", &database.url()]).stdin(Stdio::piped()).stdout(Stdio::null());
    psql.env("PGAPPNAME", "somebody-else");
    let mut psql = psql.spawn().unwrap();
    let statement = format!("{statement};\n");
    std::io::Write::write_all(psql.stdin.as_mut().unwrap(), statement.as_bytes()).unwrap();
    eventually("the lock", || database.sql(LOCKS) == "1");
    psql
}

#[test]
fn the_wait_for_another_migration_ends_and_names_who_holds_the_lock() {
    block_on(async {
        let database = Cluster::shared().database();
        // As an earlier version took it, which a pooler may have left behind on the server's connection.
        let mut session = holder(&database, "SELECT pg_advisory_lock(x'73747265616d'::bigint)");
        let pid = database.sql(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
        let error = store_at(&database.url()).migrate_within(Duration::from_millis(300)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let cause = error.innermost_cause();
        for part in [&format!("process {pid}"), "somebody-else", "left behind", "pg_terminate_backend"] {
            assert!(cause.contains(part), "{cause}");
        }
        assert_eq!(database.sql("SELECT to_regclass('streams') IS NULL"), "t");
        session.kill().unwrap();
        session.wait().unwrap();
        assert_eq!(store_at(&database.url()).migrate().await.unwrap().len(), MIGRATIONS.len());
    });
}

/// A pooler, `pgbouncer`, in transaction mode with one connection to the server, which other clients use too.
struct Pooler {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Pooler {
    fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 1\n",
            Cluster::shared().port()
        );
        // Any client becomes the one user that `auth_type = any` wants to be told.
        let settings =
            settings.replace("[pgbouncer]", "[pgbouncer]\nignore_startup_parameters = extra_float_digits");
        let settings = settings.replace("* = host", "* = user=postgres host");
        let path = folder.path().join("settings");
        std::fs::write(&path, settings).unwrap();
        let program = if std::path::Path::new("/usr/sbin/pgbouncer").exists() {
            "/usr/sbin/pgbouncer"
        } else {
            "pgbouncer"
        };
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        // It refuses to run as root, and its own user must reach the settings.
        let mut pgbouncer = if is_root {
            assert!(
                Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap().success()
            );
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--", program]);
            runuser
        } else {
            Command::new(program)
        };
        let process = pgbouncer.arg("-q").arg(path).stderr(Stdio::null()).spawn().unwrap();
        eventually("the pooler", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, folder, port }
    }

    fn url(&self, database: &Database<'_>) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{}", self.port, database.name())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // To end runuser ends what it runs, by a signal that can be passed on.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        assert!(self.folder.path().exists());
    }
}

#[test]
fn no_lock_and_no_setting_stays_behind_on_a_poolers_connections() {
    block_on(async {
        let pooler = Pooler::start();
        let database = Cluster::shared().database();
        database.create_users(3);
        database.create_old_streams(true);
        let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings
            WHERE source = 'session' AND name NOT IN ('TimeZone', 'client_encoding', 'application_name')";
        let ask = |question: &str| {
            let mut psql = Command::new(Cluster::shared().client("psql"));
            let asked = psql
                .args(["-X", "-q", "-A", "-t", "-d", &pooler.url(&database), "-c", question])
                .output()
                .unwrap();
            String::from_utf8(asked.stdout).unwrap().trim().to_owned()
        };
        // Those that a pooler sets for each client are left out.
        let before = ask(settings);
        // Twice at once, so that each waits for the other through the pooler.
        let migrating = [(); 2].map(|()| async {
            let connection = AsyncPgConnection::establish(&pooler.url(&database)).await.unwrap();
            bring_up_to_date(connection, Turn::within(Duration::from_secs(60)), &LoggedSteps::default()).await
        });
        let done = futures_util::future::join_all(migrating).await;
        assert_eq!(done.into_iter().map(|done| done.unwrap().len()).sum::<usize>(), MIGRATIONS.len());
        assert_eq!(database.sql(LOCKS), "0");
        let on_the_server = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert_eq!(database.sql(on_the_server), "t", "the pooler keeps its connections");
        for _ in 0..4 {
            assert_eq!(ask(settings), before);
        }
        assert_eq!(database.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()"), "0");
    });
}

#[test]
fn migrations_can_run_again_on_what_they_left_behind() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let shape = "SELECT string_agg(d, E'\n' ORDER BY d) FROM (
            SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger
            UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT pg_get_constraintdef(oid) || conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT concat_ws(' ', table_name, column_name, column_default, is_nullable, data_type)
                FROM information_schema.columns WHERE table_schema = 'public') AS parts (d)";
        let (before, rows) = (database.sql(shape), database.sql("SELECT * FROM streams"));
        for (_, statements) in MIGRATIONS {
            database.sql(statements);
        }
        assert_eq!(database.sql(shape), before);
        assert_eq!(database.sql("SELECT * FROM streams"), rows);
    });
}

#[test]
fn all_that_the_migrations_make_is_looked_for() {
    block_on(async {
        let (database, store) = migrated().await;
        let objects = [
            ("TRIGGER", "SELECT tgname || ' ON ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"),
            ("INDEX", "SELECT indexrelid::regclass FROM pg_index WHERE indrelid::regclass::text !~ '^(pg_|__)'
                       AND indrelid >= 16384 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                       -- Documented for the earlier service's statements.
                       AND indexrelid::regclass::text NOT IN ('idx_streams_stream_key', 'idx_streams_status',
                                                              'idx_streams_expires_at')"),
            ("TABLE", "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                       AND relname <> '__diesel_schema_migrations'"),
            ("CONSTRAINT", "SELECT conrelid::regclass || ' DROP CONSTRAINT ' || conname FROM pg_constraint
                            WHERE contype IN ('p', 'u') AND connamespace = 'public'::regnamespace
                            AND conrelid::regclass::text !~ '^__'"),
        ];
        for (kind, query) in objects {
            let sorted = || -> BTreeSet<String> { database.sql(query).lines().map(str::to_owned).collect() };
            let names = sorted();
            assert!(!names.is_empty());
            for name in &names {
                database.sql(&match kind {
                    "CONSTRAINT" => format!("ALTER TABLE {name} CASCADE"),
                    _ => format!("DROP {kind} {name} CASCADE"),
                });
                let plan = store.plan_migration().await.unwrap().to_string();
                assert!(plan.contains("make again, since it is missing"), "{name}: {plan}");
                assert!(store.migrate().await.unwrap().is_empty());
                assert_eq!(sorted(), names, "{name}");
                assert!(store.plan_migration().await.unwrap().changes.is_empty());
            }
        }
    });
}

#[test]
fn a_trigger_that_was_disabled_and_an_index_whose_build_broke_off_are_mended() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql("ALTER TABLE streams DISABLE TRIGGER USER");
        database.sql("ALTER TABLE publish_sessions DISABLE TRIGGER USER");
        database.sql("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'streams_one_active_per_user'::regclass");
        let plan = store.plan_migration().await.unwrap().to_string();
        for object in [
            "streams_make_room",
            "streams_cut_publisher",
            "publish_sessions_heed_stops",
            "one_active_per_user",
        ] {
            assert!(plan.contains(object), "{plan}");
        }
        store.migrate().await.unwrap();
        assert_eq!(
            database.sql("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'D'"),
            "0"
        );
        assert_eq!(database.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
    });
}

#[test]
fn a_function_that_an_older_version_put_back_is_replaced_by_the_latest() {
    block_on(async {
        let (database, store) = migrated().await;
        let functions = "SELECT string_agg(pg_get_functiondef(oid), E'\n' ORDER BY proname) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace";
        let latest = database.sql(functions);
        // What an older version makes again, and what a dump of its time brings.
        for older in [4, 5, 7] {
            MIGRATIONS.iter().take(older).for_each(|(_, statements)| drop(database.sql(statements)));
            assert_ne!(database.sql(functions), latest);
            let plan = store.plan_migration().await.unwrap().to_string();
            assert!(plan.contains("the latest function streams_cut_publisher"), "{plan}");
            store.migrate().await.unwrap();
            assert_eq!(database.sql(functions), latest);
            assert!(store.plan_migration().await.unwrap().changes.is_empty());
        }
    });
}

#[test]
fn active_streams_that_came_while_the_rule_was_missing_are_settled_as_at_an_adoption() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql("DROP INDEX streams_one_active_per_user");
        database.sql(
            "INSERT INTO streams (user_id, stream_key, created_at, expires_at) SELECT 1, 'key-' || n,
            timestamp '2026-01-02' + n * INTERVAL '1 minute', '2026-01-03' FROM generate_series(1, 5) n",
        );
        store.migrate().await.unwrap();
        assert_eq!(database.sql("SELECT stream_key FROM streams WHERE status = 'active'"), "key-5");
    });
}

#[test]
fn undone_migrations_whose_record_was_left_are_done_again() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let record = "DROP TABLE __diesel_schema_migrations;";
        database.sql(documented("way-back").strip_suffix(&format!("{record}\n")).unwrap());
        store.migrate().await.unwrap();
        assert!(store.plan_migration().await.unwrap().changes.is_empty());
        assert!(store.stop_active(user(1), now()).await.unwrap().is_some());
    });
}

#[test]
fn a_migration_that_a_newer_version_ran_is_no_obstacle() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000001')");
        assert!(store.migrate().await.unwrap().is_empty());
        assert!(store.plan_migration().await.unwrap().changes.is_empty());
    });
}

#[test]
fn a_server_that_is_too_old_is_told_so() {
    assert!(too_old(120_022).unwrap().contains("PostgreSQL 12; this service needs 13 or later"));
    assert!(too_old(90_624).is_some());
    assert_eq!(too_old(130_000), None);
    assert_eq!(too_old(180_004), None);
}

#[test]
fn the_way_back_leaves_the_earlier_services_table_and_can_be_gone_again() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(2);
        database.create_old_streams(false);
        // All but the extra privileges of columns and their defaults, which mean the same.
        let shape = "SELECT string_agg(d, E'\n' ORDER BY d) FROM (
            SELECT relname || relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT table_name || column_name FROM information_schema.columns WHERE table_schema = 'public'
        ) AS parts (d)";
        let before = database.sql(shape);
        let store = store_at(&database.url());
        for _ in 0..2 {
            assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS.len());
            let name = format!("key-{}", database.sql("SELECT count(*) FROM streams"));
            store.start(&new_stream(1, &name)).await.unwrap();
            store.stop_active(user(1), now()).await.unwrap();
            database.sql(&documented("way-back"));
            assert_eq!(database.sql(shape), before);
        }
        assert_eq!(database.sql("SELECT count(*) FROM streams"), "2");
    });
}
