/** What a finished run comes to: measured beside expected, and the gate's verdict. Pure: data in, data out. */
import type { Outcome } from '../../../orchestrator/conductor.js';
import { runChecks, verdictOf } from '../../../orchestrator/gate.js';
import { probeChecks } from '../../../orchestrator/probe.js';
import { forecast } from '../../../orchestrator/schedules/forecast.js';
import type { CaptureFacts, RunSummary } from '../../run/files.js';
import type { Scenario, Topology } from '../../scenario/index.js';
import type { TrafficReport } from '../../traffic/index.js';
import { parameterCount } from '../../training/index.js';
import { isControl, summarizeControl } from './control.js';
import type { CaptureResult, Lateness } from '../../wan/fabric.js';

export interface Evidence {
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly fabric: string;
  readonly outcome: Outcome;
  /** From the first thing opened to the capture's analysis, seconds. */
  readonly durationSeconds: number;
  /** Steps and updates that missed their pace. */
  readonly overruns: number;
  /** Longest hold-up of a node's event loop, seconds. */
  readonly eventLoopLag: number;
  readonly lateness: Lateness;
  /** Absent without a capture. */
  readonly capture?: {
    readonly file: string;
    readonly kind: CaptureFacts['kind'];
    readonly result: CaptureResult;
    readonly report: TrafficReport;
  };
}

export function summarize(evidence: Evidence): RunSummary {
  const { scenario, topology, outcome, capture } = evidence;
  const { protocol } = scenario;
  const parameters = parameterCount(scenario.model);
  const { periodSeconds, burstSeconds, burstBytesPerNode, dutyCycle } = forecast(
    scenario,
    topology,
  ).heartbeat;
  const checks = [
    ...probeChecks(outcome.measurements, topology),
    ...runChecks({
      overruns: evidence.overruns,
      lateness: evidence.lateness,
      eventLoopLag: evidence.eventLoopLag,
      expectedPayload: outcome.expectedPayload,
      weightsHashes: outcome.weightsHashes,
      ...(capture === undefined
        ? {}
        : { missedPackets: capture.result.missed, capturedPayload: uniquePayload(capture.report) }),
    }),
  ];
  return {
    scenario: scenario.name,
    protocol: protocol.kind,
    nodes: topology.nodes.length,
    rounds: scenario.rounds,
    seed: scenario.seed,
    fabric: evidence.fabric,
    durationSeconds: evidence.durationSeconds,
    heartbeat: capture?.report.heartbeat.heartbeat ?? null,
    expected: { periodSeconds, burstSeconds, burstBytesPerNode, dutyCycle },
    training: {
      parameters,
      initialLoss: outcome.initialLoss,
      finalLoss: outcome.finalLoss,
      weightsSha256: outcome.weightsSha256,
    },
    utilization: outcome.computeSeconds / (topology.nodes.length * outcome.trainingSeconds),
    capture: capture === undefined ? null : factsOf(capture),
    programs: [],
    control: outcome.control === undefined ? null : summarizeControl(outcome.control, capture?.report),
    gate: verdictOf(checks),
  };
}

function factsOf({ file, kind, report }: NonNullable<Evidence['capture']>): CaptureFacts {
  return { file, kind, packets: report.packets, bytes: report.bytes };
}

/** TCP payload in the capture, retransmissions counted once, both directions of all flows but control traffic. */
function uniquePayload(report: TrafficReport): number {
  return report.flows
    .filter((flow) => flow.protocol === 'tcp' && !isControl(flow))
    .reduce((sum, { forward, backward }) => sum + forward.payloadBytes + backward.payloadBytes, 0);
}
