/**
 * NetFlow v9: RFC 3954, over UDP; in a file its messages stand one after the other.
 *
 * Two things are older than in IPFIX. A record has one direction, so a conversation is two records. And its times are
 * milliseconds since the exporter started, in 32 bits, which last 49 days; the header tells by two clocks when that was.
 * The exporter here is thought to have started an hour before the first record, on a whole second, so that no reader
 * has to round. Records from before that, or more than 24 days after, make it start anew, as a router that was restarted:
 * what is further from the header's time than half of the clock's range, readers take for a clock that ran over.
 */
import type { FlowRecord } from '../flows/record.js';
import { recordFormat } from './format.js';
import type { ExportContext, RecordSink } from './format.js';
import { noRecord, Stamp } from './ipfix.js';
import { netflow9Elements } from './netflow/elements.js';
import type { Filling } from './netflow/elements.js';
import { Exporter } from './netflow/exporter.js';
import { dataTemplate, Messages, optionsTemplate } from './netflow/messages.js';
import type { Dialect, MessageFacts } from './netflow/messages.js';
import { domain, messageBytes, messageBytesFor, TEMPLATE_SECONDS, templateEvery } from './netflow/options.js';
import { flowSamplerElements, systemElements } from './netflow/samplers.js';
import { eachDirection } from './uniflow.js';

interface Netflow9Options {
  readonly messageBytes: number | undefined;
  readonly domain: number;
  readonly templateEvery: number;
}

export const netflow9 = recordFormat({
  name: 'netflow9',
  summary: 'NetFlow v9 messages (RFC 3954), to a collector or one after the other in a file',
  to: ['file', 'collector'],
  canBiflow: false,
  options: { messageBytes, domain, templateEvery },
  open: netflow9Sink,
});

const VERSION = 9;
const HOUR_MILLIS = 3_600_000;
/** Half of the clock's range, 24 days. */
const MAX_UPTIME = 0x7fffffff;

/** Writes NetFlow v9 messages into the context's outlet. */
export function netflow9Sink({ settings, outlet }: ExportContext, options: Netflow9Options): RecordSink {
  let stamp = new Stamp();
  const filling: Filling = { record: noRecord, sampler: 0, bootMillis: NaN };
  const dialect: Dialect = {
    headerBytes: 20,
    templateSet: 0,
    optionsTemplateSet: 1,
    countsBytes: true,
    putHeader: (view: DataView, { records, messagesBefore }: MessageFacts) => {
      view.setUint16(0, VERSION);
      view.setUint16(2, records);
      view.setUint32(4, Number.isNaN(filling.bootMillis) ? 0 : stamp.seconds * 1000 - filling.bootMillis);
      view.setUint32(8, stamp.seconds);
      view.setUint32(12, messagesBefore);
      view.setUint32(16, options.domain);
    },
  };
  const messages = new Messages(dialect, outlet, messageBytesFor(options.messageBytes, outlet.isCollector));
  const templates = {
    4: dataTemplate<Filling>(256, netflow9Elements(4)),
    6: dataTemplate<Filling>(257, netflow9Elements(6)),
  };
  const exporter = new Exporter(
    {
      settings,
      domain: options.domain,
      templateOf: (record) => templates[record.source.version],
      templates: [templates[4], templates[6]],
      samplerTemplate: optionsTemplate(260, flowSamplerElements),
      domainTemplate: optionsTemplate(261, systemElements),
      templateEvery: outlet.isCollector ? options.templateEvery : 0,
      templateSeconds: TEMPLATE_SECONDS,
      clock: () => performance.now() / 1000,
    },
    messages,
    filling,
  );
  const take = eachDirection((given) => {
    const record = shortened(given);
    if (!isInUptime(record, filling.bootMillis)) {
      messages.send();
      filling.bootMillis = Math.floor(record.startMicros / 1e6) * 1000 - HOUR_MILLIS;
      stamp = new Stamp();
    }
    stamp.see(record.endMicros);
    exporter.record(record);
  });
  return { record: take, flush: () => exporter.flush(), finish: () => exporter.finish() };
}

function isInUptime({ startMicros, endMicros }: FlowRecord, bootMillis: number): boolean {
  // The message's stamp is up to a second later than the end.
  return startMicros / 1000 >= bootMillis && endMicros / 1000 + 1000 - bootMillis <= MAX_UPTIME;
}

/** What is longer than the clock runs is told by its last 24 days. */
function shortened(record: FlowRecord): FlowRecord {
  const earliest = record.endMicros - (MAX_UPTIME - 2 * HOUR_MILLIS) * 1000;
  return record.startMicros >= earliest ? record : { ...record, startMicros: earliest };
}
