//! Statements about many things at once: each statement costs a journey to the database. A query for ids is a literal, so that it has a hundred
//! places whatever their number; rows are written by statements of a few sizes, so that each is prepared once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use crate::{Conn, Result, Tx};

/// The places of a hundred values.
macro_rules! hundred {
    () => {
        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
         $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, \
         $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, \
         $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, \
         $91, $92, $93, $94, $95, $96, $97, $98, $99, $100"
    };
}
pub(crate) use hundred;

/// Ids by the hundred; what is left of the last hundred is empty, which is nobody's id.
pub(crate) fn hundreds<T: ToString>(ids: &[T]) -> impl Iterator<Item = Vec<String>> {
    ids.chunks(100).map(|chunk| {
        let mut texts: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        texts.resize(100, String::new());
        texts
    })
}

/// Binds all of them.
pub(crate) fn bind<'q>(query: Query<'q, Any, AnyArguments>, ids: &[String]) -> Query<'q, Any, AnyArguments> {
    ids.iter().cloned().fold(query, Query::bind)
}

/// A statement is about so many rows, so that there are few to prepare; the last row is there as often as it takes.
const AT_ONCE: [usize; 5] = [64, 24, 8, 3, 1];

/// Writes rows into a table, each different: `into` is its name with its columns, of which there are so many; `bind` binds those of a row in that order.
pub(crate) async fn insert<T>(
    tx: &mut Tx,
    (into, columns): (&'static str, usize),
    rows: &[T],
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<()> {
    let numbered = tx.has_numbered_places();
    let sql = |count, is_padded| {
        text((into, if is_padded { "padded" } else { "" }, count, numbered), || {
            let places = places(count, columns, numbered);
            if !is_padded {
                return format!("INSERT INTO {into} VALUES {places}");
            }
            let columns: Vec<String> = (1..=columns).map(|column| format!("column{column}")).collect();
            format!("INSERT INTO {into} SELECT DISTINCT {} FROM (VALUES {places}) AS v", columns.join(", "))
        })
    };
    run(tx, rows, sql, bind).await.map(drop)
}

/// What stands around a list of values, and how many columns it has. Tables are joined to it by `CROSS JOIN`, which has SQLite go by the list.
pub(crate) type Listed = (&'static str, usize, &'static str);

/// Reads rows by a list of values, or changes them and returns what the statement says: `before` and `after` stand around the list `v`, whose columns are
/// `column1` and so on. A row of it may be there more than once.
pub(crate) async fn by_list<T>(
    conn: &mut Conn,
    (before, columns, after): Listed,
    rows: &[T],
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<Vec<AnyRow>> {
    let numbered = conn.has_numbered_places();
    let sql = |count, _| {
        let make = || format!("{before} (VALUES {}) AS v {after}", places(count, columns, numbered));
        text((before, after, count, numbered), make)
    };
    run(conn, rows, sql, bind).await
}

/// The same for statements that return nothing.
pub(crate) async fn update<T>(
    tx: &mut Tx,
    listed: Listed,
    rows: &[T],
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<()> {
    by_list(tx, listed, rows, bind).await.map(drop)
}

/// Reads rows by their ids: `sql` ends before the list of them, in its brackets.
pub(crate) async fn by_ids(conn: &mut Conn, sql: &'static str, ids: &[String]) -> Result<Vec<AnyRow>> {
    let numbered = conn.has_numbered_places();
    let listed = |count, _| text((sql, "", count, numbered), || format!("{sql} {}", places(1, count, numbered)));
    run(conn, ids, listed, |query, id| query.bind(id.clone())).await
}

/// Runs a statement for some rows at a time, by its text for so many, of which some may be there twice.
async fn run<T>(
    conn: &mut Conn,
    rows: &[T],
    sql: impl Fn(usize, bool) -> AssertSqlSafe<Arc<str>>,
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for some in rows.chunks(AT_ONCE[0]) {
        let (count, padded) = pad(some);
        let query = sqlx::query(sql(count, count > some.len()));
        found.extend(padded.fold(query, &bind).fetch_all(conn.raw()).await?);
    }
    Ok(found)
}

/// What tells a text from others: two of its parts, a number of things, and whether places have numbers.
type Key = (&'static str, &'static str, usize, bool);

/// A text that is made once: with a thousand places, making it takes longer than looking it up.
pub(crate) fn text(key: Key, make: impl FnOnce() -> String) -> AssertSqlSafe<Arc<str>> {
    static TEXTS: LazyLock<RwLock<HashMap<Key, Arc<str>>>> = LazyLock::new(RwLock::default);
    if let Some(text) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return AssertSqlSafe(Arc::clone(text));
    }
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    AssertSqlSafe(Arc::clone(texts.entry(key).or_insert_with(|| make().into())))
}

/// The next size of a statement, and so many rows: the last one as often as it takes.
fn pad<T>(rows: &[T]) -> (usize, impl Iterator<Item = &T>) {
    let count = AT_ONCE.into_iter().rfind(|count| *count >= rows.len()).unwrap_or(rows.len());
    (count, rows.iter().chain(std::iter::repeat_n(rows, count - rows.len()).filter_map(<[T]>::last)))
}

/// The places of rows: `($1, $2), ($3, $4)`, or without numbers.
fn places(rows: usize, columns: usize, numbered: bool) -> String {
    let row = |row: usize| {
        let place = |column| if numbered { format!("${}", row * columns + column) } else { "?".to_owned() };
        let places: Vec<String> = (1..=columns).map(place).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// The same question for each of many things, in one statement: `one` writes it with its places from a number on, of which it has so many; $1 is for
/// all of them.
pub(crate) fn each(count: usize, places: usize, one: impl Fn(usize) -> String) -> String {
    let branch = |number: usize| format!("SELECT * FROM ({}) AS one_{number}", one(2 + number * places));
    (0..count).map(branch).collect::<Vec<_>>().join(" UNION ALL ")
}
