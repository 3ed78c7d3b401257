/** Collectives: one file each, all of one form. A new one is one new file, and one line in the table below. */
import type { CollectiveName } from '../../src/scenario/schema.js';
import { butterflyAllReduce } from './butterfly.js';
import type { Collective } from './collective.js';
import { halvingDoubling } from './halving-doubling.js';
import { hierarchicalAllReduce } from './hierarchical.js';
import { parameterServer } from './parameter-server.js';
import { ringAllReduce } from './ring.js';

/** Each name's way to reduce a range over all members. */
export const collectives: { readonly [Name in CollectiveName]: Collective } = {
  ring: ringAllReduce,
  butterfly: butterflyAllReduce,
  'halving-doubling': halvingDoubling,
  'parameter-server': parameterServer,
  hierarchical: hierarchicalAllReduce,
};

export type { Collective, CollectiveEnds, CollectiveRequest } from './collective.js';
