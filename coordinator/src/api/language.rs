//! Which protocol the two ends speak: every answer says that of this coordinator, and a runner with another major is refused with 426 and what to
//! do about it. Browsers and scripts say none, and are served.

use axum::extract::Request;
use axum::http::header::UPGRADE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use protocol::{PROTOCOL, PROTOCOL_HEADER, ProtocolVersion};

use crate::api::problem::problem;

/// Middleware around every route of the API.
pub(super) async fn same(request: Request, next: Next) -> Response {
    let mut response = match foreign(request.headers()) {
        Some(detail) => refuse(detail),
        None => next.run(request).await,
    };
    let own = HeaderValue::try_from(PROTOCOL.to_string()).expect("digits and a dot are a header");
    response.headers_mut().insert(PROTOCOL_HEADER, own);
    response
}

fn refuse(detail: String) -> Response {
    let mut response = problem(StatusCode::UPGRADE_REQUIRED, detail);
    let wanted = HeaderValue::try_from(format!("pgxn-testers/{PROTOCOL}")).expect("letters and digits are a header");
    response.headers_mut().insert(UPGRADE, wanted);
    response
}

/// That the caller speaks another language, in words; none where it speaks this one, or says nothing.
fn foreign(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(PROTOCOL_HEADER)?.to_str().unwrap_or_default();
    let (version, program) = (said.parse::<ProtocolVersion>(), env!("CARGO_PKG_VERSION"));
    let remedy = match version {
        Ok(version) if version.understands(PROTOCOL) => return None,
        Ok(version) if version.major > PROTOCOL.major => {
            format!(
                "the runner is newer: use an older one, or ask the farm's operator to update the coordinator ({program})"
            )
        }
        Ok(_) => format!("update the runner to that of pgxn-testers {program}"),
        Err(why) => return Some(why),
    };
    Some(format!("this coordinator speaks protocol {PROTOCOL} and the runner {said}; {remedy}"))
}
