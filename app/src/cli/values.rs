//! What arguments can be: people, messages, times.

use core::fmt;
use core::str::FromStr;

use session_crypto::name::SessionName;
use session_store::MessageId;
use session_types::AccountId;

/// Fewer characters of an Account ID could soon mean somebody else.
const BEGINNING: usize = 8;
/// Digits of an Account ID.
const ACCOUNT_ID: usize = 66;

/// How a person is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Note to Self.
    Me,
    /// By the whole Account ID.
    Id(AccountId),
    /// By the beginning of it, lower case.
    Beginning(String),
    /// By nickname or name.
    Name(String),
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("nobody is named".to_owned());
        }
        if text.eq_ignore_ascii_case("me") {
            return Ok(Self::Me);
        }
        let is_hex = text.chars().all(|c| c.is_ascii_hexdigit());
        if text.len() == ACCOUNT_ID || (is_hex && text.len() > ACCOUNT_ID) {
            return text.parse().map(Self::Id).map_err(|error| {
                format!(
                    "not an Account ID ({error}); one has {ACCOUNT_ID} characters, digits and the \
                     letters a to f, and begins with 05"
                )
            });
        }
        // Whatever people call themselves, this always means an Account ID.
        if is_hex && text.starts_with("05") {
            if text.len() < BEGINNING {
                return Err(format!(
                    "not an Account ID; write at least the first {BEGINNING} of its {ACCOUNT_ID} \
                     characters"
                ));
            }
            return Ok(Self::Beginning(text.to_lowercase()));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

/// How a message is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageName {
    /// By its number in this database.
    Number(MessageId),
    /// The newest one.
    Last,
}

impl FromStr for MessageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("last") {
            return Ok(Self::Last);
        }
        match text.trim_start_matches('#').parse() {
            Ok(number) if number > 0 => Ok(Self::Number(MessageId::new(number))),
            _ => Err(
                "not a message; write the number that `session history` shows before it, or `last`"
                    .to_owned(),
            ),
        }
    }
}

/// A registered name and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameArgument {
    pub(crate) name: SessionName,
    pub(crate) owner: AccountId,
}

impl FromStr for NameArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, owner) = text
            .split_once('=')
            .ok_or("write the name, = and the Account ID")?;
        Ok(Self {
            name: name
                .parse()
                .map_err(|error| format!("not a name ({error})"))?,
            owner: owner
                .parse()
                .map_err(|error| format!("not an Account ID ({error})"))?,
        })
    }
}

/// A time as people write it: `30s`, `5m`, `12h`, `7d`, `2w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) seconds: u32,
}

impl FromStr for Counted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_lowercase();
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = text.strip_prefix(digits).unwrap_or_default().trim();
        let scale = match unit {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => 0,
        };
        let seconds = digits
            .parse::<u32>()
            .ok()
            .and_then(|n| n.checked_mul(scale));
        match seconds {
            Some(seconds) if seconds > 0 => Ok(Self { seconds }),
            _ => Err("not a time; write a number and its unit: 30s, 5m, 12h, 7d or 2w".to_owned()),
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            (604_800, "week"),
            (86_400, "day"),
            (3600, "hour"),
            (60, "minute"),
            (1, "second"),
        ];
        for (scale, unit) in units {
            if self.seconds.is_multiple_of(scale) && self.seconds > 0 {
                let count = self.seconds.div_euclid(scale);
                let plural = if count == 1 { "" } else { "s" };
                return write!(f, "{count} {unit}{plural}");
            }
        }
        f.write_str("0 seconds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_names() {
        let id = format!("05{}", "ab".repeat(32));
        let named: NameArgument = format!("Anna={id}").parse().unwrap();
        assert_eq!(named.name.as_str(), "anna");
        assert_eq!(named.owner.to_hex(), id);
        for odd in ["anna", "anna=05", "an na=05", &format!("={id}")] {
            assert!(odd.parse::<NameArgument>().is_err(), "{odd}");
        }
    }

    #[test]
    fn people() {
        let id = format!("05{}", "aB".repeat(32));
        let who = |text: &str| Who::from_str(text);
        assert_eq!(who(" me "), Ok(Who::Me));
        assert_eq!(who(&id), Ok(Who::Id(id.parse().unwrap())));
        assert_eq!(who("05ABABAB"), Ok(Who::Beginning("05ababab".into())));
        assert_eq!(who("Bob"), Ok(Who::Name("Bob".into())));
        assert_eq!(who("beef"), Ok(Who::Name("beef".into())));
        let cases = [
            ("0512", "first 8"),
            (&"zz".repeat(33), "hex"),
            (&format!("03{}", "ab".repeat(32)), "05"),
            (&format!("{id}00"), "66"),
            (" ", "nobody"),
        ];
        for (text, why) in cases {
            let error = who(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn messages() {
        assert_eq!("last".parse(), Ok(MessageName::Last));
        let twelve = Ok(MessageName::Number(MessageId::new(12)));
        assert_eq!("12".parse(), twelve);
        assert_eq!("#12".parse(), twelve);
        for text in ["", "0", "-1", "first", "99999999999999999999"] {
            assert!(MessageName::from_str(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        let cases = [
            ("30s", 30, "30 seconds"),
            ("5 min", 300, "5 minutes"),
            ("60m", 3600, "1 hour"),
            ("12H", 43_200, "12 hours"),
            ("1d", 86_400, "1 day"),
            ("2w", 1_209_600, "2 weeks"),
        ];
        for (text, seconds, words) in cases {
            let time = Counted::from_str(text).unwrap();
            assert_eq!((time.seconds, &*time.to_string()), (seconds, words));
        }
        for text in ["", "5", "m", "0s", "5y", "-5m", "99999999w"] {
            assert!(Counted::from_str(text).is_err(), "{text}");
        }
    }
}
