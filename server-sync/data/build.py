#!/usr/bin/env python3
"""Packs US ZIP and place centroids for the embedded geocoder.

usage: build.py ZIPS.json PLACES.json OUT.zst      (needs the zstd command)

ZIPS.json    [[zip, state, lat, lon], ...]                   see ORIGIN.md
PLACES.json  [[name, state, population, lat, lon], ...]      see ORIGIN.md

The packed form, before compression; integers are little endian, varints are LEB128, signed ones
zigzag; a coordinate is a count of 10^-4 degrees and is stored as the difference to the one before.

    u8 states, then two letters each
    u32 zips:   column of varint zip differences, column of u8 state, column of lat, column of lon
    u32 places, in order of (state, name):
                column of u8 state, column of names (u8 shared prefix, u8 rest, rest),
                column of varint population, column of lat, column of lon
"""
import json
import struct
import subprocess
import sys

MILITARY = {"AA", "AE", "AP"}  # post offices abroad: a centroid says nothing


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def differences(degrees):
    out, last = bytearray(), 0
    for d in degrees:
        value = round(d * 10_000)
        step, last = value - last, value
        out += varint(step << 1 if step >= 0 else (-step << 1) - 1)
    return bytes(out)


def names(texts):
    out, last = bytearray(), b""
    for text in texts:
        text = text.encode()
        shared = 0
        while shared < min(len(last), len(text), 255) and last[shared] == text[shared]:
            shared += 1
        out += bytes((shared, len(text) - shared)) + text[shared:]
        last = text
    return bytes(out)


def pack(zips, places):
    zips = sorted(z for z in zips if z[1] not in MILITARY)
    places = sorted(places, key=lambda p: (p[1], p[0], -p[2], p[3], p[4]))
    states = sorted({z[1] for z in zips} | {p[1] for p in places})
    index = {state: n for n, state in enumerate(states)}
    out = bytes([len(states)]) + "".join(states).encode()
    out += struct.pack("<I", len(zips))
    last = 0
    for code, *_ in zips:
        out += varint(int(code) - last)
        last = int(code)
    out += bytes(index[z[1]] for z in zips)
    out += differences(z[2] for z in zips) + differences(z[3] for z in zips)
    out += struct.pack("<I", len(places)) + bytes(index[p[1]] for p in places)
    out += names(p[0] for p in places) + b"".join(varint(p[2]) for p in places)
    return out + differences(p[3] for p in places) + differences(p[4] for p in places)


def main(zips_path, places_path, out_path):
    with open(zips_path) as zips, open(places_path) as places:
        packed = pack(json.load(zips), json.load(places))
    command = ["zstd", "-q", "-f", "--ultra", "-22", "--no-check", "-o", out_path]
    subprocess.run(command, input=packed, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
