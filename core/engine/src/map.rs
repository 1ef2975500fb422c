//! Where every lead is, in memory: a flat list that answers at once, and a tree that is built
//! beside it. Both give the same answers.

use fieldfare_geo::{BoundingBox, EARTH_RADIUS_M, Hit, SpatialIndex, UnitVector};
use fieldfare_model::{LatLng, LeadId, LeadStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A lead's place and what filters look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spot {
    pub id: LeadId,
    pub at: LatLng,
    pub score: Option<u8>,
    pub tier: Option<u8>,
    pub status: LeadStatus,
    pub alert_radius_m: Option<u32>,
    pub uncertainty_m: Option<u32>,
}

/// Changes up to this many are made in place, more by merging lists and building a new tree.
const FEW: usize = 256;

/// Beyond this many nearest, sorting all is quicker than keeping the best in order.
const MANY: usize = 512;

enum Tree {
    Building,
    Ready(SpatialIndex<LeadId>),
}

struct State {
    /// In order of id.
    spots: Arc<Vec<Spot>>,
    tree: Tree,
}

/// The places of all leads.
pub(crate) struct LeadMap {
    state: RwLock<State>,
    version: AtomicU64,
}

/// What became of a lead: its new place, or none if it has no place on this phone any more.
pub(crate) type SpotChange = (LeadId, Option<Spot>);

impl LeadMap {
    /// Takes places in any order and starts building the tree on a thread of its own.
    pub fn load(mut spots: Vec<Spot>) -> Arc<Self> {
        if !spots.is_sorted_by_key(|spot| spot.id) {
            spots.sort_unstable_by_key(|spot| spot.id);
        }
        let map = Arc::new(Self {
            state: RwLock::new(State {
                spots: Arc::new(spots),
                tree: Tree::Building,
            }),
            version: AtomicU64::new(0),
        });
        map.build();
        map
    }

    /// Counts changes.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// How many leads have a place.
    pub fn len(&self) -> usize {
        self.read().spots.len()
    }

    /// Whether the tree answers already. The answers do not depend on it.
    pub fn is_indexed(&self) -> bool {
        matches!(self.read().tree, Tree::Ready(_))
    }

    /// Leads within `metres` that `accept` says yes to, nearest first, equally near ones by id.
    pub fn within(
        &self,
        center: LatLng,
        metres: f64,
        accept: impl Fn(&Spot) -> bool,
    ) -> Vec<Hit<LeadId>> {
        let state = self.read();
        let mut hits = Vec::new();
        match &state.tree {
            Tree::Ready(tree) => tree.for_each_within(center, metres, |hit| {
                if find(&state.spots, hit.key).is_some_and(&accept) {
                    hits.push(hit);
                }
            }),
            Tree::Building => scan(&state.spots, center, accept, |hit| {
                if hit.distance_m <= metres {
                    hits.push(hit);
                }
                metres
            }),
        }
        hits.sort_unstable_by(order);
        hits
    }

    /// The `k` nearest leads that `accept` says yes to, nearest first, equally near ones by id.
    pub fn nearest(
        &self,
        center: LatLng,
        k: usize,
        accept: impl Fn(&Spot) -> bool,
    ) -> Vec<Hit<LeadId>> {
        let state = self.read();
        match &state.tree {
            Tree::Ready(tree) => {
                tree.nearest_where(center, k, |id| find(&state.spots, id).is_some_and(&accept))
            }
            Tree::Building => nearest_of(&state.spots, center, k, accept),
        }
    }

    /// Leads in a box, in order of id.
    pub fn in_box(&self, area: BoundingBox) -> Vec<LeadId> {
        let state = self.read();
        match &state.tree {
            Tree::Ready(tree) => tree.in_box(area),
            Tree::Building => {
                let inside = state.spots.iter().filter(|spot| area.contains(spot.at));
                inside.map(|spot| spot.id).collect()
            }
        }
    }

    /// The place of a lead.
    pub fn spot(&self, id: LeadId) -> Option<Spot> {
        find(&self.read().spots, id).copied()
    }

    /// Brings places up to date. Of a lead named twice the last change counts.
    pub fn apply(self: &Arc<Self>, changes: Vec<SpotChange>) {
        let mut state = self.write();
        self.version.fetch_add(1, Ordering::SeqCst);
        if changes.len() <= FEW {
            changes.iter().for_each(|change| state.apply_one(change));
            return;
        }
        let merged = merge(&state.spots, changes);
        if merged == *state.spots {
            return;
        }
        state.spots = Arc::new(merged);
        let was_ready = matches!(state.tree, Tree::Ready(_));
        state.tree = Tree::Building;
        drop(state);
        if was_ready {
            self.build();
        }
    }

    /// Replaces all places.
    pub fn replace(self: &Arc<Self>, spots: Vec<Spot>) {
        let fresh = spots
            .into_iter()
            .map(|spot| (spot.id, Some(spot)))
            .collect();
        let mut state = self.write();
        self.version.fetch_add(1, Ordering::SeqCst);
        state.spots = Arc::new(merge(&[], fresh));
        let was_ready = matches!(state.tree, Tree::Ready(_));
        state.tree = Tree::Building;
        drop(state);
        if was_ready {
            self.build();
        }
    }

    /// Builds the tree until it was built from the list that is current then.
    fn build(self: &Arc<Self>) {
        let map = Arc::downgrade(self);
        let spawned = std::thread::Builder::new()
            .name("fieldfare-map".to_owned())
            .spawn(move || {
                while let Some(map) = map.upgrade() {
                    let spots = Arc::clone(&map.read().spots);
                    let tree = tree_of(&spots);
                    if map.keep(tree, &spots) {
                        return;
                    }
                }
            });
        if spawned.is_err() {
            let spots = Arc::clone(&self.read().spots);
            self.keep(tree_of(&spots), &spots);
        }
    }

    fn keep(&self, tree: SpatialIndex<LeadId>, spots: &Arc<Vec<Spot>>) -> bool {
        let mut state = self.write();
        let is_current = Arc::ptr_eq(&state.spots, spots);
        if is_current {
            state.tree = Tree::Ready(tree);
        }
        is_current
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply_one(&mut self, (id, spot): &SpotChange) {
        if find(&self.spots, *id) == spot.as_ref() {
            return;
        }
        // Makes a copy while the tree is being built from the list, which then is built again.
        let spots = Arc::make_mut(&mut self.spots);
        match (spots.binary_search_by_key(id, |s| s.id), spot) {
            (Ok(at), Some(spot)) => {
                if let Some(known) = spots.get_mut(at) {
                    *known = *spot;
                }
            }
            (Ok(at), None) => {
                spots.remove(at);
            }
            (Err(at), Some(spot)) => spots.insert(at, *spot),
            (Err(_), None) => {}
        }
        if let Tree::Ready(tree) = &mut self.tree {
            match spot {
                Some(spot) => tree.insert(*id, spot.at),
                None => tree.remove(*id),
            };
        }
    }
}

fn find(spots: &[Spot], id: LeadId) -> Option<&Spot> {
    let at = spots.binary_search_by_key(&id, |spot| spot.id).ok()?;
    spots.get(at)
}

/// Measures every spot that may matter. `found` answers beyond which distance none matters any
/// more: spots farther north or south than that are passed over without trigonometry.
fn scan(
    spots: &[Spot],
    center: LatLng,
    accept: impl Fn(&Spot) -> bool,
    mut found: impl FnMut(Hit<LeadId>) -> f64,
) {
    let here = UnitVector::from(center);
    let mut reach_deg = f64::INFINITY;
    for spot in spots {
        if (spot.at.lat() - center.lat()).abs() > reach_deg || !accept(spot) {
            continue;
        }
        let reach_m = found(Hit {
            key: spot.id,
            distance_m: here.distance_m(UnitVector::from(spot.at)),
        });
        // A centimetre and a billionth cover every rounding by far.
        reach_deg = ((reach_m * (1.0 + 1e-9) + 0.01) / EARTH_RADIUS_M).to_degrees();
    }
}

fn nearest_of(
    spots: &[Spot],
    center: LatLng,
    k: usize,
    accept: impl Fn(&Spot) -> bool,
) -> Vec<Hit<LeadId>> {
    if k > MANY {
        return nearest_of_all(spots, center, k, accept);
    }
    let mut best: Vec<Hit<LeadId>> = Vec::new();
    scan(spots, center, accept, |hit| {
        let place = best.partition_point(|known| order(known, &hit).is_lt());
        if place < k {
            best.insert(place, hit);
            best.truncate(k);
        }
        match best.last() {
            Some(last) if best.len() == k => last.distance_m,
            _ => f64::INFINITY,
        }
    });
    best
}

/// For so many that keeping the best in order costs more than sorting all.
fn nearest_of_all(
    spots: &[Spot],
    center: LatLng,
    k: usize,
    accept: impl Fn(&Spot) -> bool,
) -> Vec<Hit<LeadId>> {
    let mut all = Vec::new();
    scan(spots, center, accept, |hit| {
        all.push(hit);
        f64::INFINITY
    });
    all.sort_unstable_by(order);
    all.truncate(k);
    all
}

fn order(a: &Hit<LeadId>, b: &Hit<LeadId>) -> std::cmp::Ordering {
    let by_distance = a.distance_m.total_cmp(&b.distance_m);
    by_distance.then_with(|| a.key.cmp(&b.key))
}

fn tree_of(spots: &[Spot]) -> SpatialIndex<LeadId> {
    SpatialIndex::bulk_load(spots.iter().map(|spot| (spot.id, spot.at)))
}

/// The old list with the changes, in order of id.
fn merge(old: &[Spot], mut changes: Vec<SpotChange>) -> Vec<Spot> {
    changes.reverse();
    changes.sort_by_key(|(id, _)| *id);
    changes.dedup_by_key(|(id, _)| *id);
    let mut merged = Vec::with_capacity(old.len() + changes.len());
    let mut old = old.iter().peekable();
    for (id, spot) in changes {
        while let Some(before) = old.next_if(|spot| spot.id < id) {
            merged.push(*before);
        }
        old.next_if(|spot| spot.id == id);
        merged.extend(spot);
    }
    merged.extend(old);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn id(n: u16) -> LeadId {
        let mut bytes = [0u8; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        LeadId::from_bytes(bytes)
    }

    fn any_spot() -> impl Strategy<Value = Spot> {
        (0u16..600, -300i64..300, -300i64..300, 0u8..4).prop_map(|(n, lat, lon, tier)| Spot {
            id: id(n),
            at: LatLng::from_e7(420_000_000 + lat * 1000, -710_000_000 + lon * 1000).unwrap(),
            score: None,
            tier: Some(tier),
            status: LeadStatus::New,
            alert_radius_m: None,
            uncertainty_m: None,
        })
    }

    fn any_change() -> impl Strategy<Value = SpotChange> {
        (any_spot(), any::<bool>()).prop_map(|(spot, stays)| (spot.id, stays.then_some(spot)))
    }

    fn wait_for_tree(map: &LeadMap) {
        while !map.is_indexed() {
            std::thread::yield_now();
        }
    }

    type Hits = Vec<Hit<LeadId>>;
    type Answers = (Hits, Hits, Hits, Vec<LeadId>);

    fn answers(map: &LeadMap, center: LatLng) -> Answers {
        let accept = |spot: &Spot| spot.tier != Some(1);
        let corner = |d: i64| LatLng::from_e7(center.lat_e7() + d, center.lon_e7() + d).unwrap();
        (
            map.within(center, 1_000.0, accept),
            map.nearest(center, 7, accept),
            map.nearest(center, MANY + 1, accept),
            map.in_box(BoundingBox::new(corner(-90_000), corner(90_000)).unwrap()),
        )
    }

    fn brute_force(spots: &BTreeMap<LeadId, Spot>, center: LatLng) -> Answers {
        let mut near: Vec<Hit<LeadId>> = spots
            .values()
            .filter(|spot| spot.tier != Some(1))
            .map(|spot| Hit {
                key: spot.id,
                distance_m: fieldfare_geo::distance_m(center, spot.at),
            })
            .collect();
        near.sort_by(order);
        let radius = near
            .iter()
            .copied()
            .filter(|h| h.distance_m <= 1_000.0)
            .collect();
        let all = near.clone();
        near.truncate(7);
        let inside = spots
            .values()
            .filter(|spot| {
                (spot.at.lat_e7() - center.lat_e7()).abs() <= 90_000
                    && (spot.at.lon_e7() - center.lon_e7()).abs() <= 90_000
            })
            .map(|spot| spot.id)
            .collect();
        (radius, near, all, inside)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn list_and_tree_answer_like_brute_force(
            start in proptest::collection::vec(any_spot(), 0..300),
            rounds in proptest::collection::vec(proptest::collection::vec(any_change(), 0..400), 0..4),
        ) {
            let mut truth: BTreeMap<LeadId, Spot> = BTreeMap::new();
            for spot in start {
                truth.insert(spot.id, spot);
            }
            let map = LeadMap::load(truth.values().rev().copied().collect());
            let center = LatLng::from_e7(420_000_000, -710_000_000).unwrap();
            for changes in rounds {
                for (id, spot) in &changes {
                    match spot {
                        Some(spot) => truth.insert(*id, *spot),
                        None => truth.remove(id),
                    };
                }
                map.apply(changes);
                prop_assert_eq!(answers(&map, center), brute_force(&truth, center));
                wait_for_tree(&map);
                prop_assert_eq!(answers(&map, center), brute_force(&truth, center));
                prop_assert_eq!(map.len(), truth.len());
            }
        }
    }
}
