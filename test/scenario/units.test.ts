/** Units read and written: each unit's size, exact round trips for any number, and refusal of all else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as units from '../../src/scenario/units.js';

describe('reading', () => {
  it.each<[keyof typeof units, string | number, unknown]>([
    ['rate', '500 kbit/s', 500e3],
    ['rate', '40 Mbit/s', 40e6],
    ['rate', '1 Gbit/s', 1e9],
    ['rate', '0.5bit/s', 0.5],
    ['rate', '5 MB/s', 40e6],
    ['rate', '1e3 B/s', 8e3],
    ['duration', '20 us', 20e-6],
    ['duration', '1.1 ms', 0.0011],
    ['duration', '0 s', 0],
    ['duration', '2 min', 120],
    ['duration', '1.5 h', 5400],
    ['bytes', '64 KiB', 65536],
    ['bytes', '1 MB', 1e6],
    ['bytes', '1.5 KiB', 1536],
    ['bytes', 4096, 4096],
    ['probability', '0.1 %', 0.001],
    ['probability', 0.25, 0.25],
    ['queueLimit', '200 ms', { seconds: 0.2 }],
    ['queueLimit', '256 KiB', { bytes: 262144 }],
  ])('%s of %j is %j', (codec, text, value) => {
    expect((units[codec] as z.ZodType).parse(text)).toEqual(value);
  });

  it.each<[keyof typeof units, unknown, string]>([
    ['rate', '0 Mbit/s', 'a rate above 0'],
    ['rate', '-1 Mbit/s', 'a rate above 0'],
    ['rate', '40 Mb/s', 'Gbit/s, Mbit/s, kbit/s, bit/s, GB/s, MB/s, kB/s, B/s'],
    ['rate', '40 mbit/s', 'Mbit/s'],
    ['rate', 40, 'a rate above 0'],
    ['rate', '1e999 bit/s', 'a rate above 0'],
    ['rate', `${'9'.repeat(80)} bit/s`, 'a rate above 0'],
    ['duration', '5', 'h, min, s, ms, us, ns'],
    ['duration', '5 MB', 'h, min, s, ms, us, ns'],
    ['positiveDuration', '0 s', 'a time above 0'],
    ['bytes', '0.3 B', 'a whole number of bytes'],
    ['bytes', -1, 'a whole number of bytes'],
    ['bytes', 1.5, 'a whole number of bytes'],
    ['bytes', true, 'a whole number of bytes'],
    ['probability', '100 %', 'below 100 %'],
    ['probability', 1, 'below 1'],
    ['probability', -0.1, 'at least 0'],
    ['queueLimit', '0 ms', 'above 0'],
    ['queueLimit', '0 B', 'above 0'],
    ['queueLimit', '5 Mbit/s', 'h, min, s, ms, us, ns'],
    ['queueLimit', 1000, 'e.g. "256 KiB"'],
  ])('%s refuses %j and says: %s', (codec, input, allowed) => {
    const { error } = (units[codec] as z.ZodType).safeParse(input);
    expect(error?.issues[0]?.message).toMatch(/^allowed: /);
    expect(error?.issues[0]?.message).toContain(allowed);
  });
});

describe('writing', () => {
  it.each([
    [units.formatRate(40e6), '40 Mbit/s'],
    [units.formatRate(2.5e9), '2.5 Gbit/s'],
    [units.formatRate(0.5), '0.5 bit/s'],
    [units.formatDuration(0.5), '500 ms'],
    [units.formatDuration(0.0005), '500 us'],
    [units.formatDuration(0), '0 s'],
    [units.formatDuration(90), '90 s'],
    [units.formatBytes(65536), '64 KiB'],
    [units.formatBytes(1e6), '1000000 B'],
    [units.formatProbability(0.001), '0.1 %'],
    [units.formatProbability(0), '0 %'],
  ])('writes %s', (text, expected) => expect(text).toBe(expected));

  const positive = fc.double({ min: Number.MIN_VALUE, noDefaultInfinity: true, noNaN: true });
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const size = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(1000).map((n) => n * 1024),
  );

  it.each<[string, z.ZodType, fc.Arbitrary<unknown>]>([
    [
      'rate',
      units.rate,
      fc.oneof(
        positive,
        fc.nat(1e6).map((n) => (n + 1) * 1000),
      ),
    ],
    ['duration', units.duration, fc.oneof(positive, fraction, fc.constant(0))],
    ['bytes', units.bytes, size],
    ['probability', units.probability, fraction],
    ['queueLimit', units.queueLimit, positive.map((seconds) => ({ seconds }))],
    ['queueLimit', units.queueLimit, size.map((bytes) => ({ bytes: Math.max(1, bytes) }))],
  ])('%s: what is written reads back as the same number', (_, codec, numbers) => {
    fc.assert(
      fc.property(numbers, (value) => {
        expect(codec.parse(z.encode(codec, value))).toEqual(value);
      }),
    );
  });
});
