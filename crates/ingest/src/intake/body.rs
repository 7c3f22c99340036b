//! Request bodies, bounded as sent, as unpacked and all together.

use std::{io::Read, sync::Arc, time::Duration};

use axum::http::header;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use model::RejectReason;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{
    HttpConfig,
    receiving::{REJECTED_BYTES_MAX, Refusal, Sender},
};

use super::{Call, IntakeState};

/// Memory for bodies that are being received or handled.
#[derive(Debug, Clone)]
pub(crate) struct BodyBudget(Arc<Semaphore>);

/// Bytes that one permit of the budget stands for.
const PERMIT_BYTES: usize = 1024;

/// A body, unpacked, with the memory that it was granted until it is dropped.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _memory: Memory,
}

/// Memory for packed and unpacked bytes, given back when the request is done.
#[derive(Debug)]
struct Memory(#[expect(dead_code, reason = "held, not read")] Vec<OwnedSemaphorePermit>);

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum BodyRefusal {
    /// It is what it is, and will be refused again: kept and counted.
    Rejected(u16, Refusal),
    /// There is no memory for it now; the sender keeps it.
    Busy,
}

impl BodyRefusal {
    /// Keeps the rejection, and says what the sender is to be told.
    pub(crate) async fn settle(self, state: &IntakeState, sender: &Sender) -> (u16, String) {
        let (status, refusal) = match self {
            Self::Rejected(status, refusal) => (status, refusal),
            Self::Busy => {
                state.receiving.counters.pushed_back(sender.transport);
                return (429, "too many bodies are being handled; come back later".to_owned());
            }
        };
        let detail = refusal.detail.clone();
        let entry = sender.rejection(state.receiving.now(), refusal);
        match state.receiving.keep(sender.transport, vec![entry]).await {
            Ok(_) => (status, detail),
            Err(refused) => (refused.status(), refused.to_string()),
        }
    }
}

impl BodyBudget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes_max.div_ceil(PERMIT_BYTES))))
    }

    fn grant(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BodyRefusal> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).map_err(|_| BodyRefusal::Busy)?;
        Arc::clone(&self.0)
            .try_acquire_many_owned(permits)
            .map_err(|_| BodyRefusal::Busy)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Deflate,
    Zstd,
}

impl Body {
    /// Receives and unpacks a body.
    ///
    /// # Errors
    /// When it passes a limit, does not unpack, or does not arrive.
    pub(crate) async fn receive(state: &IntakeState, call: &Call, body: axum::body::Body) -> Result<Self, BodyRefusal> {
        let packing = packing(call)?;
        let mut grants = Vec::new();
        let packed = collect(state, body, &mut grants).await?;
        if packing == Packing::Plain {
            return Ok(Self {
                bytes: packed,
                _memory: Memory(grants),
            });
        }
        let unpacking = Unpacking {
            packing,
            bytes_max: state.config.unpacked_bytes_max,
            budget: state.budget.clone(),
        };
        // A small packed body may still unpack to much: both go to a thread that may take its time.
        let (bytes, grant) = tokio::task::spawn_blocking(move || unpacking.unpack(&packed))
            .await
            .map_err(|error| broken(&[], &std::io::Error::other(error)))??;
        grants.extend(grant);
        Ok(Self {
            bytes,
            _memory: Memory(grants),
        })
    }
}

fn packing(call: &Call) -> Result<Packing, BodyRefusal> {
    let encoding = call.header(header::CONTENT_ENCODING).unwrap_or_default().trim();
    match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Packing::Plain),
        "gzip" | "x-gzip" => Ok(Packing::Gzip),
        "deflate" => Ok(Packing::Deflate),
        "zstd" => Ok(Packing::Zstd),
        other => Err(BodyRefusal::Rejected(
            415,
            Refusal {
                kept: Bytes::new(),
                reason: RejectReason::BadCompression,
                detail: format!("content encoding `{}` is not known", other.escape_debug()),
            },
        )),
    }
}

/// Collects the body as it is sent.
async fn collect(
    state: &IntakeState,
    mut body: axum::body::Body,
    grants: &mut Vec<OwnedSemaphorePermit>,
) -> Result<Bytes, BodyRefusal> {
    let HttpConfig {
        body_bytes_max,
        body_pause_seconds_max,
        body_seconds_max,
        ..
    } = *state.config;
    let end = Instant::now() + Duration::from_secs(body_seconds_max);
    let pause = Duration::from_secs(body_pause_seconds_max);
    let mut all = BytesMut::new();
    let mut granted = 0;
    loop {
        let deadline = end.min(Instant::now() + pause);
        let frame = tokio::time::timeout_at(deadline, body.frame())
            .await
            .map_err(|_| interrupted(408, &all, "the body took too long"))?;
        let frame = match frame {
            None => return Ok(all.freeze()),
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Err(interrupted(400, &all, "the body broke off")),
        };
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > body_bytes_max {
            return Err(oversized(start(&all), body_bytes_max));
        }
        if all.len() + data.len() > granted {
            let more = data.len().max(granted).max(PERMIT_BYTES);
            grants.push(state.budget.grant(more)?);
            granted += more;
        }
        all.extend_from_slice(&data);
    }
}

fn interrupted(status: u16, beginning: &[u8], detail: &str) -> BodyRefusal {
    BodyRefusal::Rejected(
        status,
        Refusal {
            kept: start(beginning),
            reason: RejectReason::Truncated,
            detail: detail.to_owned(),
        },
    )
}

fn oversized(beginning: Bytes, bytes_max: usize) -> BodyRefusal {
    BodyRefusal::Rejected(
        413,
        Refusal {
            kept: beginning,
            reason: RejectReason::Oversized,
            detail: format!("the body is longer than {bytes_max} bytes"),
        },
    )
}

struct Unpacking {
    packing: Packing,
    bytes_max: usize,
    budget: BodyBudget,
}

/// Largest zstd window accepted, as a power of two: 16 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 24;

impl Unpacking {
    fn unpack(&self, packed: &[u8]) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), BodyRefusal> {
        match self.packing {
            Packing::Plain => Ok((Bytes::copy_from_slice(packed), Vec::new())),
            Packing::Gzip => self.read_all(flate2::read::MultiGzDecoder::new(packed)),
            Packing::Deflate => self.read_all(flate2::read::ZlibDecoder::new(packed)),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(packed).map_err(|error| broken(&[], &error))?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG_MAX)
                    .map_err(|error| broken(&[], &error))?;
                self.read_all(decoder)
            }
        }
    }

    fn read_all(&self, mut decoder: impl Read) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), BodyRefusal> {
        let mut grants = Vec::new();
        let mut all = Vec::new();
        let mut step = 64 * 1024;
        loop {
            grants.push(self.budget.grant(step)?);
            all.reserve_exact(step);
            let read = decoder
                .by_ref()
                .take(step as u64)
                .read_to_end(&mut all)
                .map_err(|error| broken(&all, &error))?;
            if all.len() > self.bytes_max {
                let (kept, detail) = (start(&all), format!("unpacks to more than {} bytes", self.bytes_max));
                let reason = RejectReason::BadCompression;
                return Err(BodyRefusal::Rejected(413, Refusal { kept, reason, detail }));
            }
            if read < step {
                return Ok((Bytes::from(all), grants));
            }
            // Growing with what is there keeps the copies few, the limit keeps a bomb small.
            step = all.len().min(self.bytes_max + 1 - all.len()).max(PERMIT_BYTES);
        }
    }
}

fn broken(unpacked: &[u8], error: &std::io::Error) -> BodyRefusal {
    BodyRefusal::Rejected(
        400,
        Refusal {
            kept: start(unpacked),
            reason: RejectReason::BadCompression,
            detail: format!("the body does not unpack: {error}"),
        },
    )
}

fn start(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&bytes[..bytes.len().min(REJECTED_BYTES_MAX)])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpacking(packing: Packing, bytes_max: usize, budget_bytes: usize) -> Unpacking {
        Unpacking {
            packing,
            bytes_max,
            budget: BodyBudget::new(budget_bytes),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let text = b"one line and another\n".repeat(20_000);
        let mut twice = gzip(&text);
        twice.extend(gzip(b"second member"));
        let both = [&text[..], b"second member"].concat();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&text).unwrap();
        let cases = [
            (Packing::Gzip, gzip(&text), &text),
            (Packing::Gzip, twice, &both),
            (Packing::Gzip, gzip(b""), &Vec::new()),
            (Packing::Deflate, zlib.finish().unwrap(), &text),
            (Packing::Zstd, zstd::bulk::compress(&text, 3).unwrap(), &text),
        ];
        for (packing, packed, expected) in cases {
            let (bytes, grants) = unpacking(packing, 1 << 20, 4 << 20).unpack(&packed).unwrap();
            assert_eq!(&bytes[..], &expected[..], "{packing:?}");
            let granted: usize = grants.iter().map(|grant| grant.num_permits() * PERMIT_BYTES).sum();
            assert!(granted >= bytes.len(), "{packing:?}");
        }
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![0; 50 << 20];
        for (packing, packed) in [
            (Packing::Gzip, gzip(&zeros)),
            (Packing::Zstd, zstd::bulk::compress(&zeros, 3).unwrap()),
        ] {
            let refused = unpacking(packing, 1 << 20, 64 << 20).unpack(&packed).unwrap_err();
            let BodyRefusal::Rejected(413, refusal) = refused else {
                panic!("{packing:?}: {refused:?}");
            };
            assert_eq!(
                (refusal.reason, refusal.kept.len()),
                (RejectReason::BadCompression, REJECTED_BYTES_MAX)
            );
            let busy = unpacking(packing, 60 << 20, 2 << 20).unpack(&packed).unwrap_err();
            assert!(matches!(busy, BodyRefusal::Busy), "{packing:?}");
        }
    }

    #[test]
    fn broken_packing_is_a_rejection() {
        let mut cut = gzip(b"a text that is long enough to be cut somewhere");
        cut.truncate(30);
        for (packing, bytes) in [
            (Packing::Gzip, &cut[..]),
            (Packing::Gzip, b"not gzip at all"),
            (Packing::Deflate, b"\xff\xff\xff"),
            (Packing::Zstd, b"zzzz"),
        ] {
            let refused = unpacking(packing, 1 << 20, 4 << 20).unpack(bytes).unwrap_err();
            assert!(
                matches!(refused, BodyRefusal::Rejected(400, _)),
                "{packing:?}: {refused:?}"
            );
        }
    }
}
