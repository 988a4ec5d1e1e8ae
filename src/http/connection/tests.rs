//! Which answers are exchanged, and that they go out whole.

use super::*;

const DATE: &str = "date: Mon, 23 Nov 2026 23:35:26 GMT\r\n";

#[test]
fn only_a_bare_refusal_at_the_end_is_found() {
    let found = |answer: &str| {
        let written = answer.replace("DATE", DATE);
        find_refusal(written.as_bytes()).map(|(start, status)| (start, status.as_u16()))
    };
    let first = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    for (refusal, status) in [
        (
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\nDATE\r\n",
            400,
        ),
        (
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nDATE\r\n",
            400,
        ),
        (
            "HTTP/1.0 408 Request Timeout\r\ncontent-length: 0\r\nconnection: keep-alive\r\nDATE\r\n",
            408,
        ),
        (
            "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: keep-alive\r\nDATE\r\n",
            431,
        ),
    ] {
        assert_eq!(found(refusal), Some((0, status)), "{refusal}");
        assert_eq!(
            found(&format!("{first}{refusal}")),
            Some((first.len(), status))
        );
        assert_eq!(found(&format!("{refusal}{first}")), None);
    }
    for answer in [
        "",
        "\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nDATE\r\n",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\nDATE\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 90\r\nDATE\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nx-request-id: 1\r\nDATE\r\n",
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nDATE",
        "HTTP/1.1 x\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.\r\n\r\n",
    ] {
        assert_eq!(found(answer), None, "{answer}");
    }
}

/// Takes one byte at a time, and every other time none.
#[derive(Default)]
struct Narrow {
    taken: Vec<u8>,
    ready: bool,
}

impl AsyncWrite for Narrow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.ready = !self.ready;
        if !self.ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.taken.push(bytes[0]);
        Poll::Ready(Ok(1))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Narrow {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_refusal_takes_the_place_of_the_bare_one_however_little_is_taken_at_a_time() {
    let first = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let written = format!("{first}HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n{DATE}\r\n");
    let mut connection = Connection::new(Narrow::default());
    actix_web::rt::System::new().block_on(async {
        let mut rest = written.as_bytes();
        while !rest.is_empty() {
            let write =
                |context: &mut Context<'_>| Pin::new(&mut connection).poll_write(context, rest);
            let some = std::future::poll_fn(write).await.unwrap();
            rest = &rest[some..];
        }
    });
    let sent = String::from_utf8(connection.stream.taken.clone()).unwrap();
    let answer = sent.strip_prefix(first).unwrap();
    let (head, body) = answer.split_once(EMPTY_LINE).unwrap();
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    assert!(body.contains("\"malformed_request\""), "{body}");
}
