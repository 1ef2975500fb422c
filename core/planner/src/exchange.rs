//! One stop in the place of others.

use crate::instance::{Instance, Rep};
use crate::timeline::Timeline;

/// Stops in a row of a day that make room when left out, compared by their value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exchange {
    /// What leaving them out costs.
    pub(crate) value: i64,
    pub(crate) count: usize,
    pub(crate) rep: usize,
    /// Position of the last stop before them.
    pub(crate) after: usize,
}

/// The least valuable stops in a row of a rep's day in whose place a stop would fit; none if it
/// would not fit even in the place of all that may go.
///
/// O(1) for each stretch of the day whose value is below the best so far.
pub(crate) fn cheapest_exchange(
    instance: &Instance,
    rep: &Rep,
    line: &Timeline<'_>,
    stop: usize,
) -> Option<Exchange> {
    let node = instance.stops.get(stop)?;
    let mut best: Option<Exchange> = None;
    for after in rep.pinned.len()..line.len() {
        let (mut value, mut count) = (0, 0);
        for last in after + 1..=line.len() {
            value += instance.stops.get(line.node(last))?.prize;
            count += 1;
            let exchange = Exchange {
                value,
                count,
                rep: rep.index,
                after,
            };
            if best.as_ref().is_some_and(|best| *best <= exchange) {
                break;
            }
            let fits = line.fits(node, after, last + 1);
            if fits && instance.fits_in(rep.index, &exchange.applied(line, stop)) {
                best = Some(exchange);
                break;
            }
        }
    }
    best
}

impl Exchange {
    /// The order of the day with the stop in their place.
    pub(crate) fn applied(&self, line: &Timeline<'_>, stop: usize) -> Vec<usize> {
        let mut order = line.stops(1, self.after).to_vec();
        order.push(stop);
        order.extend_from_slice(line.stops(self.after + self.count + 1, line.len()));
        order
    }
}
