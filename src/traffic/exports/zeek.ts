/**
 * Connections as Zeek's conn.log, from packets: who has tools for Zeek's logs can use them on any capture.
 *
 * The rules are Zeek's, not the flow meter's: see traffic/zeek. The timeouts of the command don't apply.
 */
import type { Packet } from '../../capture/index.js';
import { connLogFooter, connLogHeader, connLogRow, ConnectionTracker, networkOf } from '../zeek/index.js';
import type { ConnLogFormat, Network, TrackerOptions } from '../zeek/index.js';
import { packetFormat } from './format.js';
import type { PacketSink } from './format.js';
import type { Outlet } from './outlet.js';

const isGiven = (): boolean => true;

export const zeek = packetFormat({
  name: 'zeek',
  summary: "Zeek's conn.log: connections by Zeek's own rules, as tab-separated text or JSON",
  to: ['file'],
  options: {
    json: { flags: '--json', description: 'a JSON object per line', parse: isGiven, otherwise: false },
    ignoreChecksums: {
      flags: '-C, --ignore-checksums',
      description: 'believe packets with a wrong checksum, as a sending host captures them',
      parse: isGiven,
      otherwise: false,
    },
    local: {
      flags: '--local <networks>',
      description: 'these are local, beside private networks: 192.0.2.0/24,2001:db8::/32',
      parse: (text: string) => text.split(',').map((network) => networkOf('--local', network.trim())),
      otherwise: [] as Network[],
    },
    mac: {
      flags: '--mac',
      description: 'with columns for the MAC addresses, as Zeek has them with its mac-logging',
      parse: isGiven,
      otherwise: false,
    },
  },
  open: ({ outlet }, { json, ...options }) => new ConnLogSink(outlet, { json, mac: options.mac }, options),
});

class ConnLogSink implements PacketSink {
  readonly #outlet: Outlet;
  readonly #format: ConnLogFormat;
  readonly #tracker: ConnectionTracker;
  #firstMicros: number | undefined;
  #lastMicros = 0;

  constructor(outlet: Outlet, format: ConnLogFormat, options: TrackerOptions) {
    this.#outlet = outlet;
    this.#format = format;
    this.#tracker = new ConnectionTracker((record) => this.#write(connLogRow(record, format)), options);
  }

  packet(packet: Packet): void {
    const micros = packet.seconds * 1e6 + Math.floor(packet.nanoseconds / 1000);
    if (this.#firstMicros === undefined) this.#begin(micros);
    if (micros > this.#lastMicros) this.#lastMicros = micros;
    this.#tracker.packet(packet);
  }

  finish(): void {
    if (this.#firstMicros === undefined) this.#begin(0);
    this.#tracker.finish();
    this.#write(connLogFooter(this.#format, this.#lastMicros));
  }

  /** Zeek warns of it, too: on a sending host, checksums are filled in by the network card, after the capture. */
  note(): string | undefined {
    const { badChecksums } = this.#tracker;
    return badChecksums === 0
      ? undefined
      : `${badChecksums} with a wrong checksum left out, as Zeek does; --ignore-checksums believes them`;
  }

  #begin(micros: number): void {
    this.#firstMicros = micros;
    this.#write(connLogHeader(this.#format, micros));
  }

  #write(text: string): void {
    if (text !== '') this.#outlet.write(Buffer.from(text));
  }
}
