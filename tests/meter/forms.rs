//! Requests that are forms.

use proptest::prelude::*;
use tollkeeper::gateway::meter::dialect::Endpoint;
use tollkeeper::gateway::meter::fault::{FaultKind, RequestFault};
use tollkeeper::gateway::meter::metered_request::{MeteredRequest, RequestHead, RequestLimits};
use tollkeeper::gateway::meter::request::read_request;

use crate::requests::head;

const KIND: &str = "multipart/form-data; boundary=b0";

fn read_as(kind: &str, body: &[u8]) -> Result<MeteredRequest, RequestFault> {
    let head = RequestHead {
        content_type: Some(kind),
        ..head(Endpoint::Transcriptions)
    };
    read_request(&head, body, &RequestLimits::default())
}

fn read(body: &str) -> Result<MeteredRequest, RequestFault> {
    read_as(KIND, body.as_bytes())
}

/// A form of parts, each a head and what it holds.
fn form(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter();
    let parts = parts.map(|(head, value)| format!("--b0\r\n{head}\r\n\r\n{value}\r\n"));
    format!("{}--b0--\r\n", parts.collect::<String>())
}

fn field(name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{name}\"")
}

const FILE: (&str, &str) = (
    "Content-Disposition: form-data; name=\"file\"; filename=\"model.mp3\"\r\nContent-Type: audio/mpeg",
    "ID3\r\n--b\r\nname=\"model\"\r\n\r\nx",
);

#[test]
fn a_form_is_read_and_its_model_replaced_in_place() {
    let body = form(&[
        FILE,
        (&field("model"), "openai/whisper-1"),
        (&field("stream"), "true"),
        (&field("prompt"), "Names: Ada"),
    ]);
    let read = read(&body).unwrap();
    assert_eq!(read.model, "openai/whisper-1");
    assert!(read.stream);
    assert!((100..130).contains(&read.prompt_tokens));
    let sent = read.body_to_send(body.as_bytes(), Some("whisper-1"), true);
    assert_eq!(
        sent.as_ref(),
        body.replace("openai/whisper-1", "whisper-1").as_bytes()
    );
    assert_eq!(
        read.body_to_send(body.as_bytes(), None, true).as_ref(),
        body.as_bytes()
    );
    let quoted = "multipart/form-data; charset=utf-8; boundary=\"b0\"";
    assert_eq!(read_as(quoted, body.as_bytes()).unwrap().model, read.model);
}

#[test]
fn pictures_that_a_form_asks_for_are_counted() {
    let body = form(&[(&field("model"), "i"), (&field("n"), "3"), (FILE.0, "x")]);
    let head = RequestHead {
        content_type: Some(KIND),
        ..head(Endpoint::ImageEdits)
    };
    let read = read_request(&head, body.as_bytes(), &RequestLimits::default()).unwrap();
    assert_eq!(read.images, 3);
    assert!(read.prompt_tokens >= 2_000);
    let json = RequestHead {
        content_type: Some("application/json"),
        ..head
    };
    let read = read_request(&json, br#"{"model":"i","n":2}"#, &RequestLimits::default());
    assert_eq!(read.unwrap().images, 2);
}

#[test]
fn a_form_that_could_be_read_in_two_ways_is_refused() {
    let model = field("model");
    let with = |more: &str| format!("{model}\r\n{more}");
    let cases = [
        form(&[(&model, "a"), (&model, "b")]),
        form(&[(&model, "a"), (&field("Model"), "b")]),
        form(&[(&model, "a"), (&field("model[]"), "b")]),
        form(&[(&model, "a"), (&field(" model"), "b")]),
        form(&[(&model, "a"), (&field("_charset_"), "utf-7")]),
        form(&[(&model, "a"), (&field("mo\\del"), "b")]),
        form(&[(&model, "a,b")]),
        form(&[(&model, "")]),
        form(&[(&model, "a\u{0}")]),
        form(&[FILE]),
        form(&[(&field("model\"; filename=\"x"), "a")]),
        form(&[(&field("model\"; name=\"other"), "a")]),
        form(&[(&field("model\"; name*=\"utf-8''other"), "a")]),
        form(&[(&with("Content-Transfer-Encoding: base64"), "YQ==")]),
        form(&[(&with("Content-Type: text/plain; charset=utf-16"), "a")]),
        form(&[(&with("Content-Disposition: form-data; name=\"x\""), "a")]),
        form(&[(&with(" folded"), "a")]),
        form(&[(&with("no header"), "a")]),
        form(&[("Content-Type: text/plain", "a"), (&model, "a")]),
        form(&[("Content-Disposition: attachment; name=\"model\"", "a")]),
        format!("preamble\r\n{}", form(&[(&model, "a")])),
        format!("{}epilogue", form(&[(&model, "a")])),
        form(&[(&model, "a")]).replace("--b0--", "--b0"),
        form(&[(&model, "a")]).replacen("--b0\r\n", "--b0 \r\n", 1),
        form(&[(&model, "a")]).replace("\r\n", "\n"),
        form(&[(&with(&format!("X: {}", "x".repeat(5_000))), "a")]),
        String::new(),
        "--b0--".to_owned(),
        "--b0".to_owned(),
        "{\"model\":\"a\"}".to_owned(),
    ];
    for body in cases {
        let fault = read(&body).expect_err(&body);
        assert_eq!(fault.kind, FaultKind::Invalid, "{body}");
    }
    let many = vec![("Content-Disposition: form-data; name=\"x\"", "y"); 65];
    assert_eq!(read(&form(&many)).unwrap_err().kind, FaultKind::TooLarge);
    let body = form(&[(&model, "a")]);
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=b0; boundary=b1",
        "multipart/form-data; boundary=\"b 0\"",
        "multipart/mixed; boundary=b0",
        "text/plain",
    ] {
        let fault = read_as(kind, body.as_bytes()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::MediaType, "{kind}");
    }
}

proptest! {
    #[test]
    fn what_a_file_holds_is_never_taken_for_a_field(file in prop::collection::vec(prop::sample::select(&b"\r\n-b01 :;\"model=X"[..]), 0..80)) {
        let mut body = format!("--b0\r\n{}\r\n\r\n", FILE.0).into_bytes();
        body.extend(&file);
        body.extend(format!("\r\n--b0\r\n{}\r\n\r\nm\r\n--b0--\r\n", field("model")).bytes());
        // It is refused when the file has the boundary in it.
        if let Ok(read) = read_as(KIND, &body) {
            prop_assert_eq!(read.model, "m");
        } else {
            let within = |text: &[u8]| text.windows(6).any(|window| window == b"\r\n--b0");
            let whole = [b"\r\n", file.as_slice(), b"\r\n"].concat();
            prop_assert!(within(&whole));
        }
    }
}
