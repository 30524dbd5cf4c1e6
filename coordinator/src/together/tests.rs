use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;
use crate::testing::Farm;

/// Asks for a word in capitals; each work waits for the gate.
#[derive(Clone)]
struct Shout {
    word: String,
    gate: Arc<Semaphore>,
    works: Arc<Mutex<Vec<usize>>>,
}

impl Ask for Shout {
    type Answer = String;

    async fn work(_: &Coordinator, asks: &[Self]) -> Result<Vec<String>> {
        asks[0].works.lock().unwrap().push(asks.len());
        asks[0].gate.acquire().await.unwrap().forget();
        assert!(asks.iter().all(|ask| ask.word != "panic"), "as it was told to");
        if asks.iter().any(|ask| ask.word == "bad") {
            return Err(Error::NoPlatform);
        }
        Ok(asks.iter().map(|ask| ask.word.to_uppercase()).collect())
    }
}

struct Hall {
    farm: Farm,
    together: Arc<Together<Shout>>,
    gate: Arc<Semaphore>,
    works: Arc<Mutex<Vec<usize>>>,
    asking: JoinSet<(String, Result<String>)>,
}

impl Hall {
    async fn new() -> Self {
        let (farm, together, gate) = (Farm::start().await, Arc::default(), Arc::new(Semaphore::new(0)));
        Self { farm, together, gate, works: Arc::default(), asking: JoinSet::new() }
    }

    /// Asks, and goes on once the ask is worked on or gathers with the others.
    async fn ask(&mut self, word: &str) {
        let ask = Shout { word: word.into(), gate: Arc::clone(&self.gate), works: Arc::clone(&self.works) };
        let (together, coordinator) = (Arc::clone(&self.together), self.farm.coordinator.clone());
        let is_first = !self.together.state().busy;
        let before = self.together.state().waiting.len();
        let word = word.to_owned();
        self.asking.spawn(async move { (word, together.ask(&coordinator, ask).await) });
        let is_there = || {
            if is_first {
                return !self.works.lock().unwrap().is_empty();
            }
            self.together.state().waiting.len() > before
        };
        let there = async {
            while !is_there() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), there).await.unwrap();
    }

    /// Opens the gate for all, and collects the answers by word.
    async fn answers(mut self) -> Vec<(String, Result<String>)> {
        self.gate.add_permits(1_000);
        let mut answers = Vec::new();
        while let Some(answer) = self.asking.join_next().await {
            answers.push(answer.unwrap());
        }
        answers.sort_by(|one, other| one.0.cmp(&other.0));
        answers
    }
}

#[tokio::test]
async fn what_is_asked_while_others_are_worked_on_is_worked_on_together_and_everybody_gets_the_own_answer() {
    let mut hall = Hall::new().await;
    for number in 0..70 {
        hall.ask(&format!("word {number}")).await;
    }
    let works = Arc::clone(&hall.works);
    for (word, answer) in hall.answers().await {
        assert_eq!(answer.unwrap(), word.to_uppercase());
    }
    assert_eq!(*works.lock().unwrap(), [1, 64, 5]);
}

#[tokio::test]
async fn what_fails_fails_alone() {
    let mut hall = Hall::new().await;
    for word in ["first", "good", "bad", "fine"] {
        hall.ask(word).await;
    }
    let works = Arc::clone(&hall.works);
    let answers = hall.answers().await;
    let failed: Vec<&str> =
        answers.iter().filter(|(_, answer)| answer.is_err()).map(|(word, _)| word.as_str()).collect();
    assert_eq!(failed, ["bad"]);
    assert_eq!(*works.lock().unwrap(), [1, 3, 1, 1, 1]);
}

#[tokio::test]
async fn a_work_that_panics_leaves_nobody_waiting_and_the_next_ask_is_worked_on() {
    let mut hall = Hall::new().await;
    for word in ["panic", "waits"] {
        hall.ask(word).await;
    }
    hall.gate.add_permits(1_000);
    while let Some(answer) = hall.asking.join_next().await {
        let (word, answer) = answer.unwrap();
        assert!(answer.is_err(), "{word}");
    }
    assert!(!hall.together.state().busy);
    hall.works.lock().unwrap().clear();
    hall.ask("again").await;
    let answers = hall.answers().await;
    assert_eq!(answers[0].1.as_ref().unwrap(), "AGAIN");
}
