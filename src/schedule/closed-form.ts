/**
 * Closed forms: how many bytes each member of an exchange sends, by the formulas of the literature, from the size of
 * the buffer and the number of members alone. They are what a schedule's own bytes are held against, so they know
 * nothing of how it is made.
 *
 * V is the size of the buffer as sent, that is, encoded. All all-reduces below move 2·V·(N-1) bytes in total, for each
 * element's values must come together, which takes N-1 messages, and the sum must get out again, which takes as
 * many; they differ in who sends them. Chunks of whole elements are not all equal, so a member's own share may be off
 * by the rounding that each function states; the total is exact.
 */

/** By member, bytes that it sends. */
export type SentBytes = readonly number[];

/**
 * Ring: 2·V·(N-1)/N each (Patarasu and Yuan, JPDC 2009). Exact within 2·(N-1) elements and, where slices have
 * scales of their own, one scale for each chunk sent.
 */
export function ringBytes(bufferBytes: number, members: number): SentBytes {
  return alike(members, (2 * bufferBytes * (members - 1)) / members);
}

/**
 * Butterfly: 2·V·(N-1)/N each: the N-1 chunks of others, and N-1 times its own (hivemind: Ryabinin et al.,
 * arXiv:2103.03239). Exact within 2·(N-1) elements and scales.
 */
export function butterflyBytes(bufferBytes: number, members: number): SentBytes {
  return ringBytes(bufferBytes, members);
}

/**
 * Recursive halving and doubling: 2·V·(P-1)/P each of P, the largest power of two (Thakur, Rabenseifner and Gropp,
 * IJHPCA 2005); those beyond P send V to one within, who sends V back. If N is P exact within 2·(N-1) elements and
 * scales, else within 2·log₂P + 2 slices.
 */
export function halvingDoublingBytes(bufferBytes: number, members: number): SentBytes {
  const power = 2 ** Math.floor(Math.log2(members));
  return byMember(members, (member) => {
    if (member >= power) return bufferBytes;
    const told = member < members - power ? bufferBytes : 0;
    return (2 * bufferBytes * (power - 1)) / power + told;
  });
}

/** Parameter server: the hub, who is the first, V·(N-1), all others V (Li et al., OSDI 2014). Exact. */
export function parameterServerBytes(bufferBytes: number, members: number): SentBytes {
  return byMember(members, (member) => (member === 0 ? bufferBytes * (members - 1) : bufferBytes));
}

/**
 * Hierarchical: of R regions the first member of each, with m-1 others in it, 2·V·(R-1)/R + V·(m-1), all others V.
 * Exact within 2·(R-1) slices.
 *
 * @param regions By member.
 */
export function hierarchicalBytes(bufferBytes: number, regions: readonly string[]): SentBytes {
  const count = new Set(regions).size;
  return regions.map((region, member) => {
    if (regions.indexOf(region) !== member) return bufferBytes;
    const others = regions.filter((other) => other === region).length - 1;
    return (2 * bufferBytes * (count - 1)) / count + bufferBytes * others;
  });
}

/** All-gather of contributions of C bytes each: C·(N-1), to each of the others or around a ring alike. Exact. */
export function allGatherBytes(contributionBytes: number, members: number): SentBytes {
  return alike(members, contributionBytes * (members - 1));
}

/**
 * Gossip in pairs (NoLoCo: Kolehmainen et al., arXiv:2506.10911): who meets another sends its V bytes of outer parameters
 * and its pseudo-gradient, who rests nothing. Exact.
 */
export function gossipBytes(
  anchorBytes: number,
  pseudoGradientBytes: number,
  members: number,
  pairs: readonly (readonly [number, number])[],
): SentBytes {
  const meeting = new Set(pairs.flat());
  return byMember(members, (member) => (meeting.has(member) ? anchorBytes + pseudoGradientBytes : 0));
}

const byMember = (members: number, bytes: (member: number) => number): number[] =>
  Array.from({ length: members }, (_, member) => bytes(member));

const alike = (members: number, bytes: number): number[] => byMember(members, () => bytes);
