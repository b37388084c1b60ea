// Small sums with GeoJSON geometries, whose positions are [lon, lat].

/** Give [lat, lon] of a point, or the middle of the box around anything larger. */
export function middle(geometry) {
  if (!geometry) return null;
  const positions = flat(geometry.coordinates);
  const [lons, lats] = [positions.map((at) => at[0]), positions.map((at) => at[1])];
  return [(Math.min(...lats) + Math.max(...lats)) / 2, (Math.min(...lons) + Math.max(...lons)) / 2];
}

const flat = (coordinates) => (typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(flat));

/** Say whether a polygon, or one of several, holds a place. */
export function holds({ type, coordinates }, { lat, lon }) {
  const parts = type === "Polygon" ? [coordinates] : coordinates;
  return parts.some((rings) => rings.filter((ring) => encircles(ring, lon, lat)).length % 2 === 1);
}

function encircles(ring, x, y) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
