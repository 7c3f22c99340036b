//! What the browser needs besides the pages: one style sheet, one script and that of the hunt, one icon, embedded in the binary and
//! addressed by their content, so that they can be kept for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use operations::people::digest;

/// An embedded file.
#[derive(Debug)]
pub(crate) struct Asset {
    file: String,
    media_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash = &digest(content)[..16];
        Self {
            file: format!("{stem}-{hash}.{ending}"),
            media_type,
            content,
        }
    }

    /// Where the browser finds it.
    pub(crate) fn address(&self) -> String {
        format!("/assets/{}", self.file)
    }
}

/// The style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console",
        "css",
        "text/css; charset=utf-8",
        include_str!("../assets/console.css"),
    )
});
/// The script.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/console.js"),
    )
});
/// The script of the page of hunts.
pub(crate) static HUNT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "hunt",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/hunt.js"),
    )
});
/// The icon.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "watchpost",
        "svg",
        "image/svg+xml",
        include_str!("../assets/watchpost.svg"),
    )
});

/// What shows pushed messages when no page is open. Its address fixes what it is in charge of, so it stands at the root and is asked for anew.
pub(crate) async fn service_worker() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, include_str!("../assets/service-worker.js")).into_response()
}

/// Serves one of them.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let found = [&STYLE, &SCRIPT, &HUNT, &ICON]
        .into_iter()
        .find(|asset| asset.file == file);
    let Some(asset) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.content).into_response()
}
