/** Flow files, read: what the rest of the house uses of this folder. */
import type { FlowHandler } from '../flows/record.js';
import { CsvFormat } from './csv.js';
import type { TrafficKind } from './detect.js';
import type { FlowImport } from './import.js';
import { LineImport } from './line-import.js';
import type { LineFormat } from './line-import.js';
import { MessageImport } from './messages.js';
import { NfdumpCsvFormat } from './nfdump-csv.js';
import { NfdumpJsonFormat } from './nfdump-json.js';
import { NfdumpTableFormat } from './nfdump-table.js';
import { ZeekJsonFormat, ZeekTsvFormat } from './zeek.js';

export { BiflowJoiner } from './biflows.js';
export { detect, isCapture, trafficKinds } from './detect.js';
export type { TrafficKind } from './detect.js';
export type { FlowImport, Skip } from './import.js';
export { MessageImport } from './messages.js';

/** A reader of flow files of this kind. */
export function flowImport(kind: Exclude<TrafficKind, 'capture'>, onRecord: FlowHandler): FlowImport {
  if (kind === 'flow-messages') return new MessageImport(onRecord);
  return new LineImport(lineFormats[kind](), onRecord);
}

const lineFormats: Readonly<Record<Exclude<TrafficKind, 'capture' | 'flow-messages'>, () => LineFormat>> = {
  'zeek-tsv': () => new ZeekTsvFormat(),
  'zeek-json': () => new ZeekJsonFormat(),
  'nfdump-csv': () => new NfdumpCsvFormat(),
  'nfdump-json': () => new NfdumpJsonFormat(),
  'nfdump-table': () => new NfdumpTableFormat(),
  'meshbeat-csv': () => new CsvFormat(),
};
