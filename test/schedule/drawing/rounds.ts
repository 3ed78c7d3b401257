/**
 * Rounds of many kinds, timed, for tests of pictures: compiled and simulated where a picture must not depend on much,
 * else written by hand.
 */
import { compileRound } from '../../../orchestrator/schedules/index.js';
import { actionsOf, type Action } from '../../../orchestrator/schedules/pipeline/index.js';
import type { PipelineProtocol } from '../../../src/scenario/schema.js';
import type { Operation, StageOperation } from '../../../src/schedule/operation.js';
import type { TimedOperation } from '../../../src/schedule/timed.js';
import { simulate } from '../../../src/simulation/index.js';
import { wireBytes } from '../../../src/transport/framing.js';
import { evenTopology } from '../../simulation/topologies.js';
import { requestFor } from '../../support/request.js';

export const names = Array.from({ length: 40 }, (_, rank) => `n${rank}`);

/** A slice takes a second on these links, a path a quarter, the work of a round `pace` times 2. */
export function dataParallel(worldSize: number, kind: 'diloco' | 'ddp', pace = 5): TimedOperation[] {
  const slice = 4000;
  const protocol = kind === 'ddp' ? { kind, slice } : { kind, slice, innerSteps: 2 };
  const round = compileRound(requestFor(protocol, { worldSize, parameterCount: 2000 * worldSize }));
  const rate = 8 * wireBytes(slice, { tls: false, mtu: 1500 });
  const topology = evenTopology(worldSize, { uplink: rate, downlink: rate }, 0.25);
  return simulate([round], { topology, pace, tls: false, segmentsPerAck: Infinity });
}

/** Operations by hand, a list to a rank: what it is, from when to when. */
export function timed(...parts: readonly (readonly [Operation, number, number])[][]): TimedOperation[] {
  return parts.flatMap((part, rank) =>
    part.map(([operation, start, end]) => ({ rank, round: 0, operation, start, end })),
  );
}

const MODEL = { offset: 0, length: 100 };
const device = { stream: 'compute', after: [] } as const;

/** Two ranks, three fragments: one of two pieces is exchanged and merged while work goes on, then the others. */
export function fragments(): TimedOperation[] {
  const pieces = [
    [
      { offset: 0, length: 20 },
      { offset: 60, length: 20 },
    ],
    [{ offset: 20, length: 40 }],
    [{ offset: 80, length: 20 }],
  ];
  const part = (rank: number): (readonly [Operation, number, number])[] =>
    pieces.flatMap((ranges, fragment): (readonly [Operation, number, number])[] => {
      const at = 4 * fragment;
      const id = 10 * fragment;
      const transfer = {
        after: [],
        peer: 1 - rank,
        sequence: 2 * fragment,
        buffer: 'reduction',
        ...(ranges.at(-1) ?? MODEL),
        encoding: { kind: 'float32' },
        bytes: 80,
      } as const;
      const copied = { ...transfer, sequence: 2 * fragment + 1 };
      const merge = { optimizer: 'nesterov', learningRate: 1, momentum: 0, mix: 0.5 } as const;
      const send = `send:${1 - rank}` as const;
      const recv = `recv:${1 - rank}` as const;
      return [
        [
          {
            ...device,
            id,
            kind: 'compute',
            work: 'inner-steps',
            firstStep: 0,
            steps: 4,
            contribution: ranges,
          },
          at,
          at + 4,
        ],
        [{ ...transfer, id: id + 1, kind: 'send', stream: send, settle: false }, at + 4, at + 5],
        [{ ...transfer, id: id + 2, kind: 'recv', stream: recv, into: 'sum' }, at + 4.2, at + 5.2],
        [{ ...copied, id: id + 3, kind: 'send', stream: send, settle: false }, at + 5.2, at + 6],
        [{ ...copied, id: id + 4, kind: 'recv', stream: recv, into: 'copy' }, at + 5.4, at + 6.2],
        [
          { ...device, id: id + 5, kind: 'outer', update: merge, ranges, contributors: 2, cost: 0 },
          at + 8,
          at + 8,
        ],
      ];
    });
  return timed(part(0), part(1));
}

/** Two ranks that put what they compressed into a store, get each other's, and wait for the end of a window. */
export function objectStore(): TimedOperation[] {
  const encoding = { kind: 'top-k', chunk: 64, keep: 4 } as const;
  const object = { after: [], round: 0, slot: 0, bytes: 500 };
  const update = { optimizer: 'nesterov', learningRate: 1, momentum: 0, mix: 0 } as const;
  const part = (owner: number): (readonly [Operation, number, number])[] => [
    [
      {
        ...device,
        id: 0,
        kind: 'compute',
        work: 'inner-steps',
        firstStep: 0,
        steps: 2,
        contribution: [MODEL],
      },
      0,
      4,
    ],
    [{ ...device, id: 1, kind: 'compress', slices: [MODEL], encoding, decay: 0.9, cost: 1 }, 4, 4],
    [{ ...object, id: 2, kind: 'put', stream: 'put', owner }, 4, 5],
    [{ ...object, id: 3, kind: 'get', stream: `get:${1 - owner}`, owner: 1 - owner }, 5, 6],
    [{ ...device, id: 4, kind: 'wait', paces: 4 }, 4, 8],
    [{ ...device, id: 5, kind: 'aggregate', slices: [MODEL], encoding, slots: [0], cost: 1 }, 8, 8],
    [{ ...device, id: 6, kind: 'outer', update, ranges: [MODEL], contributors: 2, cost: 1 }, 8, 9],
  ];
  return timed(part(0), part(1));
}

const WORK = {
  F: { work: 'forward', seconds: 1 },
  B: { work: 'backward', seconds: 2 },
  I: { work: 'backward-input', seconds: 1 },
  W: { work: 'backward-weight', seconds: 1 },
} as const;

type PipelineShape = Pick<PipelineProtocol, 'schedule' | 'stages' | 'microbatches' | 'chunks'>;

/** One step of a pipeline as the papers draw it: messages take no time, a pass forward takes a second and back two. */
export function pipeline(
  schedule: PipelineShape['schedule'],
  stages: number,
  microbatches: number,
  chunks = 1,
) {
  const lists = actionsOf({ schedule, stages, microbatches, chunks });
  const ends = new Map<string, number>();
  const ranks = lists.map((actions, rank) => ({ rank, actions: [...actions.entries()], time: 0 }));
  const played: TimedOperation[] = [];
  for (let before = -1; before < played.length;) {
    before = played.length;
    for (const one of ranks) {
      const [id, action] = one.actions[0] ?? [];
      if (id === undefined || action === undefined) continue;
      const ready = readyAt(action, stages * chunks, ends);
      if (ready === undefined) continue;
      const { work, seconds } = WORK[action.work];
      const start = Math.max(one.time, ready);
      const operation = stageOperation(id, work, action);
      played.push({ rank: one.rank, round: 0, operation, start, end: start + seconds });
      ends.set(
        `${action.work === 'F' ? 'forward' : 'backward'} ${action.stage} ${action.microbatch}`,
        start + seconds,
      );
      one.time = start + seconds;
      one.actions.shift();
    }
  }
  return played;
}

/** When what an action needs of the stage beside it is there; undefined while it is not. */
function readyAt({ work, stage, microbatch }: Action, stages: number, ends: ReadonlyMap<string, number>) {
  if (work === 'W' || (work === 'F' ? stage === 0 : stage === stages - 1)) return 0;
  return ends.get(
    work === 'F' ? `forward ${stage - 1} ${microbatch}` : `backward ${stage + 1} ${microbatch}`,
  );
}

function stageOperation(
  id: number,
  work: StageOperation['work'],
  { stage, microbatch }: Action,
): StageOperation {
  const whose = { step: 0, shard: 0, stage, stages: 8, microbatch, microbatches: 8 };
  return { kind: 'stage', stream: 'compute', id, after: [], work, ...whose, cost: 1 };
}
