/**
 * Quantities as people write them ("40 Mbit/s", "500 ms", "64 KiB", "0.1 %") and as programs count them:
 * plain numbers in one base unit each (bit/s, seconds, bytes, a probability).
 *
 * Think of each quantity as a two-way street. Reading is forgiving in the choice of unit and strict in its
 * spelling: a unit that is not in the table is an error, never a guess, since Mb and MB differ by eight.
 * Writing picks the largest round unit, and what it writes reads back as the very same number, bit for
 * bit. Decimal prefixes are therefore moved in the text ("1.1 ms" is read as 1.1e-3) and never multiplied,
 * which would round.
 */
import { z } from 'zod';

interface Unit {
  readonly name: string;
  /** Power of ten that turns the number before the unit into base units (times `scale`). */
  readonly exponent: number;
  readonly scale: number;
  /** Whether text may be written in this unit; every unit can be read. */
  readonly written: boolean;
}

interface Quantity {
  /** Largest first, among those that are written. */
  readonly units: readonly Unit[];
  /** Name of the unit that everything can be written in. */
  readonly base: string;
  readonly example: string;
}

const unit = (name: string, exponent: number, scale = 1, written = true): Unit => ({
  name,
  exponent,
  scale,
  written,
});

const RATE: Quantity = {
  units: [
    unit('Gbit/s', 9),
    unit('Mbit/s', 6),
    unit('kbit/s', 3),
    unit('bit/s', 0),
    unit('GB/s', 9, 8, false),
    unit('MB/s', 6, 8, false),
    unit('kB/s', 3, 8, false),
    unit('B/s', 0, 8, false),
  ],
  base: 'bit/s',
  example: '40 Mbit/s',
};

const DURATION: Quantity = {
  units: [
    unit('h', 0, 3600, false),
    unit('min', 0, 60, false),
    unit('s', 0),
    unit('ms', -3),
    unit('us', -6),
    unit('ns', -9, 1, false),
  ],
  base: 's',
  example: '500 ms',
};

const BYTES: Quantity = {
  units: [
    unit('GiB', 0, 2 ** 30),
    unit('MiB', 0, 2 ** 20),
    unit('KiB', 0, 2 ** 10),
    unit('GB', 9, 1, false),
    unit('MB', 6, 1, false),
    unit('kB', 3, 1, false),
    unit('B', 0),
  ],
  base: 'B',
  example: '64 KiB',
};

const PERCENT = unit('%', -2);
const PROBABILITY: Quantity = { units: [PERCENT], base: '%', example: '0.1 %' };

const NUMBER = String.raw`\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;

const namesOf = (...quantities: readonly Quantity[]) =>
  quantities.flatMap((quantity) => quantity.units.map((one) => one.name));

const patternOf = (...quantities: readonly Quantity[]) =>
  new RegExp(String.raw`^${NUMBER}\s*(?:${namesOf(...quantities).join('|')})$`);

/** The number in base units that a text stands for; undefined if it is not a number with a known unit. */
function read(quantity: Quantity, text: string): number | undefined {
  const [, mantissa, exponent = '0', name] = /^(\d+(?:\.\d+)?)(?:[eE]([+-]?\d+))?\s*(\S+)$/.exec(text) ?? [];
  const found = quantity.units.find((one) => one.name === name);
  if (mantissa === undefined || found === undefined) return undefined;
  return Number(`${mantissa}e${Number(exponent) + found.exponent}`) * found.scale;
}

/** A number in a unit, as text; `count` is the number before the unit. */
function inUnit(one: Unit, value: number): { readonly count: number; readonly text: string } {
  const [digits, exponent] = (value / one.scale).toExponential().split('e');
  const count = Number(`${digits}e${Number(exponent) - one.exponent}`);
  return { count, text: `${count} ${one.name}` };
}

/** The text of a number: in the largest written unit that makes it at least 1 and reads back exactly. */
function write(quantity: Quantity, value: number, fits: (count: number) => boolean = () => true): string {
  for (const one of quantity.units.filter((candidate) => candidate.written)) {
    const { count, text } = inUnit(one, value);
    if (count >= 1 && fits(count) && read(quantity, text) === value) return text;
  }
  return `${value} ${quantity.base}`;
}

/** `value` bit/s as text, e.g. "40 Mbit/s"; reads back as the same number. */
export const formatRate = (value: number): string => write(RATE, value);

/** `value` seconds as text, e.g. "500 ms"; reads back as the same number. */
export const formatDuration = (value: number): string => write(DURATION, value);

/** `value` bytes as text, in a binary unit if that is whole, e.g. "64 KiB"; reads back as the same number. */
export const formatBytes = (value: number): string => write(BYTES, value, Number.isInteger);

/** A probability as text, e.g. "0.1 %"; reads back as the same number. */
export function formatProbability(value: number): string {
  const { text } = inUnit(PERCENT, value);
  // A few numbers do not survive the move by two decimal places; they stay bare.
  return read(PROBABILITY, text) === value ? text : String(value);
}

/** Adds an issue and gives up, in the manner of a codec's `decode`. */
function refuse(context: z.core.ParsePayload, input: unknown, error: string): never {
  context.issues.push({ code: 'custom', message: error, input });
  return z.NEVER;
}

const withUnit = (kind: string, quantity: Quantity) =>
  `allowed: ${kind} with a unit (${namesOf(quantity).join(', ')}), e.g. "${quantity.example}"`;

export const rateError = withUnit('a rate above 0', RATE);
const durationError = withUnit('a time of at least 0', DURATION);
const positiveDurationError = withUnit('a time above 0', DURATION);
const bytesError = `${withUnit('a whole number of bytes', BYTES)}, or a plain number of bytes`;
export const probabilityError =
  'allowed: at least 0 % and below 100 %, e.g. "0.1 %", or a plain number of at least 0 and below 1';
const shareError = 'allowed: from 0 % to 100 %, e.g. "60 %", or a plain number from 0 to 1';
const queueError =
  `allowed: above 0, either a time (${namesOf(DURATION).join(', ')}), e.g. "200 ms", ` +
  `or bytes (${namesOf(BYTES).join(', ')}), e.g. "256 KiB"`;

/** Text with one of the units; a published schema shows the pattern. */
const textOf = (error: string, ...quantities: readonly Quantity[]) =>
  z
    .string({ error })
    .max(60, { error })
    .regex(patternOf(...quantities), { error });

/** A codec between text with a unit and a number in base units that `holds`. */
const quantityCodec = (quantity: Quantity, error: string, holds: (value: number) => boolean) =>
  z.codec(textOf(error, quantity), z.number(), {
    decode: (text, context) => {
      const value = read(quantity, text);
      return value !== undefined && Number.isFinite(value) && holds(value)
        ? value
        : refuse(context, text, error);
    },
    encode: (value) => write(quantity, value),
  });

/** "40 Mbit/s" ⇄ bit/s, above 0. */
export const rate = quantityCodec(RATE, rateError, (value) => value > 0);

/** "500 ms" ⇄ seconds, at least 0. */
export const duration = quantityCodec(DURATION, durationError, () => true);

/** "500 ms" ⇄ seconds, above 0. */
export const positiveDuration = quantityCodec(DURATION, positiveDurationError, (value) => value > 0);

/** "64 KiB", or a plain number of bytes ⇄ bytes. */
export const bytes = z.codec(
  z.union([textOf(bytesError, BYTES), z.int({ error: bytesError }).min(0, { error: bytesError })], {
    error: bytesError,
  }),
  z.number(),
  {
    decode: (input, context) => {
      const value = typeof input === 'number' ? input : read(BYTES, input);
      return value !== undefined && Number.isSafeInteger(value) ? value : refuse(context, input, bytesError);
    },
    encode: formatBytes,
  },
);

/** A codec between a percentage, or a plain number, and a share of 1 that `holds`. */
const shareCodec = (error: string, holds: (value: number) => boolean) =>
  z.codec(
    z.union([textOf(error, PROBABILITY), z.number({ error }).min(0, { error }).max(1, { error })], { error }),
    z.number(),
    {
      decode: (input, context) => {
        const value = typeof input === 'number' ? input : read(PROBABILITY, input);
        return value !== undefined && holds(value) ? value : refuse(context, input, error);
      },
      encode: (value) => {
        const text = formatProbability(value);
        return text.endsWith('%') ? text : value;
      },
    },
  );

/** "0.1 %", or a plain number ⇄ a probability of at least 0 and below 1. */
export const probability = shareCodec(probabilityError, (value) => value < 1);

/** "60 %", or a plain number ⇄ a probability from 0 to 1. */
export const share = shareCodec(shareError, (value) => value <= 1);

/** "200 ms" ⇄ `{ seconds }`, "256 KiB" ⇄ `{ bytes }`; above 0, for a queue of nothing passes nothing. */
export const queueLimit = z.codec(
  textOf(queueError, DURATION, BYTES),
  z.union([z.strictObject({ seconds: z.number() }), z.strictObject({ bytes: z.number() })]),
  {
    decode: (text, context) => {
      const seconds = read(DURATION, text);
      if (seconds !== undefined && seconds > 0 && Number.isFinite(seconds)) return { seconds };
      const size = read(BYTES, text);
      if (size !== undefined && size > 0 && Number.isSafeInteger(size)) return { bytes: size };
      return refuse(context, text, queueError);
    },
    encode: (limit) => ('seconds' in limit ? formatDuration(limit.seconds) : formatBytes(limit.bytes)),
  },
);
