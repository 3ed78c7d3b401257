/**
 * Is a schedule sound? Whoever writes a protocol asks this before any packet is sent: does every send have
 * its receive, do both ends mean the same slice, can every operation be reached, or would ranks wait for
 * each other for ever?
 *
 * A sound schedule can be played to its end by any player. It says nothing about whether the protocol
 * computes what it should; for that see the in-memory reference.
 */
import { RunError } from '../errors.js';
import { objectName, topologicalOrder, type Placed } from './graph.js';
import type { Operation, Part, PutOperation, RecvOperation, Schedule, SendOperation } from './operation.js';

/**
 * Throws unless the schedule is sound.
 *
 * @throws RunError naming the first few problems.
 */
export function checkSchedule(schedule: Schedule): void {
  const problems = problemsOf(schedule);
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  throw new RunError(`schedule ${schedule.protocol}, round ${schedule.round}: ${shown}${more}`);
}

/**
 * Everything that is wrong with a schedule, in words; empty if it is sound. Form first, then matching, then
 * order: each looks only if those before found nothing, because it builds on them.
 */
export function problemsOf(schedule: Schedule): string[] {
  for (const look of [problemsOfForm, problemsOfMatching, problemsOfObjects, problemsOfOrder]) {
    const problems = look(schedule);
    if (problems.length > 0) return problems;
  }
  return [];
}

function problemsOfForm({ parts, worldSize }: Schedule): string[] {
  const problems: string[] = [];
  if (parts.length !== worldSize) problems.push(`${parts.length} parts for ${worldSize} ranks`);
  for (const [index, part] of parts.entries()) {
    if (part.rank !== index) problems.push(`part ${index} is of rank ${part.rank}`);
    for (const [position, operation] of part.operations.entries()) {
      const problem = problemOfOperation(operation, position, part, worldSize);
      if (problem) problems.push(`${nameOf({ rank: part.rank, operation })}: ${problem}`);
    }
  }
  return problems;
}

function problemOfOperation(
  operation: Operation,
  position: number,
  { rank, operations }: Part,
  worldSize: number,
): string | undefined {
  if (operation.id !== position) return `id at position ${position} of its part`;
  for (const id of operation.after) {
    if (!operations[id]) return `waits for operation ${id}, which does not exist`;
  }
  const stream: string = operation.stream;
  if (operation.kind === 'send' || operation.kind === 'recv') {
    const { kind, peer, offset, length, bytes } = operation;
    if (!Number.isInteger(peer) || peer < 0 || peer >= worldSize) return `peer ${peer} of ${worldSize} ranks`;
    if (peer === rank) return 'peer is the rank itself';
    if (stream !== `${kind}:${peer}`) return `is on stream ${stream}`;
    if (!Number.isInteger(offset) || offset < 0) return `offset ${offset}`;
    if (!Number.isInteger(length) || length < 1) return `length ${length}`;
    if (!(bytes > 0)) return `${bytes} bytes`;
  } else if (operation.kind === 'put' || operation.kind === 'get') {
    const { owner, slot, bytes } = operation;
    if (!Number.isInteger(owner) || owner < 0 || owner >= worldSize)
      return `owner ${owner} of ${worldSize} ranks`;
    if (operation.kind === 'put' && owner !== rank) return `puts an object of rank ${owner}`;
    if (stream !== (operation.kind === 'put' ? 'put' : `get:${owner}`)) return `is on stream ${stream}`;
    if (!Number.isInteger(slot) || slot < 0) return `slot ${slot}`;
    if (!(bytes > 0)) return `${bytes} bytes`;
  } else if (stream !== 'compute') {
    return `is on stream ${stream}`;
  }
  return undefined;
}

function problemsOfMatching({ parts, worldSize }: Schedule): string[] {
  const problems: string[] = [];
  const sends = new Map<string, SendOperation[]>();
  const recvs = new Map<string, RecvOperation[]>();
  const add = <T>(lists: Map<string, T[]>, from: number, to: number, operation: T) => {
    const list = lists.get(`${from} to ${to}`);
    if (list) list.push(operation);
    else lists.set(`${from} to ${to}`, [operation]);
  };
  for (const { rank, operations } of parts) {
    for (const operation of operations) {
      if (operation.kind === 'send') add(sends, rank, operation.peer, operation);
      if (operation.kind === 'recv') add(recvs, operation.peer, rank, operation);
    }
  }
  for (let from = 0; from < worldSize; from++) {
    for (let to = 0; to < worldSize; to++) {
      const pair = `${from} to ${to}`;
      problems.push(...problemsOfPair(pair, sends.get(pair) ?? [], recvs.get(pair) ?? []));
    }
  }
  return problems;
}

function problemsOfPair(
  pair: string,
  sends: readonly SendOperation[],
  recvs: readonly RecvOperation[],
): string[] {
  const problems: string[] = [];
  if (sends.length !== recvs.length) problems.push(`${pair}: ${sends.length} sends, ${recvs.length} recvs`);
  for (const [position, send] of sends.entries()) {
    const recv = recvs[position];
    if (!recv) break;
    if (send.sequence !== position) problems.push(`${pair}: send ${position} has sequence ${send.sequence}`);
    if (recv.sequence !== position) problems.push(`${pair}: recv ${position} has sequence ${recv.sequence}`);
    for (const field of ['offset', 'length', 'bytes'] as const) {
      if (send[field] === recv[field]) continue;
      problems.push(`${pair}, slice ${position}: ${field} ${send[field]} sent, ${recv[field]} expected`);
    }
    // What is one rank's anchor may be another's exchange; but bytes are no numbers.
    if ((send.buffer === 'contributions') !== (recv.buffer === 'contributions'))
      problems.push(`${pair}, slice ${position}: ${send.buffer} sent, into ${recv.buffer}`);
  }
  return problems;
}

/** Puts are of this round, one for each object; gets of what is put in it, or was in an earlier one. */
function problemsOfObjects({ parts, round: now }: Schedule): string[] {
  const problems: string[] = [];
  const put = new Map<string, PutOperation>();
  for (const { rank, operations } of parts) {
    for (const operation of operations) {
      if (operation.kind !== 'put') continue;
      const name = nameOf({ rank, operation });
      if (operation.round !== now) problems.push(`${name}: puts an object of round ${operation.round}`);
      if (put.has(objectName(operation))) problems.push(`${name}: puts the same object again`);
      put.set(objectName(operation), operation);
    }
  }
  for (const { rank, operations } of parts) {
    for (const operation of operations) {
      if (operation.kind !== 'get' || operation.round < now) continue;
      const { owner, round, bytes } = operation;
      const found = put.get(objectName(operation));
      if (found?.bytes === bytes) continue;
      const what = found === undefined ? 'which nobody puts' : `of ${found.bytes} bytes`;
      problems.push(
        `${nameOf({ rank, operation })}: wants ${bytes} bytes of rank ${owner}, round ${round}, ${what}`,
      );
    }
  }
  return problems;
}

function problemsOfOrder(schedule: Schedule): string[] {
  const order = topologicalOrder(schedule);
  let step = order.next();
  while (!step.done) step = order.next();
  return step.value.map((placed) => `${nameOf(placed)}: can never start (deadlock)`);
}

function nameOf({ rank, operation }: Placed): string {
  return `rank ${rank}, operation ${operation.id} (${operation.kind} on ${operation.stream})`;
}
