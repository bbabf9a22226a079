//! A page as a browser without scripts has it: what it says, and its forms with what stands in them.

use reqwest::Method;
use scraper::{ElementRef, Html, Selector};

use crate::support::api::Api;

/// A page that came.
pub struct Sheet {
    pub status: u16,
    /// Where it came from, after a redirect.
    pub path: String,
    html: Html,
}

fn select(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}

fn words(element: ElementRef) -> String {
    element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

impl Sheet {
    /// Opens a page, which must be there.
    #[track_caller]
    pub fn open(who: &Api, path: &str) -> impl Future<Output = Self> {
        let (caller, request) = (std::panic::Location::caller(), who.request(Method::GET, path));
        let path = path.to_owned();
        async move {
            let sheet = Self::of(request, path).await.1;
            assert_eq!(sheet.status, 200, "{} at {caller}", sheet.path);
            sheet
        }
    }

    /// Its page, or where it sends the browser.
    async fn of(request: reqwest::RequestBuilder, path: String) -> (Option<String>, Self) {
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        (location, Self { status, path, html: Html::parse_document(&answer.text().await.unwrap()) })
    }

    /// The text of its main part.
    pub fn text(&self) -> String {
        self.html.select(&select("main")).map(words).collect()
    }

    /// Asserts that it says all of this.
    #[track_caller]
    pub fn says(&self, what: &[&str]) {
        let text = self.text();
        for one in what {
            assert!(text.contains(one), "{} does not say {one:?}: {text}", self.path);
        }
    }

    /// Where the first link that is selected leads.
    pub fn link(&self, selector: &str) -> String {
        let found = self.html.select(&select(selector)).next();
        let found = found.unwrap_or_else(|| panic!("no {selector} on {}: {}", self.path, self.text()));
        found.attr("href").unwrap().to_owned()
    }

    /// What is wrong with a field: the complaint that stands in the same row or field.
    pub fn complaint(&self, field: &str) -> String {
        let (own, complaint) = (select(&format!("main [name=\"{field}\"]")), select(".complaint"));
        let found = self.html.select(&own).find_map(|input| {
            let mut around = input.ancestors().filter_map(ElementRef::wrap);
            let place = around.find(|one| one.value().classes().any(|class| ["row", "field"].contains(&class)))?;
            place.select(&complaint).next()
        });
        found.map(words).unwrap_or_default()
    }

    /// The form that is sent to an address.
    pub fn form(&self, action: &str) -> Typed {
        let form = self.html.select(&select(&format!("form[action=\"{action}\"]"))).next();
        let form = form.unwrap_or_else(|| panic!("no form for {action} on {}: {}", self.path, self.text()));
        let (mut fields, mut ticks) = (Vec::new(), Vec::new());
        for element in form.select(&select("input, textarea, select")) {
            let Some(name) = element.attr("name") else { continue };
            let chosen = element.attr("checked").is_some();
            let value = match (element.value().name(), element.attr("type").unwrap_or("text")) {
                ("textarea", _) => Some(element.text().collect()),
                ("select", _) => {
                    let (first, picked) = (select("option"), select("option[selected]"));
                    let option = element.select(&picked).next().or_else(|| element.select(&first).next());
                    option.map(|option| option.attr("value").unwrap().to_owned())
                }
                (_, "checkbox" | "radio") => {
                    ticks.push(name.to_owned());
                    chosen.then(|| element.attr("value").unwrap_or("on").to_owned())
                }
                _ => Some(element.attr("value").unwrap_or_default().to_owned()),
            };
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Typed { action: action.to_owned(), fields, ticks }
    }
}

/// A form with what stands in it.
#[derive(Clone)]
pub struct Typed {
    action: String,
    fields: Vec<(String, String)>,
    ticks: Vec<String>,
}

impl Typed {
    /// Types over what stands in some fields. A field of several rows or ticks gets all its values,
    /// and nothing is ticked where the only one is empty.
    pub fn with(mut self, typed: &[(&str, &str)]) -> Self {
        for (name, _) in typed {
            self.fields.retain(|(known, _)| known != name);
        }
        let ticks = std::mem::take(&mut self.ticks);
        let sent = typed.iter().filter(|(name, value)| !value.is_empty() || !ticks.iter().any(|tick| tick == name));
        self.fields.extend(sent.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.ticks = ticks;
        self
    }

    /// What stands in a field, the values of rows and ticks one after the other.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Sends it and follows to where it leads.
    pub async fn send(&self, who: &Api) -> Sheet {
        let body = serde_urlencoded::to_string(&self.fields).unwrap();
        let request = who.request(Method::POST, &self.action).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        match Sheet::of(request, self.action.clone()).await {
            (None, sheet) => sheet,
            (Some(location), _) => Sheet::open(who, &location).await,
        }
    }
}
