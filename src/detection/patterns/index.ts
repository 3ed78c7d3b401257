/** Patterns that ISPs' tools have: what the rest of the house uses of this folder. */
export { gatherDefaults } from './gather.js';
export { look } from './look.js';
export type { Look, LookOptions } from './look.js';
export type { Verdict } from './judge.js';
export { figure } from './pattern.js';
export type { EventKind, Finding } from './pattern.js';
