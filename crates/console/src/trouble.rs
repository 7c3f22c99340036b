//! What a request can run into, and how it is told: as a page with what to do next, or as JSON with a code.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ledger::{ApplyError, ReadError};
use model::Rejected;
use operations::response::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{frame::View, pages::problem};

/// Why a request was not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    NotFound,
    /// Nobody is signed in.
    NotSignedIn,
    Forbidden,
    /// An unsafe request that another site may have caused.
    CrossSite,
    BadRequest,
    TooLarge,
    TooMany,
    /// A program asks more often than it may.
    TooFast {
        /// When it may ask again.
        seconds: u64,
    },
    /// A step that the state forbids.
    Rejected(Rejected),
    /// An action or a plan that cannot be begun or gone on with so.
    Refused(Refusal),
    /// Somebody else was faster.
    Outdated,
    /// The one-time link was used or is over.
    SetupOver,
    /// The store failed; already logged.
    Unavailable,
}

/// An error of the API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// A code for programs (`not_found`, `forbidden`, `outdated`, …).
    pub(crate) code: &'static str,
    /// A sentence for people, in the language of the request.
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite | Self::Rejected(Rejected::NotAllowed) => StatusCode::FORBIDDEN,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany | Self::TooFast { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Rejected(Rejected::Invalid { .. }) | Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Rejected(Rejected::Outdated | Rejected::AlreadySo | Rejected::NotNow(_)) | Self::Outdated => {
                StatusCode::CONFLICT
            }
            Self::SetupOver => StatusCode::GONE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotSignedIn => "not_signed_in",
            Self::Forbidden | Self::Rejected(Rejected::NotAllowed) => "forbidden",
            Self::CrossSite => "cross_site",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::TooFast { .. } => "too_fast",
            Self::Rejected(Rejected::Invalid { .. }) | Self::Refused(_) => "invalid",
            Self::Rejected(Rejected::AlreadySo) => "already_so",
            Self::Rejected(Rejected::NotNow(_)) => "not_now",
            Self::Rejected(Rejected::Outdated) | Self::Outdated => "outdated",
            Self::SetupOver => "setup_over",
            Self::Unavailable => "unavailable",
        }
    }

    /// What happened, what to do next, and the detail where there is one.
    fn told(&self, view: &View) -> (&'static str, &'static str, Option<String>) {
        let words = view.words;
        match self {
            Self::NotFound => (words.error_not_found(), words.error_not_found_next(), None),
            Self::NotSignedIn => (words.sign_in(), words.error_not_signed_in_next(), None),
            Self::Forbidden => (words.error_forbidden(), words.error_forbidden_next(), None),
            Self::CrossSite => (words.error_cross_site(), words.error_cross_site_next(), None),
            Self::BadRequest => (words.error_bad_request(), words.error_bad_request_next(), None),
            Self::TooLarge => (words.error_too_large(), words.error_too_large_next(), None),
            Self::TooMany => (words.error_too_many(), words.error_too_many_next(), None),
            Self::TooFast { .. } => (words.error_too_fast(), words.error_too_fast_next(), None),
            Self::Rejected(rejected) => (
                words.error_rejected(),
                words.error_rejected_next(),
                Some(rejected.text(words.0)),
            ),
            Self::Refused(refusal) => (
                words.error_rejected(),
                words.error_rejected_next(),
                Some(refusal.text(words.0)),
            ),
            Self::Outdated => (
                words.error_rejected(),
                words.error_rejected_next(),
                Some(Rejected::Outdated.text(words.0)),
            ),
            Self::SetupOver => (words.setup_used(), words.setup_used_next(), None),
            Self::Unavailable => (words.error_unavailable(), words.error_unavailable_next(), None),
        }
    }

    /// The answer as a page.
    pub(crate) fn page(&self, view: &View) -> Response {
        let (title, next, detail) = self.told(view);
        (self.status(), problem::render(view, title, next, detail.as_deref())).into_response()
    }

    /// The answer of the API.
    pub(crate) fn json(&self, view: &View) -> Response {
        let (title, next, detail) = self.told(view);
        let body = ErrorBody {
            code: self.code(),
            message: format!("{title}. {}", detail.as_deref().unwrap_or(next)),
        };
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            // RFC 6750, 3: how a program may sign in.
            Self::NotSignedIn => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"watchpost\""),
                );
            }
            Self::TooFast { seconds } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::NotFound
            | Self::Forbidden
            | Self::CrossSite
            | Self::BadRequest
            | Self::TooLarge
            | Self::TooMany
            | Self::Rejected(_)
            | Self::Refused(_)
            | Self::Outdated
            | Self::SetupOver
            | Self::Unavailable => {}
        }
        response
    }
}

/// Only marks the answer; the guard of the route, which knows the reader's language, writes it out.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Rejected> for Trouble {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejected) => Self::Rejected(rejected),
            other @ (Refusal::Protected { .. } | Refusal::NotAnElement(_) | Refusal::Start(_) | Refusal::Finish(_)) => {
                Self::Refused(other)
            }
        }
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotAllowed(_) => Self::Forbidden,
            ReadError::BadCursor => Self::BadRequest,
            ReadError::Store(error) => {
                tracing::error!(%error, "the ledger could not be read");
                Self::Unavailable
            }
        }
    }
}

impl From<ApplyError> for Trouble {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Conflict { .. } => Self::Outdated,
            ApplyError::DiskFull | ApplyError::Busy | ApplyError::Store(_) => {
                tracing::error!(%error, "a decision was not committed");
                Self::Unavailable
            }
        }
    }
}
