/**
 * What a collective is: a pure function from members and ranges of a buffer to sends and receives.
 *
 * A collective is compiled once for all of its members, who may be some of the ranks only (those of one
 * pipeline stage, or of one region), into the parts that are being written for them. When it is through,
 * each member's ranges of the reduction buffer hold the sum over all of them, the same bits for each,
 * whatever the encoding. Each makes sure of it in the same two ways: every element is summed at one place, in
 * one order; and who sends a finished sum settles for what its receivers will read.
 *
 * test/orchestrator/collectives/compliance.ts holds all to it.
 */
import type { DenseEncoding } from '../../src/compression/index.js';
import type { Range } from '../../src/schedule/operation.js';
import type { PartBuilder } from '../schedules/part-builder.js';

export interface CollectiveRequest {
  /** The members' parts, in the order of the collective; at least one. */
  readonly members: readonly PartBuilder[];
  /** What is reduced, of the reduction buffer, as if it lay one after the other. */
  readonly ranges: readonly Range[];
  /** Largest slice, elements. */
  readonly sliceElements: number;
  readonly encoding: DenseEncoding;
  /** By member: ids of its operations that fill the ranges. */
  readonly after: readonly (readonly number[])[];
  /** By member: the region it is in. */
  readonly regions: readonly string[];
}

/** By member: ids of the operations with which its part in the collective is over. */
export type CollectiveEnds = readonly (readonly number[])[];

export type Collective = (request: CollectiveRequest) => CollectiveEnds;
