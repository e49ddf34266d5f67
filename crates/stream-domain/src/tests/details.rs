//! Details as clients send them, and the words that they are found by.

use proptest::prelude::*;

use crate::Details;
use crate::details::{
    Beginning, Categories, DetailField, DetailsForm, InvalidCategories, InvalidDetail, InvalidSearch, MANY,
    MAX_TITLE, Search, SearchForm, StoredDetails, Visibility,
};

fn read(form: DetailsForm) -> Result<Details, InvalidDetail> {
    form.over(Details::default(), &Categories::default())
}

fn titled(title: &str) -> Result<Details, InvalidDetail> {
    read(DetailsForm { title: Some(title.to_owned()), ..DetailsForm::default() })
}

fn question(text: &str) -> Result<Search, InvalidSearch> {
    SearchForm { question: Some(text.to_owned()), ..SearchForm::default() }.read(&Categories::default())
}

fn finds(text: &str, title: &str) -> bool {
    question(text).unwrap().finds(&titled(title).unwrap().terms())
}

#[test]
fn texts_are_kept_in_one_form() {
    let title = |sent: &str| titled(sent).unwrap().title;
    assert_eq!(title(" Cafe\u{301}\t"), Some("Café".to_owned()));
    assert_eq!(title(" \u{2003} "), None);
    assert_eq!(title(&"é".repeat(MAX_TITLE)).unwrap().chars().count(), MAX_TITLE);
    assert_eq!(title(&"e\u{301}".repeat(MAX_TITLE)).unwrap().chars().count(), MAX_TITLE);
    assert_eq!(titled(&"x".repeat(163)).unwrap_err().sentence, "title: 163 characters, at most 140");
    let form = DetailsForm { description: Some("a\r\nb\n\nc".to_owned()), ..DetailsForm::default() };
    assert_eq!(read(form).unwrap().description.as_deref(), Some("a\nb\n\nc"));
    // Joiners and marks of direction stay: emoji, Persian and Hebrew need them.
    for kept in ["👩\u{200d}👧", "می\u{200c}خواهم", "\u{200f}שלום"] {
        assert_eq!(title(kept).as_deref(), Some(kept));
    }
}

#[test]
fn a_form_changes_only_the_fields_that_it_has() {
    let base = Details {
        title: Some("Base".to_owned()),
        tags: vec!["one".to_owned()],
        visibility: Visibility::Unlisted,
        ..Details::default()
    };
    let form = DetailsForm { title: Some(String::new()), ..DetailsForm::default() };
    let over = form.over(base.clone(), &Categories::default()).unwrap();
    assert_eq!(over, Details { title: None, ..base.clone() });
    assert_eq!(DetailsForm::default().over(base.clone(), &Categories::default()).unwrap(), base);
}

#[test]
fn words_are_found_whatever_their_case_marks_and_script() {
    for (asked, title) in [
        ("JAZZ", "Late-night jäzz"),
        ("night", "Late-night jazz"),
        ("jazz la", "Jazz, late"),
        ("v1 2", "Trying v1.2.3"),
        ("cafe", "Cafe\u{301}"),
        ("配信", "日本語の配信です"),
        ("日", "本日"),
        ("語の", "日本語の配信"),
        ("한국", "안녕 한국어"),
        ("ｆｕｌｌ", "Full width"),
        ("ไม่มี", "ไม่มีช่องว่าง"),
        ("straße", "Straße"),
    ] {
        assert!(finds(asked, title), "{asked} in {title}");
    }
    // The last word is found by its beginning, the others are whole.
    for (asked, title) in [("azz", "Jazz"), ("la jazz", "Jazz, late"), ("本日", "日本"), ("1 v2", "v1 v2")]
    {
        assert!(!finds(asked, title), "{asked} in {title}");
    }
}

#[test]
fn a_question_has_one_to_eight_words() {
    assert_eq!(question("- ! 🎮"), Err(InvalidSearch::NoWord));
    assert_eq!(question("a b c d e f g h i"), Err(InvalidSearch::Words(9)));
    assert!(question("a b c d e f g h").is_ok());
    // A run of Japanese is one word of a question, however many pairs it has.
    assert!(question("日本語プログラミング配信").is_ok());
    assert!(question(&"日".repeat(33)).is_ok());
    assert_eq!(question(&"日".repeat(34)), Err(InvalidSearch::Pairs(33)));
    assert_eq!(question(&"x".repeat(201)), Err(InvalidSearch::Length(201)));
    assert!(question(" ").unwrap().is_empty());
}

#[test]
fn a_search_begins_with_what_is_rarest() {
    let two = question("alpha beta").unwrap();
    assert!(two.wants_counts() && question("alpha").unwrap().wants_counts());
    for (counts, beginning) in [
        ([3, 5], Beginning::Range(0)),
        ([5, 3], Beginning::Range(1)),
        ([MANY, 3], Beginning::Range(1)),
        // Of two that many have, the whole word is read in order; beginnings alone are looked for in the whole list.
        ([MANY, MANY], Beginning::Range(0)),
    ] {
        assert_eq!(two.beginning(&counts), beginning, "{counts:?}");
    }
    assert_eq!(question("alpha").unwrap().beginning(&[MANY]), Beginning::EveryStream);
    let category = SearchForm { category: Some("music".to_owned()), ..SearchForm::default() };
    let category = category.read(&Categories::default()).unwrap();
    assert!(!category.wants_counts());
}

#[test]
fn a_stream_has_64_words_at_most_and_an_unlisted_one_none() {
    let long = (0..200).map(|number| format!("word{number}")).collect::<Vec<_>>().join(" ");
    let form = |visibility: &str| DetailsForm {
        title: Some("First".to_owned()),
        description: Some(long.clone()),
        visibility: Some(visibility.to_owned()),
        ..DetailsForm::default()
    };
    let terms = read(form("public")).unwrap().terms();
    assert_eq!(terms.len(), 64);
    assert!(terms.contains("w:first") && terms.contains("w:word62") && !terms.contains("w:word63"));
    assert!(read(form("unlisted")).unwrap().terms().is_empty());
}

#[test]
fn categories_are_read_in_their_order_and_faults_are_named() {
    let read = Categories::parse(" a=First , b-2=Zweite Kategorie,").unwrap();
    let slugs: Vec<&str> = read.all().iter().map(|category| category.slug.as_str()).collect();
    assert_eq!((slugs, read.all()[1].name.as_str()), (vec!["a", "b-2"], "Zweite Kategorie"));
    assert!(Categories::parse("").unwrap().all().is_empty());
    for (list, fault) in [
        ("gaming", InvalidCategories::NoName("gaming".to_owned())),
        ("Gaming=x", InvalidCategories::Slug("Gaming".to_owned())),
        ("a=", InvalidCategories::Name("a".to_owned())),
        ("a=x,a=y", InvalidCategories::Twice("a".to_owned())),
    ] {
        assert_eq!(Categories::parse(list), Err(fault), "{list}");
    }
}

/// Any text, most often of characters that break what takes texts for something else.
fn hostile() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "a",
        "Ä",
        "e\u{301}",
        "\u{301}\u{302}\u{303}",
        "👩\u{200d}👧",
        "\u{200f}",
        "\u{202e}",
        "\u{2067}",
        "\u{0}",
        "\n",
        "\r\n",
        "<b>",
        "'",
        "%_\\",
        "日本",
        "ไทย",
        " ",
        "\u{feff}",
        "\u{10ffff}",
        "ﷺ",
        "-",
        "En",
        "İ",
        "ß",
        "가",
    ]);
    prop_oneof![
        3 => prop::collection::vec(parts, 0..12).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
    ]
}

/// Sends a text as one field; the field that may be refused.
fn form_of(field: usize, text: &str) -> (DetailField, DetailsForm) {
    let sent = Some(text.to_owned());
    let nothing = DetailsForm::default();
    match field {
        0 => (DetailField::Title, DetailsForm { title: sent, ..nothing }),
        1 => (DetailField::Description, DetailsForm { description: sent, ..nothing }),
        2 => (DetailField::Tags, DetailsForm { tags: Some(vec![text.to_owned()]), ..nothing }),
        3 => (DetailField::Category, DetailsForm { category: sent, ..nothing }),
        4 => (DetailField::Language, DetailsForm { language: sent, ..nothing }),
        5 => (
            DetailField::ContentLabels,
            DetailsForm { content_labels: Some(vec![text.to_owned()]), ..nothing },
        ),
        _ => (DetailField::Visibility, DetailsForm { visibility: sent, ..nothing }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// 10,000 texts, each as every field: refused with the field's own code, or kept, and then never changed again.
    #[test]
    fn any_text_is_refused_by_its_field_or_kept(text in hostile()) {
        for number in 0..7 {
            let (field, form) = form_of(number, &text);
            match read(form) {
                Err(invalid) => {
                    prop_assert_eq!(invalid.field, field);
                    prop_assert!(!invalid.sentence.is_empty() && invalid.sentence.len() < 200);
                }
                Ok(details) => {
                    // What a store keeps is what it was, and what was kept is taken again as it is.
                    let stored: Details = StoredDetails::from(&details).into();
                    prop_assert_eq!(&stored, &details);
                    let again = DetailsForm {
                        title: details.title.clone(),
                        description: details.description.clone(),
                        tags: Some(details.tags.clone()),
                        language: details.language.clone(),
                        ..DetailsForm::default()
                    };
                    let again = again.over(details.clone(), &Categories::default());
                    prop_assert_eq!(again.as_ref(), Ok(&details));
                    for term in details.terms() {
                        prop_assert!(!term.contains([' ', '"', '\\']) && !term.chars().any(char::is_control), "{:?}", term);
                    }
                }
            }
        }
    }

    /// Each word of a title finds it, and so does each beginning of its last word.
    #[test]
    fn a_title_is_found_by_what_it_says(title in "[a-zäéß日本カナ가나0-9 .-]{1,40}") {
        let details = titled(&title).unwrap();
        for word in title.split_whitespace() {
            if let Ok(search) = question(word) {
                prop_assert!(search.finds(&details.terms()), "{} in {}", word, title);
            }
        }
    }
}
