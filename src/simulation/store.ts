/**
 * The object store, in virtual time: what is there since when, and who waits for it.
 *
 * A put crosses the rank's uplink and the store's downlink, and ends when the rank has heard that it is stored.
 * Who gets first looks whether the object is there, and again after every pause until it is; then the object
 * crosses the store's uplink and the rank's downlink. Looks, requests and answers are small: they only take
 * the time of the way.
 */
import { idleRoundTrips, objectTraffic, type ObjectFraming } from '../object-store/framing.js';
import { LOOK_SECONDS } from '../object-store/objects.js';
import { objectName } from '../schedule/graph.js';
import type { GetOperation, PutOperation } from '../schedule/operation.js';
import type { Carriage, Links } from './links.js';

export interface StoreOptions {
  readonly links: Links;
  /** Its position among the hosts. */
  readonly position: number;
  readonly framing: ObjectFraming;
  /** Objects of earlier rounds are there from the start. */
  readonly firstRound: number;
  /** Has something done at a later time. */
  readonly at: (time: number, act: () => void) => void;
}

/** When the first byte of an object left its sender or reached its receiver, and when all was over. */
export type WhenMoved = (start: number, end: number) => void;

export class Store {
  readonly #options: StoreOptions;
  readonly #stored = new Set<string>();
  /** By name of the object: what to do when it is there. */
  readonly #waiting = new Map<string, ((since: number) => void)[]>();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  put(rank: number, operation: PutOperation, time: number, whenMoved: WhenMoved): void {
    const { links, position, at } = this.#options;
    const { load, there, back, before, after } = this.#way(rank, operation);
    const roundTrip = there + back;
    const begin = time + before * roundTrip;
    at(begin, () => {
      const { start, end } = links.transmit(rank, load, begin);
      this.#carry({ from: rank, to: position, load, start, end }, (_, here) => {
        const stored = here + after * roundTrip;
        whenMoved(start, stored + back);
        at(stored, () => this.#announce(objectName(operation), stored));
      });
    });
  }

  get(rank: number, operation: GetOperation, time: number, whenMoved: WhenMoved): void {
    const { links, position, at } = this.#options;
    const { load, there, back } = this.#way(rank, operation);
    /** A look has come at this time, and the object was there. */
    const serve = (found: number): void =>
      at(found + back + there, () => {
        const { start, end } = links.transmit(position, load, found + back + there);
        this.#carry({ from: position, to: rank, load, start, end }, whenMoved);
      });
    const firstLook = time + there;
    const pause = back + LOOK_SECONDS + there;
    at(firstLook, () => {
      const name = objectName(operation);
      if (operation.round < this.#options.firstRound || this.#stored.has(name)) serve(firstLook);
      else {
        const waiting = this.#waiting.get(name) ?? [];
        this.#waiting.set(name, waiting);
        waiting.push((since) => serve(firstLook + Math.ceil((since - firstLook) / pause) * pause));
      }
    });
  }

  #announce(name: string, since: number): void {
    this.#stored.add(name);
    for (const tell of this.#waiting.get(name) ?? []) tell(since);
    this.#waiting.delete(name);
  }

  /** Takes a transfer to its downlink and through it; `whenThrough` is told when its first byte came and its last had. */
  #carry(carriage: Carriage, whenThrough: (first: number, through: number) => void): void {
    const { links, at } = this.#options;
    const { to, load } = carriage;
    links.carry(carriage, at, (first, last) =>
      at(first, () => {
        const through = links.receive(to, load, first, last);
        at(through, () => whenThrough(first, through));
      }),
    );
  }

  #way(rank: number, { kind, bytes }: PutOperation | GetOperation) {
    const { links, position, framing } = this.#options;
    const { toStore, fromStore } = objectTraffic(kind, bytes, framing);
    return {
      load: links.payload(kind === 'put' ? toStore : fromStore),
      there: links.delay(rank, position),
      back: links.delay(position, rank),
      ...idleRoundTrips(kind, bytes, framing.part),
    };
  }
}
