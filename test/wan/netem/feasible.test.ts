/** Whether the kernel can shape here is told before a run; on most build machines it can't, and this is what they see. */
import { expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { requireDriver } from '../../../src/wan/choose.js';
import { netemObstacle } from '../../../src/wan/netem/feasible.js';
import { netns, root, all } from '../../support/needs.js';
import { describeIf } from '../../support/requires.js';

const choice = { kind: 'netns', rootless: false, reason: '' } as const;

describeIf(all(netns(), root()), 'wan.driver netem', () => {
  test('is refused with what is missing, or taken where nothing is', () => {
    const missing = netemObstacle('direct');
    const ask = (): void => requireDriver('netem', choice, 'my.yaml:7: wan.driver');
    if (missing === undefined) {
      ask();
      return;
    }
    expect(missing).toMatch(/^the (program '\w+' \(package [\w-]+\)|kernel module [\w ]+)$/);
    expect(ask).toThrow(InputError);
    expect(ask).toThrow(
      `my.yaml:7: wan.driver: found netem, which can't work here: it needs ${missing}; allowed here: tun`,
    );
  });

  test('tun needs none of it', () => requireDriver('tun', choice, 'my.yaml:7: wan.driver'));
});
