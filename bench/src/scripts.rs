//! The scripts of wrk and pgbench.

use std::path::{Path, PathBuf};

use stream_tests::{SECRET_KEY, claims_of, sign};

use crate::load::CONNECTIONS;

/// A wrk script that looks these keys up in random order.
pub(crate) fn lookups_of(folder: &Path, name: &str, keys: &[String]) -> PathBuf {
    let list = folder.join(format!("{name}.keys"));
    std::fs::write(&list, keys.iter().map(|key| format!("/api/streams/{key}\n")).collect::<String>())
        .expect("the folder is writable");
    script_of(folder, name, &list)
}

/// A wrk script that requests fixed bytes, with the same Lua code as for lookups.
pub(crate) fn fixed_of(folder: &Path, length: usize) -> PathBuf {
    let list = folder.join("fixed.keys");
    std::fs::write(&list, format!("/api/bench/{length}\n").repeat(1_000)).expect("the folder is writable");
    script_of(folder, "fixed", &list)
}

pub(crate) fn script_of(folder: &Path, name: &str, list: &Path) -> PathBuf {
    let script = folder.join(format!("{name}.lua"));
    let text = format!(
        "local requests = {{}}\n\
         function init(args)\n\
         \x20 math.randomseed(os.time())\n\
         \x20 for path in io.lines('{}') do requests[#requests + 1] = wrk.format('GET', path) end\n\
         end\n\
         function request() return requests[math.random(#requests)] end\n",
        list.display()
    );
    std::fs::write(&script, text).expect("the folder is writable");
    script
}

pub(crate) fn first_path(script: &Path) -> String {
    let list = std::fs::read_to_string(script.with_extension("keys")).expect("the list was written");
    list.lines().next().expect("the list is not empty").to_owned()
}

/// A wrk script in which each connection is a user who alternately generates a key and stops.
pub(crate) fn pairs_of_users(folder: &Path, first: u32) -> PathBuf {
    let tokens: String = (first..first + CONNECTIONS)
        .map(|user| {
            let mut claims = claims_of(user);
            claims["exp"] = (claims["exp"].as_i64().expect("a time") + 86_400).into();
            sign(SECRET_KEY, &serde_json::json!({"alg": "HS256", "typ": "JWT"}), &claims) + "\n"
        })
        .collect();
    let list = folder.join("tokens");
    std::fs::write(&list, tokens).expect("the folder is writable");
    let script = folder.join("pairs.lua");
    let text = format!(
        "local users = 0\n\
         function setup(thread) thread:set('user', users); users = users + 1 end\n\
         local generate, stop, last\n\
         function init(args)\n\
         \x20 local number = 0\n\
         \x20 for token in io.lines('{}') do\n\
         \x20   if number == user then\n\
         \x20     local headers = {{ ['Authorization'] = 'Bearer ' .. token }}\n\
         \x20     generate = wrk.format('POST', '/api/streams/generate-key', headers)\n\
         \x20     stop = wrk.format('POST', '/api/streams/stop', headers)\n\
         \x20   end\n\
         \x20   number = number + 1\n\
         \x20 end\n\
         end\n\
         function request() last = last ~= generate and generate or stop; return last end\n",
        list.display()
    );
    std::fs::write(&script, text).expect("the folder is writable");
    script
}

/// A pgbench script that renews the lease of one of so many sessions, as a media server's heartbeat does.
pub(crate) fn renewals(sessions: u32) -> String {
    let now = "timezone('UTC', now())";
    format!(
        "\\set id random(1, {sessions})\n\
         UPDATE publish_sessions SET last_seen_at = {now}, lease_until = {now} + INTERVAL '1 hour' \
         WHERE id = :id AND ended_at IS NULL;\n"
    )
}

/// A pgbench script with the statements that the service sends for one generate-key and one stop of a user.
pub(crate) fn pairs_of_statements(first: u32) -> String {
    let now = "timezone('UTC', now())";
    let on_air = "(SELECT ARRAY[live_since, lease_until] FROM publish_sessions WHERE stream_id = streams.id AND ended_at IS NULL)";
    let columns = "id, user_id, stream_key, status, created_at, updated_at, expires_at, playback_id";
    format!(
        "\\set key random(1, 9000000000000000000)\n\\set user {first} + :client_id\n\
         INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at, playback_id) \
         VALUES (:user, 'bench-' || :key::text, 'active', {now}, {now}, {now} + INTERVAL '1 day', md5(:key::text)) \
         ON CONFLICT (user_id) WHERE status = 'active' DO NOTHING RETURNING {columns}, {on_air};\n\
         UPDATE streams SET status = 'stopped', updated_at = {now} \
         WHERE user_id = :user AND status = 'active' AND expires_at > {now} RETURNING {columns}, {on_air};\n"
    )
}
