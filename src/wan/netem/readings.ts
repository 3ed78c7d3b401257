/**
 * The kernel's counters as a fabric's: what `tc -s -json` says of the qdiscs and filters of plan.ts, read and summed.
 *
 *     sent        filters behind the bridge, which count by pair
 *     received    what each downlink's TBF has let go
 *     dropped     what the two TBFs of a node refused
 *     lost        what netem dropped, by who holds: before the bridge by its sender, after it by its receiver
 */
import { z } from 'zod';
import { CABLE, portOf } from '../netns/mesh-bridge.js';
import type { NodeCounters } from '../fabric.js';
import { DOWNLINK, pairOfMeter, uplinkOf } from './plan.js';

const qdiscSchema = z.object({
  kind: z.string(),
  dev: z.string(),
  bytes: z.number(),
  packets: z.number(),
  drops: z.number(),
  backlog: z.number(),
});

const actionSchema = z.object({
  index: z.number(),
  stats: z.object({ bytes: z.number(), packets: z.number() }),
});

const qdiscsSchema = z.array(qdiscSchema);
/** First comes how many there are, then one object for each part of the answer. */
const actionsSchema = z.array(z.object({ actions: z.array(actionSchema).default([]) }));

type Qdisc = z.output<typeof qdiscSchema>;

/** Of `tc`: the commands whose answers are read here. */
export const READ_SWITCH = ['qdisc show', 'actions list action gact'];
export const READ_NODE = ['qdisc show'];

/**
 * Counters by rank.
 *
 * @param hub what `tc -s -json -batch` answered to READ_SWITCH in the switch: a document in each line
 * @param nodes the same for READ_NODE, by rank
 */
export function countersFrom(hub: string, nodes: readonly string[]): NodeCounters[] {
  const [first = '[]', second = '[]'] = documents(hub);
  const shared = qdiscsSchema.parse(JSON.parse(first));
  const meters = actionsSchema.parse(JSON.parse(second)).flatMap(({ actions }) => actions);
  const size = nodes.length;
  const sent = nodes.map(() => ({ packets: 0, to: nodes.map(() => 0) }));
  for (const { index, stats } of meters) {
    const { from, to } = pairOfMeter(index, size);
    const sender = sent[from];
    if (sender === undefined) continue;
    sender.packets += stats.packets;
    sender.to[to]! += stats.bytes;
  }
  return nodes.map((text, rank) => {
    const own = qdiscsSchema.parse(JSON.parse(documents(text)[0] ?? '[]'));
    const uplink = totals(shared, 'tbf', uplinkOf(rank));
    const downlink = totals(own, 'tbf', DOWNLINK);
    const egressBytesTo = sent[rank]!.to;
    return {
      egressPackets: sent[rank]!.packets,
      egressBytes: egressBytesTo.reduce((sum, bytes) => sum + bytes, 0),
      ingressPackets: downlink.packets,
      ingressBytes: downlink.bytes,
      dropped: uplink.drops + downlink.drops,
      lost: totals(own, 'netem', CABLE).drops + totals(shared, 'netem', portOf(rank)).drops,
      queuedBytes: uplink.backlog + downlink.backlog,
      egressBytesTo,
    };
  });
}

const documents = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

function totals(qdiscs: readonly Qdisc[], kind: string, device: string) {
  const sum = { bytes: 0, packets: 0, drops: 0, backlog: 0 };
  for (const qdisc of qdiscs) {
    if (qdisc.kind !== kind || qdisc.dev !== device) continue;
    sum.bytes += qdisc.bytes;
    sum.packets += qdisc.packets;
    sum.drops += qdisc.drops;
    sum.backlog += qdisc.backlog;
  }
  return sum;
}
