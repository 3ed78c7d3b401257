/** Operations in the control plane's messages: the same fields, but every kind has all of them there. */
import type {
  Operation as Wire,
  Operation__Output,
} from '../../proto/types/meshbeat/control/v1/Operation.js';
import { RunError } from '../errors.js';
import type { Operation, Stream } from '../schedule/operation.js';

export function toWire(operation: Operation): Wire {
  return { ...operation, after: [...operation.after] };
}

/** Throws a RunError on what toWire did not make. */
export function fromWire(wire: Operation__Output): Operation {
  const { id, after, peer, sequence, offset, length, bytes } = wire;
  const transfer = { id, after, peer, sequence, offset, length, bytes };
  switch (wire.kind) {
    case 'compute': {
      const work = oneOf(wire.work, ['inner-steps', 'gradient']);
      return {
        kind: 'compute',
        id,
        after,
        stream: 'compute',
        work,
        firstStep: wire.firstStep,
        steps: wire.steps,
      };
    }
    case 'send':
      return { kind: 'send', stream: wire.stream as Stream & `send:${number}`, ...transfer };
    case 'recv': {
      const into = oneOf(wire.into, ['sum', 'copy']);
      return { kind: 'recv', stream: wire.stream as Stream & `recv:${number}`, ...transfer, into };
    }
    case 'outer':
      return {
        kind: 'outer',
        id,
        after,
        stream: 'compute',
        optimizer: oneOf(wire.optimizer, ['nesterov', 'inner']),
      };
    default:
      throw new RunError(`operation of unknown kind '${wire.kind}'`);
  }
}

function oneOf<T extends string>(value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw new RunError(`found '${value}' in an operation; allowed: ${allowed.join(', ')}`);
  return found;
}
