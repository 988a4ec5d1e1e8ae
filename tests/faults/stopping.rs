//! SIGTERM and Ctrl-C: the server drains, flushes, exits 0, and nothing acknowledged is lost (R10).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::process::Process;

#[test]
fn a_stop_under_load_loses_nothing_and_exits_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Process::start(directory.path(), &[]);
        // A connection that says nothing, and one that was used and is kept: neither may hold up the stop.
        let silent = TcpStream::connect(("127.0.0.1", server.client.port)).unwrap();
        let mut kept = TcpStream::connect(("127.0.0.1", server.client.port)).unwrap();
        kept.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        assert!(kept.read(&mut [0; 512]).unwrap() > 0);

        let (sender, acknowledgements) = channel();
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (caller, sender) = (server.client.clone(), sender.clone());
                std::thread::spawn(move || {
                    for number in 0.. {
                        let body = json!({ "name": format!("client {client} number {number}") });
                        match caller.try_post("/api/access-profiles", &body) {
                            Some(reply) if reply.status == 201 => {
                                sender.send(reply.json()["access_profile"].clone()).unwrap();
                            }
                            // Refused or not taken any more: the server is stopping.
                            _ => return,
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let mut acknowledged: Vec<_> = acknowledgements.iter().take(20).collect();
        kill_process(Pid::from_child(&server.child), signal).unwrap();
        acknowledged.extend(acknowledgements);
        for client in clients {
            client.join().unwrap();
        }
        assert!(server.child.wait().unwrap().success(), "{}", server.log());
        assert!(server.log().contains("stopped"), "{}", server.log());
        drop((silent, kept));
        // Flushed: everything is in the one file.
        let log = directory.path().join("tollkeeper.db-wal");
        assert_eq!(log.metadata().map_or(0, |log| log.len()), 0);
        let server = Process::start(directory.path(), &[]);
        for profile in acknowledged {
            let path = format!("/api/access-profiles/{}", profile["id"]);
            let read = server.client.get(&path).expect(200).json();
            assert_eq!(read["access_profile"], profile);
        }
    }
}
