//! How long pages take while things change: a write before each request, or before every few, and the time of the requests alone.

use std::time::{Duration, Instant};

use serde_json::json;

/// Requests to each list.
const ROUNDS: u32 = 300;

/// Asks for each path again and again, with a change of what `changed` names before every so many requests; prints the median and the
/// 99th percentile of each in milliseconds, and the path.
pub fn ask(url: &str, key: &str, every: u32, changed: &str, paths: &[&str]) {
    let agent = ureq::Agent::new_with_defaults();
    let bearer = format!("Bearer {key}");
    let change = |round: u32| {
        let body = json!({ "name": format!("Person 99 zq, as of {round}") }).to_string();
        let answer = agent
            .put(format!("{url}{changed}"))
            .header("Authorization", &bearer)
            .header("Content-Type", "application/json")
            .send(&body);
        answer.unwrap().body_mut().read_to_vec().unwrap();
    };
    let request = |path: &str| {
        let began = Instant::now();
        let answer = agent
            .get(format!("{url}{path}"))
            .header("Authorization", &bearer)
            .call();
        answer.unwrap().body_mut().read_to_vec().unwrap();
        began.elapsed()
    };
    for path in paths {
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|round| {
                if round % every == 0 {
                    change(round);
                }
                request(path)
            })
            .collect();
        times.sort_unstable();
        let at = |hundredth: usize| times[times.len() * hundredth / 100].as_secs_f64() * 1_000.0;
        println!("{:.2} {:.2} {path}", at(50), at(99));
    }
}
