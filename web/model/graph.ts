/**
 * The geometry of the mesh picture: nodes on a circle in the order of their ranks, the first at the top, and
 * an arc for each direction between two of them, bent to its left, so that there and back are two arcs.
 *
 * All coordinates are in the picture's own units, {@link WIDTH} by {@link HEIGHT}: wider than high, for the names
 * at its sides.
 */

export const WIDTH = 520;
export const HEIGHT = 400;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Place extends Point {
  readonly radius: number;
  /** Where the label goes, outside of the circle, and which end of the text lies there. */
  readonly label: Point;
  readonly anchor: 'start' | 'middle' | 'end';
}

export interface Arc {
  readonly from: number;
  readonly to: number;
  /** An SVG path. */
  readonly path: string;
}

const CIRCLE = 136;
const MOST_RADIUS = 24;
const LABEL_GAP = 12;
/** Share of its length by which an arc bends. */
const BEND = 0.13;
/** Between an arc's end and the node's edge; the arrow's head needs some. */
const ARC_GAP = 5;

export function placesOf(count: number): Place[] {
  // Neighbours on the circle never touch.
  const spacing = count < 2 ? Infinity : 2 * CIRCLE * Math.sin(Math.PI / count);
  const radius = Math.min(MOST_RADIUS, 0.27 * spacing);
  return Array.from({ length: count }, (_, index) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * index) / count;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const at = (distance: number): Point => ({
      x: WIDTH / 2 + distance * cos,
      y: HEIGHT / 2 + distance * sin,
    });
    const anchor = Math.abs(cos) < 0.2 ? 'middle' : cos > 0 ? 'start' : 'end';
    return { ...at(CIRCLE), radius, label: at(CIRCLE + radius + LABEL_GAP), anchor };
  });
}

/** Arcs between all pairs, both ways. */
export function arcsOf(places: readonly Place[]): Arc[] {
  return places.flatMap((_, from) =>
    places.flatMap((_, to) => (from === to ? [] : [{ from, to, path: arcPath(places[from]!, places[to]!) }])),
  );
}

function arcPath(from: Place, to: Place): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  // Left of the way from here to there, in a picture whose y grows downwards.
  const bend = {
    x: (from.x + to.x) / 2 + BEND * (to.y - from.y),
    y: (from.y + to.y) / 2 - BEND * (to.x - from.x),
  };
  const start = towards(from, bend, Math.min(from.radius + ARC_GAP, length / 3));
  const end = towards(to, bend, Math.min(to.radius + ARC_GAP, length / 3));
  return `M${text(start)} Q${text(bend)} ${text(end)}`;
}

function towards(from: Point, to: Point, distance: number): Point {
  const share = distance / Math.hypot(to.x - from.x, to.y - from.y);
  return { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
}

function text({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** Below this share of the uplink an arc stays dark: acknowledgements and keep-alives are no slices. */
const DARK_SHARE = 0.02;

/** How strongly an arc shines, from 0 (dark) to 1 (the whole uplink); weak flows are lifted, to be seen. */
export function glow(rate: number, uplink: number): number {
  const share = uplink > 0 ? Math.min(1, rate / uplink) : 0;
  return share < DARK_SHARE ? 0 : Math.sqrt(share);
}
