/**
 * The fuzzer's loop: takes an input that is known to lead somewhere, changes it, runs the target, and keeps what led
 * somewhere new. It decides nothing about time and touches no file; who calls it does.
 */
import { InputError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import { mutate, pick } from './mutate.js';
import type { FuzzTarget } from './target.js';

/** Tells which blocks of code were reached since it was last asked. */
export type Guidance = () => ReadonlySet<string>;

export interface EngineOptions {
  readonly seed: number;
  readonly seeds: readonly Uint8Array[];
  readonly guidance?: Guidance;
  /** Called before each input is run. */
  readonly onInput?: (input: Uint8Array) => void;
}

export interface Finding {
  readonly input: Uint8Array;
  readonly error: unknown;
}

const BATCH = 100;
const MAX_CORPUS = 2000;

export class Engine {
  /** Inputs run. */
  runs = 0;
  readonly corpus: Uint8Array[] = [];
  readonly #target: FuzzTarget;
  readonly #options: EngineOptions;
  readonly #random: Random;
  readonly #reached = new Set<string>();

  constructor(target: FuzzTarget, options: EngineOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = new Random(options.seed, `fuzz ${target.name}`);
  }

  /** Runs the seeds as they are; must come first. */
  async start(): Promise<Finding[]> {
    const findings = await this.#runAll(this.#options.seeds);
    this.corpus.push(...this.#options.seeds);
    if (this.corpus.length === 0) this.corpus.push(new Uint8Array(16));
    this.#news();
    return findings;
  }

  /** Runs a batch of changed inputs; what went wrong. */
  async batch(size = BATCH): Promise<Finding[]> {
    const inputs = Array.from({ length: size }, () => mutate(this.#choose(), this.#random, this.corpus));
    const findings = await this.#runAll(inputs);
    const news = this.#news();
    if (news.size > 0) await this.#keepWhatLedTo(news, inputs);
    return findings;
  }

  /** Blocks of code reached so far. */
  get reached(): number {
    return this.#reached.size;
  }

  #news(): Set<string> {
    const news = new Set<string>();
    for (const block of this.#options.guidance?.() ?? []) {
      if (!this.#reached.has(block)) news.add(block);
      this.#reached.add(block);
    }
    return news;
  }

  /** Runs the inputs again, one by one, until it is known who reached each of the blocks. */
  async #keepWhatLedTo(news: Set<string>, inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) {
      await this.#runAll([input]);
      const found = [...(this.#options.guidance?.() ?? [])].filter((block) => news.delete(block));
      if (found.length > 0) this.#keep(input);
      if (news.size === 0) return;
    }
  }

  #keep(input: Uint8Array): void {
    if (this.corpus.length < MAX_CORPUS) this.corpus.push(input);
    else this.corpus[this.#random.integer(MAX_CORPUS)] = input;
  }

  /** Newer inputs are further in, and chosen more often; seeds stay in play. */
  #choose(): Uint8Array {
    const { seeds } = this.#options;
    if (seeds.length > 0 && this.#random.uniform() < 0.3) return pick(this.#random, seeds);
    const { length } = this.corpus;
    return this.corpus[length - 1 - Math.floor(length * this.#random.uniform() ** 2)]!;
  }

  async #runAll(inputs: readonly Uint8Array[]): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const input of inputs) {
      this.#options.onInput?.(input);
      this.runs += 1;
      try {
        await this.#target.run(input);
      } catch (error) {
        if (!(error instanceof InputError)) findings.push({ input, error });
      }
    }
    return findings;
  }
}
