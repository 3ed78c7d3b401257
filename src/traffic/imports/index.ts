/** Flow files, read: what the rest of the house uses of this folder. */
import type { FlowHandler } from '../flows/record.js';
import { CsvImport } from './csv.js';
import type { TrafficKind } from './detect.js';
import type { FlowImport } from './import.js';
import { MessageImport } from './messages.js';
import { NfdumpJsonImport } from './nfdump-json.js';
import { NfdumpCsvImport, NfdumpTableImport } from './nfdump.js';
import { ZeekImport } from './zeek.js';

export { BiflowJoiner } from './biflows.js';
export { detect, isCapture, trafficKinds } from './detect.js';
export type { TrafficKind } from './detect.js';
export type { FlowImport, Skip } from './import.js';
export { MessageImport } from './messages.js';

/** A reader of flow files of this kind. */
export function flowImport(kind: Exclude<TrafficKind, 'capture'>, onRecord: FlowHandler): FlowImport {
  switch (kind) {
    case 'flow-messages':
      return new MessageImport(onRecord);
    case 'zeek-tsv':
      return new ZeekImport('tsv', onRecord);
    case 'zeek-json':
      return new ZeekImport('json', onRecord);
    case 'nfdump-csv':
      return new NfdumpCsvImport(onRecord);
    case 'nfdump-json':
      return new NfdumpJsonImport(onRecord);
    case 'nfdump-table':
      return new NfdumpTableImport(onRecord);
    case 'meshbeat-csv':
      return new CsvImport(onRecord);
  }
}
