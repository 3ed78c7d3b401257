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

/** One line of metrics.jsonl: one node in one second. Counters are since the start of the run. */
export interface MetricsLine {
  /** Seconds since the trace's origin. */
  readonly time: number;
  readonly node: string;
  readonly rank: number;
  readonly egressBytes: number;
  readonly egressPackets: number;
  readonly ingressBytes: number;
  readonly ingressPackets: number;
  readonly droppedPackets: number;
  readonly lostPackets: number;
  readonly queuedBytes: number;
  /** Inner steps done. */
  readonly steps: number;
  /** Training loss of the last step, nats per byte; null before the first. */
  readonly loss: number | null;
}

/** One thing the gate looked at. */
export interface GateCheck {
  readonly name: string;
  /** What was configured or computed; absent where a limit is all there is. */
  readonly expected: number | null;
  readonly measured: number;
  /** In the same unit as `measured`: the largest deviation from `expected`, or the limit itself. */
  readonly tolerance: number;
  readonly unit: string;
  readonly ok: boolean;
}

export interface GateVerdict {
  readonly verdict: 'valid' | 'invalid';
  readonly checks: readonly GateCheck[];
}

export interface CaptureFacts {
  readonly file: string;
  readonly kind: CaptureKind;
  readonly packets: number;
  readonly bytes: number;
}

/** summary.json. Heartbeat figures are null where the capture shows none (fewer than three bursts, no capture). */
export interface RunSummary {
  readonly scenario: string;
  readonly protocol: string;
  readonly nodes: number;
  readonly rounds: number;
  readonly seed: number;
  readonly fabric: string;
  readonly durationSeconds: number;
  readonly heartbeat: Heartbeat | null;
  readonly expected: {
    readonly periodSeconds: number;
    readonly burstSeconds: number;
    readonly burstBytesPerNode: number;
    readonly dutyCycle: number;
  };
  readonly training: {
    readonly parameters: number;
    readonly initialLoss: number;
    readonly finalLoss: number;
    readonly weightsSha256: string;
  };
  /** Compute time over wall-clock time, mean over nodes. */
  readonly utilization: number;
  readonly capture: CaptureFacts | null;
  readonly gate: GateVerdict;
}

/** manifest.json. */
export interface RunManifest {
  readonly meshbeat: string;
  readonly id: string;
  readonly scenario: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly fabric: string;
  readonly fabricReason: string;
  readonly wanDriver: string;
  readonly captureKind: CaptureKind | null;
  /** `done`, or why the run broke off. */
  readonly outcome: string;
  readonly gate: GateVerdict;
  readonly host: { readonly platform: string; readonly kernel: string; readonly cores: number; readonly node: string };
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}
