/** Crypto-PAn against the pairs that its authors published with their code, and as a property. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CryptoPan } from '../../../src/traffic/exports/pcapng/crypto-pan.js';
import { keyOfVariable } from '../../../src/traffic/exports/pcapng/key.js';
import { addressBytes, parseAddress } from '../../../src/capture/index.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { readTraffic } from '../../../src/traffic/source.js';
import { scratchFolder } from '../../support/files.js';
import { fixture } from '../../support/fixtures.js';
import { describeWith } from '../../support/requires.js';

const folder = scratchFolder();

/** The sample key of the authors' code. */
const sampleKey = Uint8Array.of(
  ...[21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16],
  ...[216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2],
);

const bytesOf = (text: string) => Buffer.from(addressBytes(parseAddress(text)!));

describe('Crypto-PAn', () => {
  const pan = new CryptoPan(sampleKey);

  // sample_trace_raw.dat and sample_trace_sanitized.dat of the authors' distribution.
  test.each([
    ['128.11.68.132', '135.242.180.132'],
    ['129.118.74.4', '134.136.186.123'],
    ['130.132.252.244', '133.68.164.234'],
    ['141.223.7.43', '141.167.8.160'],
    ['152.163.225.39', '151.140.114.167'],
    ['192.102.249.13', '252.138.62.131'],
    ['192.41.57.43', '252.222.221.184'],
    ['4.3.88.225', '124.60.155.63'],
    ['24.5.0.80', '100.9.15.210'],
    ['64.39.15.238', '0.219.7.41'],
  ])('%s becomes %s', (address, pseudonym) => {
    expect(pan.pseudonym(bytesOf(address))).toEqual(Uint8Array.from(bytesOf(pseudonym)));
  });

  // Of the same key, by the implementations in Go (Yawning), Rust and JavaScript.
  test.each([
    ['::1', '78ff:f001:9fc0:20df:8380:b1f1:704:ed'],
    ['::ffff', '78ff:f001:9fc0:20df:8380:b1f1:704:f838'],
    ['2001:db8::1', '4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e'],
    ['2001:db8::2', '4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c'],
  ])('%s becomes %s', (address, pseudonym) => {
    expect(pan.pseudonym(bytesOf(address))).toEqual(Uint8Array.from(bytesOf(pseudonym)));
  });

  const common = (a: Uint8Array, b: Uint8Array) => {
    for (let bit = 0; bit < a.length * 8; bit += 1) {
      if (((a[bit >> 3]! ^ b[bit >> 3]!) >> (7 - (bit & 7))) & 1) return bit;
    }
    return a.length * 8;
  };

  test('addresses with k bits in common have pseudonyms with exactly k bits in common', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const pair = fc.constantFrom(4, 16).chain((length) => {
      const address = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.tuple(address, address, fc.nat({ max: length * 8 }));
    });
    fc.assert(
      fc.property(key, pair, (secret, [first, other, prefix]) => {
        // The other's first bits are the first's.
        const second = Uint8Array.from(other, (byte, at) => {
          const mask = 0xff & (0xff00 >> Math.max(0, Math.min(8, prefix - 8 * at)));
          return (first[at]! & mask) | (byte & ~mask);
        });
        const own = new CryptoPan(secret);
        expect(common(own.pseudonym(first), own.pseudonym(second))).toBe(common(first, second));
      }),
    );
  });
});

describeWith(['nfanon', 'nfdump'], 'Crypto-PAn, beside nfanon', () => {
  test('every IPv4 address gets the pseudonym that nfanon gives it', async () => {
    const anonymous = join(folder, 'anonymous');
    const key = `0x${Buffer.from(sampleKey).toString('hex')}`;
    execFileSync('nfanon', ['-q', '-K', key, '-r', fixture('flows/nfcapd'), '-w', anonymous]);
    const theirs = execFileSync('nfdump', ['-r', anonymous, '-o', 'csv', 'inet'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^\d{4}-/.test(line))
      .map((line) => line.split(',')[3]);
    const pan = new CryptoPan(sampleKey);
    const ours: string[] = [];
    const onRecord = ({ source: { version, words } }: FlowRecord) => {
      if (version !== 4) return;
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(words[0]);
      ours.push(pan.pseudonym(bytes).join('.'));
    };
    await readTraffic(fixture('flows/nfdump.json'), { onPacket: () => undefined, onRecord });
    expect(ours).toHaveLength(54);
    expect(theirs).toEqual(ours);
  });
});

describe('the key', () => {
  const digits = 'ab'.repeat(32);

  test('is 32 bytes or 64 hexadecimal digits', () => {
    expect(keyOfVariable('--key-from', 'K', { K: `${digits}\n` })).toEqual(Buffer.alloc(32, 0xab));
    expect(keyOfVariable('--key-from', 'K', { K: 'x'.repeat(32) })).toEqual(Buffer.alloc(32, 'x'));
  });

  test('is in no message', () => {
    const wrong = 'secret-but-too-short';
    expect(() => keyOfVariable('--key-from', 'K', { K: wrong })).toThrow(
      /^--key-from: found 20 characters in K; allowed: 32 bytes/,
    );
    expect(() => keyOfVariable('--key-from', 'K', {})).toThrow('found no environment variable K');
  });
});
