#!/usr/bin/env python3
"""Generated days of reps (8 to 16 optional stops, priorities, appointments): how many plans are the best there
is, and what they cost in CPU time, beside VROOM and PyVRP on the same days.

    tests/benches/planner/run days [DAYS]

Takes what the example days_bench wrote: a problem a line, with its best value proven by an exact solve.
Prints a table in Markdown.
"""

import json
import sys
from collections import defaultdict
from statistics import median
from time import process_time

# More than a day's driving: a point of priority is worth more than any way.
PRIORITY = 40_000
PYVRP_SECONDS = 0.1


class Day:
    """A problem of Fieldfare's planner: one rep, optional stops with one window at most."""

    def __init__(self, line):
        told = json.loads(line)
        problem = told["problem"]
        self.told = told
        self.rep, self.stops = problem["reps"][0], problem["stops"]
        self.legs = problem["travel"]["seconds"]
        self.shift = (self.rep["shift"]["from"], self.rep["shift"]["to"])
        self.windows = [self.window(stop) for stop in self.stops]
        self.best = (told["priority"], told["visits"], told["driving_s"])

    def window(self, stop):
        given = stop.get("windows", [])
        assert len(given) <= 1
        return (given[0]["from"], given[0]["to"]) if given else self.shift

    def value(self, order):
        """Priority, visits and driving of an order of stops; None if it breaks a rule."""
        if len(set(order)) < len(order):
            return None
        here, now, driving = self.rep["start"], self.shift[0], 0
        for at in order:
            stop, (early, late) = self.stops[at], self.windows[at]
            leg = self.legs[here][stop["place"]]
            now, driving, here = max(now + leg, early), driving + leg, stop["place"]
            if now > late:
                return None
            now += stop["service_s"]
        leg = self.legs[here][self.rep["end"]]
        if now + leg > self.shift[1]:
            return None
        return sum(self.stops[at]["priority"] for at in order), len(order), driving + leg

    def is_best(self, value):
        """As much priority, and no more driving than the best; or more visits for it, which is VROOM's
        own second aim."""
        if value is None or value[0] < self.best[0]:
            return False
        return value[2] <= self.best[2] or value[1] > self.best[1]


def pyvrp(day):
    import numpy
    from pyvrp import Client, Depot, Location, ProblemData, VehicleType, solve

    clients = [
        Client(stop["place"], service_duration=stop["service_s"], tw_early=early, tw_late=late,
               prize=stop["priority"] * PRIORITY, required=False)
        for stop, (early, late) in zip(day.stops, day.windows)
    ]
    matrix = numpy.array(day.legs)
    places = [Location(0, 0) for _ in day.legs]
    kind = VehicleType(1, tw_early=day.shift[0], tw_late=day.shift[1])
    data = ProblemData(places, clients, [Depot(day.rep["start"])], [kind], [matrix], [matrix])
    start, found = process_time(), [None, 0.0]

    def stop(best):
        now = process_time() - start
        if found[0] is None or best < found[0]:
            found[:] = [best, now]
        return now >= PYVRP_SECONDS

    result = solve(data, stop=stop, seed=1, collect_stats=False, display=False)
    order = [at.idx for route in result.best.routes() for at in route if at.is_client()]
    return order, found[1]


def vroom(level):
    def solve(day):
        import numpy
        import vroom as library

        start = process_time()
        problem = library.Input()
        problem.set_durations_matrix(profile="car", matrix_input=numpy.array(day.legs, dtype=numpy.uint32))
        problem.add_vehicle(library.Vehicle(1, start=day.rep["start"], end=day.rep["end"],
                                            time_window=library.TimeWindow(*day.shift)))
        for at, stop in enumerate(day.stops):
            problem.add_job(library.Job(at, location=stop["place"], default_service=stop["service_s"],
                                        priority=stop["priority"],
                                        time_windows=[library.TimeWindow(*day.windows[at])]))
        told = problem.solve(exploration_level=level, nb_threads=1).to_dict()
        order = [step["id"] for route in told["routes"] for step in route["steps"] if step["type"] == "job"]
        return order, process_time() - start

    return solve


PEERS = {
    f"PyVRP 0.14.1, {PYVRP_SECONDS} s (time to its best)": pyvrp,
    "VROOM (pyvroom 1.15.2), -x 5": vroom(5),
    "VROOM, -x 1": vroom(1),
}


def main():
    days = [Day(line) for line in open(sys.argv[1])]
    sizes = sorted({day.told["stops"] for day in days})
    columns = [f"{stops} stops, ms median / max" for stops in sizes]
    print(f"| {len(days)} rep days | optimal | proven | worst loss of priority | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 4) + "|")
    times = defaultdict(list)
    for day in days:
        times[day.told["stops"]].append(day.told["cpu_ms"])
    optimal, proven = (sum(day.told[key] for day in days) for key in ("optimal", "proven"))
    row("Fieldfare", optimal, proven, 0 if optimal == len(days) else "see days_bench", days, times)
    for name, solve in PEERS.items():
        times, optimal, worst = defaultdict(list), 0, 0.0
        for day in days:
            order, seconds = solve(day)
            value = day.value(order)
            assert value is not None, f"{name} breaks a rule"
            optimal += day.is_best(value)
            worst = max(worst, 1 - value[0] / max(1, day.best[0]))
            times[day.told["stops"]].append(1e3 * seconds)
        row(name, optimal, 0, worst, days, times)
    if any(day.told["proven"] is False for day in days if day.told["stops"] <= 13):
        sys.exit("a day of 13 stops or fewer was not proven")


def row(name, optimal, proven, worst, days, times):
    cells = [f"{median(times[stops]):.1f} / {max(times[stops]):.1f}" for stops in sorted(times)]
    worst = worst if isinstance(worst, str) else f"{100 * worst:.1f} %"
    print(f"| {name} | {optimal} of {len(days)} | {proven or 'none'} | {worst} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
