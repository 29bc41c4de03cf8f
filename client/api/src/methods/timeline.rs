//! Timelines.

use std::sync::Arc;

use jiff::tz::TimeZone;
use session_types::Timestamp;

use super::params::{
    Done, MoreParams, SubscriptionParams, TimelineAt, TimelineEdges, TimelineOpened, TimelineParams,
};
use crate::ApiError;
use crate::follower::{Command, Zone};
use crate::method::Cx;

pub(super) async fn open(cx: Cx, params: TimelineParams) -> Result<TimelineOpened, ApiError> {
    let zone = zone(params.time_zone.as_deref())?;
    let at = TimelineAt {
        conversation: params.conversation,
        around: params.around,
    };
    cx.ask_follower(params.account, |answer| {
        Command::OpenTimeline(at, zone, answer)
    })
    .await
}

pub(super) async fn more(cx: Cx, params: MoreParams) -> Result<TimelineEdges, ApiError> {
    cx.ask_follower(params.account, |answer| {
        Command::More(params.sub, params.direction, params.count, answer)
    })
    .await
}

pub(super) async fn close(cx: Cx, params: SubscriptionParams) -> Result<Done, ApiError> {
    cx.ask_follower(params.account, |answer| Command::Close(params.sub, answer))
        .await?;
    Ok(Done {})
}

/// Tells the days of a time zone.
fn zone(name: Option<&str>) -> Result<Zone, ApiError> {
    let zone = match name {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|_| {
            ApiError::bad_input("api.time_zone", "there is no time zone of this name here")
        })?,
    };
    Ok(Zone(Arc::new(move |time| day(time, &zone))))
}

fn day(time: Timestamp, zone: &TimeZone) -> String {
    let instant = jiff::Timestamp::from_millisecond(time.as_ms_i64());
    let instant = instant.unwrap_or(jiff::Timestamp::MAX);
    zone.to_datetime(instant).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_on_the_day_of_its_place() {
        let time = Timestamp::from_ms(1_700_000_000_000);
        let Zone(utc) = zone(Some("UTC")).unwrap();
        assert_eq!(utc(time), "2023-11-14");
        assert_eq!(utc(Timestamp::from_ms(u64::MAX)), "9999-12-30");
        assert_eq!(
            zone(Some("Nowhere/At_All")).unwrap_err().code(),
            "api.time_zone"
        );
        if let Ok(Zone(auckland)) = zone(Some("Pacific/Auckland")) {
            assert_eq!(auckland(time), "2023-11-15");
        }
    }
}
