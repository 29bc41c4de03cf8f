//! Times as people read them.

use jiff::Timestamp as Instant;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use session_core::view::Timer;
use session_types::Timestamp;

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    let instant = Instant::from_millisecond(at.as_ms_i64());
    instant
        .unwrap_or(Instant::UNIX_EPOCH)
        .to_zoned(zone.clone())
}

/// The time of day: `12:41`.
pub(crate) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M").to_string()
}

/// Day and time: `Fri 20 Nov 2026 12:41:07`.
pub(crate) fn in_full(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone)
        .strftime("%a %-d %b %Y %H:%M:%S")
        .to_string()
}

/// As short as it is clear: the time today, then the day.
pub(crate) fn short(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (local(at, zone), local(now, zone));
    let (day, today) = (at.date(), now.date());
    let within = |days: i64| today.checked_sub(days.days()).is_ok_and(|from| day > from);
    if day == today {
        at.strftime("%H:%M").to_string()
    } else if day < today && within(2) {
        "Yest.".to_owned()
    } else if day < today && within(7) {
        at.strftime("%a").to_string()
    } else if day.year() == today.year() {
        at.strftime("%-d %b").to_string()
    } else {
        at.strftime("%-d %b %y").to_string()
    }
}

/// The line before the messages of a day.
pub(crate) fn day(date: &str, now: Timestamp, zone: &TimeZone) -> String {
    let Ok(date) = date.parse::<Date>() else {
        return date.to_owned();
    };
    let today = local(now, zone).date();
    let text = if date.year() == today.year() {
        date.strftime("%A %-d %B").to_string()
    } else {
        date.strftime("%A %-d %B %Y").to_string()
    };
    if date == today {
        format!("Today, {text}")
    } else {
        text
    }
}

/// The largest unit only: `6 days`.
pub(crate) fn duration(seconds: u64) -> String {
    let units = [
        (604_800, "week"),
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
    ];
    for (scale, unit) in units {
        // 14 days stay days: that is what is offered.
        if seconds >= scale && (scale < 604_800 || seconds > 1_209_600) {
            let count = seconds / scale;
            let plural = if count == 1 { "" } else { "s" };
            return format!("{count} {unit}{plural}");
        }
    }
    let plural = if seconds == 1 { "" } else { "s" };
    format!("{seconds} second{plural}")
}

/// The rule of a conversation: `disappears 1 day after reading`.
pub(crate) fn timer(timer: Timer) -> Option<String> {
    match timer {
        Timer::Off => None,
        Timer::AfterRead { seconds } => Some(format!(
            "disappears {} after reading",
            duration(seconds.into())
        )),
        Timer::AfterSend { seconds } => Some(format!(
            "disappears {} after sending",
            duration(seconds.into())
        )),
    }
}

/// The same where there is little room: `disappears 1 d`.
pub(crate) fn timer_short(timer: Timer) -> Option<String> {
    let (Timer::AfterRead { seconds } | Timer::AfterSend { seconds }) = timer else {
        return None;
    };
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..86_400 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    Some(format!("disappears {count} {unit}"))
}

/// Bytes as people read them: `180 kB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20 12:41 UTC, a Friday.
    const NOW: Timestamp = Timestamp::from_ms(1_795_178_460_000);
    const DAY: u64 = 86_400_000;

    #[test]
    fn times_are_as_short_as_they_are_clear() {
        let ago = |days: u64| Timestamp::from_ms(NOW.as_ms() - days * DAY);
        let text = |days: u64| short(ago(days), NOW, &TimeZone::UTC);
        assert_eq!(text(0), "12:41");
        assert_eq!(text(1), "Yest.");
        assert_eq!(text(3), "Tue");
        assert_eq!(text(17), "3 Nov");
        assert_eq!(text(400), "16 Oct 25");
        let later = Timestamp::from_ms(NOW.as_ms() + 2 * DAY);
        assert_eq!(short(later, NOW, &TimeZone::UTC), "22 Nov");
        assert_eq!(in_full(NOW, &TimeZone::UTC), "Fri 20 Nov 2026 12:41:00");
    }

    #[test]
    fn days_and_durations() {
        assert_eq!(
            day("2026-11-20", NOW, &TimeZone::UTC),
            "Today, Friday 20 November"
        );
        assert_eq!(
            day("2025-01-01", NOW, &TimeZone::UTC),
            "Wednesday 1 January 2025"
        );
        assert_eq!(day("odd", NOW, &TimeZone::UTC), "odd");
        assert_eq!(duration(86_400), "1 day");
        assert_eq!(duration(1_209_600), "14 days");
        assert_eq!(duration(90), "1 minute");
        assert_eq!(duration(1), "1 second");
        let timer = Timer::AfterSend { seconds: 43_200 };
        assert_eq!(
            super::timer(timer).unwrap(),
            "disappears 12 hours after sending"
        );
        assert_eq!(timer_short(timer).unwrap(), "disappears 12 h");
        assert_eq!(
            (size(999), size(180_000), size(12_400_000)),
            ("999 B".into(), "180 kB".into(), "12.4 MB".into())
        );
    }
}
