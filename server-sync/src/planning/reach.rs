//! Which leads can be reached in time.

use crate::planning::leads_of;
use crate::routing::{Isochrone, Routing, RoutingError};
use crate::store::{StoreError, Tenant};
use fieldfare_geo::{GeoError, SpatialIndex};
use fieldfare_model::{LatLng, LeadId, RepId, TimestampMs};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A rep's leads within so many minutes of a place, in order of id, and the isochrone they lie in.
///
/// # Errors
/// [`RoutingError`].
pub async fn reachable(
    routing: &Routing,
    tenant: &Arc<Tenant>,
    rep: RepId,
    from: LatLng,
    minutes: u32,
    now: TimestampMs,
) -> Result<(BTreeSet<LeadId>, Isochrone), RoutingError> {
    let isochrone = routing.isochrone(tenant, from, minutes, now).await?;
    let polygons = isochrone.area.polygons().map_err(damaged)?;
    let leads = tenant.read_async(move |c| {
        let leads = leads_of(c, rep)?.into_iter();
        let placed = leads.filter_map(|lead| Some((lead.id, lead.geocode.position?)));
        let index = SpatialIndex::bulk_load(placed);
        let inside = polygons.iter().flat_map(|area| index.in_polygon(area));
        Ok(inside.collect())
    });
    Ok((leads.await?, isochrone))
}

fn damaged(_: GeoError) -> StoreError {
    StoreError::Damaged("isochrone")
}
