//! A page as a reader without scripts gets it: its text, part by part, and its forms.

use reqwest::Method;
use scraper::{ElementRef, Html, Selector};

use super::api::Api;

fn parsed(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}

fn words(element: ElementRef) -> String {
    element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// A page.
pub struct Page {
    pub status: u16,
    /// Where a redirect leads, or led.
    pub location: Option<String>,
    html: Html,
}

impl Page {
    /// Gets one.
    pub async fn get(who: &Api, path: &str) -> Self {
        Self::of(who.request(Method::GET, path)).await
    }

    /// Sends a form, with the session's CSRF token.
    pub async fn post(who: &Api, path: &str, fields: &[(&str, &str)]) -> Self {
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", who.csrf())]).collect();
        let body = serde_urlencoded::to_string(&fields).unwrap();
        let request = who.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        Self::of(request.body(body)).await
    }

    async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        Self { status: answer.status().as_u16(), location, html: Html::parse_document(&answer.text().await.unwrap()) }
    }

    fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = ElementRef<'a>> {
        self.html.select(selector)
    }

    /// The text of each element that is selected, with one space between words.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.select(&parsed(selector)).map(words).collect()
    }

    /// The text of everything that is selected.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).join("\n")
    }

    /// An attribute of each element that is selected and has it.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        self.select(&parsed(selector)).filter_map(|element| element.value().attr(name)).map(str::to_owned).collect()
    }

    /// Asserts that a part of the page says all of this.
    #[track_caller]
    pub fn says(&self, selector: &str, words: &[&str]) {
        let text = self.text(selector);
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {selector}: {text}");
        }
    }
    /// What is wrong with a field: the complaint that stands in the same row or field.
    pub fn complaint(&self, field: &str) -> String {
        let (own, complaint) = (parsed(&format!("main [name=\"{field}\"]")), parsed(".complaint"));
        let found = self.select(&own).find_map(|input| {
            let mut around = input.ancestors().filter_map(ElementRef::wrap);
            let place = around.find(|one| one.value().classes().any(|class| ["row", "field"].contains(&class)))?;
            place.select(&complaint).next()
        });
        found.map(words).unwrap_or_default()
    }

    /// The form that is sent to an address.
    pub fn form(&self, action: &str) -> Form {
        let form = self.html.select(&parsed(&format!("form[action=\"{action}\"]"))).next();
        let form = form.unwrap_or_else(|| panic!("no form for {action}: {}", self.text("main")));
        let (mut fields, mut ticks) = (Vec::new(), Vec::new());
        for element in form.select(&parsed("[name]:not([name=csrf])")) {
            let name = element.attr("name").unwrap();
            let value = match (element.value().name(), element.attr("type").unwrap_or("text")) {
                ("textarea", _) => Some(element.text().collect()),
                ("select", _) => {
                    let (first, chosen) = (parsed("option"), parsed("option[selected]"));
                    let option = element.select(&chosen).next().or_else(|| element.select(&first).next());
                    option.map(|option| option.attr("value").unwrap().to_owned())
                }
                (_, "checkbox" | "radio") => {
                    ticks.push(name.to_owned());
                    let value = element.attr("value").unwrap_or("on").to_owned();
                    element.attr("checked").map(|_| value)
                }
                _ => Some(element.attr("value").unwrap_or_default().to_owned()),
            };
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Form { action: action.to_owned(), fields, ticks }
    }
}

/// A form with what stands in it.
#[derive(Clone)]
pub struct Form {
    action: String,
    fields: Vec<(String, String)>,
    ticks: Vec<String>,
}

impl Form {
    /// Types over what stands in some fields. A field of several rows or ticks gets all its values,
    /// and nothing is ticked where the only one is empty.
    pub fn with(mut self, typed: &[(&str, &str)]) -> Self {
        self.fields.retain(|(known, _)| typed.iter().all(|(name, _)| name != known));
        let ticked = |name: &str, value: &str| !value.is_empty() || self.ticks.iter().all(|tick| tick != name);
        let sent = typed.iter().filter(|(name, value)| ticked(name, value));
        self.fields.extend(sent.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// What stands in a field, the values of rows and ticks one after the other.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Sends it, and gives the page that comes back, after a redirect.
    pub async fn send(&self, who: &Api) -> Page {
        let fields: Vec<(&str, &str)> = self.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let page = Page::post(who, &self.action, &fields).await;
        let Some(location) = page.location else { return page };
        Page { location: Some(location.clone()), ..Page::get(who, &location).await }
    }
}
