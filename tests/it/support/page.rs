//! A page as a reader without scripts gets it: its text, part by part, and its forms.

use reqwest::Method;
use scraper::{ElementRef, Html, Selector};

use super::api::Api;

/// A page.
pub struct Page {
    pub status: u16,
    /// Where a redirect leads.
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
        let selector = Selector::parse(selector).unwrap();
        let words = |element: ElementRef| element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
        self.select(&selector).map(words).collect()
    }

    /// The text of everything that is selected.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).join("\n")
    }

    /// An attribute of each element that is selected and has it.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        self.select(&selector).filter_map(|element| element.value().attr(name)).map(str::to_owned).collect()
    }

    /// Asserts that a part of the page says all of this.
    #[track_caller]
    pub fn says(&self, selector: &str, words: &[&str]) {
        let text = self.text(selector);
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {selector}: {text}");
        }
    }
}
