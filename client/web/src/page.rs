//! The files of the page, as they were when the program was built.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

mod files {
    include!(concat!(env!("OUT_DIR"), "/page.rs"));
}

/// Names of files in this folder change with their contents.
const HASHED: &str = "/assets/";

/// Whether the page is in this program. If not, another one says how to build with it.
#[must_use]
pub fn is_built() -> bool {
    files::BUILT
}

/// The file at a path.
pub(crate) fn answer(path: &str) -> Response {
    let path = if path == "/" { "/index.html" } else { path };
    let found = files::FILES.binary_search_by(|(place, _)| place.cmp(&path));
    let found = found.ok().and_then(|at| files::FILES.get(at));
    let Some((place, content)) = found else {
        return plain(StatusCode::NOT_FOUND, "There is nothing here.");
    };
    let mut response = Response::new(Body::from(*content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime(place)));
    if place.starts_with(HASHED) {
        let kept = HeaderValue::from_static("private, max-age=31536000, immutable");
        headers.insert(CACHE_CONTROL, kept);
    }
    response
}

/// A short text.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn mime(place: &str) -> &'static str {
    match place.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "ogg" | "oga" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_whole_path_alone() {
        assert!(files::FILES.is_sorted_by_key(|(place, _)| *place));
        let page = answer("/");
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(!page.headers().contains_key(CACHE_CONTROL));
        for (place, _) in files::FILES {
            let file = answer(place);
            assert_eq!(file.status(), StatusCode::OK);
            assert_ne!(
                file.headers()[CONTENT_TYPE],
                "application/octet-stream",
                "{place}"
            );
            let kept = file.headers().contains_key(CACHE_CONTROL);
            assert_eq!(kept, place.starts_with("/assets/"), "{place}");
        }
        for other in [
            "",
            "/index",
            "/assets",
            "/../Cargo.toml",
            "/index.html/",
            "//",
        ] {
            assert_eq!(answer(other).status(), StatusCode::NOT_FOUND, "{other}");
        }
    }
}
