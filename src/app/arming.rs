//! When a question's yes counts: not before what it asks stood on the screen for a moment. A key that was on its way when
//! the question appeared, or that belongs to another window, must never be its answer.

use std::time::{Duration, Instant};

use crate::keys::Action;

/// How long a question stands on the screen, and nothing is typed, before a yes counts.
pub const READING: Duration = Duration::from_millis(400);

/// The clock of a question's yes. It starts when a frame of the question was written to the terminal, and anew with
/// whatever changes the question and with each key that was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arming {
    /// When the frame with the question as it is now was written; `None`: it was not yet.
    drawn: Option<Instant>,
    /// Did the time run out, as far as the screen tells?
    lit: bool,
    /// Was a key dropped because it came too early?
    too_early: bool,
}

impl Arming {
    /// Does a key that was read from the terminal at this moment count as an answer?
    pub fn counts(&self, read: Instant) -> bool {
        self.drawn.is_some_and(|drawn| read >= drawn + READING)
    }

    /// Starts the clock anew: the question changed, or something was typed.
    pub fn restart(&mut self) {
        (self.drawn, self.lit) = (None, false);
    }

    /// Drops a key that came too early, and starts the clock anew.
    pub fn drop_key(&mut self) {
        self.restart();
        self.too_early = true;
    }

    /// A frame of the question was written.
    pub fn drawn(&mut self, at: Instant) {
        self.drawn.get_or_insert(at);
    }

    /// Time went on: true when the yes becomes lit by it.
    pub fn light(&mut self, now: Instant) {
        self.lit |= self.counts(now);
    }

    /// Is the time over, as far as the screen tells?
    pub fn is_lit(&self) -> bool {
        self.lit
    }

    /// Was the last answer dropped because it came too early?
    pub fn is_too_early(&self) -> bool {
        self.too_early
    }

    /// When [`Arming::light`] is to be called; `None`: it is lit, or its frame was not written yet.
    pub fn lights_at(&self) -> Option<Instant> {
        self.drawn.filter(|_| !self.lit).map(|drawn| drawn + READING)
    }
}

/// The two buttons of a question: Cancel, which has the focus at first and always works, and the one that does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buttons {
    /// Has the button that does it the focus?
    pub on_yes: bool,
    /// When that one counts.
    pub arming: Arming,
}

/// What a key is to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Yes,
    /// Leave everything as it is.
    No,
    /// The question stays.
    None,
}

impl Buttons {
    /// Takes a key that was read at this moment; `None`: one that means nothing here. Whatever is no answer starts the
    /// clock anew, so that no word typed into the wrong window ends in a yes.
    pub fn press(&mut self, action: Option<Action>, read: Instant) -> Answer {
        let counts = self.arming.counts(read);
        match action {
            Some(Action::Back) => return Answer::No,
            Some(Action::Enter) if !self.on_yes => return Answer::No,
            Some(Action::Confirm | Action::Enter) if counts => return Answer::Yes,
            Some(Action::Left | Action::Right) if self.on_yes => {
                self.on_yes = false;
                self.arming.restart();
            }
            Some(Action::Left | Action::Right) if counts => {
                self.on_yes = true;
                self.arming.restart();
            }
            _ if counts => self.arming.restart(),
            _ => self.arming.drop_key(),
        }
        Answer::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn a_yes_counts_by_when_it_was_read_not_by_when_it_is_handled() {
        let drawn = Instant::now();
        let mut arming = Arming::default();
        assert!(!arming.counts(drawn + READING * 9), "no frame of it was written yet");
        arming.drawn(drawn);
        arming.drawn(drawn + READING * 5);
        assert_eq!(arming.lights_at(), Some(drawn + READING), "another frame of the same changes nothing");
        assert!(!arming.counts(drawn + READING - MOMENT) && arming.counts(drawn + READING));
        arming.light(drawn + READING - MOMENT);
        assert!(!arming.is_lit());
        arming.light(drawn + READING);
        assert!(arming.is_lit() && arming.lights_at().is_none());
        assert!(!arming.counts(drawn + READING - MOMENT), "one that waited somewhere is as early as before");
    }

    #[test]
    fn each_dropped_key_starts_the_time_anew_and_cancel_always_works() {
        let drawn = Instant::now();
        let mut buttons = Buttons::default();
        for n in 0..20 {
            let read = drawn + READING / 4 * n;
            assert_eq!(buttons.press(Some(Action::Confirm), read), Answer::None, "key {n}");
            buttons.arming.drawn(read + MOMENT);
        }
        assert!(buttons.arming.is_too_early());
        for action in [Action::Back, Action::Enter] {
            assert_eq!(buttons.press(Some(action), drawn), Answer::No);
        }
    }

    #[test]
    fn the_focus_moves_to_yes_only_when_a_yes_counts_and_then_it_counts_from_anew() {
        let drawn = Instant::now();
        let mut buttons = Buttons::default();
        buttons.arming.drawn(drawn);
        assert_eq!(buttons.press(Some(Action::Right), drawn + MOMENT), Answer::None);
        assert!(!buttons.on_yes);
        buttons.arming.drawn(drawn);
        assert_eq!(buttons.press(Some(Action::Right), drawn + READING), Answer::None);
        assert!(buttons.on_yes);
        assert_eq!(buttons.press(Some(Action::Enter), drawn + READING + MOMENT), Answer::None);
        buttons.arming.drawn(drawn + READING);
        assert_eq!(buttons.press(Some(Action::Enter), drawn + READING * 2), Answer::Yes);
    }
}
