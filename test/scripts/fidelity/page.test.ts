import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { filled } from '../../../scripts/fidelity/page.js';
import { resultsSchema } from '../../../scripts/fidelity/results.js';
import { packageRoot } from '../../../src/package-root.js';

const page =
  'before\n<!-- fidelity: iperf3 -->\nold\n<!-- /fidelity -->\nbetween\n<!-- fidelity: run -->\n<!-- /fidelity -->';

test('marked parts are written anew, once and again; all else stays', () => {
  const results = { iperf3: { tcp: 1.001, udp: 0.985 } };
  const once = filled(page, results);
  expect(once).toContain('TCP 100 %, UDP 98.5 %');
  expect(once).not.toContain('old');
  expect(once.replace(/<!-- fidelity: iperf3[^]*?\/fidelity -->/, '')).toBe(
    page.replace(/<!-- fidelity: iperf3[^]*?\/fidelity -->/, ''),
  );
  expect(filled(once, results)).toBe(once);
});

test('a marker that nobody writes is an error', () => {
  expect(() => filled('<!-- fidelity: price --><!-- /fidelity -->', {})).toThrow(/price.*allowed: verify/);
});

test('docs/fidelity.md has what docs/fidelity.json says', () => {
  const read = (name: string): string => readFileSync(path.join(packageRoot, 'docs', name), 'utf8');
  const results = resultsSchema.parse(JSON.parse(read('fidelity.json')));
  const words = (text: string): string => text.replace(/[\s|-]+/g, ' ');
  expect(words(filled(read('fidelity.md'), results))).toBe(words(read('fidelity.md')));
});
