//! What servers do with `start` and `count`, and what the list is worth then.

use std::sync::Mutex;

use super::*;

/// Reads a list whose pages come from `fetch`.
async fn read_all(
    fetch: impl AsyncFn(usize) -> Result<Page<String>, MediaServerError>,
) -> Result<Read<String>, MediaServerError> {
    let mut pages = ByOffset::new(|entry: &String| entry);
    while let Some(start) = pages.start() {
        pages.add(fetch(start)).await?;
    }
    Ok(pages.into_read())
}

/// Reads a list from a server that answers by `serve`, which is told how often it was asked before; returns how many
/// entries were read, whether that is all, and how often the server was asked.
#[expect(clippy::future_not_send, reason = "a test stays on its thread")]
async fn read(serve: impl Fn(usize, usize) -> Vec<String>) -> (usize, bool, usize) {
    let asked = Mutex::new(0);
    let fetch = async |start| {
        let before = {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            *asked - 1
        };
        Ok(Page { entries: serve(start, before), bytes: 1 })
    };
    let read = read_all(fetch).await.unwrap();
    let times = *asked.lock().unwrap();
    (read.entries.len(), read.is_whole, times)
}

fn entries(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{number:06}")).collect()
}

fn page_of(all: &[String], start: usize) -> Vec<String> {
    all.iter().skip(start).take(PAGE).cloned().collect()
}

#[tokio::test]
async fn a_list_that_stands_still_is_read_whole() {
    for length in [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 10 * PAGE] {
        let all = entries(0..length);
        let (count, is_whole, _) = read(|start, _| page_of(&all, start)).await;
        assert_eq!((count, is_whole), (length, true));
    }
}

#[tokio::test]
async fn some_who_leave_between_two_pages_hide_nobody() {
    let all = entries(0..2 * PAGE);
    // Forty of the first page have gone when the second one is asked for, and all move up.
    let serve = |start, before| page_of(if before == 0 { &all } else { &all[40..] }, start);
    assert_eq!(read(serve).await, (2 * PAGE, true, 3));
}

#[tokio::test]
async fn a_list_of_which_many_leave_between_two_pages_is_not_whole() {
    let all = entries(0..2 * PAGE);
    let serve = |start, before| page_of(if before == 0 { &all } else { &all[400..] }, start);
    let (count, is_whole, _) = read(serve).await;
    assert!(count < 2 * PAGE && !is_whole);
}

#[tokio::test]
async fn a_server_that_ignores_where_to_start_is_asked_no_further() {
    let all = entries(0..PAGE);
    assert_eq!(read(|_, _| all.clone()).await, (PAGE, false, 2));
    // One that ignores how many are wanted, too, has given all.
    let all = entries(0..PAGE + 7);
    assert_eq!(read(|_, _| all.clone()).await, (PAGE + 7, true, 1));
}

#[tokio::test]
async fn a_list_without_an_end_is_cut_and_not_whole() {
    let serve = |start: usize, _| entries(start..start + PAGE);
    let (count, is_whole, times) = read(serve).await;
    assert_eq!((is_whole, times), (false, MOST_PAGES));
    assert!(count >= MOST_PAGES * (PAGE - OVERLAP));
}

#[tokio::test]
async fn what_was_read_before_a_failure_is_kept_and_is_not_whole() {
    let fetch = async |start| {
        if start > 0 {
            return Err(MediaServerError::Unexpected("its status is 500".to_owned()));
        }
        Ok(Page { entries: entries(0..PAGE), bytes: 1 })
    };
    let read = read_all(fetch).await.unwrap();
    assert_eq!((read.entries.len(), read.is_whole), (PAGE, false));
    let fetch = async |_| Err(MediaServerError::Forbidden);
    let failed = read_all(fetch).await;
    assert!(matches!(failed, Err(MediaServerError::Forbidden)));
}

#[tokio::test]
async fn a_list_that_takes_too_long_is_given_up() {
    tokio::time::pause();
    let fetch = async |start| {
        if start > 0 {
            std::future::pending::<()>().await;
        }
        Ok(Page { entries: entries(0..PAGE), bytes: 1 })
    };
    let read = read_all(fetch).await.unwrap();
    assert_eq!((read.entries.len(), read.is_whole), (PAGE, false));
}

#[tokio::test]
async fn a_list_that_is_too_long_to_hold_is_cut_and_not_whole() {
    let fetch = async |start| Ok(Page { entries: entries(start..start + PAGE), bytes: MOST_BYTES / 2 });
    let read = read_all(fetch).await.unwrap();
    assert!(read.entries.len() < 3 * PAGE && !read.is_whole);
}
