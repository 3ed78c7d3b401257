/**
 * What a scenario has happen to the network, while it happens: agrees with the fabric on time zero, and writes down
 * what it says that it has done.
 *
 * The fabric keeps the timeline and its instants by itself; nothing here is waited for. So an event is on time even if
 * this thread is not, and what is told here is when it was applied and not when that was heard.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { epochSeconds } from '../src/clock.js';
import type { RunListener } from '../src/run/events.js';
import type { EventSummary, TraceEvent } from '../src/run/files.js';
import {
  formatEvent,
  timelineOf,
  type AnyScenario,
  type Change,
  type Timeline,
} from '../src/scenario/index.js';
import type { Applied } from '../src/wan/agenda.js';
import type { Fabric } from '../src/wan/fabric.js';

/** From the agreement on time zero to time zero: all who move packets must know of it by then, seconds. */
const LEAD_SECONDS = 0.5;
/** What is due so shortly before the end may have been applied without our having heard of it, seconds. */
const HEARSAY_SECONDS = 0.5;

export interface NetworkEventsOptions {
  readonly scenario: AnyScenario;
  readonly fabric: Fabric;
  /** Zero of the trace's times, seconds since 1970. */
  readonly origin: number;
  /** Takes a line of the trace. */
  readonly write: (line: TraceEvent) => void;
  readonly emit: RunListener;
}

/** How events were kept; for the gate and the summary. */
export interface EventFacts {
  readonly events: readonly EventSummary[];
  /** Changes that should have been applied before the end, and were not. */
  readonly missed: number;
  /** How late the latest was applied, seconds. */
  readonly latest: number;
}

export class NetworkEvents {
  readonly #options: NetworkEventsOptions;
  readonly #timeline: Timeline;
  /** By position in the timeline: when it was applied, seconds after time zero. */
  readonly #applied = new Map<number, number>();
  #zero = 0;
  #over = false;

  constructor(options: NetworkEventsOptions) {
    const { scenario, fabric } = options;
    this.#options = options;
    this.#timeline = timelineOf(scenario.events, fabric.topology, scenario.seed);
  }

  /** Has time zero come; resolves when it is there, with its seconds since 1970. */
  async begin(): Promise<number> {
    if (this.#timeline.length === 0) return epochSeconds();
    this.#zero = epochSeconds() + LEAD_SECONDS;
    await this.#options.fabric.play(this.#timeline, this.#zero, (applied) => this.#note(applied));
    await sleep(1000 * Math.max(0, this.#zero - epochSeconds()));
    return this.#zero;
  }

  /** Ends the story: how events were kept in a run that ended so many seconds after time zero; undefined if there are none. */
  facts(end: number): EventFacts | undefined {
    this.#over = true;
    if (this.#timeline.length === 0) return undefined;
    const lateness = [...this.#applied].map(([index, time]) => time - this.#timeline[index]!.at);
    const due = this.#timeline.filter(
      ({ at }, index) => at < end - HEARSAY_SECONDS && !this.#applied.has(index),
    );
    return {
      events: this.#timeline.map((change, index) => ({
        ...this.#describe(change),
        planned: change.at,
        applied: this.#applied.get(index) ?? null,
      })),
      missed: due.length,
      latest: Math.max(0, ...lateness),
    };
  }

  #describe({ kind, event }: Change): Pick<EventSummary, 'kind' | 'event'> {
    return { kind, event: formatEvent(this.#options.scenario.events[event]!) };
  }

  #note({ index, time }: Applied): void {
    if (this.#over) return;
    const { origin, write, emit } = this.#options;
    const change = this.#timeline[index]!;
    const { at, cut, joined, links, paths, hosts } = change;
    this.#applied.set(index, time - this.#zero);
    const told = this.#describe(change);
    const line: TraceEvent = {
      type: 'event',
      ...told,
      planned: this.#zero + at - origin,
      time: time - origin,
      cut,
      joined,
      changed: paths.map(({ from, to }) => [from, to]),
      hosts: [...new Set([...hosts, ...links.map(({ host }) => host)])],
    };
    write(line);
    emit({ type: 'network', time, at, ...told, hosts });
  }
}
