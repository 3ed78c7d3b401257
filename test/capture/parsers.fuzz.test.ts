import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CaptureParser } from '../../src/capture/index.js';
import { InputError } from '../../src/errors.js';
import { bytesOf, interfaceBlock, packetBlock, pcapFile, sectionHeader } from '../support/captures.js';
import type { ByteOrder } from '../support/captures.js';
import { parse } from '../support/parsing.js';

const stamped = fc.record({
  seconds: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fraction: fc.integer({ min: 0, max: 999_999_999 }),
  data: fc.uint8Array({ maxLength: 100 }),
});

/** A valid file of either format. */
const validFile = fc
  .tuple(fc.constantFrom<ByteOrder>('little', 'big'), fc.boolean(), fc.array(stamped, { maxLength: 12 }))
  .map(([order, isPcapng, records]) => {
    if (!isPcapng) return pcapFile(order, 0xa1b23c4d, 1, records);
    const packets = records.map(({ seconds, fraction, data }) =>
      packetBlock(order, 0, BigInt(seconds) * 1_000_000_000n + BigInt(fraction), data),
    );
    return Buffer.concat([sectionHeader(order), interfaceBlock(order, 1, { resolution: 9 }), ...packets]);
  });

/** Runs and returns undefined, unless something other than an InputError is thrown. */
function onlyInputError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
}

describe('both formats', () => {
  test('how a file is cut into chunks does not matter', () => {
    fc.assert(
      fc.property(validFile, fc.integer({ min: 1, max: 200 }), (file, chunk) => {
        expect(parse(file, chunk).packets).toEqual(parse(file).packets);
      }),
    );
  });

  test('any file that is cut off somewhere gives its first packets, or an InputError', () => {
    fc.assert(
      fc.property(validFile, fc.nat(), (file, where) => {
        const whole = parse(file).packets;
        const part = file.subarray(0, where % file.length);
        onlyInputError(() => expect(parse(part).packets).toEqual(whole.slice(0, parse(part).packets.length)));
      }),
    );
  });

  test('flipped bits give packets within the file, or an InputError', () => {
    fc.assert(
      fc.property(validFile, fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (file, flips) => {
        const damaged = Buffer.from(file);
        for (const flip of flips) damaged[(flip >> 3) % damaged.length]! ^= 1 << (flip & 7);
        onlyInputError(() => {
          const bytes = parse(damaged, 64).packets.reduce((sum, packet) => sum + packet.data.length / 2, 0);
          expect(bytes).toBeLessThanOrEqual(damaged.length);
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('random bytes behind a valid start give an InputError or packets, never anything else', () => {
    fc.assert(
      fc.property(validFile, fc.uint8Array({ maxLength: 400 }), (file, noise) => {
        onlyInputError(() => parse(Buffer.concat([file, noise]), 50));
      }),
      { numRuns: 1000 },
    );
  });

  test('random bytes are no capture', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        expect(() => parse(noise)).toThrow(InputError);
      }),
    );
  });

  test('a block that never ends holds at most one block and a chunk of memory', () => {
    const order = 'little';
    const claim = bytesOf(order, [
      [4, 6],
      [4, 16 * 1024 * 1024],
    ]);
    const parser = new CaptureParser(() => undefined);
    parser.push(Buffer.concat([sectionHeader(order), interfaceBlock(order, 1), claim]));
    const before = process.memoryUsage().arrayBuffers;
    const chunk = new Uint8Array(65_536);
    for (let sent = 0; sent < 15 * 1024 * 1024; sent += chunk.length) parser.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 * 1024 * 1024);
    expect(parser.finish()).toBe(28 + 20);
  });
});
