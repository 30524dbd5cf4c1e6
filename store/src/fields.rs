//! Turns columns into words of the protocol, and names table, column and row where one is corrupt.

use std::str::FromStr;

use protocol::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use crate::{Error, Result};

/// A row, read as one of the table it came from. A row of a join is read once per table.
pub(crate) struct Fields<'r> {
    row: &'r AnyRow,
    table: &'static str,
    id: &'static str,
}

impl<'r> Fields<'r> {
    /// Reads `row` as one of `table`, whose key is in the column `id`.
    pub(crate) const fn of(row: &'r AnyRow, table: &'static str, id: &'static str) -> Self {
        Self { row, table, id }
    }

    /// The column that holds the row's own id.
    pub(crate) const fn id_column(&self) -> &'static str {
        self.id
    }

    /// The row's own id, for errors.
    pub(crate) fn shown_id(&self) -> String {
        self.row.try_get(self.id).unwrap_or_else(|_| "?".into())
    }

    /// That a column says what it cannot.
    pub(crate) fn corrupt(&self, column: &'static str, why: &dyn ToString) -> Error {
        Error::Corrupt { table: self.table, column, row: self.shown_id(), why: why.to_string() }
    }

    fn get<T>(&self, column: &'static str) -> Result<T>
    where
        T: Decode<'r, Any> + Type<Any>,
    {
        self.row.try_get(column).map_err(|error| self.corrupt(column, &error))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>> {
        self.get(column)
    }

    /// A text that reads as `T`.
    pub(crate) fn parse<T: FromStr<Err: ToString>>(&self, column: &'static str) -> Result<T> {
        self.text(column)?.parse().map_err(|error: T::Err| self.corrupt(column, &error.to_string()))
    }

    pub(crate) fn optional_parse<T: FromStr<Err: ToString>>(&self, column: &'static str) -> Result<Option<T>> {
        let parse = |text: String| text.parse().map_err(|error: T::Err| self.corrupt(column, &error.to_string()));
        self.optional_text(column)?.map(parse).transpose()
    }

    /// Words with spaces between.
    pub(crate) fn words<T: FromStr<Err: ToString>>(&self, column: &'static str) -> Result<Vec<T>> {
        let parse = |word: &str| word.parse().map_err(|error: T::Err| self.corrupt(column, &error.to_string()));
        self.text(column)?.split_whitespace().map(parse).collect()
    }

    /// A number that fits `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|_| self.corrupt(column, &format!("{number} is out of range")))
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>> {
        let narrow =
            |number| T::try_from(number).map_err(|_| self.corrupt(column, &format!("{number} is out of range")));
        self.get::<Option<i64>>(column)?.map(narrow).transpose()
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.get(column).map(Timestamp::from_millis)
    }

    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    /// A JSON text of a known shape.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.corrupt(column, &error))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let read = |text: String| serde_json::from_str(&text).map_err(|error| self.corrupt(column, &error));
        self.optional_text(column)?.map(read).transpose()
    }

    /// The PostgreSQL major whose number is in the column.
    pub(crate) fn major(&self, column: &'static str) -> Result<protocol::PgMajor> {
        let number: u16 = self.number(column)?;
        protocol::PgMajor::try_from(number).map_err(|error| self.corrupt(column, &error))
    }

    /// The priority whose rank is in the column.
    pub(crate) fn priority(&self, column: &'static str) -> Result<protocol::Priority> {
        let rank = self.number(column)?;
        protocol::Priority::from_rank(rank).ok_or_else(|| self.corrupt(column, &format!("{rank} is no priority")))
    }
}

/// A text from outside as both engines take it: PostgreSQL refuses NUL in a text.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The JSON text of a value of our own types.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the protocol's own types have text keys only")
}

/// A size or duration as a BIGINT; beyond its range it is as good as infinite.
pub(crate) fn to_bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The page size that a caller may ask for.
pub(crate) fn to_limit(limit: u32) -> i64 {
    i64::from(limit.min(1_000))
}
