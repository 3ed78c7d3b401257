/** Control traffic summed up: what the nodes counted, beside what the capture saw. */
import type { Control } from '../../../orchestrator/persona-run.js';
import type { ControlSummary } from '../../run/files.js';
import type { FlowReport, TrafficReport } from '../../traffic/index.js';
import { CONTROL_PORT } from '../../wan/fabric.js';

/** Whether a flow is control traffic, which is known by its port. */
export const isControl = ({ source, destination }: FlowReport): boolean =>
  source.port === CONTROL_PORT || destination.port === CONTROL_PORT;

/** @param report of the capture, if there is one in which control traffic can be told from the rest */
export function summarizeControl(
  { persona, habits: { carried, leftOut }, tallies }: Control,
  report: TrafficReport | undefined,
): ControlSummary {
  const habits = carried.map(({ index, habit: { name, kind } }) => {
    const byNode = tallies.map((ofNode) => ofNode.filter(({ habit }) => habit === index));
    const all = byNode.flat();
    const sum = (value: (tally: (typeof all)[number]) => number): number =>
      all.reduce((total, tally) => total + value(tally), 0);
    return {
      name,
      kind,
      nodes: byNode.filter((ofNode) => ofNode.length > 0).length,
      exchanges: sum(({ exchanges }) => exchanges),
      sentBytes: sum(({ sentBytes }) => sentBytes),
      receivedBytes: sum(({ receivedBytes }) => receivedBytes),
    };
  });
  return { persona, habits, leftOut, captured: report === undefined ? null : capturedOf(report) };
}

function capturedOf({ flows }: TrafficReport): NonNullable<ControlSummary['captured']> {
  const totals = { packets: 0, bytes: 0, tcpPayloadBytes: 0, udpPayloadBytes: 0 };
  for (const flow of flows.filter(isControl)) {
    for (const { packets, bytes, payloadBytes } of [flow.forward, flow.backward]) {
      totals.packets += packets;
      totals.bytes += bytes;
      if (flow.protocol === 'tcp') totals.tcpPayloadBytes += payloadBytes;
      else totals.udpPayloadBytes += payloadBytes;
    }
  }
  return totals;
}
