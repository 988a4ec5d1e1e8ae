//! Pages, order, filters and search of access profiles, generated and compared with a plain model of what they should find.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::wire::encoded;

const PATH: &str = "/api/access-profiles";
const TAGS: [&str; 4] = ["eu", "EU", "a b", "ünï"];
const SORTS: [&str; 5] = ["id", "name", "created_at", "updated_at", "version"];
/// Small, so that searches hit; with everything that means something to SQL, LIKE, full-text search or URLs.
const LETTERS: &str = "aAbB%_\"'*()-^:+&#,\\ßéÉжЖΣσς中😀 ";

/// Whether `part` stands in `text` without regard to case; on purpose not the code under test.
fn contains(text: &str, part: &str) -> bool {
    let lower = |text: &str| text.to_lowercase().replace('ς', "σ");
    lower(text).contains(&lower(part))
}

#[derive(Debug, Clone)]
struct Profile {
    id: i64,
    name: String,
    description: String,
    tags: Vec<&'static str>,
    is_active: bool,
    created_at: i64,
}

#[derive(Debug, Clone)]
struct Query {
    /// A text of its own, or a piece of some profile's.
    search: Option<(String, Index, usize, usize)>,
    tags: Vec<&'static str>,
    is_active: Option<bool>,
    sort: &'static str,
    descending: bool,
    limit: usize,
}

fn text(lengths: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(select(LETTERS.chars().collect::<Vec<_>>()), lengths).prop_map(String::from_iter)
}

fn profile() -> impl Strategy<Value = Profile> {
    let tags = subsequence(TAGS.to_vec(), 0..=TAGS.len());
    (text(1..9), text(0..12), tags, any::<bool>(), 0..3_i64).prop_map(
        |(name, description, tags, is_active, created_at)| Profile {
            id: 0,
            name,
            description,
            tags,
            is_active,
            created_at,
        },
    )
}

fn query() -> impl Strategy<Value = Query> {
    let search = prop::option::weighted(0.8, (text(0..5), any::<Index>(), 0..8_usize, 1..6_usize));
    let tags = subsequence(TAGS.to_vec(), 0..=2);
    (
        search,
        prop_oneof![Just(vec![]), tags],
        any::<Option<bool>>(),
        select(&SORTS[..]),
        any::<bool>(),
        1..7_usize,
    )
        .prop_map(|(search, tags, is_active, sort, descending, limit)| Query {
            search,
            tags,
            is_active,
            sort,
            descending,
            limit,
        })
}

/// Stores what can be stored; answers what must then be there.
fn store(server: &Server, wanted: Vec<Profile>) -> Vec<Profile> {
    let mut stored: Vec<Profile> = Vec::new();
    let mut seconds = 0;
    for mut profile in wanted {
        profile.name = profile.name.trim().into();
        let taken = stored.iter().any(|other| {
            contains(&other.name, &profile.name) && contains(&profile.name, &other.name)
        });
        server.time.advance_seconds(profile.created_at);
        seconds += profile.created_at;
        let reply = server.client.post(
            PATH,
            &json!({ "name": profile.name, "description": profile.description, "tags": profile.tags, "is_active": profile.is_active }),
        );
        let expected = match (profile.name.is_empty(), taken) {
            (true, _) => 400,
            (_, true) => 409,
            _ => 201,
        };
        assert_eq!(reply.status, expected, "{profile:?}: {}", reply.text);
        if expected == 201 {
            profile.id = reply.json()["access_profile"]["id"].as_i64().unwrap();
            profile.created_at = seconds;
            stored.push(profile);
        }
    }
    stored
}

/// The ids that a query must find, in order.
fn expected(all: &[Profile], query: &Query, search: Option<&str>) -> Vec<i64> {
    let mut found: Vec<&Profile> = all
        .iter()
        .filter(|profile| {
            search.is_none_or(|part| {
                contains(&profile.name, part) || contains(&profile.description, part)
            }) && query.tags.iter().all(|tag| profile.tags.contains(tag))
                && query
                    .is_active
                    .is_none_or(|active| profile.is_active == active)
        })
        .collect();
    found.sort_by_key(|profile| {
        let name = profile.name.to_lowercase().replace('ς', "σ");
        match query.sort {
            "name" => (name, 0, profile.id),
            "created_at" | "updated_at" => (String::new(), profile.created_at, profile.id),
            _ => (String::new(), 0, profile.id),
        }
    });
    if query.descending {
        found.reverse();
    }
    found.into_iter().map(|profile| profile.id).collect()
}

fn ids(list: &Value) -> Vec<i64> {
    let items = list["access_profiles"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_i64().unwrap())
        .collect()
}

/// Walks all pages; every one of them must agree on the total.
fn walk(server: &Server, parameters: &str, limit: usize) -> Vec<i64> {
    let mut all = Vec::new();
    loop {
        let path = format!("{PATH}?limit={limit}&offset={}{parameters}", all.len());
        let list = server.client.get(&path).expect(200).json();
        let page = ids(&list);
        assert_eq!(list["count"], page.len(), "{path}");
        assert_eq!(
            (&list["limit"], &list["offset"]),
            (&json!(limit), &json!(all.len()))
        );
        let ended = page.len() < limit;
        all.extend(page);
        if ended {
            assert_eq!(list["total_count"], all.len(), "{path}");
            return all;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_query_finds_exactly_what_a_plain_search_finds(
        wanted in vec(profile(), 0..40),
        queries in vec(query(), 1..30),
    ) {
        let server = Server::start();
        let all = store(&server, wanted);
        for query in queries {
            let search = query.search.clone().map(|(own, index, from, length)| {
                if all.is_empty() || from == 0 {
                    return own;
                }
                let profile = &all[index.index(all.len())];
                let text = format!("{}{}", profile.name, profile.description);
                text.to_uppercase().chars().skip(from - 1).take(length).collect()
            });
            // An empty search is none.
            let search = search.filter(|text: &String| !text.is_empty());
            let way = if query.descending { "-" } else { "" };
            let parameters: String = [
                Some(format!("&sort={way}{}", query.sort)),
                search.as_ref().map(|text| format!("&search={}", encoded(text))),
                (!query.tags.is_empty()).then(|| format!("&tags={}", encoded(&query.tags.join(",")))),
                query.is_active.map(|active| format!("&is_active={active}")),
            ]
            .into_iter()
            .flatten()
            .collect();
            let found = walk(&server, &parameters, query.limit);
            prop_assert_eq!(found, expected(&all, &query, search.as_deref()), "{} in {:?}", parameters, &all);
        }
    }
}
