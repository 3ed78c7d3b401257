import { describe, expect, test } from 'vitest';
import { meterIndices } from '../../../src/wan/netem/plan.js';
import { countersFrom } from '../../../src/wan/netem/readings.js';

/** In the form in which Debian 12's `tc -s -json` answers, with what is not read left out. */
const qdisc = (kind: string, dev: string, bytes = 0, packets = 0, drops = 0, backlog = 0) => ({
  ...{ kind, handle: '8001:', dev, parent: '1:2', options: {}, bytes, packets, drops, backlog },
  ...{ overlimits: 4, requeues: 0, qlen: 0 },
});
const meter = (index: number, bytes: number, packets: number) => ({
  ...{ order: 0, kind: 'gact', control_action: { type: 'pass' }, index, ref: 1, bind: 1 },
  stats: { bytes, packets, drops: 0, overlimits: 0, requeues: 0, backlog: 0, qlen: 0 },
});

describe('countersFrom', () => {
  test('sums what concerns a node, wherever the kernel counts it', () => {
    const [held01, passing01] = meterIndices({ from: 0, to: 1 }, 2);
    const [held10] = meterIndices({ from: 1, to: 0 }, 2);
    const hub = [
      [
        qdisc('htb', 'veth0', 99, 99, 99, 99),
        qdisc('netem', 'veth0', 1, 1, 3),
        qdisc('tbf', 'up0', 5000, 5, 2, 700),
        qdisc('netem', 'veth1', 1, 1, 4),
        qdisc('tbf', 'up1', 6000, 6),
      ],
      [
        { 'total acts': 3 },
        { actions: [meter(held01, 3000, 3), meter(passing01, 400, 4)] },
        { actions: [meter(held10, 60, 1)] },
      ],
    ];
    const nodes = [
      [qdisc('netem', 'eth0', 1, 1, 10), qdisc('tbf', 'down0', 60, 1, 1, 50)],
      [qdisc('netem', 'eth0', 1, 1, 20), qdisc('tbf', 'down0', 3400, 7)],
    ];
    const text = (documents: readonly unknown[]) =>
      documents.map((one) => JSON.stringify(one) + '\n').join('');
    expect(
      countersFrom(
        text(hub),
        nodes.map((one) => text([one])),
      ),
    ).toEqual([
      {
        ...{ egressPackets: 7, egressBytes: 3400, ingressPackets: 1, ingressBytes: 60 },
        ...{ dropped: 3, lost: 13, queuedBytes: 750, egressBytesTo: [0, 3400] },
      },
      {
        ...{ egressPackets: 1, egressBytes: 60, ingressPackets: 7, ingressBytes: 3400 },
        ...{ dropped: 0, lost: 24, queuedBytes: 0, egressBytesTo: [60, 0] },
      },
    ]);
  });

  test('before the first packet all is zero', () => {
    const counters = countersFrom('[]\n[{"total acts":0}]\n', ['[]', '[]', '[]']);
    expect(counters.length).toBe(3);
    for (const one of counters) expect(Object.values(one).flat()).toEqual(Array(10).fill(0));
  });
});
