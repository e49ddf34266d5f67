//! What owners say of their streams.

use std::num::NonZeroU32;

use super::streams::{active, found, key, named, names, now, own, started, stopped, user};
use crate::catalog::CatalogQuery;
use crate::details::{Categories, ContentLabel, MANY, Search, SearchForm, Visibility};
use crate::media_server::LEASE;
use crate::ports::{DescribeStreamError, StreamStore};
use crate::testing::{SeededEntropy, Store, asking, terms};
use crate::{Details, NewStream, PageRequest, Stream, StreamId, Timestamp};

/// Everything said that can be said.
fn full(title: &str) -> Details {
    Details {
        title: Some(title.to_owned()),
        description: Some("Two lines,\nand 'quotes' %_\\ in the second.".to_owned()),
        tags: vec!["Speed-Run".to_owned(), "日本語".to_owned()],
        category: Some("gaming".to_owned()),
        language: Some("en-GB".to_owned()),
        content_labels: vec![ContentLabel::Violence, ContentLabel::Mature],
        visibility: Visibility::Public,
    }
}

fn titled(title: &str) -> Details {
    Details { title: Some(title.to_owned()), ..Details::default() }
}

fn unlisted(title: &str) -> Details {
    Details { visibility: Visibility::Unlisted, ..full(title) }
}

async fn describe(store: &dyn StreamStore, stream: &Stream, details: &Details) {
    let owner = stream.user_id.expect("a stream that was started has an owner");
    store.describe(owner, stream.id, details, now()).await.expect("the stream is active");
}

async fn details_of(store: &dyn StreamStore, stream: &Stream) -> Details {
    store.details_of(stream.id).await.expect("the store is there")
}

fn search(form: &SearchForm) -> Search {
    form.read(&Categories::default()).expect("a law's search can be read")
}

fn question(text: &str) -> Search {
    search(&SearchForm { question: Some(text.to_owned()), ..SearchForm::default() })
}

fn category(slug: &str) -> Search {
    search(&SearchForm { category: Some(slug.to_owned()), ..SearchForm::default() })
}

async fn keys_found(store: &dyn StreamStore, search: Search, at: Timestamp) -> Vec<String> {
    let query = CatalogQuery { search, ..CatalogQuery::active(PageRequest::default()) };
    let page = store.list(&query, at).await.expect("the store is there");
    names(&page.streams).into_iter().map(str::to_owned).collect()
}

/// What is said of a stream is kept as it is, and replaced as a whole.
pub async fn a_described_stream_has_its_details(store: &dyn StreamStore) {
    let stream = started(store, &named(1, "one", now())).await;
    assert_eq!(details_of(store, &stream).await, Details::default());
    for details in [full("First"), Details::default(), unlisted("Second"), titled("Third")] {
        describe(store, &stream, &details).await;
        assert_eq!(details_of(store, &stream).await, details);
        let own = store.own_details(user(1), stream.id).await.expect("the store is there");
        assert_eq!(own, Some(details));
    }
    assert_eq!(store.own_details(user(2), stream.id).await.expect("the store is there"), None);
    assert_eq!(store.details_of(StreamId(77)).await.expect("the store is there"), Details::default());
}

/// Only its owner describes a stream, and only while it may publish.
pub async fn only_an_owners_active_stream_is_described(store: &dyn StreamStore) {
    let stream = started(store, &named(1, "one", now())).await;
    let (id, details) = (stream.id, full("Mine"));
    let foreign = store.describe(user(2), id, &details, now()).await;
    assert!(matches!(foreign, Err(DescribeStreamError::NoSuchStream)), "{foreign:?}");
    let nowhere = store.describe(user(1), StreamId(77), &details, now()).await;
    assert!(matches!(nowhere, Err(DescribeStreamError::NoSuchStream)), "{nowhere:?}");
    let late = store.describe(user(1), id, &details, stream.expires_at).await;
    assert!(matches!(late, Err(DescribeStreamError::Ended)), "{late:?}");
    stopped(store, 1, now()).await;
    let ended = store.describe(user(1), id, &details, now()).await;
    assert!(matches!(ended, Err(DescribeStreamError::Ended)), "{ended:?}");
    assert_eq!(details_of(store, &stream).await, Details::default());
    assert_eq!(store.own_details(user(1), id).await.expect("the store is there"), Some(Details::default()));
}

/// A stream begins with what its channel says at that moment, and keeps it.
pub async fn a_new_stream_begins_with_its_channels_details(store: &dyn StreamStore) {
    let before = started(store, &named(1, "before", now())).await;
    assert_eq!(store.channel(user(1)).await.expect("the store is there"), Details::default());
    store.set_channel(user(1), &full("Weekly"), now()).await.expect("the store is there");
    assert_eq!(store.channel(user(1)).await.expect("the store is there"), full("Weekly"));
    assert_eq!(details_of(store, &before).await, Details::default());
    stopped(store, 1, now()).await;

    let first = started(store, &named(1, "first", now())).await;
    assert_eq!(details_of(store, &first).await, full("Weekly"));
    assert_eq!(keys_found(store, question("weekly"), now()).await, ["first"]);
    store.set_channel(user(1), &titled("Daily"), now()).await.expect("the store is there");
    assert_eq!(details_of(store, &first).await, full("Weekly"));
    assert_eq!(keys_found(store, question("daily"), now()).await, Vec::<String>::new());
    stopped(store, 1, now()).await;

    let said = NewStream { details: Some(titled("Special")), ..named(1, "second", now()) };
    let second = started(store, &said).await;
    assert_eq!(details_of(store, &second).await, titled("Special"));
    assert_eq!(keys_found(store, question("special"), now()).await, ["second"]);
    // A refused start leaves nothing behind, and other users have channels of their own.
    store
        .start(&NewStream { details: Some(full("Never")), ..named(1, "third", now()) })
        .await
        .expect_err("active");
    let other = started(store, &named(2, "other", now())).await;
    assert_eq!(details_of(store, &other).await, Details::default());
    for word in ["weekly", "daily", "never"] {
        assert_eq!(keys_found(store, question(word), now()).await, Vec::<String>::new(), "{word}");
    }
}

/// Lists show details, but for descriptions: the public's and an owner's.
pub async fn lists_show_details_without_descriptions(store: &dyn StreamStore) {
    let one = started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    describe(store, &one, &full("Shown")).await;
    let shown = full("Shown").without_description();
    let page =
        store.list(&CatalogQuery::active(PageRequest::default()), now()).await.expect("the store is there");
    assert_eq!(page.streams.len(), 2);
    assert_eq!(page.details.get(&one.id), Some(&shown));
    assert_eq!(page.details.iter().filter(|(_, details)| **details != Details::default()).count(), 1);
    let own = store.list_by_user(user(1), &PageRequest::default()).await.expect("the store is there");
    assert_eq!(own.details.get(&one.id), Some(&shown));
    describe(store, &one, &titled("Changed")).await;
    let page =
        store.list(&CatalogQuery::active(PageRequest::default()), now()).await.expect("the store is there");
    assert_eq!(page.details.get(&one.id), Some(&titled("Changed")));
}

/// An unlisted stream is in no list, no search and no count of the public; its owner and who has its name find it.
pub async fn an_unlisted_stream_is_in_no_list(store: &impl Store) {
    let stream = started(store, &named(1, "one", now())).await;
    store.admit(&asking("s1", "one", 1), &terms(), now()).await.expect("the store is there");
    let searches = [Search::default(), question("hidden"), question("h"), category("gaming")];
    for (details, is_listed) in [(full("Hidden"), true), (unlisted("Hidden"), false), (full("Hidden"), true)]
    {
        describe(store, &stream, &details).await;
        for search in searches.clone() {
            for query in
                [CatalogQuery::active(PageRequest::default()), CatalogQuery::live(PageRequest::default())]
            {
                let query = CatalogQuery { search: search.clone(), ..query };
                let page = store.list(&query, now()).await.expect("the store is there");
                assert_eq!(page.streams.len(), usize::from(is_listed), "{query:?}");
            }
        }
        let all = CatalogQuery { with_unlisted: true, ..CatalogQuery::active(PageRequest::default()) };
        let for_operators = store.list(&all, now()).await.expect("the store is there");
        assert_eq!(for_operators.details.get(&stream.id), Some(&details.clone().without_description()));
        let counted = store.count_live(now()).await.expect("the store is there");
        assert_eq!(counted, if is_listed { vec![("gaming".to_owned(), 1)] } else { Vec::new() });
        assert_eq!(own(store, 1).await.len(), 1);
        assert!(found(store, "one").await.is_some());
        let by_name = store.find_by_playback_id(&stream.playback_id).await.expect("the store is there");
        assert_eq!(by_name.map(|found| found.id), Some(stream.id));
    }
}

/// A page behind unlisted streams is as long as any other.
pub async fn unlisted_streams_take_no_place_in_pages(store: &dyn StreamStore) {
    for number in 1..=9 {
        let stream = started(store, &named(number, &format!("key-{number}"), now())).await;
        if number % 3 != 0 {
            describe(store, &stream, &unlisted("Hidden")).await;
        }
    }
    let page = PageRequest { limit: NonZeroU32::new(2), after: None };
    let first = store.list(&CatalogQuery::active(page), now()).await.expect("the store is there");
    assert_eq!(names(&first.streams), ["key-9", "key-6"]);
    let page = PageRequest { after: first.next, ..page };
    let second = store.list(&CatalogQuery::active(page), now()).await.expect("the store is there");
    assert_eq!(names(&second.streams), ["key-3"]);
    assert_eq!(second.next, None);
}

/// A stream that ends is in no search and no count from that moment on.
pub async fn an_ended_stream_is_found_no_longer(store: &impl Store) {
    for (number, name) in [(1, "stopped"), (2, "expired"), (3, "stays")] {
        let at = now().plus(time::Duration::seconds(number));
        let new = NewStream { details: Some(full("Round and round")), ..named(number, name, at) };
        started(store, &new).await;
        store.admit(&asking(name, name, 1), &terms(), at).await.expect("the store is there");
    }
    let at = now().plus(time::Duration::seconds(3));
    for search in [question("round"), question("ro"), category("gaming")] {
        assert_eq!(keys_found(store, search, at).await, ["stays", "expired", "stopped"]);
    }
    stopped(store, 1, at).await;
    for search in [question("round"), question("ro"), category("gaming")] {
        assert_eq!(keys_found(store, search, at).await, ["stays", "expired"]);
    }
    assert_eq!(store.count_live(at).await.expect("the store is there"), [("gaming".to_owned(), 2)]);
    let expiry = found(store, "expired").await.expect("it was started").expires_at;
    assert_eq!(keys_found(store, question("round"), expiry).await, ["stays"]);
    store.expire_overdue(expiry, 10).await.expect("the store is there");
    assert_eq!(keys_found(store, question("round"), expiry).await, ["stays"]);
    assert_eq!(store.count_live(at.plus(LEASE)).await.expect("the store is there"), []);
}

/// Pages of a search give each stream once, newest first, while streams come and go.
pub async fn pages_of_a_search_neither_skip_nor_repeat(store: &dyn StreamStore) {
    for number in 1..=11 {
        // Pairs of one instant, so that page borders fall between equals too.
        let at = now().plus(time::Duration::seconds(number / 2));
        let title = if number % 3 == 0 { "Other things" } else { "Match of the day, matched" };
        let new = NewStream { details: Some(full(title)), ..named(number, &format!("key-{number}"), at) };
        started(store, &new).await;
    }
    let then = now().plus(time::Duration::MINUTE);
    for search in [question("match"), question("mat"), question("day mat"), category("gaming")] {
        let whole = keys_found(store, search.clone(), then).await;
        assert!(whole.len() >= 8, "{whole:?}");
        for limit in [1, 2, 3, 8] {
            let (mut joined, mut after) = (Vec::new(), None);
            loop {
                let page = PageRequest { limit: NonZeroU32::new(limit), after };
                let query = CatalogQuery { search: search.clone(), ..CatalogQuery::active(page) };
                let page = store.list(&query, then).await.expect("the store is there");
                joined.extend(names(&page.streams).into_iter().map(str::to_owned));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(joined, whole, "pages of {limit} of {search:?}");
        }
    }
    let page = PageRequest { limit: NonZeroU32::new(3), after: None };
    let query = CatalogQuery { search: question("match"), ..CatalogQuery::active(page) };
    let first = store.list(&query, then).await.expect("the store is there");
    let new = NewStream { details: Some(full("Match")), ..named(50, "newcomer", then) };
    started(store, &new).await;
    stopped(store, 7, then).await;
    let page = PageRequest { after: first.next, ..page };
    let query = CatalogQuery { search: question("match"), ..CatalogQuery::active(page) };
    let second = store.list(&query, then).await.expect("the store is there");
    assert_eq!(names(&first.streams), ["key-11", "key-10", "key-8"]);
    assert_eq!(names(&second.streams), ["key-5", "key-4", "key-2"]);
}

/// What very many streams have is found newest first, a page at a time, like what few have.
pub async fn what_is_common_is_found_as_what_is_rare(store: &dyn StreamStore) {
    let many = i64::from(MANY) + 20;
    for number in 1..=many {
        let title = format!("Common ground {}", number % 100);
        let at = now().plus(time::Duration::milliseconds(number / 2));
        let new = NewStream { details: Some(titled(&title)), ..named(number, &format!("key-{number}"), at) };
        started(store, &new).await;
    }
    let then = now().plus(time::Duration::MINUTE);
    let newest_first = || (1..=many).rev();
    for (asked, step) in
        [("co", 1), ("common gro", 1), ("ground common", 1), ("common 7", 100), ("ground common 42", 100)]
    {
        let wanted = newest_first().filter(|number| match step {
            1 => true,
            // A last number is the beginning of others: 7 of 70 to 79.
            _ if asked.ends_with(" 7") => number % 100 == 7 || (70..80).contains(&(number % 100)),
            _ => number % 100 == 42,
        });
        let wanted: Vec<String> = wanted.map(|number| format!("key-{number}")).collect();
        assert_eq!(keys_found(store, question(asked), then).await, wanted, "{asked}");
        let (mut joined, mut after) = (Vec::new(), None);
        while joined.len() < 60.min(wanted.len()) {
            let page = PageRequest { limit: NonZeroU32::new(20), after };
            let query = CatalogQuery { search: question(asked), ..CatalogQuery::active(page) };
            let page = store.list(&query, then).await.expect("the store is there");
            joined.extend(names(&page.streams).into_iter().map(str::to_owned));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(joined[..], wanted[..joined.len()], "{asked}");
    }
}

/// A language finds those that begin with it, and a tag is found whatever its case.
pub async fn filters_find_what_they_name(store: &dyn StreamStore) {
    started(store, &NewStream { details: Some(full("Full")), ..named(1, "full", now()) }).await;
    let german = Details { language: Some("de".to_owned()), ..titled("Deutsch") };
    started(store, &NewStream { details: Some(german), ..named(2, "german", now()) }).await;
    let by = |language: &str, tag: &str| {
        let sent = |text: &str| Some(text.to_owned());
        search(&SearchForm { language: sent(language), tag: sent(tag), ..SearchForm::default() })
    };
    let none: [&str; 0] = [];
    assert_eq!(keys_found(store, by("en", ""), now()).await, ["full"]);
    assert_eq!(keys_found(store, by("EN-gb", "speed-run"), now()).await, ["full"]);
    assert_eq!(keys_found(store, by("", "SPEED-RUN"), now()).await, ["full"]);
    assert_eq!(keys_found(store, by("de", ""), now()).await, ["german"]);
    assert_eq!(keys_found(store, by("eng", ""), now()).await, none);
    assert_eq!(keys_found(store, by("en-US", ""), now()).await, none);
    assert_eq!(keys_found(store, by("", "speed"), now()).await, none);
    assert_eq!(keys_found(store, category("music"), now()).await, none);
}

const SYLLABLES: [&str; 16] =
    ["a", "ba", "Bar", "ä", "é", "1", "v1.2", "日本", "本", "カタ", "-", "'", "한국", "ไทย", "🎮", "%"];

/// A text of up to seven of those, some of them joined.
fn random_text(entropy: &SeededEntropy) -> String {
    let mut text = String::new();
    for _ in 0..entropy.next() % 7 {
        text.push_str(SYLLABLES[usize::try_from(entropy.next() % 16).unwrap_or_default()]);
        if entropy.next().is_multiple_of(3) {
            text.push(' ');
        }
    }
    text
}

fn random_details(entropy: &SeededEntropy) -> Details {
    let one_of = |choices: [Option<&str>; 4]| {
        choices[usize::try_from(entropy.next() % 4).unwrap_or_default()].map(str::to_owned)
    };
    Details {
        title: Some(random_text(entropy)).filter(|text| !text.is_empty()),
        description: Some(random_text(entropy)).filter(|text| !text.is_empty()),
        tags: one_of([None, Some("Ba"), Some("bar"), Some("日本")]).into_iter().collect(),
        category: one_of([None, Some("music"), Some("gaming"), Some("art")]),
        language: one_of([None, Some("en"), Some("en-GB"), Some("pt-BR")]),
        content_labels: Vec::new(),
        visibility: if entropy.next().is_multiple_of(5) { Visibility::Unlisted } else { Visibility::Public },
    }
}

fn random_search(entropy: &SeededEntropy) -> Search {
    let sometimes = |text: String| (entropy.next().is_multiple_of(4)).then_some(text);
    let form = SearchForm {
        category: sometimes("music".to_owned()),
        language: sometimes("en".to_owned()),
        tag: sometimes("BA".to_owned()),
        question: Some(random_text(entropy)),
    };
    form.read(&Categories::default()).unwrap_or_default()
}

/// A hundred random corpora, a hundred random searches in each: a store finds what a plain filter finds.
pub async fn searches_find_what_a_plain_filter_finds(store: &dyn StreamStore) {
    let entropy = SeededEntropy::new(12);
    let mut streams = Vec::new();
    for number in 1..=12 {
        let at = now().plus(time::Duration::seconds(number / 3));
        streams
            .push((started(store, &named(number, &format!("key-{number}"), at)).await, Details::default()));
    }
    let then = now().plus(time::Duration::MINUTE);
    streams.sort_by_key(|(stream, _)| std::cmp::Reverse((stream.created_at, stream.id)));
    let mut hits = 0;
    for _ in 0..100 {
        for (stream, details) in &mut streams {
            *details = random_details(&entropy);
            describe(store, stream, details).await;
        }
        let terms: Vec<_> = streams.iter().map(|(_, details)| details.terms()).collect();
        for _ in 0..100 {
            let search = random_search(&entropy);
            let is_found =
                |details: &Details, terms| details.visibility == Visibility::Public && search.finds(terms);
            let wanted = streams.iter().zip(&terms).filter(|((_, details), terms)| is_found(details, terms));
            let wanted: Vec<&str> = wanted.map(|((stream, _), _)| stream.key.expose()).collect();
            hits += wanted.len();
            assert_eq!(keys_found(store, search.clone(), then).await, wanted, "{search:?}");
        }
    }
    assert!(hits > 5_000, "{hits} streams found in all");
    assert_eq!(
        active(store, then).await.len(),
        streams.iter().filter(|(_, details)| details.visibility == Visibility::Public).count()
    );
    assert!(found(store, key("key-1").expose()).await.is_some());
}
