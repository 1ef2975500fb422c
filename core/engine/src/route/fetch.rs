//! Another road route from the server, for a rep who left the one at hand.

use crate::route::RouteSession;
use crate::session::{AccessToken, url};
use crate::signing_in::blocking;
use crate::syncing::check;
use crate::{Engine, EngineError, EngineResult, HttpHeader, HttpMethod, HttpRequest, HttpResponse};
use fieldfare_model::{LeadId, Purpose};
use fieldfare_navigator::{Route, RouteQuery};
use serde::Serialize;
use std::sync::Arc;

const TIMEOUT_MS: u64 = 20_000;
const MAX_REPLY_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Serialize)]
struct Request {
    places: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    course_deg: Option<f64>,
}

#[derive(Serialize)]
struct Place {
    lat: f64,
    lon: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<LeadId>,
    service_s: u32,
}

impl Request {
    fn new(query: &RouteQuery) -> Self {
        let place = |place: &fieldfare_navigator::QueryPlace| Place {
            lat: place.position.lat(),
            lon: place.position.lon(),
            lead: place.lead,
            service_s: place.service_s,
        };
        Self {
            places: query.places.iter().map(place).collect(),
            course_deg: query.course_deg,
        }
    }
}

impl Engine {
    /// Asks the server for another road route as [`crate::RouteAdvice::AskForRoute`] advises, and
    /// follows it. The server learns where the rep is for this one answer and does not keep it, so
    /// consent for navigation is needed. Answers whether the route is followed: not if the driver
    /// is back on the old one, or the request is not the last.
    ///
    /// # Errors
    /// [`EngineError::ConsentRequired`]; [`EngineError::Offline`] and the like: the session asks
    /// again later.
    pub async fn fetch_route(
        self: Arc<Self>,
        session: Arc<RouteSession>,
        request: u32,
    ) -> EngineResult<bool> {
        match self.route_for_session(&session).await {
            Ok(route) => blocking(move || Ok(session.take_route(request, route))).await,
            Err(error) => {
                session.answer_failed(request);
                Err(error)
            }
        }
    }

    async fn route_for_session(self: &Arc<Self>, session: &RouteSession) -> EngineResult<Route> {
        self.require_consent(Purpose::Navigation)?;
        let query = session.route_query();
        let query = query.ok_or(EngineError::invalid("nothing is left to drive to"))?;
        let body = serde_json::to_vec(&Request::new(&query));
        let body = body.map_err(|_| EngineError::invalid("the places cannot be written"))?;
        let token = self.access_token(None).await?;
        let mut response = self.post_for_route(&body, &token).await?;
        if response.status == 401 {
            let fresh = self.access_token(Some(&token)).await?;
            response = self.post_for_route(&body, &fresh).await?;
        }
        check(&response)?;
        Route::from_bytes(&response.body)
            .map_err(|_| EngineError::server("its route has another form"))
    }

    async fn post_for_route(&self, body: &[u8], token: &AccessToken) -> EngineResult<HttpResponse> {
        let content_type = HttpHeader {
            name: "content-type".to_owned(),
            value: "application/json".to_owned(),
        };
        let request = HttpRequest {
            method: HttpMethod::Post,
            url: url(&self.config.server_url, "/v1/route"),
            headers: vec![content_type, token.header()],
            body: body.to_vec(),
            timeout_ms: TIMEOUT_MS,
            max_response_bytes: MAX_REPLY_BYTES,
        };
        Ok(self.transport.send(request).await?)
    }
}
