/** Exports: what the rest of the house uses of this folder, and the list of formats. */
import { InputError } from '../../errors.js';
import { csv } from './csv.js';
import type { ExportFormat } from './format.js';
import { ipfix } from './ipfix.js';
import { jsonl } from './jsonl.js';
import { netflow9 } from './netflow9.js';
import { parquet } from './parquet.js';
import { pcapng } from './pcapng/index.js';
import { sflow } from './sflow/sflow.js';
import { zeek } from './zeek.js';

export { CollectorOutlet } from './collector.js';
export { FileOutlet, ReaderLeft } from './outlet.js';
export type { Outlet } from './outlet.js';
export type { ExportFormat, ExportSettings, FormatOption, GivenOptions } from './format.js';
export { exportMerged, exportTraffic } from './pipeline.js';
export type { ExportSummary, MergeSummary } from './pipeline.js';

/** In the order in which `--help` tells them. */
export const exportFormats: readonly ExportFormat[] = [
  ipfix,
  netflow9,
  sflow,
  zeek,
  csv,
  parquet,
  jsonl,
  pcapng,
];

/** @throws InputError when there is none of that name. */
export function exportFormatNamed(name: string): ExportFormat {
  const format = exportFormats.find((candidate) => candidate.name === name);
  if (format !== undefined) return format;
  const allowed = exportFormats.map((candidate) => candidate.name).join(', ');
  throw new InputError(`--to: found "${name}"; allowed: ${allowed}`);
}
