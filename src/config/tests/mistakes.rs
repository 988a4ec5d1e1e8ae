//! How mistakes are named where there are several.

use super::refusal;

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let file = "[server]\nlisten = \"8080\"\nlisen = 1\n[serve]\nlisten = 1\n[decisions]\nqueue = 0\nmax_hold = 0\n";
    let variables = [
        ("TOLLKEEPER_DECISIONS__QUEUE", "long"),
        ("TOLLKEEPER_LOG__LEVL", "info"),
        ("TOLLKEEPER_DECISIONS__RESERVATION_TTL", "2m"),
    ];
    let text = refusal(file, &variables);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "7 settings are wrong:");
    let expected = [
        ("line 2: server.listen: ", "127.0.0.1:8080"),
        ("line 3: ", "no setting \"server.lisen\""),
        ("line 4: ", "no setting \"serve\""),
        ("line 7: decisions.queue: ", "must be from 1 to 1000000"),
        ("line 8: decisions.max_hold: ", "must be above 0"),
        ("TOLLKEEPER_DECISIONS__QUEUE: ", "expected"),
        ("TOLLKEEPER_LOG__LEVL", "TOLLKEEPER_LOG__LEVEL"),
    ];
    assert_eq!(lines.len() - 1, expected.len(), "{text}");
    for (line, (place, wanted)) in lines[1..].iter().zip(expected) {
        assert!(line.contains(place) && line.contains(wanted), "{line}");
    }
}
