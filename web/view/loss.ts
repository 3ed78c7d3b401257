/** The loss over rounds, with the round that is going on as the last point. */
import type { WireBoard } from '../../orchestrator/web/wire.js';
import { lossText } from '../model/format.js';
import { lossPoints } from '../model/loss.js';
import type uPlot from '../vendor/uplot.js';
import { Chart, quietAxis } from './chart.js';
import { colour, setAttribute } from './dom.js';

const HEIGHT = 200;

export class LossView {
  readonly #canvas: HTMLElement;
  #chart: Chart | undefined;
  #rounds = 1;

  constructor(canvas: HTMLElement) {
    this.#canvas = canvas;
  }

  draw(board: WireBoard): void {
    const points = lossPoints(board);
    this.#rounds = board.rounds;
    const data: uPlot.AlignedData = [points.map(({ round }) => round), points.map(({ loss }) => loss)];
    if (this.#chart === undefined) this.#chart = new Chart(this.#canvas, this.#options(), data);
    else this.#chart.show(data);
    setAttribute(this.#canvas, 'data-points', points.length);
    const last = lossText(points.at(-1)?.loss ?? null);
    setAttribute(this.#canvas, 'aria-label', `Loss after ${board.roundsDone} rounds: ${last} nats per byte`);
  }

  #options(): Omit<uPlot.Options, 'width'> {
    return {
      height: HEIGHT,
      padding: [10, 14, 0, 0],
      scales: {
        x: { time: false, range: () => [0, Math.max(1, this.#rounds)] },
        y: { range: (_, least, most) => padded(least, most) },
      },
      axes: [
        quietAxis({ size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }),
        quietAxis({ size: 46, space: 34 }),
      ],
      series: [
        {},
        {
          stroke: () => colour('learned'),
          width: 2,
          points: { show: true, size: 6, fill: () => colour('learned') },
        },
      ],
    };
  }
}

/** uPlot asks with null before there is a value, against its types. */
function padded(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  const space = Math.max(0.1 * (most - least), 0.01);
  return [least - space, most + space];
}
