/**
 * What the page knows of the run: the readings of the last minutes and how things stand, put together from
 * the server's events.
 *
 * The page keeps nothing of its own beside it, so everything drawn is a function of this. A new server sends
 * its own history first, which replaces all: that is how a page survives a restart. While no server answers,
 * the story stays as it was last told.
 */
import type { WireHistory, WireSample, WireSnapshot } from '../../orchestrator/web/wire.js';

/** As far back as the server's history goes, seconds. */
const KEPT_SECONDS = 120;

export class Story {
  #server: string | null = null;
  #samples: readonly WireSample[] = [];
  #snapshot: WireSnapshot | null = null;

  /** How things stand; null before the server has said. */
  get now(): WireSnapshot | null {
    return this.#snapshot;
  }

  /** Oldest first. */
  get samples(): readonly WireSample[] {
    return this.#samples;
  }

  history({ server, samples }: WireHistory): void {
    if (server !== this.#server) this.#snapshot = null;
    this.#server = server;
    this.#samples = samples;
  }

  snapshot(snapshot: WireSnapshot): void {
    const { run, nodes } = snapshot.board;
    const before = this.#snapshot?.board.run ?? null;
    const isAnotherRun = before !== null && run !== before;
    this.#snapshot = snapshot;
    const known = isAnotherRun ? [] : this.#samples;
    // Readings of another mesh can't be drawn in the rows of this one.
    const fitting = [...known, ...snapshot.samples].filter(({ up }) => up.length === nodes.length);
    const oldest = (fitting.at(-1)?.time ?? 0) - KEPT_SECONDS;
    this.#samples = fitting.filter(({ time }) => time >= oldest);
  }
}
