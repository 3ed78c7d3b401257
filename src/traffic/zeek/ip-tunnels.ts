/**
 * Tunnels right in IP, each known by its two addresses: a name for as long as something comes through.
 */
import { within } from './encapsulation.js';
import type { Encapsulation } from './encapsulation.js';
import type { IpHeader } from './ip-header.js';
import { Timeout } from './timeouts.js';

const MAX_TUNNELS = 65_536;

interface Known {
  readonly uid: string;
  lastAt: number;
  chain: Encapsulation | undefined;
}

export class IpTunnels {
  readonly #nextUid: () => string;
  readonly #known = new Map<string, Known>();

  constructor(nextUid: () => string) {
    this.#nextUid = nextUid;
  }

  /** The chain of the tunnel that a packet with this outer header is in; both directions are one tunnel. */
  around(ip: IpHeader, outer: Encapsulation | undefined, now: number): Encapsulation {
    const key = keyOf(ip);
    let known = this.#known.get(key);
    if (known === undefined || now - known.lastAt >= Timeout.ipTunnel) {
      known = { uid: this.#nextUid(), lastAt: now, chain: undefined };
      this.#known.delete(key);
      this.#known.set(key, known);
      if (this.#known.size > MAX_TUNNELS) this.#known.delete(this.#known.keys().next().value!);
    }
    known.lastAt = now;
    known.chain = within(outer, known.uid, known.chain);
    return known.chain;
  }
}

function keyOf(ip: IpHeader): string {
  const source = `${ip.source0},${ip.source1},${ip.source2},${ip.source3}`;
  const destination = `${ip.destination0},${ip.destination1},${ip.destination2},${ip.destination3}`;
  return source < destination ? `${source} ${destination}` : `${destination} ${source}`;
}
