//! The wish that everything should end, handed to every task.

use tokio::sync::watch;

/// Ends the tasks that hold the matching [`Stop`]; dropping it ends them too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Tells a task when to end.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// Makes a pair.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks everything to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until the end is wished for.
    pub async fn requested(&mut self) {
        // An error means that the stopper is gone, which is the same wish.
        let _gone = self.0.wait_for(|stopped| *stopped).await;
    }

    /// Whether the end is wished for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
