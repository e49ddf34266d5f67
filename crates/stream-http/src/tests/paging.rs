//! Pages by `limit` and `cursor`.

use super::World;

fn keys(json: &serde_json::Value) -> Vec<String> {
    let streams = json["streams"].as_array().unwrap();
    streams.iter().map(|stream| stream["stream_key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_pages_of_a_list_make_up_the_whole() {
    let world = World::new();
    for user in 1..=7 {
        world.key_of(user);
        world.key_of(100);
        world.post_as("user-100", "/api/streams/stop");
    }
    for (token, path) in [("user-1", "/api/streams/public"), ("user-100", "/api/streams")] {
        let whole = keys(&world.get_as(token, path).json());
        assert_eq!(whole.len(), 7);
        let mut joined = Vec::new();
        let mut query = "limit=3".to_owned();
        loop {
            let page = world.get_as(token, &format!("{path}?{query}")).json();
            assert!(keys(&page).len() <= 3);
            joined.extend(keys(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("limit=3&cursor={cursor}");
        }
        assert_eq!(joined, whole);
    }
}

#[test]
fn a_cursor_alone_asks_for_a_page_of_fifty() {
    let world = World::new();
    for user in 1..=60 {
        world.key_of(user);
    }
    assert_eq!(keys(&world.get("/api/streams/public").json()).len(), 60);
    let first = world.get("/api/streams/public?limit=1").json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(keys(&world.get(&format!("/api/streams/public?cursor={cursor}")).json()).len(), 50);
}

#[test]
fn a_wrong_limit_or_cursor_has_its_own_code() {
    let world = World::new();
    for limit in ["0", "-1", "1001", "ten", "", "1.5", "99999999999999999999"] {
        let answer = world.get(&format!("/api/streams/public?limit={limit}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_limit"), "{limit:?}");
    }
    for cursor in ["", "x", "AAAA", "....", "AAAAAAAAAAAAAAAAAAAAAAAA", "f_________8AAAAA"] {
        let answer = world.get(&format!("/api/streams/public?cursor={cursor}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_cursor"), "{cursor:?}");
    }
    let twice = world.get("/api/streams/public?limit=1&limit=2");
    assert_eq!((twice.status, twice.code().as_str()), (400, "bad_request"));
}
