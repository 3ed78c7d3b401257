/** The link model: pure queues that shapers compose. */
export type { Queued, Stage } from './stage.js';
export { CATCH_UP_SECONDS, RateQueue, type RateQueueSettings } from './rate-queue.js';
export { DelayLine, type Handling } from './delay-line.js';
export { FairQueue, type FairQueueSettings, type FlowPacket } from './fair-queue.js';
export { TraceQueue, type TraceQueueSettings } from './trace-queue.js';
