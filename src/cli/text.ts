/** Numbers to words and back, for what commands print: rounded for the eye, decimal prefixes throughout. */
import { InputError } from '../errors.js';
import type { RunEvent } from '../run/events.js';
import { duration } from '../scenario/units.js';

/** "3.28 MB". */
export function bytesText(bytes: number): string {
  return prefixed(bytes, 'B');
}

/** "40 Mbit/s", "12.3 Mbit/s". */
export function rateText(bitsPerSecond: number): string {
  return prefixed(bitsPerSecond, 'bit/s');
}

/** "5.07 s", "20 ms". */
export function secondsText(seconds: number): string {
  return seconds < 1 ? `${rounded(seconds * 1000)} ms` : `${rounded(seconds)} s`;
}

/** "24.7 %"; small shares keep three digits: "0.00125 %". */
export function percentText(share: number): string {
  return `${+(100 * share).toPrecision(3)} %`;
}

/** A change of the network, as it is told while a run goes on: "event at 20 s: partition (at 20 s partition [a] | [b])". */
export function networkText({ at, kind, event }: Extract<RunEvent, { type: 'network' }>): string {
  return `event at ${secondsText(at)}: ${kind} (${event})`;
}

/** A value of a check, in a unit for people where its own is a base unit. */
export function quantityText(value: number, unit: string): string {
  switch (unit) {
    case 's':
      return secondsText(value);
    case 'bytes':
      return bytesText(value);
    case 'bit/s':
      return rateText(value);
    case 'share':
      return percentText(value);
    default:
      return `${+value.toPrecision(4)} ${unit}`;
  }
}

/**
 * Reads a whole number from `least` to `most`; anything else is an InputError that names the option, and what
 * else its caller allows.
 */
export function integerOption(
  option: string,
  least: number,
  most: number,
  orElse = '',
): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const numbers = `a whole number from ${least} to ${most}`;
    const allowed = orElse === '' ? numbers : `${orElse}, or ${numbers}`;
    throw new InputError(`${option}: found "${text}"; allowed: ${allowed}`);
  };
}

/** Reads a time with its unit, in seconds; anything else is an InputError that names the option. */
export const timeOption = (option: string): ((text: string) => number) => quantityOption(option, duration, 0);

/** Reads a quantity with its unit, of at least `least` or, without it, of more than 0; likewise. */
export function quantityOption(
  option: string,
  quantity: typeof duration,
  least?: number,
): (text: string) => number {
  return (text) => {
    const parsed = quantity.safeParse(text);
    if (parsed.success && (least === undefined ? parsed.data > 0 : parsed.data >= least)) return parsed.data;
    const message = parsed.success ? undefined : parsed.error.issues[0]?.message;
    throw new InputError(`${option}: found "${text}"; ${message ?? 'allowed: more than 0'}`);
  };
}

function prefixed(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  let scaled = value;
  while (scaled >= 999.5 && prefixes.length > 1) {
    scaled /= 1000;
    prefixes.shift();
  }
  return `${rounded(scaled)} ${prefixes[0]}${unit}`;
}

/** Three digits, but never an exponent. */
function rounded(value: number): string {
  return value >= 1000 ? value.toFixed(0) : String(+value.toPrecision(3));
}
