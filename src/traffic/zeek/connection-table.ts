/**
 * The open connections, found by a packet's addresses and ports without making an object.
 *
 * Chains of equal hashes hang in a Map; beside it, a Set keeps the order in which they began, so that in a full table
 * the oldest makes way.
 */
import { hashOf } from './connection.js';
import type { Connection } from './connection.js';
import type { IpHeader } from './ip-header.js';

export class ConnectionTable {
  readonly #chains = new Map<number, Connection>();
  readonly #open = new Set<Connection>();

  get size(): number {
    return this.#open.size;
  }

  find(
    ip: IpHeader,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
    isOneWay: boolean,
  ): Connection | undefined {
    let connection = this.#chains.get(hashOf(ip, protocol, sourcePort, destinationPort));
    while (connection !== undefined && !connection.has(ip, protocol, sourcePort, destinationPort, isOneWay)) {
      connection = connection.next;
    }
    return connection;
  }

  add(connection: Connection): void {
    connection.next = this.#chains.get(connection.hash);
    this.#chains.set(connection.hash, connection);
    this.#open.add(connection);
  }

  remove(connection: Connection): void {
    this.#open.delete(connection);
    const first = this.#chains.get(connection.hash);
    if (first === connection) {
      if (connection.next === undefined) this.#chains.delete(connection.hash);
      else this.#chains.set(connection.hash, connection.next);
      return;
    }
    for (let before = first; before !== undefined; before = before.next) {
      if (before.next !== connection) continue;
      before.next = connection.next;
      return;
    }
  }

  /** The one that began first. */
  oldest(): Connection | undefined {
    return this.#open.values().next().value;
  }

  /** In the order in which Zeek, with a fixed seed, tells what is still open at the end: by its key. */
  inKeyOrder(): Connection[] {
    return [...this.#open].sort(byKey);
  }
}

/** Key: lower address, higher address, the port at each, protocol; one-way ones as they are. */
function byKey(a: Connection, b: Connection): number {
  const one = keyOf(a);
  const other = keyOf(b);
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return one[index]! - other[index]!;
  }
  return 0;
}

function keyOf(connection: Connection): number[] {
  const { originator, responder, originatorPort, responderPort, protocol } = connection;
  const isSwapped = !connection.isOneWay && isAfter(connection);
  return isSwapped
    ? [...responder, ...originator, responderPort, originatorPort, protocol]
    : [...originator, ...responder, originatorPort, responderPort, protocol];
}

function isAfter({ originator, responder, originatorPort, responderPort }: Connection): boolean {
  for (let index = 0; index < 4; index++) {
    if (originator[index] !== responder[index]) return originator[index]! > responder[index]!;
  }
  return originatorPort > responderPort;
}
