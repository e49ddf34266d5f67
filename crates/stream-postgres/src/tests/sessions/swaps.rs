//! Statements that change several sessions at once, from several connections.

use futures_util::future::{join, join_all};
use stream_domain::broadcasts::admission::{Takeover, Terms};

use super::*;

/// Has each change of a session take a while, so that statements which change several overlap.
fn slow_down(database: &Database<'_>) {
    database.sql(
        "CREATE FUNCTION take_a_while() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
         CREATE TRIGGER take_a_while BEFORE UPDATE ON publish_sessions
         FOR EACH ROW EXECUTE FUNCTION take_a_while()",
    );
}

#[test]
fn connections_that_swap_their_streams_never_deadlock() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        store.start(&new_stream(2, "two")).await.unwrap();
        slow_down(&database);
        let newest = Terms { takeover: Takeover::Newest, ..terms() };
        let mut names = ["one", "two"];
        for round in 0..40 {
            let [first, second] = names.map(|name| name.to_owned());
            let (first, second) = (asking("s1", &first, 1), asking("s2", &second, 1));
            let both = join(store.admit(&first, &newest, now()), store.admit(&second, &newest, now()));
            let (first, second) = both.await;
            // Each ends what the other has published, and what it has published itself.
            assert!(first.is_ok() && second.is_ok(), "round {round}: {first:?}, {second:?}");
            names.swap(0, 1);
        }
    });
}

#[test]
fn stops_and_swaps_never_deadlock() {
    block_on(async {
        let (database, store) = migrated().await;
        slow_down(&database);
        for round in 0..12 {
            let names = [format!("one-{round}"), format!("two-{round}")];
            for (number, name) in (1..).zip(&names) {
                store.start(&new_stream(number, name)).await.unwrap();
            }
            let newest = Terms { takeover: Takeover::Newest, ..terms() };
            let admit = |session: &'static str, name: &str| {
                let (store, request) = (store.clone(), asking(session, name, 1));
                async move { store.admit(&request, &newest, now()).await.map(drop) }
            };
            let stop = |number: i64| {
                let store = store.clone();
                async move { store.stop_active(user(number), now()).await.map(drop) }
            };
            admit("s1", &names[0]).await.unwrap();
            admit("s2", &names[1]).await.unwrap();
            let admitted = join_all([admit("s1", &names[1]), admit("s2", &names[0]), admit("s3", &names[0])]);
            let stopped = join_all([stop(1), stop(2)]);
            let (admitted, stopped) = join(admitted, stopped).await;
            assert!(admitted.iter().all(Result::is_ok), "round {round}: {admitted:?}");
            assert!(stopped.iter().all(Result::is_ok), "round {round}: {stopped:?}");
            let uncut =
                "SELECT count(*) FROM publish_sessions WHERE ended_at IS NULL AND cut_because IS NULL";
            assert_eq!(database.sql(uncut), "0", "round {round}");
        }
    });
}
