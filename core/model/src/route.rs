use crate::schema::{self, route};
use crate::{CalendarDate, Columns, DayPlanId, ModelError, RepId, RouteId, TimestampMs};

/// The road route of a planned day as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    /// The row's id.
    pub id: RouteId,
    /// Whose route.
    pub rep: RepId,
    /// Which day.
    pub date: CalendarDate,
    /// The planned day it belongs to, made in the same moment.
    pub day_plan: DayPlanId,
    /// When it was computed.
    pub computed_at: TimestampMs,
    /// Engine and profile, such as `valhalla/auto`.
    pub provider: String,
    /// The navigator's bytes of a route; its stops carry the ids of their leads.
    pub route: Vec<u8>,
}

impl RouteRow {
    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(route::REP, self.rep.as_bytes().to_vec());
        c.set(route::DATE, self.date.number());
        c.set(route::DAY_PLAN, self.day_plan.as_bytes().to_vec());
        c.set(route::COMPUTED_AT, self.computed_at.0);
        c.set(route::PROVIDER, self.provider.as_str());
        c.set(route::ROUTE, self.route.clone());
        c
    }

    /// Reads a route from its cells.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: RouteId, columns: &Columns) -> Result<Self, ModelError> {
        let r = schema::Reader::new("route", columns);
        Ok(Self {
            id,
            rep: RepId::from_slice(r.bytes(route::REP, "rep")?)?,
            date: CalendarDate::from_number(r.int(route::DATE, "date")?)?,
            day_plan: DayPlanId::from_slice(r.bytes(route::DAY_PLAN, "day_plan")?)?,
            computed_at: TimestampMs(r.int(route::COMPUTED_AT, "computed_at")?),
            provider: r.text(route::PROVIDER, "provider")?,
            route: r.bytes(route::ROUTE, "route")?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_route_say_the_same() {
        let row = RouteRow {
            id: RouteId::from_bytes([1; 16]),
            rep: RepId::from_bytes([2; 16]),
            date: CalendarDate::new(2026, 11, 25).unwrap(),
            day_plan: DayPlanId::from_bytes([3; 16]),
            computed_at: TimestampMs(4),
            provider: "osrm/driving".into(),
            route: vec![1, 2, 3],
        };
        assert_eq!(RouteRow::from_columns(row.id, &row.to_columns()), Ok(row));
    }
}
