/**
 * The Heartbeat picture on its canvas: what each node sends and receives, in rows over one axis of time.
 *
 * What lies where is ridges.ts's and timeline.ts's to say; here it is handed to uPlot, with two things drawn
 * by hand: dotted lines where rounds should end, under the rows, and a mark above each burst.
 */
import type { WireBoard, WireSample } from '../../orchestrator/web/wire.js';
import type { Beat } from '../model/bursts.js';
import { clockText, rateText, secondsText } from '../model/format.js';
import { columnsOf, ridgesOf, type Ridges } from '../model/ridges.js';
import { expectedEnds, viewOf, windowSeconds, type Span } from '../model/timeline.js';
import type uPlot from '../vendor/uplot.js';
import { Chart, quietAxis } from './chart.js';
import { colour, setAttribute, setText } from './dom.js';

export interface HeartbeatPicture {
  readonly board: WireBoard;
  readonly samples: readonly WireSample[];
  readonly beat: Beat;
  /** Zero of the axis, in the samples' clock. */
  readonly origin: number;
}

/** Steps of the axis of time. */
const WHOLE_SECONDS = [1, 2, 5, 10, 15, 30, 60];
const NAMES_WIDTH = 112;
const AXIS_HEIGHT = 28;
/** Of one node's row, CSS pixels. */
const MOST_ROW = 58;
const LEAST_ROW = 18;
const HEIGHT = 430;
/** What was before training, the probes above all, is shown for this long. */
const LEAD_SECONDS = 5;
/** Half the width of the mark above a burst, CSS pixels. */
const MARK = 5;

export class HeartbeatView {
  readonly #canvas: HTMLElement;
  readonly #caption: HTMLElement;
  #chart: Chart | undefined;
  #names = '';
  #picture!: HeartbeatPicture;
  #ridges!: Ridges;
  #span!: Span;

  constructor(canvas: HTMLElement, caption: HTMLElement) {
    this.#canvas = canvas;
    this.#caption = caption;
  }

  draw(picture: HeartbeatPicture): void {
    const { board, samples, beat, origin } = picture;
    const newest = (samples.at(-1)?.time ?? origin) - origin;
    const first = Math.max((samples[0]?.time ?? origin) - origin, -LEAD_SECONDS);
    this.#picture = picture;
    this.#span = viewOf(first, newest, windowSeconds(board.expectedPeriodSeconds));
    const seen = samples.filter(({ time }) => time - origin >= this.#span.from);
    this.#ridges = ridgesOf(board.nodes, seen);
    const data = [
      seen.map(({ time }) => time - origin),
      ...columnsOf(this.#ridges, seen),
    ] as uPlot.AlignedData;
    const names = this.#ridges.rows.map(({ name }) => name).join('\n');
    if (this.#chart === undefined || names !== this.#names) {
      this.#chart?.destroy();
      this.#chart = new Chart(this.#canvas, this.#options(), data);
      this.#names = names;
    } else this.#chart.show(data);
    this.#describe(beat);
  }

  /** For those who do not see the canvas, and for tests. */
  #describe({ bursts, periodSeconds }: Beat): void {
    const { rows } = this.#ridges;
    setText(
      this.#caption,
      `A node’s full height is ${rateText(rows[1]?.full ?? 0)}. Sent rises, received hangs below at half the scale.`,
    );
    setAttribute(this.#canvas, 'data-bursts', bursts.length);
    const every = periodSeconds === null ? '' : `, one every ${secondsText(periodSeconds)}`;
    const label = `Traffic of ${rows.length - 1} nodes over time: ${bursts.length} bursts in view${every}`;
    setAttribute(this.#canvas, 'aria-label', label);
  }

  #options(): Omit<uPlot.Options, 'width'> {
    const { rows, units } = this.#ridges;
    const row = Math.min(MOST_ROW, Math.max(LEAST_ROW, HEIGHT / units));
    return {
      height: Math.round(row * units) + AXIS_HEIGHT + 14,
      padding: [14, 18, 0, 0],
      scales: {
        x: { time: false, range: () => [this.#span.from, this.#span.to] },
        y: { range: [0, units] },
      },
      axes: [
        quietAxis({
          size: AXIS_HEIGHT,
          incrs: WHOLE_SECONDS,
          values: (_, splits) => splits.map(clockText),
          grid: { show: false },
        }),
        quietAxis({
          size: NAMES_WIDTH,
          splits: () => rows.map(({ base }) => base),
          values: () => rows.map(({ name }) => name),
          stroke: () => colour('text'),
          ticks: { show: false },
        }),
      ],
      series: [
        {},
        ...rows.flatMap(({ base }, index) => [
          area('received', base, index === 0 ? 1.5 : 1),
          area('sent', base, index === 0 ? 1.5 : 1),
        ]),
      ],
      hooks: {
        drawClear: [(plot) => this.#drawExpected(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
      },
    };
  }

  #drawExpected(plot: uPlot): void {
    const { expectedPeriodSeconds, finishedRounds } = this.#picture.board;
    const newestEnd = finishedRounds.at(-1)?.endSeconds ?? null;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour('expected');
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    for (const end of expectedEnds(this.#span, expectedPeriodSeconds, newestEnd)) {
      const x = Math.round(plot.valToPos(end, 'x', true)) + 0.5;
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
    }
    ctx.stroke();
    ctx.restore();
  }

  #drawMarks(plot: uPlot): void {
    const { beat, origin } = this.#picture;
    const { ctx, bbox } = plot;
    const size = MARK * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = colour('sent');
    for (const { start, end } of beat.bursts) {
      const x = plot.valToPos((start + end) / 2 - origin, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top - 1.6 * size);
      ctx.lineTo(x + size, bbox.top - 1.6 * size);
      ctx.lineTo(x, bbox.top - 0.2 * size);
      ctx.fill();
    }
    ctx.restore();
  }
}

function area(name: 'sent' | 'received', base: number, width: number): uPlot.Series {
  return {
    stroke: () => colour(name),
    fill: () => colour(`${name}-fill`),
    width,
    fillTo: base,
    points: { show: false },
  };
}
