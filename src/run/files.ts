/**
 * The files of a run directory, as types. docs/run-directory.md is the same contract in prose; JSON
 * schemas of these are printed by `meshbeat schema --of NAME`.
 */

/** How the packets of a capture came about. */
export type CaptureKind = 'tcpdump' | 'shaper' | 'reconstructed';

/** First line of trace.jsonl: `time` fields of later lines count seconds from this instant. */
export interface TraceHeader {
  readonly type: 'header';
  readonly version: 1;
  /** Nanoseconds since 1970-01-01 UTC, as a decimal string: the same clock as the capture's time stamps. */
  readonly originNs: string;
  readonly nodes: readonly { readonly rank: number; readonly name: string; readonly address: string }[];
}

/** One operation as it was played. Seconds since the origin. */
export interface TraceOperation {
  readonly type: 'operation';
  readonly node: string;
  readonly rank: number;
  readonly round: number;
  readonly id: number;
  readonly kind: 'compute' | 'send' | 'recv' | 'outer';
  readonly stream: string;
  readonly peer?: number;
  readonly bytes?: number;
  readonly start: number;
  readonly end: number;
}

/** The heartbeat as measured from packets: see src/traffic/heartbeat.ts for each figure's definition. */
export interface Heartbeat {
  readonly periodSeconds: number;
  /** Coefficient of variation of the intervals between successive bursts. */
  readonly periodCv: number;
  /** Mean bytes a node sent in one burst. */
  readonly burstBytesPerNode: number;
  readonly burstSeconds: number;
  /** Share of the time in which a burst was under way. */
  readonly dutyCycle: number;
  readonly count: number;
}
