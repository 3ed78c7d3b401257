/**
 * The page's line to the server: hands on what it tells, and says whether the line is up.
 *
 * An EventSource tries again by itself after the connection broke. It gives up for good when it gets an
 * answer that is no stream, from a server that is just ending, say; then a new one is opened after a while.
 */
import type { WireHistory, WireSnapshot } from '../orchestrator/web/wire.js';
import type { Connection } from './model/status.js';

const AGAIN_MS = 2000;

export interface Hearer {
  history(history: WireHistory): void;
  snapshot(snapshot: WireSnapshot): void;
  connection(connection: Connection): void;
}

/** Listens for as long as the page is open. */
export function listen(url: string, hearer: Hearer): void {
  const source = new EventSource(url);
  const on = <Data>(name: string, take: (data: Data) => void): void =>
    source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data) as Data));
  on<WireHistory>('history', (history) => hearer.history(history));
  on<WireSnapshot>('snapshot', (snapshot) => hearer.snapshot(snapshot));
  source.addEventListener('open', () => hearer.connection('open'));
  source.addEventListener('error', () => {
    hearer.connection('lost');
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(url, hearer), AGAIN_MS);
  });
}
