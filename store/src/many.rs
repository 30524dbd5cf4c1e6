//! Queries for a hundred things at once: a statement is a literal, so that it has a hundred places whatever their number.

use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

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
