import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { LineImport, positionsOf } from '../../../src/traffic/imports/line-import.js';

/** A format whose records are of one byte more than a line has. */
const record = (line: string) => ({ forward: { packets: 1, octets: line.length + 1 } }) as FlowRecord;

test('however bytes are cut, each line is a record, a reason or nothing', () => {
  const lines = fc.array(fc.stringMatching(/^[ -~]{0,12}$/), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.nat({ max: 7 }), fc.boolean(), (texts, size, isCrLf) => {
      const octets: number[] = [];
      const reader = new LineImport(
        { line: (line) => (line === '' ? undefined : line.length % 3 === 0 ? 'threes' : record(line)) },
        ({ forward }) => octets.push(forward.octets),
      );
      const bytes = Buffer.from(texts.join(isCrLf ? '\r\n' : '\n'));
      for (let at = 0; at < bytes.length; at += size + 1) reader.push(bytes.subarray(at, at + size + 1));
      expect(reader.finish()).toBeUndefined();
      const full = texts.filter((text) => text !== '').map((text) => text.length);
      expect(octets).toEqual(full.filter((length) => length % 3 !== 0).map((length) => length + 1));
      const threes = full.filter((length) => length % 3 === 0).length;
      expect(reader.skipped.list()).toEqual(threes === 0 ? [] : [{ reason: 'threes', count: threes }]);
    }),
  );
});

test('an error names the line, and a line has an end', () => {
  const refusing = {
    line: (text: string) => {
      if (text === 'x') throw new InputError('found x; allowed: y');
      return undefined;
    },
  };
  const reader = () => new LineImport(refusing, () => undefined);
  expect(() => reader().push(Buffer.from('a\nb\nx\n'))).toThrow('line 3: found x; allowed: y');
  expect(() => reader().push(Buffer.alloc(2 ** 20 + 1, 'a'))).toThrow(
    'line 1: found more than 1048576 bytes',
  );
});

test('what a format leaves unfinished is said, with the place', () => {
  const reader = new LineImport({ line: () => undefined, isUnfinished: () => true }, () => undefined);
  reader.push(Buffer.from('abc\nde'));
  expect(reader.finish()).toBe(4);
});

test('columns are found by any of their names', () => {
  const names = { start: ['ts', 'first'], end: ['te'] };
  expect(positionsOf(['x', ' first '], names, ['start'], 'such')).toEqual({ start: 1, end: -1 });
  expect(() => positionsOf(['x', 'first'], names, ['end'], 'such')).toThrow(
    'found no column te; allowed: such',
  );
});
