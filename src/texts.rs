//! The catalogue: every sentence that a person reads, by key and language. Sentences stand in
//! `templates/texts/<language>/*.ftl` (Fluent); code names them. A test holds the keys that are
//! named against those that are there, in both directions.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use chrono::Datelike as _;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::RustEmbed;

use crate::domain::text::{Arg, Text};
use crate::domain::time::{Timestamp, Zone};

#[derive(RustEmbed)]
#[folder = "templates/texts"]
struct Files;

/// Who reads: in which language, and by which clock.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The language.
    pub language: Language,
    /// The zone times are shown in.
    pub zone: Zone,
    /// The present instant, since a time of this year is shown without the year.
    pub now: Timestamp,
}

/// Languages with a complete catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
}

impl Language {
    /// Its BCP 47 tag, which is also the name of its folder.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
        }
    }
}

/// The sentences of all languages.
#[derive(Clone)]
pub struct Texts(Arc<FluentBundle<FluentResource>>);

impl Texts {
    /// The catalogue that is built in.
    ///
    /// # Panics
    /// When a file of it is not Fluent; a test reads them all.
    pub fn get() -> Self {
        static LOADED: OnceLock<Texts> = OnceLock::new();
        LOADED.get_or_init(|| Self(Arc::new(load(Language::En)))).clone()
    }

    /// A sentence for a reader.
    pub fn render(&self, text: &Text, reader: &Reader) -> String {
        let mut args = FluentArgs::new();
        for (name, arg) in &text.args {
            args.set(name.clone(), self.value(arg, reader));
        }
        self.format(&text.key, Some(&args))
    }

    /// A sentence without details.
    pub fn plain(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// Whether there is such a sentence.
    pub fn knows(&self, key: &str) -> bool {
        self.0.has_message(key)
    }

    fn value(&self, arg: &Arg, reader: &Reader) -> FluentValue<'static> {
        match arg {
            Arg::Word(word) => FluentValue::String(Cow::Owned(word.clone())),
            Arg::Number(number) => FluentValue::from(*number),
            Arg::Time(at) => FluentValue::String(Cow::Owned(moment(*at, reader))),
            Arg::Text(text) => FluentValue::String(Cow::Owned(self.render(text, reader))),
        }
    }

    /// A key that is missing is shown as it is: worse than a sentence, better than nothing.
    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let Some(pattern) = self.0.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        self.0.format_pattern(pattern, args, &mut errors).into_owned()
    }
}

fn load(language: Language) -> FluentBundle<FluentResource> {
    let id = language.tag().parse().expect("a constant language tag");
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    for name in Files::iter().filter(|name| name.starts_with(language.tag()) && name.ends_with(".ftl")) {
        let file = Files::get(&name).expect("an embedded file that was just listed");
        let source = String::from_utf8_lossy(&file.data).into_owned();
        let resource = FluentResource::try_new(source).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
        bundle.add_resource(resource).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    }
    bundle
}

/// A day and a time with its zone: `Thu 26 Nov 20:00 Europe/Berlin`.
pub fn moment(at: Timestamp, reader: &Reader) -> String {
    format!("{} {} {}", day(at, reader), clock(at, reader), reader.zone.name())
}

/// Whether a moment is in the reader's present year.
pub fn is_this_year(at: Timestamp, reader: &Reader) -> bool {
    reader.zone.local(at).year() == reader.zone.local(reader.now).year()
}

/// A day: `Thu 26 Nov`, with the year when it is another one.
pub fn day(at: Timestamp, reader: &Reader) -> String {
    let local = reader.zone.local(at);
    local.format(if is_this_year(at, reader) { "%a %-d %b" } else { "%a %-d %b %Y" }).to_string()
}

/// A time of day: `20:00`.
pub fn clock(at: Timestamp, reader: &Reader) -> String {
    reader.zone.local(at).format("%H:%M").to_string()
}
