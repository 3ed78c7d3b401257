/** The first line of a trace: who is on the network, and the zero of all times that follow. */
import { toNanoseconds } from '../clock.js';
import type { Topology } from '../scenario/topology.js';
import type { TraceHeader } from './files.js';

/** @param origin Zero of the trace's times, seconds since 1970. */
export function traceHeaderOf({ nodes, hosts }: Topology, origin: number): TraceHeader {
  return {
    type: 'header',
    version: 1,
    originNs: toNanoseconds(origin).toString(),
    nodes: nodes.map(({ rank, name, address }) => ({ rank, name, address })),
    ...(hosts === undefined
      ? {}
      : {
          hosts: hosts.map(({ name, address, program }) => ({
            name,
            address,
            ...(program === undefined ? {} : { kind: program.kind }),
          })),
        }),
  };
}
