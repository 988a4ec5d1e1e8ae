//! A browser on a server of its own: where it is, and what is to be seen there. Everything waits until it is so; nothing waits for a fixed
//! time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fantoccini::wd::{Capabilities, WindowHandle};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::driver::{DevTools, Driver};
use crate::support::Client as Api;
use crate::support::process::{Process, run, tollkeeper};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the keys of upstreams are.
pub const PROVIDER_KEY: &str = "sk-of-the-provider";

/// Runs before the page's own scripts: notes what must never happen, and offers what the tests look for.
const WATCH: &str = include_str!("watch.js");

/// A browser on a server of its own.
pub struct Page {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    _driver: Driver,
    server: Process,
    directory: TempDir,
}

impl Page {
    /// A fresh server, and a browser that has not opened anything.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Process::start(&directory.path().join("data"), &[]);
        Self::start_on(directory, server)
    }

    /// A fresh server that was started in a terminal, and what it printed there.
    pub fn start_in_terminal() -> (Self, String) {
        let directory = tempfile::tempdir().unwrap();
        let (server, printed) = Process::start_in_terminal(&directory.path().join("data"));
        (Self::start_on(directory, server), printed)
    }

    /// A fresh server with these upstreams, as the variable has them; their keys are in `PROVIDER_KEY`.
    pub fn start_carrying(upstreams: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let mut command = tollkeeper();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir)
            .env("TOLLKEEPER_UPSTREAMS", upstreams)
            .env("PROVIDER_KEY", PROVIDER_KEY);
        let server = Process::start_command(command, &data_dir);
        Self::start_on(directory, server)
    }

    /// A fresh server whose clients find everything below a path.
    pub fn start_below(base_path: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let mut command = tollkeeper();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir)
            .env("TOLLKEEPER_SERVER__BASE_PATH", base_path);
        let server = Process::start_command(command, &data_dir);
        Self::start_on(directory, server)
    }

    fn start_on(directory: TempDir, server: Process) -> Self {
        let driver = Driver::start();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime
            .block_on(
                ClientBuilder::new(HttpConnector::new())
                    .capabilities(capabilities(&directory.path().join(PROFILE)))
                    .connect(&driver.address()),
            )
            .expect("chromium starts");
        let page = Self {
            runtime,
            client,
            _driver: driver,
            server,
            directory,
        };
        page.prepare_tab();
        page
    }

    /// A fresh server with somebody signed in with the first key.
    pub fn signed_in() -> Self {
        let page = Self::start();
        page.sign_in(&page.api().key.clone());
        page
    }

    pub fn sign_in(&self, key: &str) {
        self.go_to("about:blank");
        self.go_to(&self.origin());
        self.fill("Key", key);
        self.press("Sign in");
        self.see("Sign out");
    }

    /// A link of the operator that signs in, once.
    pub fn link(&self) -> String {
        let output = run(&self.directory.path().join("data"), &["sign-in", "--json"]);
        let made: Value = serde_json::from_slice(&output.stdout).unwrap();
        made["link"].as_str().unwrap().to_owned()
    }

    /// Closes the browser in order, which then writes down what it keeps; answers all of that, file by file.
    pub fn kept_by_the_browser(self) -> Vec<(PathBuf, Vec<u8>)> {
        self.runtime.block_on(self.client.close()).unwrap();
        let mut files = Vec::new();
        let mut folders = vec![self.directory.path().join(PROFILE)];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    files.push((entry.path(), std::fs::read(entry.path()).unwrap()));
                }
            }
        }
        files
    }

    /// The management API of the server, for what a test only needs to be there.
    pub fn api(&self) -> &Api {
        &self.server.client
    }

    /// Where the server keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.api().port)
    }

    fn prepare_tab(&self) {
        self.dev_tools(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": WATCH }),
        );
    }

    pub fn dev_tools(&self, command: &'static str, parameters: Value) -> Value {
        self.runtime
            .block_on(self.client.issue_cmd(DevTools(command, parameters)))
            .unwrap()
    }

    /// Opens an address as from the address bar.
    pub fn go_to(&self, address: &str) {
        self.runtime.block_on(self.client.goto(address)).unwrap();
    }

    /// Opens a place of the page, such as `/profiles`, without loading it anew.
    pub fn open(&self, place: &str) {
        self.run("tests.open(arguments[0])", vec![json!(place)]);
        self.settled();
    }

    pub fn reload(&self) {
        self.runtime.block_on(self.client.refresh()).unwrap();
    }

    pub fn back(&self) {
        self.runtime.block_on(self.client.back()).unwrap();
    }

    pub fn address(&self) -> String {
        self.runtime
            .block_on(self.client.current_url())
            .unwrap()
            .into()
    }

    /// Opens another tab and goes there; answers the one before.
    pub fn new_tab(&self) -> WindowHandle {
        self.runtime.block_on(async {
            let before = self.client.window().await.unwrap();
            let tab = self.client.new_window(true).await.unwrap();
            self.client.switch_to_window(tab.handle).await.unwrap();
            before
        })
    }

    pub fn switch_to(&self, tab: &WindowHandle) {
        self.runtime
            .block_on(self.client.switch_to_window(tab.clone()))
            .unwrap();
    }

    pub fn prepare_new_tab(&self) {
        self.prepare_tab();
    }

    /// Runs a script in the page.
    pub fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.runtime
            .block_on(self.client.execute(script, arguments))
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    pub fn run_async(&self, script: &str) -> Value {
        self.runtime
            .block_on(self.client.execute_async(script, vec![]))
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression is true; `what` says what was waited for.
    #[track_caller]
    pub fn until(&self, what: &str, expression: &str, arguments: &[Value]) -> Value {
        let until = Instant::now() + PATIENCE;
        // Asked at every frame inside the page; asked again when the page was left meanwhile.
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const began = performance.now();
             const look = () => {{
               let found = null;
               try {{ found = ({expression}) || null; }} catch {{}}
               if (found || performance.now() - began > 2000) done(found);
               else requestAnimationFrame(look);
             }};
             look();"
        );
        while Instant::now() < until {
            let asked = self
                .runtime
                .block_on(self.client.execute_async(&script, arguments.to_vec()));
            match asked {
                Ok(Value::Null) | Err(_) => {}
                Ok(found) => return found,
            }
        }
        self.picture("failed");
        let text = self.run("return document.body.innerText", vec![]);
        panic!("waited for {what} in vain; the page says:\n{text}");
    }

    /// Nothing is being loaded any more.
    #[track_caller]
    pub fn settled(&self) {
        let _ = self.until("the page to settle", "tests.settled()", &[]);
    }

    /// A text is to be seen.
    #[track_caller]
    pub fn see(&self, text: &str) {
        self.until(text, "tests.says(arguments[0])", &[json!(text)]);
    }

    /// A text is no longer to be seen.
    #[track_caller]
    pub fn gone(&self, text: &str) {
        let what = format!("{text:?} to go");
        self.until(&what, "!tests.says(arguments[0])", &[json!(text)]);
    }

    /// Makes the window this wide.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.dev_tools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Takes the network away from the browser, or gives it back.
    pub fn offline(&self, on: bool) {
        self.dev_tools("Network.enable", json!({}));
        let conditions = json!({ "offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.dev_tools("Network.emulateNetworkConditions", conditions);
    }

    /// What the system says it prefers; and that nothing should move, so that pictures show the end.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.dev_tools(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// Writes what is to be seen, the whole height of it, to `target/screenshots/<name>.png`.
    pub fn picture(&self, name: &str) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let png = self.runtime.block_on(self.client.screenshot()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// No script ran that is not ours, no policy was broken, no script failed.
    #[track_caller]
    pub fn nothing_went_wrong(&self) {
        let wrong = self.run("return tests.wrong", vec![]);
        assert_eq!(wrong, json!([]), "at {}", self.address());
    }
}

/// Where the browser keeps what it keeps.
const PROFILE: &str = "profile";

fn capabilities(profile: &Path) -> Capabilities {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = json!({ "args": [
        profile,
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
        // Of whoever goes through views faster than a person, it would leave addresses out (https://crbug.com/1038223).
        "--disable-ipc-flooding-protection",
        "--window-size=1280,900", "--lang=en-GB",
    ] });
    let timeouts = json!({ "script": 60_000 });
    Capabilities::from_iter([
        ("browserName".to_owned(), json!("chrome")),
        ("goog:chromeOptions".to_owned(), arguments),
        ("timeouts".to_owned(), timeouts),
    ])
}
