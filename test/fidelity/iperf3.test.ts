/** A second opinion: what iperf3 finds of a link and what `meshbeat verify` finds must agree. */
import { expect, test } from 'vitest';
import { agreement } from '../../scripts/fidelity/iperf3.js';
import { all, netns, root, tools } from '../support/needs.js';
import { describeIf } from '../support/requires.js';
import { attempt, isWithin } from '../wan/measuring.js';

/** Of the rate, by which the two may differ. */
const SHARE = 0.03;

describeIf(all(netns(), root(), tools('iperf3', 'nsenter')), 'iperf3 through the shaper', () => {
  test('agrees with verify within 3 %, by TCP and by UDP', async () => {
    const { tcp, udp } = await attempt(
      agreement,
      (ratios) => isWithin(ratios.tcp, 1, SHARE) && isWithin(ratios.udp, 1, SHARE),
    );
    expect(isWithin(tcp, 1, SHARE), `iperf3 over verify, TCP: ${tcp}`).toBe(true);
    expect(isWithin(udp, 1, SHARE), `iperf3 over verify, UDP: ${udp}`).toBe(true);
  });
});
