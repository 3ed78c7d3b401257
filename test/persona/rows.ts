/** The figures of a persona as rows of a table: what docs/personas.md has to say. */
import {
  bytesOf,
  type Figure,
  type Habit,
  type OpeningHabit,
  type Persona,
  type Size,
  type Target,
  type TrainingHabit,
} from '../../src/persona/index.js';
import { formatBytes, formatDuration } from '../../src/scenario/units.js';

/** What, its value, and where the system says so. */
export type Row = readonly [string, string, string];

export function rowsOf(persona: Persona): Row[] {
  const { tls, connections, collective, pieces, compression } = persona;
  return [
    row('TLS', tls, (on) => (on ? 'yes' : 'no')),
    ...(connections ? [row('connections for each direction of a pair', connections, String)] : []),
    ...(collective ? [row('collective', collective, String)] : []),
    ...(pieces ? [row('largest piece', pieces.largest, formatBytes)] : []),
    ...(pieces?.perChunk ? [row('pieces of a chunk, at least', pieces.perChunk, String)] : []),
    ...(compression ? [row('compression', compression, ({ kind }) => kind)] : []),
    ...persona.habits.flatMap(habitRows),
  ];
}

function row<T>(what: string, { value, source }: Figure<T>, text: (value: T) => string): Row {
  return [what, text(value), source];
}

function habitRows(habit: Habit): Row[] {
  const { name, source, to } = habit;
  const rows = 'transport' in habit ? messageRows(habit) : openingRows(habit);
  const goesTo = targetRow(to);
  return [[`**${name}**`, `${when(habit)}${goesTo.text}`, source], ...goesTo.rows, ...rows];
}

function when(habit: Habit): string {
  if (habit.kind === 'probe') return 'before training, to ';
  if (habit.kind === 'download')
    return `before training, ${habit.joiners === 'last' ? 'the last rank' : 'all but rank 0'}, from `;
  const transport = habit.transport === 'udp' ? 'UDP, ' : '';
  if (habit.kind === 'heartbeat') return `${transport}to `;
  const points = {
    step: 'after each inner step',
    exchange: 'before each exchange',
    round: 'after each round',
  };
  return `${transport}${points[habit.at]}, to `;
}

function targetRow(to: Target): { readonly text: string; readonly rows: Row[] } {
  if (to === 'coordinator') return { text: 'rank 0', rows: [] };
  if (to === 'every-peer') return { text: 'every peer', rows: [] };
  if (to === 'each-pair') return { text: 'every peer, once for each pair', rows: [] };
  if ('neighbours' in to) return { text: 'neighbours', rows: [row('neighbours', to.neighbours, String)] };
  return { text: 'the keepers of a key', rows: [row('keepers', to.keepers, String)] };
}

function openingRows(habit: OpeningHabit): Row[] {
  if (habit.kind === 'download') return [sizeRow('request', habit.request)];
  return [row('time for each', habit.seconds, formatDuration), row('connections', habit.connections, String)];
}

function messageRows(habit: TrainingHabit): Row[] {
  return [
    ...(habit.kind === 'heartbeat' ? [row('period', habit.period, formatDuration)] : []),
    ...(habit.kind === 'remark' && habit.times ? [row('messages each time', habit.times, String)] : []),
    ...(habit.connections ? [row('connections', habit.connections, String)] : []),
    sizeRow('request', habit.request),
    sizeRow('answer', habit.response),
  ];
}

function sizeRow(what: string, size: Size): Row {
  const each = size.perNode === undefined ? '' : ` + ${size.perNode} B for each node`;
  return [what, size.value === 0 ? 'none' : `${bytesOf(size, 0)} B${each}`, size.source];
}
