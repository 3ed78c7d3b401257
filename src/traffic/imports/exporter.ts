/**
 * What is known of one exporter (an observation domain, a source id): its templates, when it started, and how it
 * samples. All of it comes from the stream itself, so all of it is bounded.
 *
 * Sampling is told in options records, in several dialects: an interval (NetFlow's 34 and 50), packets taken and left
 * out (PSAMP's 305 and 306), a sample's size of a population (309, 310), or a probability (311). Where there are
 * several samplers, data records say by number whose they are.
 */
import { Slot } from './elements.js';
import type { Template } from './template.js';

const MAX_SAMPLERS = 1024;

export class Exporter {
  /** One of so many packets was observed, as far as the exporter said. */
  samplingRate = 1;
  /** Milliseconds since 1970; NaN while unknown. */
  initMillis = NaN;
  readonly #samplers = new Map<number, number>();

  /** Takes what an options record says, out of its template's values. */
  learn(template: Template): void {
    const { values } = template;
    if (template.has(Slot.systemInit)) this.initMillis = values[Slot.systemInit]!;
    const rate = rateOf(template);
    if (rate === undefined) return;
    this.samplingRate = rate;
    if (!template.has(Slot.sampler)) return;
    const sampler = values[Slot.sampler]!;
    if (this.#samplers.has(sampler) || this.#samplers.size < MAX_SAMPLERS) this.#samplers.set(sampler, rate);
  }

  /** The sampling rate of the data record in the template's values. */
  rateFor(template: Template): number {
    const own = template.has(Slot.interval) ? template.values[Slot.interval]! : 0;
    if (own >= 1) return own;
    if (!template.has(Slot.sampler)) return this.samplingRate;
    return this.#samplers.get(template.values[Slot.sampler]!) ?? this.samplingRate;
  }
}

/** Undefined when the record says nothing of sampling, or nothing that can be. */
function rateOf(template: Template): number | undefined {
  const { values } = template;
  const rates = [
    template.has(Slot.packetInterval)
      ? (values[Slot.packetInterval]! + values[Slot.packetSpace]!) / values[Slot.packetInterval]!
      : NaN,
    template.has(Slot.size) ? values[Slot.population]! / values[Slot.size]! : NaN,
    template.has(Slot.probability) ? 1 / values[Slot.probability]! : NaN,
    template.has(Slot.interval) ? values[Slot.interval]! : NaN,
  ];
  return rates.find((rate) => rate >= 1 && Number.isFinite(rate));
}
