/** The run in figures: what the tiles at the top of the page say, each a value and what to hold it against. */
import type { WireBoard, WireSample } from '../../orchestrator/web/wire.js';
import { totals, type Beat } from './bursts.js';
import {
  bytesText,
  clockText,
  deviationText,
  lossText,
  percentText,
  rateText,
  secondsText,
  UNKNOWN,
} from './format.js';

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  /** Something a reader should know has happened. */
  readonly alert?: true;
}

export function figuresOf(board: WireBoard, samples: readonly WireSample[], beat: Beat): Figure[] {
  const { nodes, rounds, roundsDone, periodSeconds, expectedPeriodSeconds: expected } = board;
  const capacity = nodes.reduce((sum, { uplink }) => sum + uplink, 0);
  const sending = totals(samples.slice(-1))[0] ?? 0;
  const [queued, dropped, lost] = (['queuedBytes', 'dropped', 'lost'] as const).map((field) =>
    nodes.reduce((sum, node) => sum + node[field], 0),
  ) as [number, number, number];
  return [
    { name: 'Rounds', value: `${roundsDone} / ${rounds}`, note: timeText(board) },
    {
      name: 'Period',
      value: secondsText(periodSeconds),
      note: expected === null ? 'nothing expected' : expectedText(periodSeconds, expected),
    },
    {
      name: 'Duty cycle',
      value: percentText(beat.dutyCycle),
      note: beat.burstSeconds === null ? 'no burst yet' : `bursts of ${secondsText(beat.burstSeconds)}`,
    },
    {
      name: 'All nodes send',
      value: rateText(sending),
      note: `${percentText(sending / (capacity || 1))} of all uplinks`,
    },
    { name: 'Loss', value: lossText(board.meanLoss), note: 'nats per byte, mean of nodes' },
    { name: 'Queued', value: bytesText(queued), note: `${dropped} packets dropped, ${lost} lost` },
    {
      name: 'Lateness, p99',
      value: secondsText(board.lateness?.p99 ?? null),
      note: 'of packets, against the model',
    },
    {
      name: 'Overruns',
      value: String(board.overruns),
      note: board.overruns === 0 ? 'every step kept its pace' : 'steps missed their pace',
      ...(board.overruns === 0 ? {} : { alert: true }),
    },
  ];
}

function expectedText(measured: number | null, expected: number): string {
  const deviation = measured === null ? '' : ` (${deviationText(measured, expected)})`;
  return `expected ${secondsText(expected)}${deviation}`;
}

function timeText({ elapsedSeconds, secondsLeft }: WireBoard): string {
  if (elapsedSeconds === null) return 'training has not begun';
  const left = secondsLeft === null ? UNKNOWN : clockText(secondsLeft);
  return secondsLeft === 0
    ? `in ${clockText(elapsedSeconds)}`
    : `${clockText(elapsedSeconds)} so far, ${left} left`;
}
