//! Lists of access profiles: pages, tags, and the letters of a search.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::wire::encoded;

const PATH: &str = "/api/access-profiles";

fn names(server: &Server, parameters: &str) -> Vec<String> {
    let list = server
        .client
        .get(&format!("{PATH}?{parameters}"))
        .expect(200)
        .json();
    let items = list["access_profiles"].as_array().unwrap();
    assert_eq!(list["total_count"], items.len(), "{parameters}");
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_empty_list_has_every_field() {
    let server = Server::start();
    let empty = json!({ "access_profiles": [], "user_counts": [], "count": 0, "total_count": 0, "limit": 25, "offset": 0 });
    for parameters in [
        "",
        "?search=x",
        "?search=xyz",
        "?tags=a",
        "?is_active=false",
    ] {
        for family in [PATH, "/api/governance/access-profiles"] {
            let list = server
                .client
                .get(&format!("{family}{parameters}"))
                .expect(200)
                .json();
            assert_eq!(list, empty, "{parameters}");
        }
    }
}

#[test]
fn a_page_has_25_profiles_unless_asked_otherwise_and_holds_them_whole() {
    let server = Server::start();
    let all: Vec<Value> = (0..30)
        .map(|at| {
            server.client.create_profile(
                &json!({ "name": format!("p{at}"), "budgets": [{ "max_limit": at }] }),
            )
        })
        .collect();
    let list = server.client.get(PATH).expect(200).json();
    assert_eq!(
        (&list["count"], &list["total_count"]),
        (&json!(25), &json!(30))
    );
    assert_eq!(list["access_profiles"].as_array().unwrap()[..], all[..25]);
    let list = server
        .client
        .get(&format!("{PATH}?limit=500&offset=25"))
        .expect(200)
        .json();
    assert_eq!(list["access_profiles"].as_array().unwrap()[..], all[25..]);
    let list = server
        .client
        .get(&format!("{PATH}?offset=30"))
        .expect(200)
        .json();
    assert_eq!(
        (&list["count"], &list["total_count"]),
        (&json!(0), &json!(30))
    );
}

#[test]
fn search_takes_every_character_as_itself() {
    let server = Server::start();
    for (name, description) in [
        ("100% sure", ""),
        ("100 sure", ""),
        ("snake_case", ""),
        ("snakeXcase", ""),
        ("say \"hi\"", ""),
        ("star*", "AND OR NOT NEAR(a b)"),
        ("Größe", "ЖУРНАЛ"),
        ("ΑΣΤΡΟ", "中文字"),
    ] {
        server
            .client
            .create_profile(&json!({ "name": name, "description": description }));
    }
    for (search, found) in [
        ("%", &["100% sure"][..]),
        ("0% ", &["100% sure"]),
        ("_", &["snake_case"]),
        ("e_c", &["snake_case"]),
        ("\"", &["say \"hi\""]),
        ("\"hi\"", &["say \"hi\""]),
        ("*", &["star*"]),
        ("tar*", &["star*"]),
        ("and OR not", &["star*"]),
        ("NEAR(a b)", &["star*"]),
        ("sure*", &[]),
        ("GRÖ", &["Größe"]),
        ("ö", &["Größe"]),
        ("журнал", &["Größe"]),
        ("ΑΣ", &["ΑΣΤΡΟ"]),
        ("ας", &["ΑΣΤΡΟ"]),
        ("中文", &["ΑΣΤΡΟ"]),
        ("中文字", &["ΑΣΤΡΟ"]),
        ("SNAKE", &["snake_case", "snakeXcase"]),
        (
            "s",
            &[
                "100% sure",
                "100 sure",
                "snake_case",
                "snakeXcase",
                "say \"hi\"",
                "star*",
            ],
        ),
        ("0 ' OR 1=1 --", &[]),
    ] {
        assert_eq!(
            names(&server, &format!("search={}", encoded(search))),
            found,
            "{search}"
        );
    }
}

#[test]
fn all_tags_of_a_filter_must_match_and_blanks_between_commas_are_nothing() {
    let server = Server::start();
    for (name, tags) in [
        ("a", json!(["eu", "prod"])),
        ("b", json!(["eu"])),
        ("c", json!(["prod", "eu", "eu"])),
        ("d", json!([])),
    ] {
        server
            .client
            .create_profile(&json!({ "name": name, "tags": tags }));
    }
    for (tags, found) in [
        ("eu", &["a", "b", "c"][..]),
        ("eu,prod", &["a", "c"]),
        ("prod,%20eu%20,,", &["a", "c"]),
        ("eu,us", &[]),
        ("EU", &[]),
    ] {
        assert_eq!(names(&server, &format!("tags={tags}")), found, "{tags}");
    }
    let nothing = server.client.get(&format!("{PATH}?tags=,")).expect(400);
    assert_eq!(nothing.violations(), ["tags empty_filter"]);
}

#[test]
fn a_search_for_nothing_that_is_seen_is_refused_and_not_answered_with_everything() {
    let server = Server::start();
    for list in [
        "access-profiles",
        "api-keys",
        "mcp/tool-groups",
        "roles",
        "users",
        "virtual-keys",
    ] {
        let search = |text: &str| server.client.get(&format!("/api/{list}?search={text}"));
        for unseen in [
            "%E2%80%8B",
            "%C2%AD",
            "%EF%BB%BF",
            "%EF%B8%8F",
            "%20%E2%80%8B%20",
        ] {
            let refused = search(unseen).expect(400);
            assert_eq!(
                refused.violations(),
                ["search empty_filter"],
                "{list} {unseen}"
            );
        }
        for empty in ["", "%20"] {
            search(empty).expect(200);
        }
    }
}

#[test]
fn a_page_that_would_take_too_much_memory_is_refused() {
    let server = Server::start();
    let tags: Vec<String> = (0..9_500).map(|number| format!("{number:0>90}")).collect();
    for number in 0..20 {
        let body = json!({ "name": format!("large {number}"), "tags": tags });
        server
            .client
            .post("/api/access-profiles", &body)
            .expect(201);
    }
    let page = |limit: u32| {
        server
            .client
            .get(&format!("/api/access-profiles?limit={limit}"))
    };
    let refused = page(20);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.violations(), ["limit page_too_large"]);
    assert_eq!(page(10).json()["count"], 10);
}

#[test]
fn a_limit_above_the_most_is_the_most() {
    let server = Server::start();
    for path in [
        "/api/access-profiles",
        "/api/api-keys",
        "/api/rbac/roles",
        "/api/usage/near-limits",
    ] {
        for (limit, answered) in [
            ("501", 500),
            ("9223372036854775807", 500),
            ("500", 500),
            ("7", 7),
        ] {
            let list = server
                .client
                .get(&format!("{path}?limit={limit}"))
                .expect(200)
                .json();
            assert_eq!(list["limit"], answered, "{path}");
        }
        server.client.get(&format!("{path}?limit=0")).expect(400);
        server
            .client
            .get(&format!("{path}?from_memory=true"))
            .expect(200);
    }
}
