//! Live update: tells open pages that the ledger moved on; they fetch what they show anew.

use std::{convert::Infallible, pin::Pin, task, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_core::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{desk::Desk, guard::Visit, trouble::Trouble};

/// At most one notice in this time, so that a busy post does not make every screen fetch without end.
const PAUSE: Duration = Duration::from_millis(700);
/// Lines that keep proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// After this time the browser connects again, with a session that is looked up anew.
const STREAM_MAX: Duration = Duration::from_mins(15);

/// `GET /live`: the revision of the ledger whenever it rises, as server-sent events.
pub(crate) async fn follow(visit: Visit, State(desk): State<Desk>) -> Result<Response, Trouble> {
    let place = desk
        .live_places
        .clone()
        .try_acquire_owned()
        .map_err(|_| Trouble::TooMany)?;
    let (sender, receiver) = mpsc::channel(1);
    let started = visit.view.revision;
    tokio::spawn(async move {
        let _ = tokio::time::timeout(STREAM_MAX, tell(desk, started, sender)).await;
    });
    let stream = Notices {
        receiver,
        _place: place,
    };
    Ok(Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

async fn tell(desk: Desk, started: u64, sender: mpsc::Sender<u64>) {
    let mut revisions = desk.state.ledger.subscribe();
    // The page may have been made before other decisions: the first notice says where the ledger stands now.
    let now = *revisions.borrow_and_update();
    if sender.send(now.max(started)).await.is_err() {
        return;
    }
    loop {
        let gone = tokio::select! {
            () = sender.closed() => true,
            changed = revisions.changed() => changed.is_err(),
        };
        if gone {
            return;
        }
        let revision = *revisions.borrow_and_update();
        if sender.send(revision).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The notices of one browser; its place is free again when it is gone.
struct Notices {
    receiver: mpsc::Receiver<u64>,
    _place: OwnedSemaphorePermit,
}

impl Stream for Notices {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> task::Poll<Option<Self::Item>> {
        self.receiver
            .poll_recv(context)
            .map(|revision| revision.map(|revision| Ok(Event::default().event("revision").data(revision.to_string()))))
    }
}
