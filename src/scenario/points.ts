/**
 * Observation points: from where on the network somebody looks.
 *
 * The bridge sees every packet once, and nobody on the real internet sees what it sees. A point is a real
 * observer's share of it: the exchange of a region, an internet provider with some of the nodes for customers, the
 * access link of a single node. Each comes down to a set of hosts, and sees what one of them sends or is sent. So
 * a point's capture is a part of the bridge's, with the bridge's time stamps; what it would see from where it stands
 * and the bridge does not is nothing.
 *
 * Here is what a scenario says of points and which hosts they come to. Who cuts the packets: src/traffic/points.ts.
 */
import { z } from 'zod';
import { Random } from '../random.js';
import { hostsOf, type Topology } from './topology.js';
import { probability } from './units.js';

const shareError = 'allowed: a share above 0 % and below 100 %, e.g. "50 %"; or name the customers';

/** Of the file's name, so nothing that means something in a path. */
const pointName = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, {
      error: 'allowed: a name of 1 to 31 of a-z, 0-9 and -, not starting with -',
    })
    .describe(what);

export const pointSchema = z.union([
  z.strictObject({ exchange: pointName('All that hosts of this region send or are sent.') }),
  z.strictObject({
    isp: pointName('Name of an internet provider: it sees what its customers send or are sent.'),
    share: probability
      .refine((share) => share > 0, { error: shareError })
      .describe('Share of the nodes that are its customers, drawn by the seed; at least one is.'),
  }),
  z.strictObject({
    isp: pointName('Name of an internet provider: it sees what its customers send or are sent.'),
    customers: z.array(pointName('A node.')).min(1).describe('Names of the nodes that are its customers.'),
  }),
  z.strictObject({ link: pointName('The access link of this node: all that it sends or is sent.') }),
]);

export type PointSettings = z.output<typeof pointSchema>;
export type PointKind = 'exchange' | 'isp' | 'link';

/** A point of a scenario, definite: whose packets are seen there. */
export interface ObservationPoint {
  /** Unique among the scenario's points, e.g. "exchange-us-east". */
  readonly name: string;
  readonly kind: PointKind;
  /** Positions among all hosts, see hostsOf(), in order. */
  readonly hosts: readonly number[];
}

/** Kind and name of a point, without its hosts. */
export function pointLabel(point: PointSettings): Omit<ObservationPoint, 'hosts'> {
  if ('exchange' in point) return { kind: 'exchange', name: `exchange-${point.exchange}` };
  if ('isp' in point) return { kind: 'isp', name: `isp-${point.isp}` };
  return { kind: 'link', name: `link-${point.link}` };
}

/**
 * The hosts that each point sees. The same seed draws the same customers, whatever other points there are.
 */
export function observationPoints(
  points: readonly PointSettings[],
  topology: Topology,
  seed: number,
): ObservationPoint[] {
  const hosts = hostsOf(topology);
  const positions = (holds: (host: { readonly name: string; readonly region: string }) => boolean) =>
    hosts.flatMap((host, position) => (holds(host) ? [position] : []));
  return points.map((point) => {
    const label = pointLabel(point);
    if ('exchange' in point) return { ...label, hosts: positions(({ region }) => region === point.exchange) };
    if ('link' in point) return { ...label, hosts: positions(({ name }) => name === point.link) };
    if ('customers' in point)
      return { ...label, hosts: positions(({ name }) => point.customers.includes(name)) };
    return { ...label, hosts: draw(candidates(topology), point.share, new Random(seed, label.name)) };
  });
}

/** Who may be drawn for a customer: nodes and programs. An object store or a VPN server has no home provider. */
function candidates(topology: Topology): number[] {
  return hostsOf(topology).flatMap(({ program }, position) =>
    position < topology.nodes.length || program !== undefined ? [position] : [],
  );
}

/** A share of the positions, at least one, in order. */
function draw(positions: readonly number[], share: number, random: Random): number[] {
  const left = [...positions];
  const count = Math.max(1, Math.round(share * left.length));
  const drawn = Array.from({ length: count }, () => left.splice(random.integer(left.length), 1)[0]!);
  return drawn.sort((a, b) => a - b);
}
