/**
 * The samplers that an export has told its collector of, by number.
 *
 * An export of one capture has one. Records that were read from a file may come with several rates, and each rate is then
 * a sampler of its own: it is announced in an options record before the first record that names it. The number of
 * samplers is bounded; whoever mixes more rates than that gets the oldest ones announced anew.
 */
import type { SamplingMethod } from '../../sampling/index.js';
import type { Element } from './elements.js';

export interface KnownSampler {
  readonly id: number;
  readonly rate: number;
  readonly method: SamplingMethod;
}

const MAX_SAMPLERS = 255;

export class Samplers {
  readonly #byRate = new Map<number, KnownSampler>();
  readonly #method: SamplingMethod;
  #next = 1;

  /** @param method of all of them. */
  constructor(method: SamplingMethod) {
    this.#method = method;
  }

  knows(rate: number): boolean {
    return this.#byRate.has(rate);
  }

  /** The sampler of that rate; a new one where there was none. */
  of(rate: number): KnownSampler {
    const known = this.#byRate.get(rate);
    if (known !== undefined) return known;
    if (this.#byRate.size === MAX_SAMPLERS) this.#byRate.delete([...this.#byRate.keys()][0]!);
    const sampler = { id: this.#next, rate, method: this.#method };
    this.#next = (this.#next % MAX_SAMPLERS) + 1;
    this.#byRate.set(rate, sampler);
    return sampler;
  }

  /** All of them, the latest last. */
  list(): readonly KnownSampler[] {
    return [...this.#byRate.values()];
  }
}

/** What an options record is filled from. */
export interface OptionsFilling {
  readonly sampler: KnownSampler;
  readonly domain: number;
  readonly activeTimeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
}
type OptionsElement = Element<OptionsFilling>;

/** A list whose first so many elements say what the others are about. */
export interface OptionsElements {
  readonly scope: readonly OptionsElement[];
  readonly options: readonly OptionsElement[];
}

/** IANA's psamp-parameters, as RFC 5477 assigned them. */
const SelectorAlgorithm = { systematic: 1, nOutOfN: 3, uniform: 4 } as const;
/** NetFlow's samplingAlgorithm. */
const isRandom = (method: SamplingMethod): boolean => method !== 'systematic';

const selectorId: OptionsElement = {
  id: 302,
  name: 'selectorId',
  length: 2,
  put: (view, at, { sampler }) => view.setUint16(at, sampler.id),
};
const selectorAlgorithm: OptionsElement = {
  id: 304,
  name: 'selectorAlgorithm',
  length: 2,
  put: (view, at, { sampler }) => view.setUint16(at, algorithmOf(sampler.method)),
};

/**
 * The selector report of RFC 5476 for the method: the algorithm, and its own parameters. sFlow's skipping has no number
 * of its own; to whoever scales up it is a choice with probability 1/N.
 */
export function selectorElements(method: SamplingMethod): OptionsElements {
  return { scope: [selectorId], options: [selectorAlgorithm, ...parameters[method]] };
}

function algorithmOf(method: SamplingMethod): number {
  if (method === 'systematic') return SelectorAlgorithm.systematic;
  return method === 'n-of-n' ? SelectorAlgorithm.nOutOfN : SelectorAlgorithm.uniform;
}

const probability: OptionsElement = {
  id: 311,
  name: 'samplingProbability',
  length: 8,
  put: (view, at, { sampler }) => view.setFloat64(at, 1 / sampler.rate),
};

const parameters: Readonly<Record<SamplingMethod, readonly OptionsElement[]>> = {
  systematic: [
    { id: 305, name: 'samplingPacketInterval', length: 4, put: (view, at) => view.setUint32(at, 1) },
    {
      id: 306,
      name: 'samplingPacketSpace',
      length: 4,
      put: (view, at, { sampler }) => view.setUint32(at, sampler.rate - 1),
    },
  ],
  'n-of-n': [
    { id: 309, name: 'samplingSize', length: 4, put: (view, at) => view.setUint32(at, 1) },
    {
      id: 310,
      name: 'samplingPopulation',
      length: 4,
      put: (view, at, { sampler }) => view.setUint32(at, sampler.rate),
    },
  ],
  random: [probability],
  sflow: [probability],
};

const timeouts: readonly OptionsElement[] = [
  {
    id: 36,
    name: 'flowActiveTimeout',
    length: 2,
    put: (view, at, { activeTimeoutSeconds }) => view.setUint16(at, wholeSeconds(activeTimeoutSeconds)),
  },
  {
    id: 37,
    name: 'flowIdleTimeout',
    length: 2,
    put: (view, at, { idleTimeoutSeconds }) => view.setUint16(at, wholeSeconds(idleTimeoutSeconds)),
  },
];

/** The timeouts are told in whole seconds, and a longer one than 18 hours as 18 hours. */
function wholeSeconds(seconds: number): number {
  return Math.min(65_535, Math.max(1, Math.round(seconds)));
}

/** What NetFlow called it before PSAMP: the elements that most collectors look for. */
const legacy: readonly OptionsElement[] = [
  {
    id: 34,
    name: 'samplingInterval',
    length: 4,
    put: (view, at, { sampler }) => view.setUint32(at, sampler.rate),
  },
  {
    id: 35,
    name: 'samplingAlgorithm',
    length: 1,
    put: (view, at, { sampler }) => view.setUint8(at, isRandom(sampler.method) ? 2 : 1),
  },
];

/** Of an observation domain: its rate in NetFlow's terms, and its timeouts. */
export const domainElements: OptionsElements = {
  scope: [
    {
      id: 149,
      name: 'observationDomainId',
      length: 4,
      put: (view, at, { domain }) => view.setUint32(at, domain),
    },
  ],
  options: [...legacy, ...timeouts],
};

/** NetFlow v9's scope "System", whose number there is 1 (RFC 3954, 6.1), filled with the source's id. */
const systemScope: OptionsElement = {
  id: 1,
  name: 'System',
  length: 4,
  put: (view, at, { domain }) => view.setUint32(at, domain),
};

/** Options of a NetFlow v9 sampler. */
export const flowSamplerElements: OptionsElements = {
  scope: [systemScope],
  options: [
    {
      id: 48,
      name: 'samplerId',
      length: 1,
      put: (view, at, { sampler }) => view.setUint8(at, sampler.id),
    },
    {
      id: 49,
      name: 'samplerMode',
      length: 1,
      put: (view, at, { sampler }) => view.setUint8(at, isRandom(sampler.method) ? 2 : 1),
    },
    {
      id: 50,
      name: 'samplerRandomInterval',
      length: 4,
      put: (view, at, { sampler }) => view.setUint32(at, sampler.rate),
    },
  ],
};

/** NetFlow v9's rate of the whole source, and its timeouts. */
export const systemElements: OptionsElements = { scope: [systemScope], options: [...legacy, ...timeouts] };
