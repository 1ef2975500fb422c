use crate::http::{admin, days, head, plan, reroute, routes, session, sync};
use crate::intake::receive;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "Fieldfare server", description = "Enrolment, sync and pings for phones; webhooks for CRMs; devices, tenants and dead letters for operators, on a listener of their own. Bodies of type application/vnd.msgpack are described field by field in docs/protocol.md."),
    paths(
        session::enrol,
        session::token,
        sync::pull,
        sync::push,
        sync::compare,
        sync::repair,
        sync::pings,
        head::post,
        receive::receive,
        routes::healthz,
        routes::readyz,
        routes::openapi_json,
        admin::metrics,
        admin::tenants,
        admin::devices,
        admin::revoke,
        admin::issue_code,
        admin::dead_letters,
        admin::replay,
        plan::post,
        days::own_day,
        days::reach,
        days::any_day,
        reroute::post,
    ),
    modifiers(&Schemes)
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = || SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("device", bearer());
        components.add_security_scheme("admin", bearer());
    }
}

/// The OpenAPI document of both listeners.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
