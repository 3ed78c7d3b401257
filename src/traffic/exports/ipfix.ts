/**
 * IPFIX: RFC 7011 over UDP, RFC 5655 in a file, which is its messages one after the other. Biflows as in RFC 5103.
 *
 * What a record's counts mean is told in options records: how packets were selected (RFC 5476's selector report, and what
 * NetFlow had for it, which is what most collectors look for), and the timeouts.
 *
 * An exporter stamps messages with the time at which it sends them. Here the exporter is thought to have been there when
 * the packets were: the stamp is the end of the latest record so far, to the next whole second. So the same capture gives
 * the same bytes.
 */
import type { FlowRecord } from '../flows/record.js';
import { recordFormat } from './format.js';
import type { ExportContext, FormatOption, RecordSink } from './format.js';
import { ipfixElements } from './netflow/elements.js';
import type { Filling } from './netflow/elements.js';
import { Exporter } from './netflow/exporter.js';
import { dataTemplate, Messages, optionsTemplate } from './netflow/messages.js';
import type { Dialect, MessageFacts } from './netflow/messages.js';
import { domain, messageBytes, messageBytesFor, TEMPLATE_SECONDS, templateEvery } from './netflow/options.js';
import { domainElements, selectorElements } from './netflow/samplers.js';
import { eachDirection } from './uniflow.js';

const microseconds: FormatOption<boolean> = {
  flags: '--microseconds',
  description: 'write times as microseconds, which fewer collectors read, instead of milliseconds',
  parse: () => true,
  otherwise: false,
};

interface IpfixOptions {
  readonly messageBytes: number | undefined;
  readonly domain: number;
  readonly templateEvery: number;
  readonly microseconds: boolean;
}

export const ipfix = recordFormat({
  name: 'ipfix',
  summary: 'IPFIX messages (RFC 7011), to a collector or in a file (RFC 5655)',
  to: ['file', 'collector'],
  options: { messageBytes, domain, templateEvery, microseconds },
  open: ipfixSink,
});

const VERSION = 10;

/** Writes IPFIX messages into the context's outlet. */
export function ipfixSink({ settings, outlet }: ExportContext, options: IpfixOptions): RecordSink {
  const stamp = new Stamp();
  const dialect: Dialect = {
    headerBytes: 16,
    templateSet: 2,
    optionsTemplateSet: 3,
    countsBytes: false,
    putHeader: (view: DataView, { bytes, dataRecordsBefore }: MessageFacts) => {
      view.setUint16(0, VERSION);
      view.setUint16(2, bytes);
      view.setUint32(4, stamp.seconds);
      view.setUint32(8, dataRecordsBefore);
      view.setUint32(12, options.domain);
    },
  };
  const precision = options.microseconds ? 'us' : 'ms';
  const template = (id: number, version: 4 | 6, isBiflow: boolean) =>
    dataTemplate<Filling>(id, ipfixElements(version, isBiflow, precision));
  const one = { 4: template(256, 4, false), 6: template(257, 6, false) };
  const both = { 4: template(258, 4, true), 6: template(259, 6, true) };
  const exporter = new Exporter(
    {
      settings,
      domain: options.domain,
      templateOf: (record) => (record.backward.packets > 0 ? both : one)[record.source.version],
      templates: [one[4], one[6], ...(settings.biflow ? [both[4], both[6]] : [])],
      samplerTemplate: optionsTemplate(260, selectorElements(settings.sampling.method)),
      domainTemplate: optionsTemplate(261, domainElements),
      templateEvery: outlet.isCollector ? options.templateEvery : 0,
      templateSeconds: TEMPLATE_SECONDS,
      clock: () => performance.now() / 1000,
    },
    new Messages(dialect, outlet, messageBytesFor(options.messageBytes, outlet.isCollector)),
    { record: noRecord, sampler: 0, bootMillis: 0 },
  );
  const take = (record: FlowRecord) => {
    stamp.see(record.endMicros);
    exporter.record(record);
  };
  return {
    record: settings.biflow ? take : eachDirection(take),
    flush: () => exporter.flush(),
    finish: () => exporter.finish(),
  };
}

/** The time at which messages are thought to have been sent, in whole seconds, never before what is in them. */
export class Stamp {
  seconds = 0;

  see(micros: number): void {
    const seconds = Math.ceil(micros / 1e6);
    if (seconds > this.seconds) this.seconds = seconds;
  }
}

/** Stands in a filling before the first record comes. */
export const noRecord: FlowRecord = {
  source: { version: 4, words: [0, 0, 0, 0] },
  destination: { version: 4, words: [0, 0, 0, 0] },
  sourcePort: 0,
  destinationPort: 0,
  protocol: 0,
  startMicros: 0,
  endMicros: 0,
  forward: { packets: 0, octets: 0, tcpFlags: 0 },
  backward: { packets: 0, octets: 0, tcpFlags: 0 },
  endReason: 4,
  samplingRate: 1,
};
