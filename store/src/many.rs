//! Statements about many things at once: each statement costs a journey to the database. A query for ids is a literal, so that it has a hundred
//! places whatever their number; rows are written by statements of a few sizes, so that each is prepared once.

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

/// So many rows are written by one statement, as many as there are.
const AT_ONCE: [usize; 4] = [64, 16, 4, 1];

/// Writes rows into a table: `into` is its name with its columns, of which there are so many; `bind` binds those of a row in that order.
pub(crate) async fn insert<T>(
    tx: &mut Tx,
    (into, columns): (&'static str, usize),
    rows: &[T],
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<()> {
    let mut rest = rows;
    while let Some(count) = AT_ONCE.into_iter().find(|count| *count <= rest.len()) {
        let (some, others) = rest.split_at(count);
        let sql = format!("INSERT INTO {into} VALUES {}", places(count, columns));
        some.iter().fold(sqlx::query(AssertSqlSafe(sql)), &bind).execute(tx.raw()).await?;
        rest = others;
    }
    Ok(())
}

/// Changes rows by a list of values: `before` and `after` stand around the list `v`, whose columns are `column1` and so on, of which there are so many. The last
/// row of the list may be there more than once, so that there are statements of a few sizes.
pub(crate) async fn update<T>(
    tx: &mut Tx,
    (before, columns, after): (&'static str, usize, &'static str),
    rows: &[T],
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<()> {
    for some in rows.chunks(AT_ONCE[0]) {
        let (count, padded) = pad(some);
        let sql = format!("{before} (VALUES {}) AS v {after}", places(count, columns));
        padded.fold(sqlx::query(AssertSqlSafe(sql)), &bind).execute(tx.raw()).await?;
    }
    Ok(())
}

/// Reads rows by a list of values, which are as in [`update`].
pub(crate) async fn select<T>(
    conn: &mut Conn,
    (before, columns, after): (&'static str, usize, &'static str),
    rows: &[T],
    bind: impl Fn(Query<'static, Any, AnyArguments>, &T) -> Query<'static, Any, AnyArguments>,
) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for some in rows.chunks(AT_ONCE[0]) {
        let (count, padded) = pad(some);
        let sql = format!("{before} (VALUES {}) AS v {after}", places(count, columns));
        found.extend(padded.fold(sqlx::query(AssertSqlSafe(sql)), &bind).fetch_all(conn.raw()).await?);
    }
    Ok(found)
}

/// Reads, or changes and returns, rows by their ids: `sql` ends before the list of them, in its brackets.
pub(crate) async fn by_ids(conn: &mut Conn, sql: &'static str, ids: &[String]) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for some in ids.chunks(AT_ONCE[0]) {
        let (count, padded) = pad(some);
        let sql = format!("{sql} {}", places(1, count));
        let query = padded.cloned().fold(sqlx::query(AssertSqlSafe(sql)), Query::bind);
        found.extend(query.fetch_all(conn.raw()).await?);
    }
    Ok(found)
}

/// The next size of a statement, and so many rows: the last one as often as it takes.
fn pad<T>(rows: &[T]) -> (usize, impl Iterator<Item = &T>) {
    let count = AT_ONCE.into_iter().rfind(|count| *count >= rows.len()).unwrap_or(rows.len());
    (count, rows.iter().chain(std::iter::repeat_n(rows, count - rows.len()).filter_map(<[T]>::last)))
}

/// The places of rows: `($1, $2), ($3, $4)`.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
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
