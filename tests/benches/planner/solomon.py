#!/usr/bin/env python3
"""Solomon's 56 instances, distance objective, one thread: gaps to the best known distances after 1 and 10
CPU seconds, beside PyVRP, VROOM and OR-Tools. Every solution is checked here, by code of its own.

    tests/benches/planner/run solomon [--at 1,10] [--names C101,R101 | --every 4] [--solvers fieldfare,pyvrp]

SOLOMON names the folder with C101.txt and so on, and BKS_vroom.json (vroom-scripts) with the best known
values. Prints a table in Markdown.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from time import process_time

SCALE = 1000


class Instance:
    """One of Solomon's files, distances and times in thousandths."""

    def __init__(self, path):
        rows = [line.split() for line in path.read_text().splitlines()]
        self.name = path.stem
        self.vehicles, self.capacity = next(map(int, row) for row in rows if len(row) == 2 and row[0].isdigit())
        nodes = [[float(cell) for cell in row] for row in rows if len(row) == 7]
        self.points = [(node[1], node[2]) for node in nodes]
        self.demands = [int(node[3]) for node in nodes]
        self.windows = [(round(node[4] * SCALE), round(node[5] * SCALE)) for node in nodes]
        self.services = [round(node[6] * SCALE) for node in nodes]
        self.legs = [[round(math.dist(a, b) * SCALE) for b in self.points] for a in self.points]

    def distance(self, routes):
        """The length of all routes; None if they break a rule."""
        visited = sorted(stop for route in routes for stop in route)
        if visited != list(range(1, len(self.points))) or len(routes) > self.vehicles:
            return None
        lengths = [self.drive(route) for route in routes]
        return None if None in lengths else sum(lengths) / SCALE

    def drive(self, route):
        if sum(self.demands[stop] for stop in route) > self.capacity:
            return None
        now, length = self.windows[0][0], 0
        for here, there in zip([0, *route], [*route, 0]):
            now += self.services[here] + self.legs[here][there]
            length += self.legs[here][there]
            if now > self.windows[there][1]:
                return None
            now = max(now, self.windows[there][0])
        return length


def fieldfare(program, folder, name, marks):
    text = subprocess.run([program, str(folder), ",".join(map(str, marks)), name], check=True,
                          capture_output=True, text=True).stdout
    told = json.loads(text)
    return told["routes"], told["distances"], told["cpu"]


def pyvrp(instance, marks):
    import numpy
    from pyvrp import Client, Depot, Location, ProblemData, VehicleType, solve

    matrix = numpy.array(instance.legs)
    clients = [
        Client(stop, delivery=[instance.demands[stop]], service_duration=instance.services[stop],
               tw_early=instance.windows[stop][0], tw_late=instance.windows[stop][1])
        for stop in range(1, len(instance.points))
    ]
    early, late = instance.windows[0]
    kind = VehicleType(instance.vehicles, [instance.capacity], tw_early=early, tw_late=late)
    places = [Location(*point) for point in instance.points]
    data = ProblemData(places, clients, [Depot(0)], [kind], [matrix], [matrix])
    start, found = process_time(), []

    def stop(best):
        if process_time() - start >= marks[len(found)]:
            found.append(best / SCALE)
        return len(found) == len(marks)

    result = solve(data, stop=stop, seed=1, collect_stats=False, display=False)
    routes = [[1 + at.idx for at in route if at.is_client()] for route in result.best.routes()]
    return routes, found, process_time() - start


def vroom(instance, marks):
    import numpy
    import vroom as library

    start = process_time()
    problem = library.Input()
    matrix = numpy.array(instance.legs, dtype=numpy.uint32)
    problem.set_durations_matrix(profile="car", matrix_input=matrix)
    early, late = instance.windows[0]
    for vehicle in range(instance.vehicles):
        problem.add_vehicle(library.Vehicle(vehicle + 1, start=0, end=0, capacity=[instance.capacity],
                                            time_window=library.TimeWindow(early, late)))
    for stop in range(1, len(instance.points)):
        problem.add_job(library.Job(stop, location=stop, delivery=[instance.demands[stop]],
                                    default_service=instance.services[stop],
                                    time_windows=[library.TimeWindow(*instance.windows[stop])]))
    told = problem.solve(exploration_level=5, nb_threads=1).to_dict()
    routes = [[step["id"] for step in route["steps"] if step["type"] == "job"] for route in told["routes"]]
    # It ends by itself; what it has is what it would have after a longer time.
    return routes, [instance.distance(routes)] * len(marks), process_time() - start


def ortools(instance, marks):
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    manager = pywrapcp.RoutingIndexManager(len(instance.points), instance.vehicles, 0)
    model = pywrapcp.RoutingModel(manager)
    node, legs, services = manager.IndexToNode, instance.legs, instance.services
    leg = model.RegisterTransitMatrix(legs)
    timed = [[services[a] + legs[a][b] for b in range(len(legs))] for a in range(len(legs))]
    time = model.RegisterTransitMatrix(timed)
    load = model.RegisterUnaryTransitVector(instance.demands)
    model.SetArcCostEvaluatorOfAllVehicles(leg)
    horizon = instance.windows[0][1]
    model.AddDimension(time, horizon, horizon, False, "time")
    model.AddDimension(load, 0, instance.capacity, True, "load")
    clock = model.GetDimensionOrDie("time")
    for stop in range(1, len(instance.points)):
        clock.CumulVar(manager.NodeToIndex(stop)).SetRange(*instance.windows[stop])
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.seconds = 100 * math.ceil(marks[-1])
    start, found, best = process_time(), [], [None]

    def over():
        while len(found) < len(marks) and process_time() - start >= marks[len(found)]:
            found.append(best[0])
        return len(found) == len(marks)

    def better():
        over()
        cost = model.CostVar().Max() / SCALE
        best[0] = cost if best[0] is None else min(best[0], cost)

    model.AddAtSolutionCallback(better)
    model.AddSearchMonitor(model.solver().CustomLimit(over))
    solution = model.SolveWithParameters(parameters)
    used = process_time() - start
    routes = []
    for vehicle in range(instance.vehicles) if solution else []:
        at, route = model.Start(vehicle), []
        while not model.IsEnd(at := solution.Value(model.NextVar(at))):
            route.append(node(at))
        routes += [route] if route else []
    return routes, found, used


PEERS = {"pyvrp": pyvrp, "vroom": vroom, "ortools": ortools}
NAMES = {"fieldfare": "Fieldfare", "pyvrp": "PyVRP 0.14.1", "vroom": "VROOM (pyvroom 1.15.2, -x 5)",
         "ortools": "OR-Tools 9.15 (PCI + GLS)"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the example solomon_bench")
    parser.add_argument("--at", default="1,10", help="CPU seconds after which distances are noted")
    parser.add_argument("--names", help="instances, with commas between")
    parser.add_argument("--every", type=int, default=1, help="take one in so many instances")
    parser.add_argument("--solvers", default=",".join(NAMES))
    parser.add_argument("--log", help="file for a line of JSON for each run; those in it are not run again")
    arguments = parser.parse_args()
    folder = Path(os.environ.get("SOLOMON", ""))
    if not (folder / "C101.txt").is_file():
        sys.exit("SOLOMON must name the folder with Solomon's instances (C101.txt ... RC208.txt)")
    known = json.loads((folder / "BKS_vroom.json").read_text())
    marks = [float(mark) for mark in arguments.at.split(",")]
    names = sorted(path.stem for path in folder.glob("*.txt"))[:: arguments.every]
    if arguments.names:
        names = arguments.names.split(",")
    log = Log(arguments.log)
    for name in names:
        instance = Instance(folder / f"{name}.txt")
        for solver in arguments.solvers.split(","):
            if log.find(solver, name, marks):
                continue
            if solver == "fieldfare":
                routes, found, cpu = fieldfare(arguments.program, folder, name, marks)
            else:
                routes, found, cpu = PEERS[solver](instance, marks)
            log.add({"solver": solver, "name": name, "at": marks, "distances": found, "cpu": cpu, "routes": routes})
    table(log, arguments.solvers.split(","), names, marks, known, folder)


class Log:
    def __init__(self, path):
        self.path = path and Path(path)
        self.runs = []
        if self.path and self.path.is_file():
            self.runs = [json.loads(line) for line in self.path.read_text().splitlines()]

    def find(self, solver, name, marks):
        return next((r for r in self.runs if (r["solver"], r["name"], r["at"]) == (solver, name, marks)), None)

    def add(self, run):
        self.runs.append(run)
        if self.path:
            with self.path.open("a") as file:
                print(json.dumps(run), file=file)


def table(log, solvers, names, marks, known, folder):
    gaps_at = [f"gap after {mark:g} CPU s: mean / worst" for mark in marks]
    print(f"| {len(names)} instances of Solomon, distance | {' | '.join(gaps_at)} | feasible | CPU s, mean |")
    print("|---" * (len(marks) + 3) + "|")
    failed = []
    for solver in solvers:
        gaps, feasible, cpu = [[] for _ in marks], 0, 0
        for name in names:
            run = log.find(solver, name, marks)
            best = known[f"{name}_distance"]["best_known_cost"]
            checked = Instance(folder / f"{name}.txt").distance(run["routes"])
            # The last distance is the checked one: what a solver says of itself counts for nothing.
            held = checked is not None and run["distances"][-1] >= checked - 0.01
            feasible += held
            if not held and solver == "fieldfare":
                failed.append(name)
            for at, distance in enumerate(run["distances"][:-1] + [checked]):
                if distance and math.isfinite(distance):
                    gaps[at].append(100 * (distance / best - 1))
            cpu += run["cpu"] / len(names)
        cells = [f"{sum(g) / len(g):.2f} % / {max(g):.2f} %" if g else "none" for g in gaps]
        print(f"| {NAMES[solver]} | {' | '.join(cells)} | {feasible} of {len(names)} | {cpu:.2f} |")
    if failed:
        sys.exit(f"solutions that do not hold: {failed}")


if __name__ == "__main__":
    main()
