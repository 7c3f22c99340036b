//! The one table of routes. Nothing is served that is not in it, and each line says who may use it.

mod duty;
mod hunting;
mod response;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
    response::Response,
    routing::{MethodRouter, get, post},
};
use model::Permission as P;

use crate::{
    api, assets,
    desk::Desk,
    guard::{Access, guard},
    live, machines, pages,
    state::ConsoleState,
    trouble::Trouble,
    upload::UPLOAD_BYTES_MAX,
};

/// Most bytes of a request's body.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// What may load from where: only from the console itself, nothing inline, nothing framed (CSP level 3).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One route.
struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Desk>,
}

/// The console's router. The composition root serves it with `ConnectInfo<SocketAddr>`, so that limits know addresses.
pub fn router(state: ConsoleState) -> Router {
    let tls = state.tls;
    let desk = Desk::new(state);
    let guarded = |access| middleware::from_fn_with_state((desk.clone(), access), guard);
    let missing = (|| async { Trouble::NotFound }).layer(guarded(Access::Public));
    table()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.handler.layer(guarded(route.access)))
        })
        .fallback_service(missing.with_state(desk.clone()))
        .with_state(desk)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::map_response(
            move |response| async move { dress(response, tls) },
        ))
}

/// A route as it can be told to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What it needs; `None` for a public route.
    pub permission: Option<P>,
}

/// Everything that [`router`] serves.
#[must_use]
pub fn routes() -> Vec<RouteInfo> {
    let told = |route: Route| RouteInfo {
        method: route.method,
        path: route.path,
        permission: match route.access {
            Access::Public => None,
            Access::Needs(permission) => Some(permission),
        },
    };
    table().into_iter().map(told).collect()
}

/// All routes.
fn table() -> Vec<Route> {
    let mut routes = page_routes();
    routes.extend(own_routes());
    routes.extend(work_routes());
    routes.extend(response::routes());
    routes.extend(api_work_routes());
    routes.extend(api_incident_routes());
    routes.extend(api_reading_routes());
    routes.extend(watch_pages());
    routes.extend(watch_api());
    routes.extend(duty::pages());
    routes.extend(duty::api());
    routes.extend(hunting::routes());
    routes.extend(machine_routes());
    routes
}

fn page_routes() -> Vec<Route> {
    use pages as p;
    vec![
        read("/", Access::Public, p::session::sign_in::home),
        read("/setup/{token}", Access::Public, p::setup::first_account::get),
        read("/sign-in", Access::Public, p::session::sign_in::get),
        read("/account", Access::Needs(P::OwnAccount), p::account::show::get),
        read("/account/tokens", Access::Needs(P::OwnAccount), p::account::tokens::get),
        read("/channels", Access::Needs(P::ReadLedger), p::channel::list::get),
        read("/queue", Access::Needs(P::ReadAlerts), p::queue::list::get),
        read("/alerts/{id}", Access::Needs(P::ReadAlerts), p::alert::show::get),
        read("/incidents", Access::Needs(P::ReadAlerts), p::incident::list::get),
        read("/incidents/new", Access::Needs(P::WorkAlerts), p::incident::form::get),
        read(
            "/incidents/metrics",
            Access::Needs(P::ReadAlerts),
            p::incident::metrics::get,
        ),
        read("/incidents/{id}", Access::Needs(P::ReadAlerts), p::incident::show::get),
        read("/services", Access::Needs(P::ReadAlerts), p::service::get),
        read("/silences", Access::Needs(P::ReadSilences), p::silence::list::get),
        read("/silences/{id}", Access::Needs(P::ReadSilences), p::silence::show::get),
        read("/silences/new", Access::Needs(P::WriteSilences), p::silence::form::get),
        read("/sources", Access::Needs(P::ReadSources), p::source::list::get),
        read("/sources/{id}", Access::Needs(P::ReadSources), p::source::show::get),
        read("/tokens", Access::Needs(P::WriteSources), p::token::list::get),
        read("/rules", Access::Needs(P::ReadRules), p::rule::list::get),
        read("/rules/{id}", Access::Needs(P::ReadRules), p::rule::show::get),
        read("/duty-book", Access::Needs(P::ReadLedger), p::duty_book::list::get),
        read("/wall", Access::Needs(P::ReadAlerts), p::wall::show::get),
        read("/users", Access::Needs(P::WriteUsers), p::user::list::get),
    ]
}

fn watch_pages() -> Vec<Route> {
    use pages as p;
    let reads = Access::Needs(P::ReadWatches);
    let works = Access::Needs(P::WorkWatches);
    let leads = Access::Needs(P::WriteWatches);
    vec![
        read("/watches", reads, p::watch::list::get),
        read("/watches/new", leads, p::watch::form::get),
        read("/watches/{id}", reads, p::watch::show::get),
        read("/watches/{id}/preflight", reads, p::watch::preflight::get),
        read("/watches/{id}/requirements/{key}", reads, p::watch::requirement::get),
        read("/controls/{id}", reads, p::control::show::get),
        read("/directives", reads, p::directive::list::get),
        read("/directives/new", leads, p::directive::choose::get),
        read("/directives/form", leads, p::directive::form::get),
        read("/directives/{id}", reads, p::directive::show::get),
        read("/directives/{id}/edit", leads, p::directive::form::edit),
        read("/directives/{id}/file", reads, p::directive::show::file),
        read("/deadlines", reads, p::deadline::list::get),
        read("/deadlines/new", works, p::deadline::form::get),
        read("/calendar", reads, p::calendar::show::get),
        write("/watches/new", leads, p::watch::form::post),
        write("/watches/{id}/close", leads, p::watch::change::close),
        write("/watches/{id}/preflight", works, p::watch::preflight::post),
        write("/watches/{id}/test-pages", works, p::watch::preflight::test),
        write("/watches/{id}/tasks", works, p::watch::change::add_task),
        write("/watches/{id}/tasks/{key}", works, p::watch::change::finish_task),
        write("/watches/{id}/requirements/{key}", works, p::watch::change::give),
        write("/watches/{id}/waivers", works, p::watch::change::ask_waiver),
        write("/waivers/{id}/decide", leads, p::watch::change::decide_waiver),
        write("/waivers/{id}/end", leads, p::watch::change::end_waiver),
        write("/questions/{id}/answer", works, p::watch::change::answer),
        write("/questions/{id}/hand", works, p::watch::change::hand_question),
        upload("/directives", leads, p::directive::change::create),
        write("/directives/propose", leads, p::directive::choose::propose),
        upload("/directives/{id}", leads, p::directive::change::revise),
        write(
            "/directives/{id}/contacts",
            works,
            p::directive::change::confirm_contact,
        ),
        write("/deadlines/new", works, p::deadline::form::post),
        write("/deadlines/{id}/meet", works, p::deadline::change::meet),
        write("/deadlines/{id}/late", works, p::deadline::change::late),
        write("/deadlines/{id}/stop", leads, p::deadline::change::stop),
    ]
}

fn own_routes() -> Vec<Route> {
    use pages as p;
    vec![
        write("/setup/{token}", Access::Public, p::setup::first_account::post),
        write("/sign-in", Access::Public, p::session::sign_in::post),
        write("/sign-out", Access::Needs(P::OwnAccount), p::session::sign_out::post),
        write(
            "/account/password",
            Access::Needs(P::OwnAccount),
            p::account::change::password,
        ),
        write(
            "/account/language",
            Access::Needs(P::OwnAccount),
            p::account::change::language,
        ),
        write(
            "/account/sessions/end",
            Access::Needs(P::OwnAccount),
            p::account::change::end_session,
        ),
        write(
            "/account/tokens",
            Access::Needs(P::OwnAccount),
            p::account::tokens::create,
        ),
        write(
            "/account/tokens/revoke",
            Access::Needs(P::OwnAccount),
            p::account::tokens::revoke,
        ),
        write(
            "/account/browsers",
            Access::Needs(P::OwnAccount),
            p::account::browsers::subscribe,
        ),
        write(
            "/account/browsers/remove",
            Access::Needs(P::OwnAccount),
            p::account::browsers::remove,
        ),
        write(
            "/account/browsers/test",
            Access::Needs(P::OwnAccount),
            p::account::browsers::test,
        ),
    ]
}

fn work_routes() -> Vec<Route> {
    use pages as p;
    vec![
        write(
            "/channels/retry",
            Access::Needs(P::WriteSources),
            p::channel::change::retry,
        ),
        write(
            "/alerts/acknowledge",
            Access::Needs(P::WorkAlerts),
            p::alert::work::acknowledge,
        ),
        write(
            "/alerts/unacknowledge",
            Access::Needs(P::WorkAlerts),
            p::alert::work::unacknowledge,
        ),
        write("/alerts/assign", Access::Needs(P::WorkAlerts), p::alert::work::assign),
        write("/alerts/close", Access::Needs(P::WorkAlerts), p::alert::work::close),
        write("/alerts/reopen", Access::Needs(P::WorkAlerts), p::alert::work::reopen),
        write("/alerts/undo", Access::Needs(P::WorkAlerts), p::alert::work::undo),
        write("/incidents", Access::Needs(P::WorkAlerts), p::incident::change::create),
        write(
            "/incidents/link",
            Access::Needs(P::WorkAlerts),
            p::incident::change::link,
        ),
        write(
            "/incidents/{id}/{step}",
            Access::Needs(P::WorkAlerts),
            p::incident::change::step,
        ),
        write("/silences", Access::Needs(P::WriteSilences), p::silence::change::create),
        write(
            "/silences/{id}/extend",
            Access::Needs(P::WriteSilences),
            p::silence::change::extend,
        ),
        write(
            "/silences/{id}/end",
            Access::Needs(P::WriteSilences),
            p::silence::change::end,
        ),
        write(
            "/silences/{id}/undo",
            Access::Needs(P::WriteSilences),
            p::silence::change::undo,
        ),
        write("/tokens", Access::Needs(P::WriteSources), p::token::change::create),
        write(
            "/tokens/revoke",
            Access::Needs(P::WriteSources),
            p::token::change::revoke,
        ),
        write("/users", Access::Needs(P::WriteUsers), p::user::change::create),
        write("/users/{id}/role", Access::Needs(P::WriteUsers), p::user::change::role),
        write(
            "/users/{id}/enabled",
            Access::Needs(P::WriteUsers),
            p::user::change::enabled,
        ),
    ]
}

fn api_incident_routes() -> Vec<Route> {
    vec![
        read("/api/v1/incidents", Access::Needs(P::ReadAlerts), api::incidents::list),
        write("/api/v1/incidents", Access::Needs(P::WorkAlerts), api::incidents::open),
        read(
            "/api/v1/incidents/{id}",
            Access::Needs(P::ReadAlerts),
            api::incidents::show,
        ),
        read(
            "/api/v1/incidents/{id}/timeline",
            Access::Needs(P::ReadAlerts),
            api::incidents::timeline,
        ),
        write(
            "/api/v1/incidents/{id}/entries",
            Access::Needs(P::WorkAlerts),
            api::incidents::write_entry,
        ),
        write(
            "/api/v1/incidents/{id}/advance",
            Access::Needs(P::WorkAlerts),
            api::incidents::advance,
        ),
    ]
}

fn api_work_routes() -> Vec<Route> {
    vec![
        read("/api/v1/openapi.json", Access::Public, api::document::get),
        read("/api/v1/me", Access::Needs(P::OwnAccount), api::me::get),
        read("/api/v1/alerts", Access::Needs(P::ReadAlerts), api::alerts::list),
        read("/api/v1/alerts/{id}", Access::Needs(P::ReadAlerts), api::alerts::show),
        write(
            "/api/v1/alerts/acknowledge",
            Access::Needs(P::WorkAlerts),
            api::alerts::acknowledge,
        ),
        write(
            "/api/v1/alerts/unacknowledge",
            Access::Needs(P::WorkAlerts),
            api::alerts::unacknowledge,
        ),
        write(
            "/api/v1/alerts/assign",
            Access::Needs(P::WorkAlerts),
            api::alerts::assign,
        ),
        write("/api/v1/alerts/close", Access::Needs(P::WorkAlerts), api::alerts::close),
        write(
            "/api/v1/alerts/reopen",
            Access::Needs(P::WorkAlerts),
            api::alerts::reopen,
        ),
        write("/api/v1/alerts/undo", Access::Needs(P::WorkAlerts), api::alerts::undo),
        read("/api/v1/silences", Access::Needs(P::ReadSilences), api::silences::list),
        write(
            "/api/v1/silences",
            Access::Needs(P::WriteSilences),
            api::silences::create,
        ),
        write(
            "/api/v1/silences/preview",
            Access::Needs(P::WriteSilences),
            api::silences::preview,
        ),
        write(
            "/api/v1/silences/{id}/extend",
            Access::Needs(P::WriteSilences),
            api::silences::extend,
        ),
        write(
            "/api/v1/silences/{id}/end",
            Access::Needs(P::WriteSilences),
            api::silences::end,
        ),
        write(
            "/api/v1/silences/{id}/undo",
            Access::Needs(P::WriteSilences),
            api::silences::undo,
        ),
    ]
}

fn api_reading_routes() -> Vec<Route> {
    vec![
        read("/api/v1/sources", Access::Needs(P::ReadSources), api::sources::list),
        read(
            "/api/v1/sources/{id}",
            Access::Needs(P::ReadSources),
            api::sources::show,
        ),
        read("/api/v1/rules", Access::Needs(P::ReadRules), api::rules::list),
        read("/api/v1/rules/{id}", Access::Needs(P::ReadRules), api::rules::show),
        read(
            "/api/v1/ledger",
            Access::Needs(P::ReadLedger),
            api::ledger_entries::list,
        ),
        read(
            "/api/v1/ledger/verify",
            Access::Needs(P::ReadLedger),
            api::ledger_entries::verify,
        ),
    ]
}

fn watch_api() -> Vec<Route> {
    use api as a;
    let reads = Access::Needs(P::ReadWatches);
    let works = Access::Needs(P::WorkWatches);
    let leads = Access::Needs(P::WriteWatches);
    vec![
        read("/api/v1/watches", reads, a::watches::list),
        read("/api/v1/watches/{id}", reads, a::watches::show),
        read("/api/v1/measurements", reads, a::watches::measurements),
        read("/api/v1/directives", reads, a::directives::list),
        read("/api/v1/directives/{id}", reads, a::directives::show),
        read("/api/v1/deadlines", reads, a::deadlines::list),
        write("/api/v1/watches", leads, a::watches::open),
        write("/api/v1/watches/{id}/close", leads, a::watches::close),
        write("/api/v1/directives/propose", leads, a::directives::propose),
        upload("/api/v1/directives", leads, a::directives::register),
        write("/api/v1/deadlines", works, a::deadlines::start),
        write("/api/v1/deadlines/{id}/meet", works, a::deadlines::meet),
        write("/api/v1/deadlines/{id}/late", works, a::deadlines::late),
        write("/api/v1/deadlines/{id}/stop", leads, a::deadlines::stop),
    ]
}

fn machine_routes() -> Vec<Route> {
    vec![
        read("/assets/{file}", Access::Public, assets::serve),
        read("/service-worker.js", Access::Public, assets::service_worker),
        read("/live", Access::Needs(P::ReadAlerts), live::follow),
        read("/healthz", Access::Public, machines::healthz),
        read("/readyz", Access::Public, machines::readyz),
        read("/metrics", Access::Public, machines::metrics),
    ]
}

fn read<T: 'static, H: Handler<T, Desk>>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        method: Method::GET,
        path,
        access,
        handler: get(handler),
    }
}

fn write<T: 'static, H: Handler<T, Desk>>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        method: Method::POST,
        path,
        access,
        handler: post(handler),
    }
}

/// A step that takes a file: its body may be as large as the largest file.
fn upload<T: 'static, H: Handler<T, Desk>>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        method: Method::POST,
        path,
        access,
        handler: post(handler).layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)),
    }
}

/// Headers that every answer carries.
fn dress(mut response: Response, tls: bool) -> Response {
    let always = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if tls {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}
