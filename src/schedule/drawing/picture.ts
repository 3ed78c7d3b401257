/**
 * A round as a picture, before it is ink: lanes of labelled boxes over time, as papers on pipeline parallelism
 * draw theirs. One group of lanes per node; in each lane the boxes of one kind of activity.
 *
 * It is what the two renderers share, characters (`text.ts`) and vector graphics (`svg.ts`), so it knows
 * neither columns nor pixels; nor does it know any protocol. Data only.
 */

/** What a box can mean; each has a look in every renderer, and a word in the legend. */
export type Style =
  | 'compute'
  | 'forward'
  | 'backward'
  | 'backward-input'
  | 'backward-weight'
  | 'wait'
  | 'compress'
  | 'aggregate'
  | 'outer'
  | 'sum'
  | 'copy'
  | 'activation'
  | 'activation-gradient'
  | 'put'
  | 'get';

/** In order of the legend. */
export const MEANINGS: Readonly<Record<Style, string>> = {
  compute: 'compute',
  forward: 'forward',
  backward: 'backward',
  'backward-input': 'backward, by input',
  'backward-weight': 'backward, by weight',
  wait: 'wait',
  compress: 'compress',
  aggregate: 'sum of contributions',
  outer: 'optimizer step',
  sum: 'slice, summed on arrival',
  copy: 'slice, copied on arrival',
  activation: 'activations',
  'activation-gradient': 'their gradients',
  put: 'put',
  get: 'get',
};

/** Something that goes on for a while. */
export interface Box {
  /** Seconds since the picture's left edge. */
  readonly start: number;
  readonly end: number;
  readonly style: Style;
  /** Which of several alike, for a shade of its own: a stage's model chunk, a transfer's fragment; else 0. */
  readonly variant: number;
  /** What to write in it, from the best to the shortest; a renderer takes the first that fits, or nothing. */
  readonly labels: readonly string[];
  /** What the label counts, if anything. */
  readonly numbers?: 'microbatch' | 'chunk' | 'fragment' | 'peer' | 'owner';
  /** Boxes of one lane with the same key are one where they touch. */
  readonly key: string;
}

export type LaneKind = 'compute' | 'send' | 'recv' | 'put' | 'get';

export interface Lane {
  readonly kind: LaneKind;
  /** In order of start; in lanes of transfers they may overlap, for a node has several streams. */
  readonly boxes: readonly Box[];
}

export interface Group {
  /** Name of the node. */
  readonly name: string;
  /** The same kinds in every group. */
  readonly lanes: readonly Lane[];
}

/** What the labels of some boxes count, with one box of each label, in order. */
export interface Numbering {
  readonly of: NonNullable<Box['numbers']>;
  readonly samples: readonly { readonly label: string; readonly style: Style; readonly variant: number }[];
}

export interface Entry {
  readonly style: Style;
  readonly variant: number;
  readonly meaning: string;
}

export interface Picture {
  readonly groups: readonly Group[];
  /** Of all nodes, shown or not. */
  readonly nodes: number;
  /** Time at the left edge, seconds since the round began, and time that the picture covers. */
  readonly from: number;
  readonly seconds: number;
  /** Of what occurs, and of that only. */
  readonly legend: readonly Entry[];
  readonly numberings: readonly Numbering[];
}

/** "A", "B", …: fragments are lettered, so that nobody takes them for chunks, which are numbered. */
export function fragmentName(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : `${letter}${Math.floor(index / 26)}`;
}
