use crate::index::{Leaf, Slot};
use crate::window::Viewpoint;
use crate::{Hit, SpatialIndex, UnitVector};
use fieldfare_model::LatLng;
use rstar::{ParentNode, RTreeNode};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::hash::Hash;

impl<K: Copy + Ord + Hash> SpatialIndex<K> {
    /// The `k` nearest keys, nearest first, equally near ones by key; all if there are fewer.
    pub fn nearest(&self, center: LatLng, k: usize) -> Vec<Hit<K>> {
        self.nearest_where(center, k, |_| true)
    }

    /// The `k` nearest of the keys that `accept` says yes to.
    ///
    /// `accept` is asked only about keys near enough to count, in no particular order. The rarer
    /// its yes, the more of the index is searched.
    pub fn nearest_where(
        &self,
        center: LatLng,
        k: usize,
        accept: impl FnMut(K) -> bool,
    ) -> Vec<Hit<K>> {
        if k == 0 {
            return Vec::new();
        }
        let place = UnitVector::from(center);
        let mut search = Search {
            index: self,
            place,
            viewpoint: Viewpoint::new(center, place),
            best: BinaryHeap::with_capacity(k.min(self.len()) + 1),
            wanted: k,
            accept,
        };
        search.run();
        let hits = search.best.into_sorted_vec();
        hits.into_iter().map(|ranked| ranked.hit).collect()
    }
}

/// Best first: nodes are opened in the order of the least distance they may hold.
struct Search<'a, K, F> {
    index: &'a SpatialIndex<K>,
    place: UnitVector,
    viewpoint: Viewpoint,
    /// The best so far, the worst of them on top.
    best: BinaryHeap<Ranked<K>>,
    wanted: usize,
    accept: F,
}

impl<'a, K: Copy + Ord + Hash, F: FnMut(K) -> bool> Search<'a, K, F> {
    fn run(&mut self) {
        let mut queue = BinaryHeap::new();
        queue.push(Pending {
            chord2_at_least: 0.0,
            node: self.index.root(),
        });
        while let Some(next) = queue.pop() {
            if next.chord2_at_least > self.hopeless() {
                return;
            }
            for child in next.node.children() {
                match child {
                    RTreeNode::Leaf(leaf) => self.consider(leaf),
                    RTreeNode::Parent(node) => self.enqueue(node, &mut queue),
                }
            }
        }
    }

    fn enqueue(&self, node: &'a ParentNode<Leaf>, queue: &mut BinaryHeap<Pending<'a>>) {
        let chord2_at_least = self.viewpoint.chord2_at_least(&node.envelope());
        if chord2_at_least <= self.hopeless() {
            queue.push(Pending {
                chord2_at_least,
                node,
            });
        }
    }

    fn consider(&mut self, leaf: &Leaf) {
        let Some(&Slot { place, key, .. }) = self.index.held(leaf) else {
            return;
        };
        let chord2 = self.place.chord2(place);
        if chord2 > self.hopeless() || !(self.accept)(key) {
            return;
        }
        let distance_m = self.place.distance_m(place);
        self.best.push(Ranked {
            hit: Hit { key, distance_m },
            chord2,
        });
        if self.best.len() > self.wanted {
            self.best.pop();
        }
    }

    /// A squared chord above which nothing is among the best.
    fn hopeless(&self) -> f64 {
        match self.best.peek() {
            Some(worst) if self.best.len() >= self.wanted => worst.chord2 * (1.0 + 1e-9) + 1e-30,
            _ => f64::INFINITY,
        }
    }
}

struct Pending<'a> {
    chord2_at_least: f64,
    node: &'a ParentNode<Leaf>,
}

impl Ord for Pending<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.chord2_at_least.total_cmp(&self.chord2_at_least)
    }
}

impl PartialOrd for Pending<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pending<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pending<'_> {}

struct Ranked<K> {
    hit: Hit<K>,
    chord2: f64,
}

impl<K: Ord> Ord for Ranked<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hit.order(&other.hit)
    }
}

impl<K: Ord> PartialOrd for Ranked<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord> PartialEq for Ranked<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K: Ord> Eq for Ranked<K> {}
