// Where the lines of the picture run, on a 380-wide sheet. Pure geometry.

import type { Node } from '../energy.ts';

export const SHEET = 380;

export interface Point {
  x: number;
  y: number;
}
export type Curve = readonly [Point, Point, Point, Point];

const curve = (...n: [number, number, number, number, number, number, number, number]): Curve => [
  { x: n[0], y: n[1] }, { x: n[2], y: n[3] }, { x: n[4], y: n[5] }, { x: n[6], y: n[7] },
];

/** From the house's label outwards. */
const OUTWARD: Record<Node, Curve> = {
  solar: curve(160, 193, 152, 176, 146, 166, 140, 150),
  grid: curve(257, 204, 288, 198, 312, 186, 337, 170),
  battery: curve(258, 216, 282, 222, 296, 234, 313, 249),
  hot: curve(122, 216, 104, 222, 84, 232, 60, 243),
  ev: curve(190, 233, 190, 255, 190, 280, 190, 308),
  gen: curve(130, 228, 112, 238, 100, 246, 88, 258),
};

export function spokeCurve(node: Node, inward: boolean): Curve {
  const [a, b, c, d] = OUTWARD[node];
  return inward ? [d, c, b, a] : [a, b, c, d];
}

export function at(curve: Curve, t: number): Point {
  const [p0, p1, p2, p3] = curve;
  const u = 1 - t;
  const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return { x: a * p0.x + b * p1.x + c * p2.x + d * p3.x, y: a * p0.y + b * p1.y + c * p2.y + d * p3.y };
}

/** Line up to the arrow's foot, and the arrow's three corners. */
export function drawn(curve: Curve, width: number): { line: string; arrow: string } {
  const [p0, p1, p2, p3] = curve;
  const long = 9 + width * 1.1;
  const span = Math.hypot(p3.x - p2.x, p3.y - p2.y) || 1;
  const dir = { x: (p3.x - p2.x) / span, y: (p3.y - p2.y) / span };
  const foot = { x: p3.x - dir.x * long, y: p3.y - dir.y * long };
  const half = 4 + width * 0.75;
  const n = (v: number): string => v.toFixed(1);
  const corner = (side: number): string => `${n(foot.x - dir.y * half * side)} ${n(foot.y + dir.x * half * side)}`;
  const back = (p: Point): Point => ({ x: p.x - dir.x * long * 0.6, y: p.y - dir.y * long * 0.6 });
  const c2 = back(p2);
  return {
    line: `M${n(p0.x)} ${n(p0.y)}C${n(p1.x)} ${n(p1.y)} ${n(c2.x)} ${n(c2.y)} ${n(foot.x)} ${n(foot.y)}`,
    arrow: `M${corner(1)}L${n(p3.x)} ${n(p3.y)}L${corner(-1)}Z`,
  };
}

/** Places of a travelling dot for transform keyframes, in pixels of a sheet drawn `scale` times as large. */
export function trip(curve: Curve, scale: number, steps = 12): Point[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const p = at(curve, (i / steps) * 0.94);
    return { x: p.x * scale, y: p.y * scale };
  });
}
