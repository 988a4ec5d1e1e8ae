//! What systemd is told: that requests are taken, that the server lives, and that it stops.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::process::{Process, tollkeeper};

#[test]
fn a_supervisor_is_told_of_the_start_the_life_and_the_stop_of_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let told = |wanted: &str| {
        let mut bytes = [0; 512];
        loop {
            let length = supervisor.recv(&mut bytes).unwrap();
            let said = std::str::from_utf8(&bytes[..length]).unwrap();
            if said.lines().any(|line| line == wanted) {
                return;
            }
            assert_ne!(said.trim(), "STOPPING=1", "{wanted} was not said");
        }
    };
    let data_dir = directory.path().join("data");
    let mut command = tollkeeper();
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000")
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data_dir);
    let mut server = Process::start_command(command, &data_dir);
    told("READY=1");
    for _ in 0..3 {
        told("WATCHDOG=1");
    }
    assert!(server.terminate().success());
    told("STOPPING=1");
}
