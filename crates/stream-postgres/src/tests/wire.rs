//! What is heard on the wire, and what it means.

use std::sync::Arc;

use stream_domain::ports::{StoreError, chain_of};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::block_on;
use crate::connect::NotConnected;
use crate::error::Meaning;
use crate::wire::{SqlState, Watched, Wire, state_of};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

fn error(state: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFEHLER\0VERROR\0C{state}\0M{text}\0DCnot the code\0\0").as_bytes())
}

/// Reads all of it in pieces that are cut at this place, and then byte by byte.
async fn hear(bytes: &[u8], cut: usize, asks_for_tls: bool) -> Arc<Wire> {
    let wire = Arc::new(Wire::default());
    let (first, rest) = bytes.split_at(cut);
    let mut watched = Watched::new(in_pieces(first, rest), wire.clone(), asks_for_tls);
    let mut read = Vec::new();
    watched.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, bytes);
    wire
}

/// A stream that gives the first part at once, and the rest byte by byte.
fn in_pieces(first: &[u8], rest: &[u8]) -> impl tokio::io::AsyncRead + Unpin + use<> {
    let (mut write, read) = tokio::io::duplex(1);
    let (first, rest) = (std::io::Cursor::new(first.to_vec()), rest.to_vec());
    tokio::spawn(async move {
        write.write_all(&rest).await.unwrap();
    });
    first.chain(read)
}

#[test]
fn errors_and_the_servers_process_are_heard_wherever_the_bytes_are_cut() {
    block_on(async {
        let text = "was weiß ich";
        let bytes = [
            message(b'R', &0_u32.to_be_bytes()),
            message(b'S', b"server_version\x0015\0"),
            message(b'K', &[0, 0, 48, 57, 1, 2, 3, 4]),
            message(b'Z', b"I"),
            // A row that looks like an error inside.
            message(b'D', &error("XX000", "a row")),
            message(b'n', b""),
            error("25006", text),
            message(b'Z', b"I"),
        ]
        .concat();
        for cut in 0..bytes.len() {
            let wire = hear(&bytes, cut, false).await;
            assert_eq!(wire.process(), 12_345);
            assert_eq!(wire.take_error(), SqlState::parse("25006"), "cut at {cut}");
            assert_eq!(wire.take_error(), None, "it is told once");
        }
        assert_eq!(state_of(text), SqlState::parse("25006"));
        assert_eq!(state_of("a row"), None);
    });
}

#[test]
fn the_answer_to_a_request_for_tls_is_no_message() {
    block_on(async {
        let bytes = [b"N".to_vec(), error("28000", "no encryption")].concat();
        for cut in 0..bytes.len() {
            assert_eq!(hear(&bytes, cut, true).await.take_error(), SqlState::parse("28000"));
        }
    });
}

#[test]
fn an_endless_error_is_understood_by_its_beginning() {
    block_on(async {
        let long = error("57P01", &"x".repeat(100_000));
        let bytes = [long, error("42703", "after that")].concat();
        assert_eq!(hear(&bytes, 9_000, false).await.take_error(), SqlState::parse("42703"));
        let long = error("57P01", &"x".repeat(100_000));
        assert_eq!(hear(&long, 50, false).await.take_error(), SqlState::parse("57P01"));
    });
}

#[test]
fn the_last_error_with_a_message_counts() {
    block_on(async {
        hear(&error("40001", "told twice"), 3, false).await;
        hear(&error("40P01", "told twice"), 3, false).await;
        assert_eq!(state_of("told twice"), SqlState::parse("40P01"));
    });
}

#[test]
fn each_sqlstate_means_what_the_table_says_and_an_unknown_one_is_a_defect() {
    let of = |state: &str| Meaning::of(SqlState::parse(state).unwrap());
    let table = [
        (
            Meaning::Away,
            &["08000", "08006", "08P01", "57P01", "57P02", "57P03", "57P04", "57P05", "3D000"][..],
        ),
        (Meaning::Busy, &["53000", "53200", "53300", "53400", "57014", "25P03", "25P04", "58030"]),
        (Meaning::WrongNode, &["25006"]),
        (Meaning::Full, &["53100"]),
        (Meaning::Denied, &["42501", "28000", "28P01", "0P000"]),
        (Meaning::Contention, &["40001", "40P01", "55P03"]),
        (Meaning::Stale, &["26000", "42P05", "0A000"]),
        (
            Meaning::Defect,
            &[
                "2200H", "22003", "22021", "23505", "42703", "42P01", "42883", "XX000", "XX001", "P0001",
                "ZZZZZ",
            ],
        ),
    ];
    for (meaning, states) in table {
        for state in states {
            assert_eq!(of(state), meaning, "{state}");
        }
    }
    assert_eq!(SqlState::parse("2500"), None);
}

#[test]
fn a_new_connection_that_has_lost_its_statement_blames_the_pooler() {
    for (state, is_pooler) in [("26000", true), ("42P05", true), ("57P03", false), ("28P01", false)] {
        let mut refused = NotConnected::new("no connection".to_owned());
        refused.state = SqlState::parse(state);
        let told = chain_of(&StoreError::from(refused));
        assert_eq!(told.contains("max_prepared_statements"), is_pooler, "{state}: {told}");
    }
}
