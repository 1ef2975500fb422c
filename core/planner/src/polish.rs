//! Small repairs of orders: putting in what fits, dropping what no longer does.

use crate::Problem;
use crate::exchange::cheapest_exchange;
use crate::instance::{Instance, Node, Rep};
use crate::timeline::Timeline;
use crate::walk::{Walker, course};

/// A place for a stop and what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Placing {
    cost: i64,
    rep: usize,
    at: usize,
}

/// Puts in what fits, and exchanges what counts for less, until neither is left to do; whether
/// anything changed. Orders must fit, and still do afterwards.
pub(crate) fn polish(problem: &Problem, instance: &Instance, orders: &mut [Vec<usize>]) -> bool {
    let before = orders.to_vec();
    fill(problem, instance, orders);
    while exchange(problem, instance, orders) {
        fill(problem, instance, orders);
    }
    before != orders
}

/// Makes one exchange that lowers the cost, if there is one.
fn exchange(problem: &Problem, instance: &Instance, orders: &mut [Vec<usize>]) -> bool {
    for stop in absent(instance, orders) {
        for (rep, order) in instance.reps.iter().zip(orders.iter_mut()) {
            if !instance.allowed(rep.index, stop) {
                continue;
            }
            let line = Timeline::new(problem, instance, rep, order);
            let found = cheapest_exchange(instance, rep, &line, stop);
            let new = found.map(|exchange| exchange.applied(&line, stop));
            let new =
                new.filter(|new| day_cost(instance, rep, new) < day_cost(instance, rep, order));
            if let Some(new) = new {
                *order = new;
                return true;
            }
        }
    }
    false
}

/// Cost of a day, with all stops that are not in it left out.
fn day_cost(instance: &Instance, rep: &Rep, order: &[usize]) -> i64 {
    let day = course(Walker::new(instance, rep), order);
    let day = day.map(|day| instance.day_cost(rep, day.legs, day.finish));
    let served: i64 = order
        .iter()
        .filter_map(|&s| instance.stops.get(s))
        .map(|s| s.prize)
        .sum();
    day.map_or(i64::MAX, |day| day - served)
}

/// Stops in no order, the most valuable first.
fn absent(instance: &Instance, orders: &[Vec<usize>]) -> Vec<usize> {
    let mut absent: Vec<usize> = (0..instance.stops.len())
        .filter(|stop| !orders.iter().any(|order| order.contains(stop)))
        .collect();
    let prize = |stop: usize| instance.stops.get(stop).map_or(0, |node| node.prize);
    absent.sort_by_key(|&stop| (std::cmp::Reverse(prize(stop)), stop));
    absent
}

/// Puts every stop that is in no order where it costs least, if that is less than leaving it out;
/// the most valuable first. Orders must fit, and still do afterwards.
fn fill(problem: &Problem, instance: &Instance, orders: &mut [Vec<usize>]) {
    for stop in absent(instance, orders) {
        let Some(node) = instance.stops.get(stop) else {
            continue;
        };
        let reps = instance.reps.iter().zip(orders.iter());
        let able = reps.filter(|(rep, _)| instance.allowed(rep.index, stop));
        let placings = able.filter_map(|(rep, order)| {
            let mut with = order.clone();
            with.push(stop);
            let room = instance.fits_in(rep.index, &with);
            room.then(|| cheapest(problem, instance, rep, order, node))?
        });
        let best = placings.min().filter(|placing| placing.cost < node.prize);
        if let Some((order, at)) = best.and_then(|p| Some((orders.get_mut(p.rep)?, p.at))) {
            order.insert(at.min(order.len()), stop);
        }
    }
}

fn cheapest(
    problem: &Problem,
    instance: &Instance,
    rep: &Rep,
    order: &[usize],
    node: &Node,
) -> Option<Placing> {
    let line = Timeline::new(problem, instance, rep, order);
    let now = line.finish_now()?;
    let gaps = (rep.pinned.len()..=line.len()).filter(|&at| line.fits(node, at, at + 1));
    let placings = gaps.filter_map(|at| {
        let later = line.finish_with(node, at, at + 1)? - now;
        let cost = line.detour(node, at, at + 1).0 + instance.weights.finish * later;
        Some(Placing {
            cost,
            rep: rep.index,
            at,
        })
    });
    placings.min()
}

/// The order without the least valuable stops that keep it from fitting; pinned stops stay.
pub(crate) fn shrink(instance: &Instance, rep: &Rep, order: &[usize]) -> Vec<usize> {
    let walker = Walker::new(instance, rep);
    let fits =
        |order: &[usize]| instance.fits_in(rep.index, order) && course(walker, order).is_some();
    let mut order = order.to_vec();
    while !fits(&order) && order.len() > rep.pinned.len() {
        let prize = |at: usize| order.get(at).and_then(|&s| instance.stops.get(s));
        let prize = |at: usize| prize(at).map_or(0, |node| node.prize);
        let without = |at: &usize| {
            let mut rest = order.clone();
            rest.remove(*at);
            fits(&rest)
        };
        let mut by_prize: Vec<usize> = (rep.pinned.len()..order.len()).collect();
        by_prize.sort_by_key(|&at| (prize(at), at));
        let enough = by_prize.iter().copied().find(without);
        let Some(at) = enough.or(by_prize.first().copied()) else {
            break;
        };
        order.remove(at);
    }
    order
}
