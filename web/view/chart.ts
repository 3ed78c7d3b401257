/**
 * A uPlot that fits its place: as wide as its container, redrawn in the colours of the day.
 *
 * The views say what their chart is made of; here is only what both have in common. Readers can't zoom, and
 * no legend is shown: rows and axes carry the names.
 */
import uPlot from '../vendor/uplot.js';
import { colour, onScheme } from './dom.js';

export const FONT = '12px system-ui, sans-serif';

/** An axis in the page's colours. */
export function quietAxis(more: uPlot.Axis): uPlot.Axis {
  const line = { stroke: () => colour('grid'), width: 1 };
  return { stroke: () => colour('muted'), font: FONT, grid: line, ticks: { ...line, size: 4 }, ...more };
}

export class Chart {
  readonly #container: HTMLElement;
  readonly #plot: uPlot;
  readonly #observer: ResizeObserver;

  /** @param options all but the width, which is the container's. */
  constructor(container: HTMLElement, options: Omit<uPlot.Options, 'width'>, data: uPlot.AlignedData) {
    this.#container = container;
    const fixed = { width: container.clientWidth, legend: { show: false }, cursor: { show: false } };
    this.#plot = new uPlot({ ...options, ...fixed }, data, container);
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(container);
    onScheme(() => this.#plot.redraw());
  }

  /** Draws other data; the scales' ranges are asked for anew. */
  show(data: uPlot.AlignedData): void {
    this.#plot.setData(data);
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#plot.destroy();
  }

  #fit(): void {
    const width = this.#container.clientWidth;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#plot.height });
  }
}
