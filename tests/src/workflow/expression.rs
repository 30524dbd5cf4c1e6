//! The expressions of workflows that this project uses, and an error for all others:
//! <https://docs.github.com/actions/reference/evaluate-expressions-in-workflows-and-actions>.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// What names mean, and how the job stands.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    values: BTreeMap<String, String>,
    steps: BTreeSet<String>,
    /// Whether no step has failed.
    pub is_success: bool,
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A truth.
    Bool(bool),
}

impl Value {
    /// Whether it counts as true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Bool(truth) => *truth,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Bool(truth) => truth.to_string(),
        }
    }
}

impl Scope {
    /// Gives a name a meaning, such as `inputs.path`.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// Makes a step's outputs known: empty until they are set.
    pub fn knows_step(&mut self, id: Option<&str>) {
        self.steps.extend(id.map(str::to_owned));
    }

    /// A text with its `${{ … }}` filled in.
    pub fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once("${{") {
            let (expression, after) = inside.split_once("}}").with_context(|| format!("`{text}` has no end"))?;
            filled += before;
            filled += &self.value(expression)?.text();
            rest = after;
        }
        Ok(filled + rest)
    }

    /// What an expression comes to.
    pub fn value(&self, text: &str) -> Result<Value> {
        let tokens = tokens(text)?;
        let mut reader = Reader { scope: self, tokens: &tokens, at: 0 };
        let value = reader.either().with_context(|| format!("in `{}`", text.trim()))?;
        ensure!(reader.at == tokens.len(), "`{}` goes on where it should end", text.trim());
        Ok(value)
    }

    fn named(&self, name: &str) -> Result<Value> {
        if let Some(value) = self.values.get(name) {
            return Ok(Value::Text(value.clone()));
        }
        match name.split('.').collect::<Vec<_>>()[..] {
            ["true"] => Ok(Value::Bool(true)),
            ["false"] => Ok(Value::Bool(false)),
            ["steps", id, "outputs", _] if self.steps.contains(id) => Ok(Value::Text(String::new())),
            _ => bail!("nothing here is called `{name}`"),
        }
    }

    fn called(&self, name: &str) -> Result<Value> {
        match name {
            "always" => Ok(Value::Bool(true)),
            "success" => Ok(Value::Bool(self.is_success)),
            "failure" => Ok(Value::Bool(!self.is_success)),
            _ => bail!("there is no function `{name}` here"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let signs = ["==", "!=", "&&", "||", "!", "(", ")"];
        let length = if let Some(sign) = signs.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else if first == '\'' {
            let end = rest[1..].find('\'').with_context(|| format!("a quote has no end in `{text}`"))?;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
            end + 2
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap_or(rest.len());
            ensure!(end > 0, "`{first}` means nothing here, in `{text}`");
            tokens.push(Token::Name(rest[..end].to_owned()));
            end
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    scope: &'a Scope,
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn sign(&mut self, sign: &'static str) -> bool {
        let is_it = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is_it);
        is_it
    }

    fn either(&mut self) -> Result<Value> {
        let mut value = self.both()?;
        while self.sign("||") {
            let other = self.both()?;
            value = if value.is_true() { value } else { other };
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Value> {
        let mut value = self.compared()?;
        while self.sign("&&") {
            let other = self.compared()?;
            value = if value.is_true() { other } else { value };
        }
        Ok(value)
    }

    fn compared(&mut self) -> Result<Value> {
        let value = self.single()?;
        // Texts are compared without regard to case.
        let same = |one: Value, other: Value| one.text().eq_ignore_ascii_case(&other.text());
        if self.sign("==") {
            return Ok(Value::Bool(same(value, self.single()?)));
        }
        if self.sign("!=") {
            return Ok(Value::Bool(!same(value, self.single()?)));
        }
        Ok(value)
    }

    fn single(&mut self) -> Result<Value> {
        if self.sign("!") {
            return Ok(Value::Bool(!self.single()?.is_true()));
        }
        if self.sign("(") {
            let value = self.either()?;
            ensure!(self.sign(")"), "a parenthesis has no end");
            return Ok(value);
        }
        let token = self.tokens.get(self.at).context("it ends where something should be")?.clone();
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Value::Text(text)),
            Token::Name(name) if self.sign("(") => {
                ensure!(self.sign(")"), "`{name}` takes nothing");
                self.scope.called(&name)
            }
            Token::Name(name) => self.scope.named(&name),
            Token::Sign(sign) => bail!("`{sign}` stands where something should be"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_come_to_what_github_makes_of_them_and_unknown_ones_are_refused() {
        let mut scope = Scope { is_success: false, ..Scope::default() };
        scope.set("inputs.fail-on", "FAIL");
        scope.set("runner.arch", "X64");
        scope.knows_step(Some("restore"));
        for (text, expected) in [
            ("a-${{ inputs.fail-on }}-${{runner.arch}}", "a-FAIL-X64"),
            ("${{ steps.restore.outputs.cache-hit || 'false' }}", "false"),
            ("${{ always() && inputs.fail-on == 'fail' }}", "true"),
            ("${{ !(runner.arch != 'X64') && success() }}", "false"),
            ("plain", "plain"),
        ] {
            assert_eq!(scope.fill(text).unwrap(), expected, "{text}");
        }
        for text in
            ["inputs.nothing", "steps.other.outputs.x", "hashFiles('x')", "inputs.fail-on ==", "a @ b", "'x", "(true"]
        {
            assert!(scope.value(text).is_err(), "{text}");
        }
    }
}
