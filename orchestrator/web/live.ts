/**
 * The run as a stream of server-sent events, to every page that is open.
 *
 * A page that connects gets the recent past first (`history`), then, four times a second, how things stand
 * and what the meters have read since (`snapshot`). All pages that have kept up get the same bytes, made once.
 * A page that is too slow to take an event gets none until its socket has drained, and then all readings it
 * missed in one; so what waits for a client never grows beyond one history and one event. As there is an event
 * whatever happens, no connection is ever silent, and none needs to be kept alive.
 */
import { randomUUID } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { BoardSnapshot } from '../board.js';
import type { RunEvent } from '../../src/run/events.js';
import { History } from './history.js';
import type { WireBoard, WireHistory, WireSnapshot } from './wire.js';

const PUSH_MS = 250;
/** How soon a page that lost us tries again. */
const RETRY_MS = 1000;
/** How long a client has to take the last event, before the connection is cut. */
const FAREWELL_MS = 500;
export const MOST_CLIENTS = 64;

/** The answer to a request: a ServerResponse, as far as it is used here. */
export type Sink = Writable & { writeHead(status: number, headers: Record<string, string>): unknown };

interface Client {
  readonly response: Sink;
  /** Time of the newest reading it has. */
  has: number;
}

export class Live {
  readonly #snapshot: () => BoardSnapshot;
  readonly #history = new History();
  readonly #server = randomUUID();
  readonly #clients = new Set<Client>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(snapshot: () => BoardSnapshot) {
    this.#snapshot = snapshot;
    this.#timer = setInterval(() => this.#push(), PUSH_MS).unref();
  }

  apply(event: RunEvent): void {
    this.#history.apply(event);
  }

  /** Makes the answer to a request a stream of events; false if there are too many already. */
  welcome(response: Sink): boolean {
    if (this.#closed || this.#clients.size >= MOST_CLIENTS) return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const client = { response, has: this.#history.newest };
    const history: WireHistory = { server: this.#server, samples: this.#history.since(-Infinity) };
    response.write(`retry: ${RETRY_MS}\n\n${eventText('history', history)}${this.#event(client.has)}`);
    response.on('error', () => undefined); // A client that goes is no failure; 'close' follows.
    response.once('close', () => this.#clients.delete(client));
    this.#clients.add(client);
    return true;
  }

  /** Tells every page how things stand at the end, and ends its stream. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    const over = [...this.#clients].map(
      ({ response, has }) =>
        new Promise<void>((resolve) => {
          response.once('close', resolve);
          response.end(response.writableNeedDrain ? undefined : this.#event(has));
        }),
    );
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FAREWELL_MS)));
    await Promise.race([Promise.all(over), patience]);
    clearTimeout(timer);
    for (const { response } of this.#clients) response.destroy();
  }

  #push(): void {
    const { newest } = this.#history;
    /** By the reading that a client has. */
    const events = new Map<number, string>();
    for (const client of this.#clients) {
      if (client.response.writableNeedDrain) continue;
      let event = events.get(client.has);
      if (event === undefined) events.set(client.has, (event = this.#event(client.has)));
      client.response.write(event);
      client.has = newest;
    }
  }

  #event(has: number): string {
    const { trainingTime, ended } = this.#history;
    const board = boardOf(this.#snapshot());
    const snapshot: WireSnapshot = { board, trainingTime, samples: this.#history.since(has), ended };
    return eventText('snapshot', snapshot);
  }
}

/** JSON has no line breaks of its own, so one `data` line holds it. */
function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What the page draws; it has a history of its own, so those of the nodes stay here. */
function boardOf(snapshot: BoardSnapshot): WireBoard {
  const nodes = snapshot.nodes.map(({ rateUpHistory: _, ...node }) => node);
  return { ...snapshot, nodes };
}
