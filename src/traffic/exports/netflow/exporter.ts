/**
 * An exporter: decides what goes into messages when. First come templates and options, then records; over UDP, which
 * loses datagrams and whose collector may have started later, templates and options come again and again.
 */
import type { FlowRecord } from '../../flows/record.js';
import type { ExportSettings } from '../format.js';
import type { Filling } from './elements.js';
import type { Messages, Template } from './messages.js';
import { Samplers } from './samplers.js';
import type { KnownSampler, OptionsFilling } from './samplers.js';

export interface Plan {
  readonly settings: ExportSettings;
  readonly domain: number;
  /** The records' template. */
  readonly templateOf: (record: FlowRecord) => Template<Filling>;
  readonly templates: readonly Template<Filling>[];
  /** Their records come before those of {@link domainTemplate}. */
  readonly samplerTemplate: Template<OptionsFilling>;
  readonly domainTemplate: Template<OptionsFilling>;
  /** Templates are sent again after so many messages; 0 for never. */
  readonly templateEvery: number;
  /** And after so many seconds of {@link clock}. */
  readonly templateSeconds: number;
  /** Seconds of any monotonic clock. */
  readonly clock: () => number;
}

export class Exporter {
  readonly #plan: Plan;
  readonly #messages: Messages;
  readonly #samplers: Samplers;
  readonly #filling: Filling;
  #announcedMessages = -1;
  #announcedSeconds = 0;
  #sampler: KnownSampler | undefined;

  /** @param filling is kept, and its record replaced by each that is written. */
  constructor(plan: Plan, messages: Messages, filling: Filling) {
    this.#plan = plan;
    this.#messages = messages;
    this.#filling = filling;
    this.#samplers = new Samplers(plan.settings.sampling.method);
  }

  record(record: FlowRecord): void {
    const sampler = this.#samplerOf(record.samplingRate);
    const template = this.#plan.templateOf(record);
    if (!this.#messages.hasRoom(template)) this.#messages.send();
    if (this.#messages.isEmpty && this.#isDue()) this.#announce();
    this.#filling.record = record;
    this.#filling.sampler = sampler.id;
    this.#messages.data(template, this.#filling);
  }

  /** Sends a message that is not full. */
  flush(): void {
    this.#messages.send();
  }

  /** An export without records still tells its templates. */
  finish(): void {
    this.#samplerOf(this.#sampler?.rate ?? this.#plan.settings.sampling.rate);
    if (this.#announcedMessages < 0) this.#announce();
    this.#messages.send();
  }

  /** The sampler of that rate. One that the collector doesn't know yet makes templates and options due. */
  #samplerOf(rate: number): KnownSampler {
    if (this.#sampler?.rate === rate) return this.#sampler;
    if (!this.#samplers.knows(rate)) {
      this.#messages.send();
      this.#announcedMessages = -1;
    }
    this.#sampler = this.#samplers.of(rate);
    return this.#sampler;
  }

  #isDue(): boolean {
    if (this.#announcedMessages < 0) return true;
    const { templateEvery, templateSeconds, clock } = this.#plan;
    if (templateEvery === 0) return false;
    return (
      this.#messages.sent - this.#announcedMessages >= templateEvery ||
      clock() - this.#announcedSeconds >= templateSeconds
    );
  }

  #announce(): void {
    const { settings, domain, templates, samplerTemplate, domainTemplate, clock } = this.#plan;
    this.#announcedMessages = this.#messages.sent;
    this.#announcedSeconds = clock();
    for (const template of templates) this.#messages.template(template);
    this.#messages.template(samplerTemplate);
    this.#messages.template(domainTemplate);
    const { activeTimeoutSeconds, idleTimeoutSeconds } = settings;
    const of = (sampler: KnownSampler) => ({ sampler, domain, activeTimeoutSeconds, idleTimeoutSeconds });
    for (const sampler of this.#samplers.list()) this.#messages.data(samplerTemplate, of(sampler));
    if (this.#sampler !== undefined) this.#messages.data(domainTemplate, of(this.#sampler));
  }
}
