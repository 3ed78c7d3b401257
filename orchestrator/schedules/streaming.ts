/**
 * Streaming DiLoCo (Douillard et al., arXiv:2501.18512): DiLoCo in which the model's fragments are exchanged in
 * turn, and while one is under way the nodes go on computing.
 *
 * Think of DiLoCo's one burst as cut into P smaller ones, spread over the round. Each fragment still is exchanged
 * once in H inner steps. Its exchange starts τ steps before it is due; then the result is merged into whatever
 * the node has reached by then:
 *
 *     step s     pseudo-gradient of the fragment: anchor - parameters; its exchange starts
 *     s … s+τ    inner steps go on, on all parameters
 *     step s+τ   Nesterov on the fragment's anchor; parameters = α·parameters + (1-α)·anchor
 *
 * Fragment p is due at step (p+1)·H/P of the round, rounded down, so that the last merge ends the round and no
 * state but the buffers passes from one round to the next. With τ at most H/P, which is checked when a scenario is
 * loaded, one fragment at a time is under way. A round so sends what DiLoCo's does; its peak rate is a
 * P-th where the exchange may take H/P steps, and the heartbeat is P times as fast.
 *
 * Between merges each node's parameters are its own; at the end of a round too, but for the fragment merged last.
 */
import type { StreamingProtocol } from '../../src/scenario/schema.js';
import { fragmentRanges } from '../../src/training/fragments.js';
import { elementsIn } from '../../src/training/ranges.js';
import type { CollectiveEnds } from '../collectives/index.js';
import { exchange } from './exchange.js';
import { PartBuilder } from './part-builder.js';
import { allAlike, eachItsOwn, type ProtocolCompiler } from './request.js';
import { checkedSliceElements } from './slice-size.js';

export const streaming: ProtocolCompiler<StreamingProtocol> = {
  compile(request) {
    const { protocol, worldSize, model, parameterCount, round, regions } = request;
    const { innerSteps, outer, mix } = protocol;
    // In a round each parameter is exchanged once.
    checkedSliceElements(protocol.slice, parameterCount, 4 * (worldSize - 1));
    const fragments = fragmentRanges(model, protocol);
    const members = Array.from({ length: worldSize }, (_, rank) => new PartBuilder(rank));
    const underWay = new Map<number, CollectiveEnds>();
    let step = 0;
    for (const { at, starts, merges } of stopsOf(protocol)) {
      const contribution = starts.flatMap((fragment) => fragments[fragment] ?? []);
      const computed = members.map((part) => [
        part.innerSteps({ firstStep: round * innerSteps + step, steps: at - step, contribution }),
      ]);
      step = at;
      for (const fragment of starts) {
        const ranges = fragments[fragment] ?? [];
        const cost = elementsIn(ranges) / parameterCount;
        underWay.set(fragment, exchange({ protocol, members, ranges, after: computed, regions, cost }));
      }
      for (const fragment of merges) {
        const ranges = fragments[fragment] ?? [];
        members.forEach((part, index) =>
          part.device({
            kind: 'outer',
            after: underWay.get(fragment)?.[index] ?? [],
            update: { optimizer: 'nesterov', ...outer, mix },
            ranges,
            contributors: worldSize,
            cost: elementsIn(ranges) / parameterCount,
          }),
        );
      }
    }
    return { protocol: protocol.kind, round, worldSize, parts: members.map((part) => part.part()) };
  },
  holdings(request) {
    const { fragments, mix } = request.protocol;
    return fragments === 1 && mix === 0 ? allAlike(request) : eachItsOwn(request);
  },
  stepsPerRound: ({ innerSteps }) => innerSteps,
};

/** A step of the round at which the device does something else than inner steps, and the fragments it does it for. */
export interface Stop {
  /** Inner steps taken in this round before it. */
  readonly at: number;
  /** Whose exchange starts, once the node has begun on what comes next. */
  readonly starts: readonly number[];
  /** Whose result is merged. */
  readonly merges: readonly number[];
}

/** The stops of a round in their order, the last one at its end. */
export function stopsOf({
  innerSteps,
  fragments,
  delay,
}: Pick<StreamingProtocol, 'innerSteps' | 'fragments' | 'delay'>): Stop[] {
  const due = Array.from({ length: fragments }, (_, p) => Math.floor(((p + 1) * innerSteps) / fragments));
  const steps = new Set(due.flatMap((step) => [step - delay, step]));
  const fragmentsAt = (at: number) => due.flatMap((step, fragment) => (step === at ? [fragment] : []));
  return [...steps]
    .sort((a, b) => a - b)
    .map((at) => ({ at, starts: fragmentsAt(at + delay), merges: fragmentsAt(at) }));
}
