/** What a finished run comes to: measured beside expected, and the gate's verdict. Pure: data in, data out. */
import type { Outcome } from '../../../orchestrator/conductor.js';
import type { EventFacts } from '../../../orchestrator/network-events.js';
import {
  eventChecks,
  latenessChecks,
  missedCheck,
  programsChecks,
  runChecks,
  verdictOf,
} from '../../../orchestrator/gate.js';
import { probeChecks } from '../../../orchestrator/probe.js';
import { forecast } from '../../../orchestrator/schedules/forecast.js';
import type {
  CaptureFacts,
  ProgramsSummary,
  ProgramSummary,
  RunSummary,
  TraceProgram,
} from '../../run/files.js';
import {
  crossings,
  hostsOf,
  type ProgramsScenario,
  type Scenario,
  type Topology,
  type TunnelKind,
} from '../../scenario/index.js';
import type { TrafficReport } from '../../traffic/index.js';
import { parameterCount } from '../../training/index.js';
import { isControl, summarizeControl } from './control.js';
import type { CaptureResult, Lateness } from '../../wan/fabric.js';
import { tcpPayloadInside } from '../../wan/tunnel/framing.js';

/** What there is of every run. */
export interface NetworkEvidence {
  readonly topology: Topology;
  readonly fabric: string;
  /** From the first thing opened to the capture's analysis, seconds. */
  readonly durationSeconds: number;
  readonly lateness: Lateness;
  /** Absent without a capture. */
  readonly capture?: {
    readonly file: string;
    readonly kind: CaptureFacts['kind'];
    readonly result: CaptureResult;
    readonly report: TrafficReport;
    readonly observations: RunSummary['observations'];
  };
}

/** Of a run with training. */
export interface Evidence extends NetworkEvidence {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  /** Steps and updates that missed their pace. */
  readonly overruns: number;
  /** Longest hold-up of a node's event loop, seconds. */
  readonly eventLoopLag: number;
}

/** Of a run without. */
export interface ProgramsEvidence extends NetworkEvidence {
  readonly scenario: ProgramsScenario;
  /** Each time that a program ran. */
  readonly programs: readonly TraceProgram[];
  /** How the scenario's events were kept; absent if it has none. */
  readonly events?: EventFacts;
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
      abandonedPayload: outcome.abandonedPayload,
      weightsHashes: outcome.weightsHashes,
      ...(outcome.events === undefined ? {} : { events: outcome.events }),
      ...payloadOf(evidence),
      ...(capture === undefined ? {} : { missedPackets: capture.result.missed }),
    }),
    ...programsChecks(topology, outcome.programs),
  ];
  return {
    scenario: scenario.name,
    protocol: protocol.kind,
    nodes: topology.nodes.length,
    rounds: scenario.rounds,
    seed: scenario.seed,
    fabric: evidence.fabric,
    tunnel: topology.tunnel?.kind ?? null,
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
    observations: capture?.observations ?? [],
    programs: programSummaries(topology, outcome.programs),
    control:
      outcome.control === undefined
        ? null
        : summarizeControl(outcome.control, topology.tunnel === undefined ? capture?.report : undefined),
    events: outcome.events?.events ?? [],
    gate: verdictOf(checks),
  };
}

/** What a run of programs comes to. */
export function summarizePrograms(evidence: ProgramsEvidence): ProgramsSummary {
  const { scenario, topology, fabric, durationSeconds, programs, events, lateness, capture } = evidence;
  const checks = [
    ...latenessChecks(lateness),
    ...missedCheck(capture?.result.missed),
    ...programsChecks(topology, programs),
    ...(events === undefined ? [] : eventChecks(events)),
  ];
  return {
    scenario: scenario.name,
    protocol: null,
    nodes: 0,
    rounds: 0,
    seed: scenario.seed,
    fabric,
    tunnel: topology.tunnel?.kind ?? null,
    durationSeconds,
    heartbeat: capture?.report.heartbeat.heartbeat ?? null,
    expected: null,
    training: null,
    utilization: null,
    capture: capture === undefined ? null : factsOf(capture),
    observations: capture?.observations ?? [],
    control: null,
    programs: programSummaries(topology, programs),
    events: events?.events ?? [],
    gate: verdictOf(checks),
  };
}

/** How the programs ended, those of one host as the last of them did, in the order of the hosts. */
function programSummaries(topology: Topology, lines: readonly TraceProgram[]): ProgramSummary[] {
  return hostsOf(topology).flatMap(({ name }) => {
    const last = lines.findLast(({ node }) => node === name);
    return last === undefined ? [] : [{ name, kind: last.kind, stopped: last.stopped, status: last.status }];
  });
}

function factsOf({ file, kind, report }: NonNullable<Evidence['capture']>): CaptureFacts {
  return { file, kind, packets: report.packets, bytes: report.bytes };
}

/** Addresses of hosts that run programs. */
export const programAddresses = (topology: Topology): ReadonlySet<string> =>
  new Set(hostsOf(topology).flatMap(({ program, address }) => (program === undefined ? [] : [address])));

/** TCP payload that should be in the capture, and what is. */
function payloadOf({ outcome, topology, capture }: Evidence) {
  const { expectedPayload, control } = outcome;
  if (capture === undefined) return { expectedPayload };
  const { tunnel, hosts = [] } = topology;
  if (tunnel === undefined)
    return { expectedPayload, capturedPayload: uniquePayload(capture.report, topology) };
  // What programs say looks like training from outside.
  if (hosts.some(({ program }) => program !== undefined)) return { expectedPayload };
  // So does control traffic; but how much that is, the nodes have counted.
  const said = (control?.tallies ?? [])
    .flat()
    .reduce((sum, { sentBytes, receivedBytes }) => sum + sentBytes + receivedBytes, 0);
  return {
    expectedPayload: expectedPayload + said,
    capturedPayload: payloadInTunnel(capture.report, tunnel.kind) / crossings(topology),
    inTunnel: true,
  };
}

/** What TCP carried inside of all tunnel packets, what was sent again included. */
function payloadInTunnel({ flows }: TrafficReport, kind: TunnelKind): number {
  return flows
    .filter(({ protocol }) => protocol === 'udp')
    .flatMap(({ forward, backward }) => [forward, backward])
    .reduce((sum, { packets, payloadBytes }) => sum + tcpPayloadInside(kind, packets, payloadBytes), 0);
}

/**
 * TCP payload in the capture, retransmissions counted once, both directions of all flows but control traffic and
 * that of programs.
 */
function uniquePayload(report: TrafficReport, topology: Topology): number {
  const beside = programAddresses(topology);
  return report.flows
    .filter((flow) => flow.protocol === 'tcp' && !isControl(flow))
    .filter(({ source, destination }) => !beside.has(source.address) && !beside.has(destination.address))
    .reduce((sum, { forward, backward }) => sum + forward.payloadBytes + backward.payloadBytes, 0);
}
