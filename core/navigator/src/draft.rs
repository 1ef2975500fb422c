//! Building a route from legs and steps as routing services give them.

use crate::route::{
    Banner, BannerLine, LimitRun, Route, RouteSource, Spoken, Step, Waypoint, WaypointKind,
};
use crate::{DrivingSide, Manoeuvre, RouteError, SpeedLimit};
use fieldfare_model::{LatLng, LeadId};

/// The most points a route may have.
pub const MAX_POINTS: usize = 1_000_000;
/// The most steps a route may have.
pub const MAX_STEPS: usize = 100_000;

/// A route in pieces, to be put together by [`Route::assemble`].
#[derive(Debug, Clone, PartialEq)]
pub struct RouteDraft {
    /// Which service computed it.
    pub source: RouteSource,
    /// The language of the texts.
    pub language: String,
    /// Where it starts.
    pub origin: WaypointDraft,
    /// Its legs in order.
    pub legs: Vec<LegDraft>,
}

/// A leg: the way from one stop to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct LegDraft {
    /// Its steps in order.
    pub steps: Vec<StepDraft>,
    /// Where it ends.
    pub end: WaypointDraft,
    /// Places it passes, each with the index of a point, counted over the points of all steps of
    /// the leg but the first point of each step after the first.
    pub vias: Vec<(usize, WaypointDraft)>,
    /// A speed limit for each pair of consecutive points, counted in the same way. A list of
    /// another length is taken as unknown: a wrong limit is worse than none.
    pub limits: Vec<Option<SpeedLimit>>,
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDraft {
    /// Its points; begins where the step before ends.
    pub path: Vec<LatLng>,
    /// Planned seconds; NaN and negative count as 0.
    pub duration_s: f64,
    /// What the driver does at its start.
    pub manoeuvre: Manoeuvre,
    /// What to say about that, may be empty.
    pub text: String,
    /// Name of the road.
    pub road: String,
    /// Number of the road.
    pub reference: String,
    /// What the sign says.
    pub destinations: String,
    /// Which side traffic keeps to.
    pub side: Option<DrivingSide>,
    /// What to say on the step.
    pub spoken: Vec<SpokenDraft>,
    /// What to show on the step.
    pub banners: Vec<BannerDraft>,
}

impl StepDraft {
    /// A step with nothing but a path, a duration and a manoeuvre.
    pub fn plain(path: Vec<LatLng>, duration_s: f64, manoeuvre: Manoeuvre) -> Self {
        Self {
            path,
            duration_s,
            manoeuvre,
            text: String::new(),
            road: String::new(),
            reference: String::new(),
            destinations: String::new(),
            side: None,
            spoken: Vec::new(),
            banners: Vec::new(),
        }
    }
}

/// Something to say.
#[derive(Debug, Clone, PartialEq)]
pub struct SpokenDraft {
    /// Metres before the end of the step.
    pub before_end_m: f64,
    /// The words.
    pub text: String,
    /// The words with marks, or empty.
    pub ssml: String,
}

/// Something to show.
#[derive(Debug, Clone, PartialEq)]
pub struct BannerDraft {
    /// Metres before the end of the step.
    pub before_end_m: f64,
    /// The main line.
    pub primary: BannerLine,
    /// A second line.
    pub secondary: Option<BannerLine>,
}

/// A place to go through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaypointDraft {
    /// Where it is; `None` for a place on the road.
    pub position: Option<LatLng>,
    /// The lead visited there.
    pub lead: Option<LeadId>,
    /// Planned stay, seconds.
    pub service_s: u32,
}

impl WaypointDraft {
    /// A place on the road.
    pub const ON_ROAD: Self = Self {
        position: None,
        lead: None,
        service_s: 0,
    };

    /// A place beside the road.
    pub const fn at(position: LatLng) -> Self {
        Self {
            position: Some(position),
            ..Self::ON_ROAD
        }
    }
}

impl Route {
    /// Puts a route together: joins the geometries, drops points that repeat, rounds positions to
    /// 10^-6 degrees and sorts what is to be said and shown.
    ///
    /// # Errors
    /// [`RouteError::Empty`] without any point, [`RouteError::NoSteps`] for a leg without steps,
    /// [`RouteError::TooLarge`] beyond [`MAX_POINTS`] or [`MAX_STEPS`].
    pub fn assemble(draft: RouteDraft) -> Result<Self, RouteError> {
        let mut assembly = Assembly::new(draft.source, draft.language);
        if draft.legs.is_empty() {
            return Err(RouteError::NoSteps);
        }
        for leg in draft.legs {
            assembly.add_leg(leg, draft.origin)?;
        }
        Ok(assembly.route)
    }

    /// The route with its positions rounded to 10^-6 degrees again. Points that came to lie in one
    /// place are kept apart by the smallest step, since indices point at them.
    pub(crate) fn rounded(mut self) -> Self {
        let mut before: Option<LatLng> = None;
        for at in &mut self.path {
            let mut kept = rounded(*at).unwrap_or(*at);
            if before == Some(kept) {
                let lat = kept.lat_e7() / 10;
                let aside = if lat < 0 { lat + 1 } else { lat - 1 };
                kept = from_e6(aside, kept.lon_e7() / 10).unwrap_or(kept);
            }
            *at = kept;
            before = Some(kept);
        }
        for place in &mut self.waypoints {
            place.position = rounded(place.position).unwrap_or(place.position);
        }
        self
    }

    /// A route of one step along a path, `speed_mps` fast, with nothing to say.
    ///
    /// # Errors
    /// As [`Route::assemble`].
    pub fn along(path: &[LatLng], speed_mps: f64) -> Result<Self, RouteError> {
        let metres: f64 = path
            .windows(2)
            .filter_map(|pair| Some(fieldfare_geo::distance_m(*pair.first()?, *pair.last()?)))
            .sum();
        let end: Vec<LatLng> = path.last().copied().into_iter().collect();
        let depart = Manoeuvre::plain(crate::ManoeuvreKind::Depart);
        let arrive = Manoeuvre::plain(crate::ManoeuvreKind::Arrive);
        let steps = vec![
            StepDraft::plain(path.to_vec(), metres / speed_mps.max(0.1), depart),
            StepDraft::plain(end, 0.0, arrive),
        ];
        Self::assemble(RouteDraft {
            source: RouteSource::Own,
            language: String::new(),
            origin: WaypointDraft::ON_ROAD,
            legs: vec![LegDraft {
                steps,
                end: WaypointDraft::ON_ROAD,
                vias: Vec::new(),
                limits: Vec::new(),
            }],
        })
    }
}

struct Assembly {
    route: Route,
}

impl Assembly {
    fn new(source: RouteSource, language: String) -> Self {
        Self {
            route: Route {
                source,
                language: language.into(),
                path: Vec::new(),
                steps: Vec::new(),
                legs: Vec::new(),
                waypoints: Vec::new(),
                spoken: Vec::new(),
                banners: Vec::new(),
                limits: Vec::new(),
            },
        }
    }

    fn add_leg(&mut self, leg: LegDraft, origin: WaypointDraft) -> Result<(), RouteError> {
        let mut raw = Vec::new();
        for step in leg.steps {
            self.add_step(step, &mut raw)?;
        }
        if self.route.steps.len() == self.route.legs.last().map_or(0, |end| *end as usize) {
            return Err(RouteError::NoSteps);
        }
        let start = raw.first().copied().ok_or(RouteError::Empty)?;
        if self.route.waypoints.is_empty() {
            self.add_waypoint(WaypointKind::Break, start, origin)?;
        }
        self.add_vias(leg.vias, &raw)?;
        self.add_waypoint(WaypointKind::Break, self.last_point()?, leg.end)?;
        self.add_limits(start, &leg.limits, &raw);
        self.route.legs.push(self.route.steps.len() as u32);
        Ok(())
    }

    /// Notes in `raw` at which kept point each point of the leg lies.
    fn add_step(&mut self, step: StepDraft, raw: &mut Vec<u32>) -> Result<(), RouteError> {
        if self.route.steps.len() >= MAX_STEPS {
            return Err(RouteError::TooLarge {
                what: "steps",
                limit: MAX_STEPS,
            });
        }
        let joins = !raw.is_empty();
        for (i, at) in step.path.iter().enumerate() {
            self.add_point(*at)?;
            if i > 0 || !joins {
                raw.push(self.last_point()?);
            }
        }
        let last = self.last_point()?;
        let first = self.route.steps.last().map_or(0, |before| before.last);
        let index = self.route.steps.len() as u32;
        self.add_spoken(index, step.spoken);
        self.add_banners(index, step.banners);
        self.route.steps.push(Step {
            first,
            last,
            duration_ms: milliseconds(step.duration_s),
            manoeuvre: step.manoeuvre,
            text: step.text.into(),
            road: step.road.into(),
            reference: step.reference.into(),
            destinations: step.destinations.into(),
            side: step.side,
        });
        Ok(())
    }

    fn add_point(&mut self, at: LatLng) -> Result<(), RouteError> {
        let kept = rounded(at)?;
        if self.route.path.last() == Some(&kept) {
            return Ok(());
        }
        if self.route.path.len() >= MAX_POINTS {
            return Err(RouteError::TooLarge {
                what: "points",
                limit: MAX_POINTS,
            });
        }
        self.route.path.push(kept);
        Ok(())
    }

    fn last_point(&self) -> Result<u32, RouteError> {
        let count = self.route.path.len() as u32;
        count.checked_sub(1).ok_or(RouteError::Empty)
    }

    fn add_waypoint(
        &mut self,
        kind: WaypointKind,
        point: u32,
        draft: WaypointDraft,
    ) -> Result<(), RouteError> {
        let on_road = self.route.path.get(point as usize).copied();
        let position = match draft.position {
            Some(at) => rounded(at)?,
            None => on_road.ok_or(RouteError::Empty)?,
        };
        self.route.waypoints.push(Waypoint {
            kind,
            position,
            point,
            lead: draft.lead,
            service_s: draft.service_s,
        });
        Ok(())
    }

    fn add_vias(
        &mut self,
        mut vias: Vec<(usize, WaypointDraft)>,
        raw: &[u32],
    ) -> Result<(), RouteError> {
        vias.sort_by_key(|(index, _)| *index);
        for (index, via) in vias {
            let point = raw.get(index).copied();
            let point = point.ok_or(RouteError::Field {
                field: "via waypoint",
            })?;
            self.add_waypoint(WaypointKind::Via, point, via)?;
        }
        Ok(())
    }

    /// An arrival step repeats the last point, so that there may be one pair more than limits.
    fn add_limits(&mut self, start: u32, limits: &[Option<SpeedLimit>], raw: &[u32]) {
        let pairs = raw.len().saturating_sub(1);
        let known: &[_] = if limits.len() == pairs || limits.len() + 1 == pairs {
            limits
        } else {
            &[]
        };
        if known.is_empty() {
            self.add_limit(start, None);
        }
        for (pair, limit) in raw.windows(2).zip(known) {
            if let [from, to] = pair
                && from != to
            {
                self.add_limit(*from, *limit);
            }
        }
    }

    fn add_limit(&mut self, point: u32, limit: Option<SpeedLimit>) {
        let before = self.route.limits.last().and_then(|run| run.limit);
        if before != limit {
            self.route.limits.push(LimitRun { point, limit });
        }
    }

    fn add_spoken(&mut self, step: u32, mut drafts: Vec<SpokenDraft>) {
        drafts.sort_by(|a, b| b.before_end_m.total_cmp(&a.before_end_m));
        let spoken = drafts.into_iter().map(|draft| Spoken {
            step,
            before_end_dm: decimetres(draft.before_end_m),
            text: draft.text.into(),
            ssml: draft.ssml.into(),
        });
        self.route.spoken.extend(spoken);
    }

    fn add_banners(&mut self, step: u32, mut drafts: Vec<BannerDraft>) {
        drafts.sort_by(|a, b| b.before_end_m.total_cmp(&a.before_end_m));
        let banners = drafts.into_iter().map(|draft| Banner {
            step,
            before_end_dm: decimetres(draft.before_end_m),
            primary: draft.primary,
            secondary: draft.secondary,
        });
        self.route.banners.extend(banners);
    }
}

/// The position rounded to 10^-6 degrees.
fn rounded(at: LatLng) -> Result<LatLng, RouteError> {
    let e6 = |degrees: f64| (degrees * 1e6).round() as i64;
    from_e6(e6(at.lat()), e6(at.lon()))
}

pub(crate) fn from_e6(lat: i64, lon: i64) -> Result<LatLng, RouteError> {
    LatLng::from_e7(lat.saturating_mul(10), lon.saturating_mul(10))
        .map_err(|_| RouteError::Field { field: "position" })
}

/// Casts from floats saturate, and NaN becomes 0.
fn milliseconds(seconds: f64) -> u32 {
    (seconds * 1000.0).round() as u32
}

fn decimetres(metres: f64) -> u32 {
    (metres * 10.0).round() as u32
}
