/**
 * The files of measured values that a scenario names: rates of links in mahimahi's format, and variations of delays.
 *
 * Two forms of text, both a number a line; the parsers are exact about them, since a line that is skipped or read
 * as something else would be a network that nobody recorded. A scenario's files are found relative to its own
 * folder. `withTraces` reads them in; `withTracesBeside` renames them for a copy of the scenario elsewhere, as in a run
 * directory.
 */
import path from 'node:path';
import { InputError } from '../errors.js';
import type { Path } from './allowed.js';
import { foundText, type Problem } from './problems.js';
import type { RateTrace } from './rate-trace.js';
import type { AnyScenario } from './schema.js';
import { tryText } from './source.js';
import type { Jitter } from './weather.js';

/** Longest trace of either kind, lines. */
const MAX_LINES = 1_000_000;
/** Each path has the variations at hand, so they are fewer. */
const MAX_VARIATIONS = 10_000;
const MAX_BYTES = 16 * 2 ** 20;

function linesOf(text: string, file: string, most: number): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > most)
    throw new InputError(`${file}: found ${lines.length} lines; allowed: at most ${most}`);
  return lines;
}

/**
 * Reads a trace of mahimahi: on each line the milliseconds since its beginning at which 1500 bytes may leave.
 *
 * @param file its name, for messages
 * @throws InputError with the line that is no whole number or goes back in time; or if the trace lasts no time
 */
export function parseRateTrace(text: string, file: string): number[] {
  const opportunities: number[] = [];
  for (const [index, line] of linesOf(text, file, MAX_LINES).entries()) {
    const place = `${file}:${index + 1}`;
    const last = opportunities.at(-1) ?? 0;
    const value = /^\d{1,12}$/.test(line) ? Number(line) : undefined;
    if (value === undefined)
      throw new InputError(`${place}: found ${foundText(line)}; allowed: a whole number of milliseconds`);
    if (value < last)
      throw new InputError(`${place}: found ${value} after ${last}; allowed: times that do not go back`);
    opportunities.push(value);
  }
  if ((opportunities.at(-1) ?? 0) === 0)
    throw new InputError(
      `${file}: found a trace that lasts 0 ms; allowed: lines of milliseconds, the last of which is the length of the trace`,
    );
  return opportunities;
}

/**
 * Reads variations of a delay: on each line a number of milliseconds, which may be below 0. Empty lines and what follows
 * a `#` are left out.
 *
 * @returns seconds
 * @throws InputError with the line that is no number, or if there is none
 */
export function parseVariations(text: string, file: string): number[] {
  const variations: number[] = [];
  for (const [index, whole] of linesOf(text, file, MAX_VARIATIONS).entries()) {
    const line = whole.replace(/#.*/, '').trim();
    if (line === '') continue;
    if (!/^[+-]?\d{1,7}(?:\.\d{1,6})?$/.test(line))
      throw new InputError(
        `${file}:${index + 1}: found ${foundText(line)}; allowed: a number of milliseconds, e.g. 1.5 or -0.25`,
      );
    variations.push(Number(`${line}e-3`));
  }
  if (variations.length === 0)
    throw new InputError(`${file}: found no number; allowed: a number of milliseconds in each line`);
  return variations;
}

/** A scenario whose traces have been read, and the names of files that could not be. */
export interface WithTraces<S extends AnyScenario> {
  readonly scenario: S;
  readonly problems: readonly Problem[];
}

/**
 * The scenario with the values of its traces.
 *
 * @param folder that their names are relative to
 * @throws InputError for a file that can be read and holds something else
 */
export function withTraces<S extends AnyScenario>(scenario: S, folder: string): WithTraces<S> {
  const problems: Problem[] = [];
  const known = new Map<string, readonly number[]>();
  const read = (kind: TraceKind, name: string, place: Path): number[] => {
    const key = `${kind} ${name}`;
    const values = known.get(key);
    if (values !== undefined) return values as number[];
    const file = path.resolve(folder, name);
    const shown = path.join(folder, name);
    const { text, found = '', allowed } = tryText(file, MAX_BYTES);
    if (text === undefined) {
      problems.push({
        path: place,
        found: `${foundText(name)}, ${found}`,
        allowed: allowed ?? `a text file, its name relative to ${folder}`,
      });
      return [];
    }
    const parsed = kind === 'rate' ? parseRateTrace(text, shown) : parseVariations(text, shown);
    known.set(key, parsed);
    return parsed;
  };
  return {
    scenario: mapTraces(scenario, {
      rate: (trace, place) => ({
        ...trace,
        opportunities: read('rate', trace.file, [...place, 'trace']),
      }),
      jitter: (jitter, place) => ({ ...jitter, variations: read('jitter', jitter.file, [...place, 'file']) }),
    }),
    problems,
  };
}

/** A file that lies beside a scenario. */
export interface TraceFile {
  readonly name: string;
  readonly text: string;
}

/**
 * The scenario as it is written to a folder where its traces lie beside it, and these. Their names begin with "trace-",
 * so that they stand together and can be taken for nothing else.
 */
export function withTracesBeside<S extends AnyScenario>(
  scenario: S,
): {
  readonly scenario: S;
  readonly files: readonly TraceFile[];
} {
  const names = new Map<string, string>();
  const files: TraceFile[] = [];
  const beside = (kind: TraceKind, file: string, text: () => string): string => {
    const key = `${kind} ${file}`;
    const known = names.get(key);
    if (known !== undefined) return known;
    const base = `trace-${path.basename(file).replace(/^trace-/, '')}`;
    const taken = new Set(names.values());
    let name = base;
    for (let count = 2; taken.has(name); count++) name = base.replace(/^trace-/, `trace-${count}-`);
    names.set(key, name);
    files.push({ name, text: text() });
    return name;
  };
  const copied = mapTraces(scenario, {
    rate: (trace) => {
      const text = () => trace.opportunities.map((ms) => `${ms}\n`).join('');
      return { ...trace, file: beside('rate', trace.file, text) };
    },
    jitter: (jitter) => {
      const text = () => jitter.variations.map((seconds) => `${millisecondsText(seconds)}\n`).join('');
      return { ...jitter, file: beside('jitter', jitter.file, text) };
    },
  });
  return { scenario: copied, files };
}

type TraceKind = 'rate' | 'jitter';
type JitterTrace = Extract<Jitter, { kind: 'trace' }>;

interface TraceMapping {
  readonly rate: (trace: RateTrace, place: Path) => RateTrace;
  readonly jitter: (jitter: JitterTrace, place: Path) => JitterTrace;
}

/** The scenario with each of its traces replaced. */
function mapTraces<S extends AnyScenario>(scenario: S, { rate, jitter }: TraceMapping): S {
  const link = <T extends number | RateTrace | undefined>(one: T, place: Path) =>
    (typeof one === 'object' ? rate(one, place) : one) as T;
  const varied = <T extends Jitter | undefined>(one: T, place: Path) =>
    (one?.kind === 'trace' ? jitter(one, place) : one) as T;
  const weather = Object.entries(scenario.regions.weather).map(([pair, entry]) => [
    pair,
    { ...entry, ...present('jitter', varied(entry.jitter, ['regions', 'weather', pair, 'jitter'])) },
  ]);
  return {
    ...scenario,
    nodes: scenario.nodes.map((node, index) => ({
      ...node,
      uplink: link(node.uplink, ['nodes', index, 'uplink']),
      ...present('downlink', link(node.downlink, ['nodes', index, 'downlink'])),
    })),
    regions: { ...scenario.regions, weather: Object.fromEntries(weather) as typeof scenario.regions.weather },
    wan: { ...scenario.wan, jitter: varied(scenario.wan.jitter, ['wan', 'jitter']) },
  };
}

const present = <Key extends string, T>(key: Key, value: T | undefined) =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<Key, T>>;

/** Seconds in milliseconds, so that what is read back is the same number: the decimal point is moved in the text. */
function millisecondsText(seconds: number): string {
  const [digits = '0', exponent = '0'] = seconds.toExponential().split('e');
  return Number(`${digits}e${Number(exponent) + 3}`)
    .toFixed(6)
    .replace(/\.?0+$/, '');
}
