//! Instants, intervals and zones. An instant is microseconds since 1970 in UTC everywhere: in the
//! database, in what is hashed, in what is compared. A zone matters where a person reads or types.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Text;
use crate::text;

/// An instant in microseconds since 1970-01-01T00:00:00Z. In JSON it is RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The first and the last instant there are, in microseconds: RFC 3339 has four digits for a
    /// year, and what is written has to be read again.
    const RANGE: RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

    /// From microseconds since 1970; `None` outside the years 0 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        Self::RANGE.contains(&micros).then_some(Self(micros))
    }
    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }
    /// The same instant for chrono.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
    /// This much later; stays at the last instant that can be shown.
    pub fn plus(self, delta: TimeDelta) -> Self {
        let micros = delta.num_microseconds().unwrap_or(0);
        Self::from_micros(self.0.saturating_add(micros)).unwrap_or(self)
    }
    /// This much earlier.
    pub fn minus(self, delta: TimeDelta) -> Self {
        self.plus(-delta)
    }
    /// Time from `earlier` to this; negative when this is earlier.
    pub fn since(self, earlier: Self) -> TimeDelta {
        TimeDelta::microseconds(self.0 - earlier.0)
    }
    /// Parses RFC 3339 with any offset.
    ///
    /// # Errors
    /// Says that the text is not such a time.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let time = DateTime::parse_from_rfc3339(text).ok();
        time.and_then(|time| Self::from_micros(time.timestamp_micros())).ok_or_else(|| text!("time-not-rfc3339"))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// The nearest there is.
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros().clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|_| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// Half-open span of time: it holds its start and not its end (rule 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant no longer inside.
    pub end: Timestamp,
}

impl Interval {
    /// # Errors
    /// When the end is not after the start.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, Text> {
        if end > start { Ok(Self { start, end }) } else { Err(text!("time-end-before-start")) }
    }
    /// Whether the instant lies inside.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// An IANA time zone, such as `Europe/Berlin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub chrono_tz::Tz);

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// # Errors
    /// When the IANA database has no such name.
    pub fn parse(name: &str) -> Result<Self, Text> {
        chrono_tz::Tz::from_str(name).map(Self).map_err(|_| text!("time-unknown-zone", zone = name))
    }
    /// Its IANA name.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }
    /// The wall clock there at an instant.
    pub fn local(&self, at: Timestamp) -> DateTime<chrono_tz::Tz> {
        at.utc().with_timezone(&self.0)
    }
    /// Both moments of a wall-clock time that happens twice, the first one first.
    pub fn twice(&self, wall: &str) -> Option<[DateTime<chrono_tz::Tz>; 2]> {
        match self.0.from_local_datetime(&naive(wall.trim())?) {
            LocalResult::Ambiguous(first, second) => Some([first, second]),
            _ => None,
        }
    }
    /// The instant of a wall-clock time as a form sends it (`2026-11-26T20:00`), optionally with
    /// the offset that settles a time that happens twice (`2026-10-25T02:30+02:00`).
    ///
    /// # Errors
    /// A time that does not exist there (clocks go forward) is refused; one that happens twice is
    /// refused with both offsets to choose from.
    pub fn instant(&self, wall: &str) -> Result<Timestamp, Text> {
        let wall = wall.trim();
        if let Ok(exact) =
            DateTime::parse_from_rfc3339(wall).or_else(|_| DateTime::parse_from_str(wall, "%Y-%m-%dT%H:%M%:z"))
        {
            let matches = self.0.from_local_datetime(&exact.naive_local());
            let candidates = [matches.earliest(), matches.latest()];
            return candidates
                .into_iter()
                .flatten()
                .find(|candidate| candidate.naive_utc() == exact.naive_utc())
                .and_then(|found| Timestamp::from_micros(found.timestamp_micros()))
                .ok_or_else(|| text!("time-offset-not-of-zone", zone = self.name()));
        }
        let naive = naive(wall).ok_or_else(|| text!("time-not-a-time"))?;
        match self.0.from_local_datetime(&naive) {
            LocalResult::Single(time) => {
                Timestamp::from_micros(time.timestamp_micros()).ok_or_else(|| text!("time-not-a-time"))
            }
            LocalResult::None => Err(text!("time-does-not-exist", zone = self.name())),
            LocalResult::Ambiguous(first, second) => Err(text!(
                "time-happens-twice",
                zone = self.name(),
                first = first.format("%Y-%m-%dT%H:%M%:z").to_string(),
                second = second.format("%Y-%m-%dT%H:%M%:z").to_string(),
            )),
        }
    }
}

/// A time by nobody's clock yet.
fn naive(wall: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(wall, format).ok())
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(|_| serde::de::Error::custom("not an IANA time zone"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_again() {
        for micros in [*Timestamp::RANGE.start(), *Timestamp::RANGE.end(), 0, -1, 1_790_000_000_123_456] {
            let at = Timestamp::from_micros(micros).unwrap();
            assert_eq!(Timestamp::parse(&at.to_string()), Ok(at), "{at}");
        }
        assert_eq!(Timestamp::from_micros(*Timestamp::RANGE.end() + 1), None);
        assert_eq!(Timestamp::from_micros(*Timestamp::RANGE.start() - 1), None);
        assert_eq!(Timestamp::from_micros(i64::MAX), None);
        // An offset may lead out of the years that can be written.
        for far in ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00+14:00"] {
            assert!(Timestamp::parse(far).is_err(), "{far}");
        }
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        for far in ["+262142-01-01T00:00", "0000-01-01T00:00", "10000-01-01T09:00"] {
            assert!(tokyo.instant(far).is_err(), "{far}");
        }
    }

    #[test]
    fn a_time_that_does_not_exist_is_refused() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!(berlin.instant("2026-03-29T02:30").unwrap_err().key, "time-does-not-exist");
    }

    #[test]
    fn a_time_that_happens_twice_offers_both_offsets() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let refused = berlin.instant("2026-10-25T02:30").unwrap_err();
        assert_eq!(refused.key, "time-happens-twice");
        let first = berlin.instant("2026-10-25T02:30+02:00").unwrap();
        let second = berlin.instant("2026-10-25T02:30+01:00").unwrap();
        assert_eq!(second.since(first), TimeDelta::hours(1));
        assert_eq!(berlin.instant("2026-10-25T02:30+05:00").unwrap_err().key, "time-offset-not-of-zone");
    }

    #[test]
    fn an_interval_holds_its_start_and_not_its_end() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        let interval = Interval::new(at(10), at(20)).unwrap();
        assert!(interval.holds(at(10)) && interval.holds(at(19)) && !interval.holds(at(20)) && !interval.holds(at(9)));
        assert!(Interval::new(at(10), at(10)).is_err());
    }
}
