//! What a form sent: names and values in order, names possibly several times.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};

use crate::trouble::Trouble;

/// The fields of a form (`application/x-www-form-urlencoded`), from a body or from an address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Fields beyond this are left out: no form of the console has as many.
    const FIELDS_MAX: usize = 2000;

    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self {
            fields: form_urlencoded::parse(encoded)
                .take(Self::FIELDS_MAX)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        }
    }

    /// A form of these fields in order.
    pub(crate) fn of(fields: Vec<(String, String)>) -> Self {
        Self { fields }
    }

    /// The first value under a name.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value under a name, which the form cannot do without.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Trouble> {
        self.one(name).ok_or(Trouble::BadRequest)
    }

    /// All values under a name.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| Trouble::TooLarge)?;
        Ok(Self::parse(&body))
    }
}

/// What a field names among all that it may name.
pub(crate) fn named<T: Copy, const N: usize>(
    all: [T; N],
    name: impl Fn(T) -> &'static str,
    wanted: Option<&str>,
) -> Result<T, Trouble> {
    all.into_iter()
        .find(|known| Some(name(*known)) == wanted)
        .ok_or(Trouble::BadRequest)
}
