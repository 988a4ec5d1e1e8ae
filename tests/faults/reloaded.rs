//! What SIGHUP leaves as it was: what is counted of upstreams goes on, and a settings file that is gone changes nothing.

use serde_json::json;

use crate::reload::{ask, carrying, start, write};
use crate::support::Client;
use crate::support::exposition::Exposed;
use crate::support::upstream::Upstream;

/// Calls of an upstream that were answered, their latencies, and bytes, as Prometheus reads them.
fn counted(client: &Client, upstream: &str) -> [u64; 3] {
    let seen = Exposed::read(&client.get("/metrics").expect(200).text);
    [
        "calls_total",
        "first_byte_seconds_count",
        "sent_bytes_total",
    ]
    .map(|name| {
        let name = format!("tollkeeper_upstream_{name}");
        let sum = seen.sum(&name, &[("upstream", upstream)]);
        // The sum of nothing is -0.
        (0.0 + sum).to_string().parse().unwrap()
    })
}

#[test]
fn what_is_counted_of_an_upstream_goes_on_when_it_is_changed_and_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let upstreams = [Upstream::chats(), Upstream::chats()];
    std::fs::write(folder.path().join("key"), "sk-first").unwrap();
    let with = |upstream: &Upstream| carrying(folder.path(), upstream, 1);
    let mut server = start(folder.path(), &with(&upstreams[0]));
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let caller = server.client.with_virtual_key(&holder.key);
    ask(&caller).expect(200);
    let [calls, latencies, bytes] = counted(&server.client, "openai");
    assert_eq!([calls, latencies], [1, 1]);
    write(folder.path(), &with(&upstreams[1]));
    server.hang_up();
    server.wait_for_line("upstreams: openai changed", 1);
    assert_eq!(
        counted(&server.client, "openai"),
        [calls, latencies, bytes],
        "of another address"
    );
    ask(&caller).expect(200);
    let twice = [2, 2, 2 * bytes];
    assert_eq!(counted(&server.client, "openai"), twice);
    let seen = server.client.get("/api/upstreams").expect(200).json();
    assert_eq!(seen["upstreams"][0]["answers"], json!(2), "{seen}");
    // Gone under its name, and back again.
    let other = with(&upstreams[1]).replace("name = \"openai\"", "name = \"other\"");
    write(folder.path(), &other);
    server.hang_up();
    server.wait_for_line("openai removed", 1);
    let gone = [0, 0, 0];
    assert_eq!(counted(&server.client, "openai"), gone);
    assert_eq!(counted(&server.client, "other"), gone);
    write(folder.path(), &with(&upstreams[0]));
    server.hang_up();
    server.wait_for_line("openai added", 1);
    assert_eq!(counted(&server.client, "openai"), twice);
}
