//! Reads a statement back into its fields. What does not read is not well-formed, whoever signed it.

/// A field of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; none where there is none.
    pub value: Option<&'a str>,
}

/// A text that is not a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStatement {
    /// It begins with something else.
    #[error("the statement does not begin with `{0}`: it is no report, or one of a later version of this program")]
    Header(&'static str),
    /// A field cannot be read.
    #[error("the statement is no list of fields from its byte {at} on")]
    Field {
        /// Where it begins, from 0.
        at: usize,
    },
}

pub(super) fn fields<'a>(text: &'a str, header: &'static str) -> Result<Vec<Field<'a>>, InvalidStatement> {
    let mut rest = text.strip_prefix(header).ok_or(InvalidStatement::Header(header.trim_end()))?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let (field, after) = field(rest).ok_or(InvalidStatement::Field { at })?;
        fields.push(field);
        rest = after;
    }
    Ok(fields)
}

/// The field at the beginning of a text, and what follows.
fn field(text: &str) -> Option<(Field<'_>, &str)> {
    let (name, rest) = text.split_once(' ')?;
    if let Some(after) = rest.strip_prefix("-\n") {
        return Some((Field { name, value: None }, after));
    }
    let (length, rest) = rest.split_once(':')?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let (value, after) = rest.split_at_checked(length.parse().ok().filter(|_| is_number)?)?;
    Some((Field { name, value: Some(value) }, after.strip_prefix('\n')?))
}
