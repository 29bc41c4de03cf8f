//! Types of other crates in columns.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use session_messages::Expiration;
use session_types::{AccountId, Ed25519PublicKey, MessageHash, SwarmPubkey, Timestamp};

/// Carries a type of another crate into and out of a column.
pub(crate) struct Sql<T>(pub(crate) T);

impl ToSql for Sql<AccountId> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_bytes().to_vec().into())
    }
}

impl FromSql for Sql<AccountId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let owner = SwarmPubkey::try_from(value.as_blob()?).map_err(FromSqlError::other)?;
        AccountId::try_from(owner)
            .map(Self)
            .map_err(FromSqlError::other)
    }
}

impl ToSql for Sql<&SwarmPubkey> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_bytes().to_vec().into())
    }
}

impl ToSql for Sql<&Ed25519PublicKey> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl ToSql for Sql<Timestamp> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_ms_i64().into())
    }
}

impl FromSql for Sql<Timestamp> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ms = value.as_i64()?;
        u64::try_from(ms)
            .map(|ms| Self(Timestamp::from_ms(ms)))
            .map_err(|_| FromSqlError::OutOfRange(ms))
    }
}

impl FromSql for Sql<Option<Timestamp>> {
    /// 0 means absent.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Sql(time) = Sql::<Timestamp>::column_result(value)?;
        Ok(Self((time.as_ms() != 0).then_some(time)))
    }
}

impl FromSql for Sql<Option<MessageHash>> {
    /// Empty means absent.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "" => Ok(Self(None)),
            text => text
                .parse()
                .map(|hash| Self(Some(hash)))
                .map_err(FromSqlError::other),
        }
    }
}

/// The two columns of a timer: 0 off, 1 after reading, 2 after sending; and seconds.
pub(crate) fn timer_columns(expiration: Expiration) -> (i64, u32) {
    match expiration {
        Expiration::Off => (0, 0),
        Expiration::AfterRead(seconds) => (1, seconds.get()),
        Expiration::AfterSend(seconds) => (2, seconds.get()),
    }
}

/// Reads what [`timer_columns`] wrote, the first of the two being column `at`.
pub(crate) fn read_timer(row: &Row<'_>, at: usize) -> rusqlite::Result<Expiration> {
    let seconds = row.get(at + 1)?;
    match row.get(at)? {
        0 => Ok(Expiration::Off),
        1 => Ok(Expiration::after_read(seconds)),
        2 => Ok(Expiration::after_send(seconds)),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(at, other)),
    }
}
