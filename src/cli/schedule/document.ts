/** A round for programs: `meshbeat schedule --json`. Base units (bytes, seconds, bit/s); times count from its start. */
import { formatEvent } from '../../scenario/index.js';
import type { View } from './view.js';

export function documentOf(view: View): object {
  const { scenario, topology, parameters, bufferBytes, forecast, bytes, closedForm, pipeline } = view;
  const origin = forecast.timed.reduce((least, { start }) => Math.min(least, start), Infinity);
  return {
    scenario: scenario.name,
    protocol: scenario.protocol.kind,
    round: forecast.schedule.round,
    worldSize: topology.nodes.length,
    parameters,
    bufferBytes,
    closedForm,
    expected: forecast.heartbeat,
    ignoredEvents: scenario.events.map(formatEvent),
    ...(pipeline === undefined ? {} : { bubble: pipeline.bubble, actions: pipeline.actions.split('\n') }),
    nodes: topology.nodes.map(({ rank, name, region, uplink, downlink }) => ({
      rank,
      name,
      region,
      uplink,
      downlink,
      ...bytes[rank],
      wireBytes: forecast.wireBytes[rank],
    })),
    operations: forecast.timed.map(({ rank, operation, start, end }) => ({
      node: topology.nodes[rank]?.name,
      rank,
      ...operation,
      start: start - origin,
      end: end - origin,
    })),
  };
}
