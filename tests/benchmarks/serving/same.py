"""Whether the servers answer the same: ids, outlines to 1e-6 of a degree, and the names of properties."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx
import mapbox_vector_tile
import shapely

from tests.benchmarks.serving.cases import Case, told
from tests.benchmarks.serving.servers import OURS

TOLERANCE = 1e-6
EXTENT = 4096
MOST_IN_A_TILE = 10_000  # of tipg
THINNED = 12  # the least zoom at which tiles are compared
Feature = Mapping[str, Any]


class Answer(NamedTuple):
    """The features of one answer: their outlines (None in a tile) by id, and all names of properties."""

    shapes: dict[str, Any]
    names: frozenset[str]


Answers = dict[str, list[Answer]]  # by the name of the case


def gather(address: str, server: str, cases: Sequence[Case], most: int) -> Answers:
    """Ask a server the first `most` questions of each case once; what it does not have at all is not in the answer."""
    found: Answers = {}
    with httpx.Client(base_url=address, timeout=120) as client:
        for case in cases:
            paths = [told(path) for path in case.paths(server)[:most]]
            if paths and client.get(paths[0]).status_code != 404:
                read = _tile if case.tiles else _features
                found[case.name] = [read(client.get(path).raise_for_status()) for path in paths]
    return found


def _features(answer: httpx.Response) -> Answer:
    body = answer.json()
    features: list[Feature] = body.get("features", [body])
    shapes = shapely.from_geojson([json.dumps(f["geometry"]) for f in features])
    names = frozenset(name for f in features for name in f["properties"]) - {"id"}  # which tipg tells twice
    return Answer(dict(zip((str(f["id"]) for f in features), shapes, strict=True)), names)


def _tile(answer: httpx.Response) -> Answer:
    """Read a tile: what lies within it, of which the margin around it is no part."""
    layers = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    features = [feature for layer in layers.values() for feature in layer["features"]]
    within = [f for f in features if all(0 < number < EXTENT for number in f["geometry"]["coordinates"])]
    whole = len(features) < MOST_IN_A_TILE and all("id" in f["properties"] for f in features)
    names = frozenset(name for f in features for name in f["properties"])
    return Answer({f["properties"]["id"]: None for f in within} if whole else {}, names)


def compare(answers: Mapping[str, Answers], cases: Sequence[Case]) -> None:
    """Print for each case what is the same; end with what is not."""
    for case in cases:
        ours = answers[OURS].get(case.name)
        for peer in (name for name in answers if name != OURS and case.paths(name)):
            theirs = answers[peer].get(case.name)
            if ours is None or theirs is None:
                print(f"- {case.name}: not of both {OURS} and {peer}", flush=True)
            elif case.tiles:
                _compare_tiles(case, peer, ours, theirs)
            else:
                _compare_features(case, peer, ours, theirs)


def _compare_features(case: Case, peer: str, ours: Sequence[Answer], theirs: Sequence[Answer]) -> None:
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        if our.shapes.keys() != their.shapes.keys():
            odd = our.shapes.keys() ^ their.shapes.keys()
            sys.exit(f"{case.name}, question {number}: {len(odd)} features are not of both {OURS} and {peer}: {odd}")
        ids = list(our.shapes)
        pairs = [our.shapes[i] for i in ids], [their.shapes[i] for i in ids]
        if not shapely.equals_exact(*pairs, tolerance=TOLERANCE, normalize=True).all():
            sys.exit(f"{case.name}, question {number}: {peer} gives other outlines")
        if our.names != their.names:
            sys.exit(f"{case.name}, question {number}: properties not of both: {sorted(our.names ^ their.names)}")
    numbers = sorted(len(answer.shapes) for answer in ours)
    told_numbers = f"{numbers[0]} to {numbers[-1]}, median {numbers[len(numbers) // 2]}"
    print(f"- {case.name}: {len(ours)} answers hold the same features as those of {peer} ({told_numbers})", flush=True)


def _compare_tiles(case: Case, peer: str, ours: Sequence[Answer], theirs: Sequence[Answer]) -> None:
    """Compare the tiles in which neither left anything out; below a zoom most are thinned, and none is compared."""
    whole = [(our, their) for our, their in zip(ours, theirs, strict=True) if our.shapes and their.shapes]
    if case.tiles[0][0] < THINNED:
        print(f"- {case.name}: not compared, both thin", flush=True)
        return
    for our, their in whole:
        if our.shapes.keys() != their.shapes.keys():
            sys.exit(f"{case.name}: {peer} has other features in a tile: {our.shapes.keys() ^ their.shapes.keys()}")
    if len(whole) < len(ours) / 2:
        sys.exit(f"{case.name}: only {len(whole)} of {len(ours)} tiles can be compared")
    print(f"- {case.name}: {len(whole)} of {len(ours)} tiles hold the same features as those of {peer}", flush=True)
