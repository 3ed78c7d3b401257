import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressBytes,
  addressFrom,
  formatAddress,
  parseAddress,
  prefixFrom,
  readAddress,
} from '../../src/capture/address.js';
import { InputError } from '../../src/errors.js';

const hexOf = (text: string) => {
  const address = parseAddress(text);
  return address === undefined ? undefined : Buffer.from(addressBytes(address)).toString('hex');
};

describe('text to address', () => {
  test.each([
    ['192.0.2.1', 'c0000201'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['1::', `0001${'0'.repeat(28)}`],
    ['2001:db8::7', `20010db8${'0'.repeat(23)}7`],
    ['2001:DB8::ABCD', `20010db8${'0'.repeat(20)}abcd`],
    ['::ffff:10.0.0.1', `${'0'.repeat(20)}ffff0a000001`],
    ['64:ff9b::192.0.2.33', `0064ff9b${'0'.repeat(16)}c0000221`],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
    ['1::3:4:5:6:7:8', '00010000000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ])('%s', (text, hex) => expect(hexOf(text)).toBe(hex));

  test.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '+1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1.2.3.256',
    'fe80::1%eth0',
    '[::1]',
  ])('"%s" is none', (text) => expect(parseAddress(text)).toBeUndefined());

  const quad = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 });
  const groups = fc.array(fc.constantFrom('', '0', 'ff', '1234', '12345', '1.2.3.4'), { maxLength: 9 });
  const likeAddresses = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    quad.map((bytes) => bytes.join('.')),
    groups.map((parts) => parts.join(':')),
  );

  test('an address is what Node takes for one', () => {
    fc.assert(
      fc.property(likeAddresses, (text) => {
        const version = parseAddress(text)?.version ?? 0;
        expect(version).toBe(isIP(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('address to text and to bytes, and back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text)!;
        expect(parseAddress(formatAddress(address))).toEqual(address);
        const bytes = addressBytes(address);
        expect(readAddress(new DataView(bytes.buffer), 0, address.version)).toEqual(address);
      }),
    );
  });

  test('what is none is refused with what is allowed', () => {
    expect(() => addressFrom('--host', 'x.example')).toThrow(InputError);
    expect(() => addressFrom('--host', 'x.example')).toThrow(
      '--host: found "x.example"; allowed: an IP address like 192.0.2.1 or 2001:db8::1',
    );
    expect(addressFrom('--host', '10.0.0.1').words).toEqual([0x0a000001, 0, 0, 0]);
  });
});

describe('text to network', () => {
  test.each([
    ['10.0.0.0/8', 4, 8],
    ['10.0.0.1', 4, 32],
    ['0.0.0.0/0', 4, 0],
    ['2001:db8::/32', 6, 32],
    ['::1', 6, 128],
    ['::ffff:10.0.0.0/104', 6, 104],
  ])('%s', (text, version, bits) => {
    const prefix = prefixFrom('--local', text);
    expect([prefix.address.version, prefix.bits]).toEqual([version, bits]);
  });

  test.each(['', '/8', 'x/8', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '10/8'])(
    '"%s" is none, and the message says what is one',
    (text) => {
      expect(() => prefixFrom('--local', text)).toThrow(InputError);
      expect(() => prefixFrom('--local', text)).toThrow(
        `--local: found "${text}"; allowed: a network like 192.0.2.0/24`,
      );
    },
  );
});
