//! The tokens of claims: each is said again until a job was had for it, so that an answer which is lost leaves no lease that nobody knows.

use std::sync::{Arc, Mutex, PoisonError};

/// Tokens that were said in claims, and that no job was had for; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens(Arc<Mutex<Vec<String>>>);

/// A token that is being said. It goes back where no job was had for it, also if the claim is broken off.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) token: String,
    pub(super) had_a_job: bool,
    tokens: Tokens,
}

impl Tokens {
    /// One that was said before, or a new one.
    pub(super) fn say(&self) -> Said {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let token = known.unwrap_or_else(|| hex::encode(rand::random::<[u8; 32]>()));
        Said { token, had_a_job: false, tokens: self.clone() }
    }

    /// All that were said before, or a new one.
    pub(super) fn say_all(&self) -> Vec<Said> {
        let known = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let all: Vec<Said> =
            known.into_iter().map(|token| Said { token, had_a_job: false, tokens: self.clone() }).collect();
        if all.is_empty() { vec![self.say()] } else { all }
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        if !self.had_a_job {
            let token = std::mem::take(&mut self.token);
            self.tokens.0.lock().unwrap_or_else(PoisonError::into_inner).push(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_said_again_until_a_job_was_had_for_it() {
        let tokens = Tokens::default();
        let broken_off = tokens.say().token.clone();
        let mut again = tokens.say();
        assert_eq!(again.token, broken_off);
        assert_ne!(tokens.say().token, broken_off, "two claims at a time have two");
        again.had_a_job = true;
        drop(again);
        assert_ne!(tokens.say().token, broken_off);
    }

    #[test]
    fn all_tokens_that_were_said_are_said_at_once_and_come_back() {
        let tokens = Tokens::default();
        let (one, two) = (tokens.say(), tokens.say());
        let mut known = vec![one.token.clone(), two.token.clone()];
        drop((one, two));
        let mut all: Vec<String> = tokens.say_all().iter().map(|said| said.token.clone()).collect();
        known.sort();
        all.sort();
        assert_eq!(all, known);
        assert_eq!(tokens.say_all().len(), 2);
        assert_eq!(Tokens::default().say_all().len(), 1);
    }
}
