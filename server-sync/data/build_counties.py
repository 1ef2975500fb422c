#!/usr/bin/env python3
"""Packs which county each US ZIP code's centre lies in.

usage: build_counties.py ZIPS.json COUNTIES.json OUT.zst      (needs the zstd command)

ZIPS.json      [[zip, state, lat, lon], ...]                   see ORIGIN.md
COUNTIES.json  us-atlas' counties-10m.json, TopoJSON           see ORIGIN.md

The packed form, before compression; integers are little endian.

    u16 counties, then for each two letters of the state, u8 length and name
    u32 zips, in the order of us-centroids.zst: u16 number of the county, from 1; 0 for none
A centre that lies in no county of its state is given to the nearest shore, 15 km at most.
"""
import json
import math
import struct
import subprocess
import sys

from build import MILITARY

FIPS = dict(zip(
    "01 02 04 05 06 08 09 10 11 12 13 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 "
    "39 40 41 42 44 45 46 47 48 49 50 51 53 54 55 56 60 66 69 72 78".split(),
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND "
    "OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI".split(),
))


def arcs_of(topology):
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        yield points


def ring(numbers, arcs):
    points = []
    for n in numbers:
        points += (arcs[n] if n >= 0 else arcs[~n][::-1])[1 if points else 0:]
    return points


def counties_of(topology):
    """(state, name, rings, box) of each county; the rings of a multipolygon count together."""
    arcs = list(arcs_of(topology))
    for geometry in topology["objects"]["counties"]["geometries"]:
        state = FIPS.get(geometry["id"][:2])
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        rings = [ring(numbers, arcs) for polygon in polygons for numbers in polygon]
        xs, ys = zip(*(point for points in rings for point in points))
        yield state, geometry["properties"]["name"], rings, (min(xs), min(ys), max(xs), max(ys))


def inside(x, y, rings):
    """Even-odd rule over all rings."""
    odd = False
    for points in rings:
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                odd = not odd
    return odd


def shore(lon, lat, counties):
    """The county of the nearest boundary point within 15 km: centres of shore codes lie in the water."""
    best = (15_000.0, 0)
    for number, (_, _, rings, _) in counties:
        for points in rings:
            for x, y in points:
                metres = math.hypot((x - lon) * math.cos(math.radians(lat)), y - lat) * 111_195
                best = min(best, (metres, number))
    return best[1]


def pack(zips, topology):
    zips = sorted(z for z in zips if z[1] not in MILITARY)
    counties = sorted(counties_of(topology), key=lambda c: (c[0] or "", c[1]))
    by_state = {}
    for number, county in enumerate(counties, 1):
        by_state.setdefault(county[0], []).append((number, county))
    numbers = []
    for _, state, lat, lon in zips:
        near = (n for n, (_, _, rings, (w, s, e, h)) in by_state.get(state, ())
                if w <= lon <= e and s <= lat <= h and inside(lon, lat, rings))
        numbers.append(next(near, 0) or shore(lon, lat, by_state.get(state, ())))
    out = struct.pack("<H", len(counties))
    for state, name, _, _ in counties:
        text = name.encode()
        out += (state or "??").encode() + bytes([len(text)]) + text
    return out + struct.pack("<I", len(numbers)) + struct.pack(f"<{len(numbers)}H", *numbers), numbers


def main(zips_path, counties_path, out_path):
    with open(zips_path) as zips, open(counties_path) as counties:
        packed, numbers = pack(json.load(zips), json.load(counties))
    print(f"{len(numbers)} ZIP codes, {numbers.count(0)} in no county of their state", file=sys.stderr)
    command = ["zstd", "-q", "-f", "--ultra", "-22", "--no-check", "-o", out_path]
    subprocess.run(command, input=packed, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
