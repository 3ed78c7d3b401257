/**
 * Reads an event from its line. The grammar (what is in quotes stands as it is):
 *
 *     event  = "at" TIME ("partition" groups | "heal" [groups] | "set" TARGET VALUE | "crash" group "for" TIME)
 *            | "from" TIME "to" TIME ("flap" NAME"--"NAME "every" TIME
 *                                   | "churn" group "every" TIME "for" TIME)
 *     groups = group "|" group { "|" group }
 *     group  = NAME | "[" NAME { "," NAME } "]"
 *     TARGET = NAME"."("uplink" | "downlink") | NAME"--"NAME"."("delay" | "jitter" | "loss" | "duplicate" | …)
 *
 * Times and values are quantities as everywhere in a scenario, with or without a space before the unit. Whether
 * a name is anybody's is not known here: checks.ts looks. Whatever is wrong is one EventError, whose message says
 * what may stand where what was found stands.
 */
import { duration, positiveDuration, probability, rate } from '../units.js';
import { wordsAllowed } from '../words.js';
import {
  LINK_PROPERTIES,
  PATH_PROPERTIES,
  type LinkProperty,
  type NamePair,
  type PathProperty,
  type ScenarioEvent,
} from './event.js';

/** The text is no event; the message begins with "allowed:". */
export class EventError extends Error {
  override readonly name = 'EventError';
}

const NAME = /^[a-z0-9][a-z0-9-]*$/;
const PAIR = /^([a-z0-9]+(?:-[a-z0-9]+)*)--([a-z0-9]+(?:-[a-z0-9]+)*)$/;
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const AT_VERBS = ['partition', 'heal', 'set', 'crash'] as const;
const SPAN_VERBS = ['flap', 'churn'] as const;

/** @throws EventError */
export function parseEvent(text: string): ScenarioEvent {
  const words = new Words(text);
  const event = words.oneOf(['at', 'from'], 'e.g. "at 20 s heal"') === 'at' ? readAt(words) : readSpan(words);
  words.end();
  return event;
}

function readAt(words: Words): ScenarioEvent {
  const at = words.time();
  const verb = words.oneOf(AT_VERBS, '"from … to …" goes with flap and churn');
  switch (verb) {
    case 'partition':
      return { kind: verb, at, groups: words.groups() };
    case 'heal':
      return { kind: verb, at, groups: words.done ? [] : words.groups() };
    case 'set':
      return { at, ...words.assignment() };
    case 'crash': {
      const names = words.group();
      words.word('for');
      return { kind: verb, at, names, outage: words.span() };
    }
  }
}

function readSpan(words: Words): ScenarioEvent {
  const from = words.time();
  words.word('to');
  const to = words.time();
  const verb = words.oneOf(SPAN_VERBS, '"at …" goes with partition, heal, set and crash');
  if (verb === 'flap') {
    const pair = words.pair();
    words.word('every');
    return { kind: verb, from, to, pair, every: words.span() };
  }
  const names = words.group();
  words.word('every');
  const every = words.span();
  words.word('for');
  return { kind: verb, from, to, names, every, outage: words.span() };
}

/** The words of a line and the marks between them, taken one after the other. */
class Words {
  readonly #words: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#words = text.match(/[[\]|,]|[^\s[\]|,]+/g) ?? [];
  }

  get done(): boolean {
    return this.#next === this.#words.length;
  }

  word(expected: string): void {
    if (this.#words[this.#next] !== expected) throw this.#refusal(`"${expected}"`);
    this.#next++;
  }

  oneOf<Word extends string>(allowed: readonly Word[], hint: string): Word {
    const found = this.#words[this.#next] ?? '';
    const known = allowed.find((word) => word === found);
    if (known === undefined) throw this.#refusal(`${wordsAllowed(found, allowed)}; ${hint}`);
    this.#next++;
    return known;
  }

  /** A time of at least 0, seconds. */
  time(): number {
    return this.#quantity(duration, 'a time, e.g. "20 s"');
  }

  /** A time above 0, seconds. */
  span(): number {
    return this.#quantity(positiveDuration, 'a time above 0, e.g. "2 s"');
  }

  pair(): NamePair {
    const [, a, b] = PAIR.exec(this.#words[this.#next] ?? '') ?? [];
    if (a === undefined || b === undefined)
      throw this.#refusal('two regions or nodes, e.g. "us-east--eu-west"');
    this.#next++;
    return [a, b];
  }

  /** At least two. */
  groups(): string[][] {
    const groups = [this.group()];
    do {
      this.word('|');
      groups.push(this.group());
    } while (!this.done);
    return groups;
  }

  group(): string[] {
    if (this.#words[this.#next] !== '[')
      return [this.#name('a region or node, or several in brackets, e.g. "[us-east, eu-west]"')];
    this.#next++;
    const names = [this.#name('a region or node')];
    while (this.#words[this.#next] === ',') {
      this.#next++;
      names.push(this.#name('a region or node'));
    }
    if (this.#words[this.#next] !== ']') throw this.#refusal('"," or "]"');
    this.#next++;
    return names;
  }

  /** What "set" sets, and to what. */
  assignment():
    | { kind: 'set-link'; name: string; property: LinkProperty; value: number }
    | { kind: 'set-path'; pair: NamePair; property: PathProperty; value: number } {
    const found = this.#words[this.#next] ?? '';
    const dot = found.lastIndexOf('.');
    const [target, name] = dot === -1 ? [found, ''] : [found.slice(0, dot), found.slice(dot + 1)];
    const [, a, b] = PAIR.exec(target) ?? [];
    const known: readonly string[] = a === undefined ? LINK_PROPERTIES : PATH_PROPERTIES;
    if (!NAME.test(target))
      throw this.#refusal('what is set, e.g. "us-east.uplink" or "us-east--eu-west.delay"');
    if (!known.includes(name)) {
      const allowed = wordsAllowed(
        found,
        known.map((property) => `${target}.${property}`),
      );
      throw this.#refusal(
        `${allowed}; a region or node has uplink and downlink, a pair A--B has ${PATH_PROPERTIES.join(', ')}`,
      );
    }
    this.#next++;
    if (a === undefined || b === undefined) {
      const property = name as LinkProperty;
      return {
        kind: 'set-link',
        name: target,
        property,
        value: this.#quantity(rate, 'a rate, e.g. "10 Mbit/s"'),
      };
    }
    const property = name as PathProperty;
    const value =
      property === 'delay' || property === 'jitter'
        ? this.#quantity(duration, 'a time, e.g. "90 ms"')
        : this.#quantity(probability, 'a probability, e.g. "0.1 %"');
    return { kind: 'set-path', pair: [a, b], property, value };
  }

  end(): void {
    if (!this.done) throw this.#refusal('the end of the event');
  }

  #name(what: string): string {
    const found = this.#words[this.#next];
    if (found === undefined || !NAME.test(found)) throw this.#refusal(what);
    this.#next++;
    return found;
  }

  /** A number and its unit, as one word or two. */
  #quantity(codec: QuantityCodec, what: string): number {
    const first = this.#words[this.#next] ?? '';
    const bare = NUMBER.test(first);
    const unit = bare ? this.#words[this.#next + 1] : undefined;
    // A probability may be a plain number, and then stands at the end.
    const text = unit === undefined ? first : `${first} ${unit}`;
    const parsed = codec.safeParse(text);
    const plain = bare && unit === undefined ? codec.safeParse(Number(first)) : parsed;
    if (!plain.success || plain.data === undefined) throw this.#refusal(what);
    this.#next += unit === undefined ? 1 : 2;
    return plain.data;
  }

  #refusal(what: string): EventError {
    const found = this.#words[this.#next];
    const where =
      found === undefined ? 'where it ends' : `where ${JSON.stringify(found.slice(0, 40))} stands`;
    return new EventError(`allowed: ${where}, ${what}`);
  }
}

/** A codec of units.ts, as far as it reads. */
interface QuantityCodec {
  safeParse(input: unknown): { success: boolean; data?: number | undefined };
}
