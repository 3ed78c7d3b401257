/**
 * The mesh as a graph: nodes on a circle, and an arc from sender to receiver that lights up while bytes flow.
 *
 * The arcs of all pairs are there from the start, almost invisible. Each look at the run only sets how bright
 * and how wide they are. A node says its phase by a sign within it, and how far its round is by the ring
 * around it, so nothing depends on colour.
 */
import type { WireBoard, WireNode } from '../../orchestrator/web/wire.js';
import { arcsOf, glow, HEIGHT, placesOf, WIDTH, type Place } from '../model/graph.js';
import { element, setAttribute, setText, svg } from './dom.js';

const DARK = 0.07;
const THIN = 1;
const WIDE = 6;

/** What the sign within a node looks like, in a square from -8 to 8. */
const SIGNS: Readonly<Record<WireNode['phase'], string>> = {
  joining: 'M-6 0h.01M0 0h.01M6 0h.01',
  computing: 'M-6 4v-8M-2 4v-5M2 4v-9M6 4v-3',
  synchronizing: 'M-7 -3h13l-4 -4M7 3h-13l4 4',
  done: 'M-6 0l4 5l8 -9',
};

interface NodeMark {
  readonly group: SVGElement;
  readonly sign: SVGElement;
  readonly ring: SVGElement;
  readonly title: SVGElement;
}

interface ArcMark {
  readonly from: number;
  readonly to: number;
  readonly path: SVGElement;
}

export class MeshView {
  readonly #container: HTMLElement;
  #names = '';
  #picture: SVGElement | undefined;
  #nodes: NodeMark[] = [];
  #arcs: ArcMark[] = [];

  constructor(container: HTMLElement) {
    this.#container = container;
  }

  draw({ nodes, stepsPerRound }: WireBoard): void {
    const names = nodes.map(({ name, region }) => `${name} ${region}`).join('\n');
    if (this.#picture === undefined || names !== this.#names) this.#build(nodes);
    this.#names = names;
    let lit = 0;
    for (const { from, to, path } of this.#arcs) {
      const { rateTo, uplink } = nodes[from]!;
      const strength = glow(rateTo[to] ?? 0, uplink);
      if (strength > 0) lit++;
      setAttribute(path, 'class', strength > 0 ? 'arc lit' : 'arc');
      setAttribute(path, 'opacity', (DARK + (1 - DARK) * strength).toFixed(2));
      setAttribute(path, 'stroke-width', (THIN + (WIDE - THIN) * strength).toFixed(1));
    }
    nodes.forEach((node, rank) => this.#drawNode(node, this.#nodes[rank]!, stepsPerRound));
    setAttribute(this.#container, 'data-lit', lit);
    const label = `Mesh of ${nodes.length} nodes; ${lit} of ${this.#arcs.length} directions carry traffic now`;
    setAttribute(this.#picture!, 'aria-label', label);
  }

  #drawNode({ name, region, phase, steps }: WireNode, mark: NodeMark, stepsPerRound: number): void {
    setAttribute(mark.group, 'class', `node ${phase}`);
    setAttribute(mark.sign, 'd', SIGNS[phase]);
    setText(mark.title, `${name} in ${region}: ${phase}`);
    const inRound = steps % stepsPerRound;
    // Without training there are no steps to count.
    const isFull = phase === 'synchronizing' || phase === 'done' || stepsPerRound === 0;
    const share = isFull ? 1 : inRound / stepsPerRound;
    // The circle's length is told to be 100, whatever its radius.
    setAttribute(mark.ring, 'stroke-dasharray', share === 1 ? 'none' : `${(100 * share).toFixed(0)} 100`);
  }

  #build(nodes: readonly WireNode[]): void {
    const places = placesOf(nodes.length);
    const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
    this.#arcs = arcsOf(places).map(({ from, to, path }) => {
      const drawn = svg('path', { d: path, class: 'arc', 'marker-end': 'url(#arrow)' });
      drawn.dataset['from'] = nodes[from]!.name;
      drawn.dataset['to'] = nodes[to]!.name;
      return { from, to, path: drawn };
    });
    this.#nodes = nodes.map((node, rank) => nodeMark(node, places[rank]!));
    picture.append(arrow(), ...this.#arcs.map(({ path }) => path), ...this.#nodes.map(({ group }) => group));
    this.#container.replaceChildren(
      nodes.length === 0 ? element('p', 'empty', 'No node has joined yet.') : picture,
    );
    this.#picture = picture;
  }
}

function nodeMark({ name, region }: WireNode, place: Place): NodeMark {
  const { x, y, radius, label, anchor } = place;
  const group = svg('g', { class: 'node' });
  const title = svg('title');
  const ring = svg('circle', { cx: x, cy: y, r: radius, pathLength: 100, class: 'ring' });
  // From the top, and not from the right, where a circle begins.
  ring.setAttribute('transform', `rotate(-90 ${x} ${y})`);
  const sign = svg('path', { class: 'sign', transform: `translate(${x} ${y}) scale(${radius / 18})` });
  const isAbove = label.y < HEIGHT / 2;
  const words = svg('text', { x: label.x, y: label.y, 'text-anchor': anchor });
  const lines = region === name ? [name] : [name, region];
  const shift =
    anchor === 'middle' ? (isAbove ? 1.1 - lines.length * 1.1 : 0.6) : 0.35 - 0.55 * (lines.length - 1);
  lines.forEach((text, index) => {
    const line = svg('tspan', { x: label.x, dy: `${index === 0 ? shift : 1.1}em` });
    if (index > 0) line.setAttribute('class', 'region');
    line.textContent = text;
    words.append(line);
  });
  group.append(title, svg('circle', { cx: x, cy: y, r: radius, class: 'body' }), ring, sign, words);
  return { group, sign, ring, title };
}

/** The head of an arc; as large as ever, however wide the arc. */
function arrow(): SVGElement {
  const marker = svg('marker', {
    id: 'arrow',
    viewBox: '0 0 10 10',
    refX: 5,
    refY: 5,
    markerWidth: 11,
    markerHeight: 11,
    markerUnits: 'userSpaceOnUse',
    orient: 'auto',
  });
  marker.append(svg('path', { d: 'M0 0.5L10 5L0 9.5z', class: 'head' }));
  const definitions = svg('defs');
  definitions.append(marker);
  return definitions;
}
