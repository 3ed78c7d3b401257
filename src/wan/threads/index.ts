/** The `threads` fabric: a WAN for byte streams on loopback. */
export { createThreadsFabric, type ThreadsOptions } from './fabric.js';
