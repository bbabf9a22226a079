//! Journeys in a real Chromium, by chromedriver. A browser that cannot be started is a failure, not
//! a skip. With `TIDEGATE_SHOTS=DIR` each stop of a journey leaves a picture there.

mod demo;
mod journey;
mod refused;
mod whole;

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

use crate::support::{eventually, process::free_port};

/// A browser of a test's own.
pub struct Browser {
    _driver: Driver,
    _profile: tempfile::TempDir,
    /// The page.
    pub page: Client,
    base: String,
}

/// How a screen is seen.
#[derive(Clone, Copy)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub scripts: bool,
}

pub const DESKTOP: Screen = Screen { width: 1280, height: 900, dark: false, scripts: true };
pub const PHONE: Screen = Screen { width: 360, height: 740, dark: false, scripts: true };
pub const DARK: Screen = Screen { dark: true, ..DESKTOP };
pub const WITHOUT_SCRIPTS: Screen = Screen { scripts: false, ..DESKTOP };

impl Browser {
    pub async fn open(base: &str, screen: Screen) -> Self {
        crate::support::prepare();
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium-driver)");
        let driver = Driver(driver);
        let profile = tempfile::tempdir().unwrap();
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
            format!("--window-size={},{}", screen.width, screen.height),
        ];
        if screen.dark {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let scripts = if screen.scripts { 1 } else { 2 };
        let mut options = json!({
            "args": arguments,
            "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        });
        if screen.width < 500 {
            // No window is narrower than that.
            let metrics = json!({ "width": screen.width, "height": screen.height, "pixelRatio": 1.0, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let url = format!("http://127.0.0.1:{port}");
        let page = eventually("the browser", 30, || async {
            let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
            builder.capabilities(capabilities.clone()).connect(&url).await.ok()
        })
        .await;
        Self { _driver: driver, _profile: profile, page, base: base.to_owned() }
    }

    pub async fn goto(&self, path: &str) {
        self.page.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Signs in by a one-time link, as a person does.
    pub async fn sign_in(&self, link: &str) {
        self.goto(&format!("/sign-in/{}", link.rsplit('/').next().unwrap())).await;
        self.click("main button").await;
        self.see("nav").await;
    }

    /// The text of the page's main part.
    pub async fn text(&self) -> String {
        self.page.find(Locator::Css("main")).await.unwrap().text().await.unwrap()
    }

    pub async fn path(&self) -> String {
        self.page.current_url().await.unwrap().path().to_owned()
    }

    /// Clicks the first of these that is there.
    pub async fn click(&self, css: &str) {
        let found = self.page.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no {css}: {error}")).click().await.unwrap();
    }

    /// Clicks the button or link with these words.
    pub async fn press(&self, words: &str) {
        let path = format!(
            "//main//*[self::button or self::a or self::summary or self::span[contains(@class,'button')]][contains(normalize-space(.), \"{words}\")]"
        );
        let found = self.page.wait().at_most(Duration::from_secs(10)).for_element(Locator::XPath(&path)).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => panic!("no button {words:?} on {}: {error}\n{}", self.path().await, self.text().await),
        };
        found.click().await.unwrap();
    }

    /// Waits for an element.
    pub async fn see(&self, css: &str) {
        let found = self.page.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no {css}: {error}"));
    }

    /// Waits until the page says these words.
    pub async fn read(&self, words: &str, seconds: u64) {
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
        loop {
            let text = match self.page.find(Locator::Css("main")).await {
                Ok(found) => found.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if text.to_lowercase().contains(&words.to_lowercase()) {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{} never says {words:?}:\n{text}", self.path().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, name: &str, value: &str) {
        let css = format!("[name=\"{name}\"]");
        let field = self.page.find(Locator::Css(&css)).await.unwrap_or_else(|error| panic!("no field {name}: {error}"));
        let kind = field.attr("type").await.unwrap().unwrap_or_default();
        if kind == "datetime-local" || value.len() > 300 {
            // What keys do to such a field depends on the browser's language; a long text takes minutes.
            // A test does not wait for the next full minute.
            let script = "const field = document.getElementsByName(arguments[0])[0]; \
                          if (field.type === 'datetime-local') field.step = 1; field.value = arguments[1];";
            self.page.execute(script, vec![json!(name), json!(value)]).await.unwrap();
            return;
        }
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    /// Ticks a box, or chooses an option by its words.
    pub async fn choose(&self, name: &str, words: &str) {
        let path = format!("//select[@name=\"{name}\"]//option[contains(normalize-space(.), \"{words}\")]");
        let found = self.page.find(Locator::XPath(&path)).await;
        found.unwrap_or_else(|error| panic!("no {words:?} in {name}: {error}")).click().await.unwrap();
    }

    /// Keeps a picture of the page, if pictures are wanted.
    pub async fn shot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("TIDEGATE_SHOTS") {
            let folder = std::path::PathBuf::from(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{name}.png")), self.page.screenshot().await.unwrap()).unwrap();
        }
    }

    /// The page is no wider than the screen.
    pub async fn fits(&self) {
        let script = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let widths = self.page.execute(script, vec![]).await.unwrap();
        assert!(
            widths[0].as_i64() <= widths[1].as_i64(),
            "{} is {} wide on a screen of {}",
            self.path().await,
            widths[0],
            widths[1]
        );
    }

    pub async fn close(self) {
        self.page.clone().close().await.unwrap();
    }
}

/// A driver with the browser it began, in a process group of their own: both end with it, also when
/// the test fails.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}
