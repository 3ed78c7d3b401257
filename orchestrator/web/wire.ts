/**
 * What goes over the wire to the live page: the page's view of a run as plain JSON.
 *
 * This is the one module that server and page have in common. It is types only and imports nothing, because
 * the page is compiled for the browser, where nothing else of this house exists. The fields of a board are a
 * choice of those of BoardSnapshot (../board.ts), which says what each means; the compiler holds the two
 * together where the server makes one of the other (live.ts).
 */

export type WirePhase = 'joining' | 'computing' | 'synchronizing' | 'done';

export interface WireNode {
  readonly rank: number;
  readonly name: string;
  readonly region: string;
  /** bit/s. */
  readonly uplink: number;
  readonly downlink: number;
  readonly phase: WirePhase;
  readonly roundsDone: number;
  readonly steps: number;
  readonly loss: number | null;
  /** bit/s, between the last two samples. */
  readonly rateUp: number;
  readonly rateDown: number;
  /** By rank that is sent to, bit/s. */
  readonly rateTo: readonly number[];
  readonly queuedBytes: number;
  readonly dropped: number;
  readonly lost: number;
  readonly overruns: number;
}

export interface WireRound {
  readonly round: number;
  readonly endSeconds: number;
  readonly periodSeconds: number | null;
  readonly meanLoss: number | null;
}

export interface WireCheck {
  readonly name: string;
  /** Null where only the tolerance counts: at most that much. */
  readonly expected: number | null;
  readonly measured: number;
  readonly tolerance: number;
  readonly unit: string;
  readonly ok: boolean;
}

export interface WireBoard {
  readonly run: string | null;
  readonly scenario: string;
  readonly protocol: string;
  readonly fabric: string;
  readonly stage: string;
  readonly nodes: readonly WireNode[];
  readonly rounds: number;
  readonly roundsDone: number;
  readonly stepsPerRound: number;
  readonly meanLoss: number | null;
  readonly elapsedSeconds: number | null;
  readonly secondsLeft: number | null;
  readonly periodSeconds: number | null;
  readonly expectedPeriodSeconds: number | null;
  readonly lateness: { readonly p50: number; readonly p99: number } | null;
  readonly gate: { readonly checks: readonly WireCheck[]; readonly final: boolean } | null;
  readonly overruns: number;
  readonly finishedRounds: readonly WireRound[];
}

/** One reading of the meters: rates since the reading before, bit/s, by rank. */
export interface WireSample {
  /** Seconds since 1970. */
  readonly time: number;
  readonly up: readonly number[];
  readonly down: readonly number[];
}

/** How the run ended; `failure` is why it broke off, null if it did not. */
export interface WireEnd {
  readonly failure: string | null;
}

/** The event `snapshot`, a few times a second. */
export interface WireSnapshot {
  readonly board: WireBoard;
  /** When training began, seconds since 1970, by the clock of the samples; null before. */
  readonly trainingTime: number | null;
  /** The readings since the last event to this client. */
  readonly samples: readonly WireSample[];
  readonly ended: WireEnd | null;
}

/** The event `history`, once, as the first: the last minutes, for a page that comes late or again. */
export interface WireHistory {
  /** Unlike for each server: a page that finds another one has a new run before it. */
  readonly server: string;
  readonly samples: readonly WireSample[];
}
