/** Exports in tests: what a format writes of packets or records, in memory. */
import { expect } from 'vitest';
import type { CaptureInfo, Packet } from '../../src/capture/index.js';
import { exportFormatNamed } from '../../src/traffic/exports/index.js';
import type { ExportSettings } from '../../src/traffic/exports/index.js';
import { unsampled } from '../../src/traffic/sampling/index.js';

export const exportSettings: ExportSettings = {
  activeTimeoutSeconds: 60,
  idleTimeoutSeconds: 15,
  biflow: true,
  sampling: unsampled,
};

/** An outlet that keeps what it is given. */
export class MemoryOutlet {
  readonly isCollector = false;
  readonly parts: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  write(bytes: Uint8Array): void {
    this.parts.push(Buffer.from(bytes));
  }

  drain(): undefined {
    return undefined;
  }

  close(): void {
    // Memory needs no closing.
  }
}

/** What a format of packets writes of these. */
export async function exportedPackets(
  name: string,
  packets: Iterable<Packet>,
  given: Readonly<Record<string, unknown>> = {},
): Promise<Buffer> {
  const outlet = new MemoryOutlet();
  const format = exportFormatNamed(name);
  if (format.eats !== 'packets') expect.fail(`${name} is a format of records`);
  const sink = await format.open({ settings: exportSettings, outlet }, given);
  for (const packet of packets) sink.packet(packet);
  const facts: CaptureInfo = {
    file: 'memory',
    format: 'pcapng',
    compression: 'none',
    bytes: 0,
    packets: 0,
    interfaces: [],
    names: new Map([['10.1.2.3', 'alice']]),
    comments: [],
  };
  await sink.finish(facts);
  return outlet.bytes;
}
