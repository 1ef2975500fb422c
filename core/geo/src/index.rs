use crate::geodesy::EARTH_RADIUS_M;
use crate::window::{Rect, Window};
use crate::{BoundingBox, Polygon, UnitVector};
use fieldfare_model::LatLng;
use foldhash::fast::FixedState;
use rstar::{ParentNode, RStarInsertionStrategy, RTree, RTreeNode, RTreeObject, RTreeParams};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// A key found by a search, with its great-circle distance from the centre of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<K> {
    /// The key the position was stored under.
    pub key: K,
    /// Metres from the centre, equal to [`distance_m`](crate::distance_m).
    pub distance_m: f64,
}

impl<K: Ord> Hit<K> {
    /// By distance, then by key: the order of every result.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.distance_m
            .total_cmp(&other.distance_m)
            .then_with(|| self.key.cmp(&other.key))
    }
}

/// Positions under keys, to be searched by radius, box, polygon or nearness.
///
/// Results are exact: those of a loop over all positions with [`distance_m`](crate::distance_m),
/// [`BoundingBox::contains`] or [`Polygon::contains`]; poles and antimeridian included. They are
/// ordered, and depend on nothing but the positions held: not on the order of insertion nor on
/// the platform.
///
/// An R*-tree over latitudes and longitudes in 32-bit floats finds candidates; a unit vector per
/// position decides.
#[derive(Debug, Clone)]
pub struct SpatialIndex<K> {
    tree: RTree<Leaf, NodeSize>,
    slots: Vec<Slot<K>>,
    vacant: Vec<usize>,
    by_key: HashMap<K, usize, FixedState>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<K> {
    pub(crate) place: UnitVector,
    at: LatLng,
    pub(crate) key: K,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leaf {
    point: [f32; 2],
    slot: usize,
}

impl Leaf {
    fn new(at: LatLng, slot: usize) -> Self {
        Self {
            point: [at.lat() as f32, at.lon() as f32],
            slot,
        }
    }
}

impl RTreeObject for Leaf {
    type Envelope = Rect;
    fn envelope(&self) -> Rect {
        Rect::from_point(self.point)
    }
}

/// Twenty-five children a node load quicker than rstar's six and search as quick (measured).
#[derive(Debug, Clone, Copy)]
struct NodeSize;

impl RTreeParams for NodeSize {
    const MIN_SIZE: usize = 10;
    const MAX_SIZE: usize = 25;
    const REINSERTION_COUNT: usize = 7;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}

impl<K> Default for SpatialIndex<K> {
    fn default() -> Self {
        Self {
            tree: RTree::new_with_params(),
            slots: Vec::new(),
            vacant: Vec::new(),
            by_key: HashMap::default(),
        }
    }
}

impl<K: Copy + Ord + Hash> SpatialIndex<K> {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds an index of many positions at once, in O(n log n) and far quicker than by inserting
    /// them. Of positions under one key the last stays.
    pub fn bulk_load(positions: impl IntoIterator<Item = (K, LatLng)>) -> Self {
        let positions = positions.into_iter();
        let expected = positions.size_hint().0;
        let mut index = Self {
            slots: Vec::with_capacity(expected),
            by_key: HashMap::with_capacity_and_hasher(expected, FixedState::default()),
            ..Self::default()
        };
        for (key, at) in positions {
            index.put(key, at);
        }
        let leaves = index.slots.iter().enumerate();
        let leaves = leaves
            .map(|(slot, held)| Leaf::new(held.at, slot))
            .collect();
        index.tree = RTree::bulk_load_with_params(leaves);
        index
    }

    /// Adds a position, or moves the one already under this key and returns where it was.
    pub fn insert(&mut self, key: K, at: LatLng) -> Option<LatLng> {
        let before = self.take_leaf(key);
        let slot = self.put(key, at);
        self.tree.insert(Leaf::new(at, slot));
        before
    }

    /// Takes a position out and returns it.
    pub fn remove(&mut self, key: K) -> Option<LatLng> {
        let before = self.take_leaf(key)?;
        self.vacant.extend(self.by_key.remove(&key));
        Some(before)
    }

    /// Moves a position that is in the index and returns where it was; does nothing for an unknown
    /// key.
    pub fn move_to(&mut self, key: K, at: LatLng) -> Option<LatLng> {
        if self.by_key.contains_key(&key) {
            self.insert(key, at)
        } else {
            None
        }
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The position under a key.
    pub fn position(&self, key: K) -> Option<LatLng> {
        let slot = *self.by_key.get(&key)?;
        Some(self.slots.get(slot)?.at)
    }

    /// All keys at most `metres` away, nearest first, equally near ones by key.
    ///
    /// A radius of half the Earth's circumference or more finds everything, a negative one or NaN
    /// nothing.
    pub fn within_radius(&self, center: LatLng, metres: f64) -> Vec<Hit<K>> {
        let mut hits = Vec::new();
        self.for_each_within(center, metres, |hit| hits.push(hit));
        hits.sort_unstable_by(Hit::order);
        hits
    }

    /// Calls `found` for what [`within_radius`](Self::within_radius) finds, in no particular
    /// order, without allocating.
    pub fn for_each_within(&self, center: LatLng, metres: f64, mut found: impl FnMut(Hit<K>)) {
        if metres.is_nan() || metres < 0.0 {
            return;
        }
        let place = UnitVector::from(center);
        let window = Window::of_circle(center, place, metres);
        let out_of_question = chord2_beyond(metres);
        self.visit(&window, &mut |held| {
            if place.chord2(held.place) > out_of_question {
                return;
            }
            let distance_m = place.distance_m(held.place);
            if distance_m <= metres {
                found(Hit {
                    key: held.key,
                    distance_m,
                });
            }
        });
    }

    /// All keys in a box, edges included, in order of key.
    pub fn in_box(&self, area: BoundingBox) -> Vec<K> {
        self.keys_where(&Window::of_box(area), |at| area.contains(at))
    }

    /// All keys in a polygon, boundary included, in order of key.
    pub fn in_polygon(&self, area: &Polygon) -> Vec<K> {
        self.keys_where(&Window::of_box(area.search_box()), |at| area.contains(at))
    }

    pub(crate) fn root(&self) -> &ParentNode<Leaf> {
        self.tree.root()
    }

    pub(crate) fn held(&self, leaf: &Leaf) -> Option<&Slot<K>> {
        self.slots.get(leaf.slot)
    }

    fn keys_where(&self, window: &Window, belongs: impl Fn(LatLng) -> bool) -> Vec<K> {
        let mut keys = Vec::new();
        self.visit(window, &mut |held| {
            if belongs(held.at) {
                keys.push(held.key);
            }
        });
        keys.sort_unstable();
        keys
    }

    fn visit(&self, window: &Window, found: &mut impl FnMut(&Slot<K>)) {
        visit_node(self.tree.root(), window, &mut |leaf| {
            if let Some(held) = self.slots.get(leaf.slot) {
                found(held);
            }
        });
    }

    /// Stores a position in the slot of its key, a vacant one or a new one.
    fn put(&mut self, key: K, at: LatLng) -> usize {
        let held = Slot {
            place: UnitVector::from(at),
            at,
            key,
        };
        let slot = match self.by_key.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(self.vacant.pop().unwrap_or(self.slots.len())),
        };
        match self.slots.get_mut(slot) {
            Some(place) => *place = held,
            None => self.slots.push(held),
        }
        slot
    }

    fn take_leaf(&mut self, key: K) -> Option<LatLng> {
        let slot = *self.by_key.get(&key)?;
        let at = self.slots.get(slot)?.at;
        self.tree.remove(&Leaf::new(at, slot))?;
        Some(at)
    }
}

fn visit_node(node: &ParentNode<Leaf>, window: &Window, found: &mut impl FnMut(&Leaf)) {
    for child in node.children() {
        match child {
            RTreeNode::Leaf(leaf) if window.holds(leaf.point) => found(leaf),
            RTreeNode::Parent(inner) if window.meets(&inner.envelope()) => {
                visit_node(inner, window, found);
            }
            _ => {}
        }
    }
}

/// A squared chord that only places farther than `metres` exceed, roundings included. What is below
/// is decided by the distance itself.
fn chord2_beyond(metres: f64) -> f64 {
    let half_angle = metres / EARTH_RADIUS_M / 2.0;
    if half_angle >= std::f64::consts::FRAC_PI_2 {
        return f64::INFINITY;
    }
    let half_chord = libm::sin(half_angle);
    4.0 * half_chord * half_chord * (1.0 + 1e-9) + 1e-30
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let mut index = SpatialIndex::new();
        for key in 0..100 {
            index.insert(key, LatLng::new(1.0, 2.0).unwrap());
            index.remove(key);
        }
        assert_eq!(index.slots.len(), 1);
    }
}
