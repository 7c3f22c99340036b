//! A form with a file (`multipart/form-data`, RFC 7578), bounded in fields and bytes.

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    http::StatusCode,
};

use crate::{form::Form, trouble::Trouble};

/// Fields beyond this are refused.
const FIELDS_MAX: usize = 6000;
/// Bytes of a request with a file: the largest file and what is written beside it.
pub(crate) const UPLOAD_BYTES_MAX: usize = operations::directives::FILE_BYTES_MAX + 2 * 1024 * 1024;

/// The fields of a form and the file that came with it.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) form: Form,
    /// The file's name and bytes; none when no file was chosen.
    pub(crate) file: Option<(String, Bytes)>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        let mut parts = Multipart::from_request(request, state)
            .await
            .map_err(|_| Trouble::BadRequest)?;
        let mut fields = Vec::new();
        let mut file = None;
        while let Some(part) = parts.next_field().await.map_err(|error| trouble(&error))? {
            if fields.len() == FIELDS_MAX {
                return Err(Trouble::TooLarge);
            }
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                Some(file_name) => {
                    let bytes = part.bytes().await.map_err(|error| trouble(&error))?;
                    if !bytes.is_empty() {
                        file = Some((file_name, bytes));
                    }
                }
                None => fields.push((name, part.text().await.map_err(|error| trouble(&error))?)),
            }
        }
        Ok(Self {
            form: Form::of(fields),
            file,
        })
    }
}

fn trouble(error: &MultipartError) -> Trouble {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Trouble::TooLarge
    } else {
        Trouble::BadRequest
    }
}
