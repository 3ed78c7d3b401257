/** Zeek's connections and its conn.log: what the rest of the house uses of this folder. */
export { connColumnNames, connColumns, macColumns } from './columns.js';
export type { ConnColumn } from './columns.js';
export { connLogFooter, connLogHeader, connLogRow } from './conn-log.js';
export type { ConnLogFormat } from './conn-log.js';
export type { ConnRecord, ConnState } from './conn-record.js';
export { networkOf } from './local.js';
export type { Network } from './local.js';
export { ConnectionTracker } from './tracker.js';
export type { TrackerOptions } from './tracker.js';
