/** GeoJSON of the bureau's regions → paths of a picture: latitude shrinks longitude, nothing else is computed. */
type Pair = [number, number];
interface Feature { properties: Record<string, string>; geometry: { type: string; coordinates: Pair[][] | Pair[][][] } }
export interface GeoJson { features: Feature[] }
export interface Shape { code: string; path: string; x: number; y: number }
export interface Picture { width: number; height: number; shapes: Shape[] }

const CODES = ["code", "adcode", "代码"];
const WIDTH = 1000;

const polygons = (feature: Feature): Pair[][][] =>
  feature.geometry.type === "MultiPolygon" ? (feature.geometry.coordinates as Pair[][][]) : [feature.geometry.coordinates as Pair[][]];
const codeOf = (feature: Feature): string => String(feature.properties[CODES.find((name) => name in feature.properties) ?? "code"] ?? "");

/** The shapes of these regions, as large as fits into 1000 across; without any an empty picture. */
export function picture(map: GeoJson, wanted: Set<string>): Picture {
  const features = map.features.filter((one) => wanted.has(codeOf(one)));
  const all = features.flatMap((one) => polygons(one).flatMap((polygon) => polygon[0]));
  if (!all.length) return { width: WIDTH, height: WIDTH, shapes: [] };
  const [xs, ys] = [all.map((pair) => pair[0]), all.map((pair) => pair[1])];
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const shrink = Math.cos(((top + bottom) / 2) * (Math.PI / 180));
  const scale = WIDTH / ((right - left) * shrink || 1);
  const put = ([x, y]: Pair): Pair => [(x - left) * shrink * scale, (top - y) * scale];
  const shapes = features.map((one) => {
    const rings = polygons(one).map((polygon) => polygon[0].map(put));
    const largest = rings.reduce((best, ring) => (Math.abs(area(ring)) > Math.abs(area(best)) ? ring : best));
    const path = rings.map((ring) => `M${ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join("");
    return { code: codeOf(one), path, ...middle(largest) };
  });
  return { width: WIDTH, height: Math.max(1, (top - bottom) * scale), shapes };
}

const pairs = (ring: Pair[]): [Pair, Pair][] => ring.map((pair, n) => [pair, ring[(n + 1) % ring.length]]);
const area = (ring: Pair[]): number => pairs(ring).reduce((sum, [a, b]) => sum + a[0] * b[1] - b[0] * a[1], 0) / 2;

/** The centre of gravity of a ring. */
function middle(ring: Pair[]): { x: number; y: number } {
  const twice = area(ring) * 6 || 1;
  const sum = (axis: 0 | 1): number => pairs(ring).reduce((total, [a, b]) => total + (a[axis] + b[axis]) * (a[0] * b[1] - b[0] * a[1]), 0);
  return { x: sum(0) / twice, y: sum(1) / twice };
}
