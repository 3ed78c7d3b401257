/** What tests ask of the gate on a machine that others use. */
import type { GateCheck, RunSummary } from '../../src/run/files.js';

/**
 * Beginnings of the names of checks that ask how busy this machine was, and of the network's that it may spoil. That a
 * network is as configured has tests of its own, which measure it alone and more than once.
 */
const OF_THE_MACHINE = [
  'round trip ',
  'rate ',
  'steps that missed their pace',
  'lateness of shaped packets',
  'event loop hold-up',
];

/** The checks that failed, but for those that fail on a busy machine whatever is right. */
export function faults({ gate }: RunSummary): GateCheck[] {
  return gate.checks.filter(
    ({ name, ok }) => !ok && !OF_THE_MACHINE.some((beginning) => name.startsWith(beginning)),
  );
}
