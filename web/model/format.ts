/**
 * Numbers to words, for a page that changes four times a second: always the same number of digits, so that
 * nothing jumps, decimal prefixes, and a dash for what is not known.
 */
import type { WireCheck } from '../../orchestrator/web/wire.js';

export const UNKNOWN = '–';

/** "39.7 Mbit/s". */
export function rateText(bitsPerSecond: number): string {
  return prefixed(bitsPerSecond, 'bit/s');
}

/** "3.28 MB". */
export function bytesText(bytes: number): string {
  return prefixed(bytes, 'B');
}

/** "5.07 s", "20.0 ms", "0.79 ms". */
export function secondsText(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  return seconds < 0.9995 ? `${digits(1000 * seconds)} ms` : `${digits(seconds)} s`;
}

/** "1:05", of seconds; "−0:05" before zero. */
export function clockText(seconds: number): string {
  const whole = Math.round(Math.abs(seconds));
  const sign = seconds < 0 && whole > 0 ? '−' : '';
  return `${sign}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** "24 %". */
export function percentText(share: number | null): string {
  return share === null ? UNKNOWN : `${Math.round(100 * share)} %`;
}

/** "+0.4 %": how far something is off what was expected. */
export function deviationText(measured: number, expected: number): string {
  const percent = 100 * (measured / expected - 1);
  if (!Number.isFinite(percent)) return '';
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
}

/** "4.213". */
export function lossText(loss: number | null): string {
  return loss === null ? UNKNOWN : loss.toFixed(3);
}

/** A value of a gate's check, in a unit for people where its own is a base unit. */
export function quantityText(value: number, unit: string): string {
  if (unit === 's') return secondsText(value);
  if (unit === 'bit/s') return rateText(value);
  if (unit === 'bytes') return bytesText(value);
  if (unit === 'share') return `${+(100 * value).toPrecision(3)} %`;
  return `${+value.toPrecision(4)} ${unit}`;
}

/** What a check allows: "69.0 ms ± 2.07 ms", "at most 0 steps". */
export function allowedText({ expected, tolerance, unit }: WireCheck): string {
  if (expected === null) return `at most ${quantityText(tolerance, unit)}`;
  if (tolerance === 0) return quantityText(expected, unit);
  return `${quantityText(expected, unit)} ± ${quantityText(tolerance, unit)}`;
}

function prefixed(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  let scaled = value;
  while (scaled >= 999.5 && prefixes.length > 1) {
    scaled /= 1000;
    prefixes.shift();
  }
  return `${digits(scaled)} ${prefixes[0]}${unit}`;
}

/** Three digits, but none for what is nothing, and never an exponent. */
function digits(value: number): string {
  if (value === 0) return '0';
  if (value >= 999.5) return value.toFixed(0);
  if (value < 1) return value.toFixed(2);
  return value.toPrecision(3);
}
