"""Every figure of `kaart coverage compute` a second time: loops straight from the definitions, none of our code."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
Floats = NDArray[np.float64]
DEFAULTS: Mapping[str, Any] = {
    "norm_m": 800.0, "decay": "quadratic", "half_life_days": 365.0, "grace_days": 180.0, "min_open_hours": 4.0,
    "supply_norm": 0.0, "detour": 1.3, "severity": [1.0, 0.5, 0.5, 0.25], "hours": [6.0] * 21,
}  # fmt: skip


def reckon(
    demand: Sequence[Row], assets: Sequence[Row], policy: Mapping[str, Any]
) -> tuple[list[Row], list[Row], list[Row]]:
    """Give the rows of areas, of points and of assets, as the command should write them; None for what is empty."""
    areas: list[Row] = []
    points: list[Row] = []
    loads: list[Row] = []
    kinds = sorted({asset["kind"] for asset in assets} | set(policy.get("kind", {})))
    for kind in kinds:
        told = {key: value for key, value in policy.items() if key != "kind"}
        rules = {**DEFAULTS, **told, **policy.get("kind", {}).get(kind, {})}
        some = sorted((asset for asset in assets if asset["kind"] == kind), key=lambda asset: asset["id"])
        found = _points(demand, some, rules)
        loads.extend(_assets(demand, some, rules, found))
        points.extend(
            {"id": i["id"], "kind": kind, **{name: p[name] for name in ("near_m", "nearest", "count", "certainty")},
             "supply": p["supply"]}
            for i, p in zip(demand, found, strict=True)
        )  # fmt: skip
        for area in {i["area"] for i in demand if i["area"] is not None}:
            mine = [(i, p) for i, p in zip(demand, found, strict=True) if i["area"] == area]
            areas.append({"area": area, "kind": kind, **_area(mine, rules)})
    return (
        sorted(areas, key=lambda row: (row["area"], row["kind"])),
        sorted(points, key=lambda row: (row["kind"], row["id"])),
        sorted(loads, key=lambda row: row["id"]),
    )


def people(i: Row) -> float:
    return 0.0 if i["residents"] is None else float(i["residents"])


def walk(i: Row, j: Row, rules: Mapping[str, Any]) -> float:
    return float(rules["detour"] * np.hypot(i["x"] - j["x"], i["y"] - j["y"]))


def weight(d: float, rules: Mapping[str, Any]) -> float:
    norm = rules["norm_m"]
    if d > norm:
        return 0.0
    if rules["decay"] == "step":
        return 1.0
    if rules["decay"] == "gaussian":
        return float((np.exp(-((d / norm) ** 2) / 2) - np.exp(-0.5)) / (1 - np.exp(-0.5)))
    return float(1 - (d / norm) ** 2)


def sure(j: Row, rules: Mapping[str, Any]) -> float:
    if j["age_days"] is None:
        return 0.0
    return float(2 ** (-max(0.0, j["age_days"] - rules["grace_days"]) / rules["half_life_days"]))


def _points(demand: Sequence[Row], assets: Sequence[Row], rules: Mapping[str, Any]) -> list[Row]:
    walks = [[walk(i, j, rules) for j in assets] for i in demand]
    wanted = [sum(people(i) * weight(walks[a][b], rules) for a, i in enumerate(demand)) for b in range(len(assets))]
    places = [j["capacity"] or 0.0 for j in assets]
    rates = [s / w if w else 0.0 for s, w in zip(places, wanted, strict=True)]
    found: list[Row] = []
    for a in range(len(demand)):
        near = [b for b in range(len(assets)) if walks[a][b] <= rules["norm_m"]]
        first = min(range(len(assets)), key=lambda b: (walks[a][b], b), default=None)
        masks = [int(assets[b]["open_mask"]) for b in near if assets[b]["open_mask"] is not None]
        found.append({
            "walks": walks[a],
            "weights": [weight(d, rules) for d in walks[a]],
            "near_m": None if first is None else walks[a][first],
            "nearest": None if first is None else assets[first]["id"],
            "near": near,
            "count": len(near),
            "certainty": 1 - float(np.prod([1 - sure(assets[b], rules) for b in near])),
            "mask": int(np.bitwise_or.reduce(masks)) if masks else 0,
            "supply": sum(rates[b] * weight(walks[a][b], rules) for b in range(len(assets))),
        })  # fmt: skip
    for p in found:
        total = sum(p["weights"])
        p["shares"] = [w / total if total else 0.0 for w in p["weights"]]
    loads = [sum(people(i) * p["shares"][b] for i, p in zip(demand, found, strict=True)) for b in range(len(assets))]
    press = [load / s if s else (np.inf if load else 0.0) for load, s in zip(loads, places, strict=True)]
    for p in found:
        used = [(s, press[b]) for b, s in enumerate(p["shares"]) if s > 0]
        p["crowding"] = sum(s * c for s, c in used) if used else np.nan
    return found


def _assets(demand: Sequence[Row], assets: Sequence[Row], rules: Mapping[str, Any], found: Sequence[Row]) -> list[Row]:
    rows = []
    for b, j in enumerate(assets):
        load = sum(people(i) * p["shares"][b] for i, p in zip(demand, found, strict=True))
        wanted = sum(people(i) * p["weights"][b] for i, p in zip(demand, found, strict=True))
        near = [(people(i), p) for i, p in zip(demand, found, strict=True) if b in p["near"]]
        rows.append({
            "id": j["id"],
            "kind": j["kind"],
            "load": load,
            "crowding": load / j["capacity"] if wanted and j["capacity"] else None,
            "lost_if_closed": sum(w for w, p in near if p["count"] == 1),
            "gain_if_checked": sum(w * (1 - p["certainty"]) for w, p in near),
        })  # fmt: skip
    return rows


def _area(mine: Sequence[tuple[Row, Row]], rules: Mapping[str, Any]) -> Row:
    w = np.array([people(i) for i, _ in mine])
    total, norm = w.sum(), rules["norm_m"]
    if not total:
        return {"residents": 0.0}
    d = np.array([np.inf if p["near_m"] is None else p["near_m"] for _, p in mine])
    within = d <= norm
    radius = rules["detour"] * np.array([i["radius_m"] for i, _ in mine])
    classes = [_class(p, rules) for _, p in mine]
    severity = [*rules["severity"], 0.0]
    by_class = [float(sum(v for v, c in zip(w, classes, strict=True) if c == k)) for k in range(5)]
    beyond = (w > 0) & ~within & np.isfinite(d)
    reached = (w > 0) & np.isfinite(d)
    press = [(v, p["crowding"]) for v, (_, p) in zip(w, mine, strict=True) if v > 0 and not np.isnan(p["crowding"])]
    crowding = sum(v * c for v, c in press) / sum(v for v, _ in press) if press else np.nan
    parts = [float(sum(v for v, (_, p) in zip(w, mine, strict=True) if p["mask"] >> b & 1)) for b in range(21)]
    group = [(i["residents_65"], ok) for (i, _), ok in zip(mine, within, strict=True) if i["residents_65"] is not None]
    known = sum(v for v, _ in group)
    row: Row = {
        "residents": total,
        "covered_share": w[within].sum() / total,
        "uncovered": w[~within].sum(),
        "mean_m": (w[reached] * d[reached]).sum() / w[reached].sum() if reached.any() else None,
        "reached_share": w[reached].sum() / total,
        "median_m": quantile(d, w, 0.5),
        "p90_m": quantile(d, w, 0.9),
        "depth_m": (w[beyond] * (d[beyond] - norm)).sum() / w[beyond].sum() if beyond.any() else None,
        "fgt1": (w * np.minimum(1, np.maximum(0, d / norm - 1))).sum() / total,
        "choice": sum(v * p["count"] for v, (_, p) in zip(w, mine, strict=True)) / total,
        "fragile_share": sum(v for v, (_, p) in zip(w, mine, strict=True) if p["count"] == 1) / total,
        "per_1000": 1000 * sum(v * p["supply"] for v, (_, p) in zip(w, mine, strict=True)) / total,
        "crowding": crowding if np.isfinite(crowding) else None,
        "certain_share": sum(v * p["certainty"] for v, (_, p) in zip(w, mine, strict=True)) / total,
        "open_hours": sum(v * _hours(p, rules) for v, (_, p) in zip(w, mine, strict=True)) / total,
        "worst_part_share": min(parts) / total,
        "gap": 100 * sum(s * n for s, n in zip(severity, by_class, strict=True)) / total,
        "covered_lo": w[d + radius <= norm].sum() / total,
        "covered_hi": w[d - radius <= norm].sum() / total,
        "band_lo": w[d <= 0.8 * norm].sum() / total,
        "band_hi": w[d <= 1.2 * norm].sum() / total,
        "group_share": sum(v for v, ok in group if ok) / known if known else None,
    }
    return row | dict(zip(CLASSES, by_class, strict=True))


CLASSES = [f"people_{name}" for name in ("none", "doubtful", "closed", "full", "served")]


def _hours(p: Row, rules: Mapping[str, Any]) -> float:
    return float(sum(hours for b, hours in enumerate(rules["hours"]) if p["mask"] >> b & 1))


def _class(p: Row, rules: Mapping[str, Any]) -> int:
    if p["count"] == 0:
        return 0
    if p["certainty"] < 0.5:
        return 1
    if _hours(p, rules) < rules["min_open_hours"]:
        return 2
    return 3 if p["supply"] < rules["supply_norm"] else 4


def quantile(d: Floats, w: Floats, q: float) -> float | None:
    for v in np.sort(d):
        if w[d <= v].sum() >= q * w.sum() * (1 - 1e-12):
            return float(v) if np.isfinite(v) else None
    return None
