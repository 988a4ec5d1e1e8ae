//! The others that take part, running.

use std::path::Path;

use super::contender::{Answers, Contender, chat};
use super::programs::Found;
use super::setups::{
    STREAMED_MODEL, STREAMS, bare_envoy, bare_nginx, litellm, portkey, portkey_headers,
};
use super::upstream::{MODEL, Shape, Upstream};
use crate::process::Process;

pub const ALONE: &str = "upstream alone";
pub const ENVOY: &str = "Envoy";
pub const PORTKEY: &str = "Portkey";
pub const LITELLM: &str = "LiteLLM";

pub struct Others {
    nginx: Option<Process>,
    envoy: Option<Process>,
    portkey: Option<Process>,
    litellm: Option<Process>,
}

impl Others {
    pub fn start(found: Found, directory: &Path, upstream: &Upstream) -> Self {
        Self {
            nginx: found.nginx.map(|one| bare_nginx(one, directory, upstream)),
            envoy: found.envoy.map(|one| bare_envoy(one, directory, upstream)),
            portkey: found.portkey.map(|one| portkey(one, directory)),
            litellm: found.litellm.map(|one| litellm(one, directory, upstream)),
        }
    }

    /// Those that are there, after the upstream that all of them stand before.
    pub fn contenders<'p>(&'p self, upstream: &'p Upstream) -> Vec<Contender<'p>> {
        let plain = |shape: Shape| {
            let prefix = match shape {
                Shape::Document => "",
                Shape::Stream(_) => STREAMS,
            };
            vec![chat(prefix, "Accept: */*", &shape.call(MODEL))]
        };
        let told = |shape: Shape| {
            let headers = portkey_headers(upstream.of(shape));
            vec![chat("", &headers, &shape.call(MODEL))]
        };
        let modelled = |shape: Shape| {
            let model = match shape {
                Shape::Document => MODEL,
                Shape::Stream(_) => STREAMED_MODEL,
            };
            vec![chat("", "Authorization: Bearer none", &shape.call(model))]
        };
        let same = |name, process: &'p Process| {
            Contender::new(name, Answers::Same, move |_| process, plain)
        };
        let alone = Contender::new(ALONE, Answers::Same, |shape| upstream.of(shape), plain);
        let others = [
            self.nginx.as_ref().map(|process| same("nginx", process)),
            self.envoy.as_ref().map(|process| same(ENVOY, process)),
            self.portkey
                .as_ref()
                .map(|process| Contender::new(PORTKEY, Answers::Rewritten, move |_| process, told)),
            self.litellm.as_ref().map(|process| {
                Contender::new(LITELLM, Answers::Rewritten, move |_| process, modelled)
            }),
        ];
        [alone]
            .into_iter()
            .chain(others.into_iter().flatten())
            .collect()
    }
}
