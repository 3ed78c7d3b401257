/** A real collector: nfcapd, on a free port of this machine, and what nfdump finds in what it kept. */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One record of nfdump; times in milliseconds since 1970. */
export interface CollectedFlow {
  readonly start: number;
  readonly end: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly packets: number;
  readonly octets: number;
  readonly packetsBack: number;
  readonly octetsBack: number;
}

export interface Collected {
  readonly flows: CollectedFlow[];
  /** What nfcapd said when it ended. */
  readonly log: string;
}

/** Starts nfcapd, has `send` send to its port, ends it, and reads what it has. */
export async function collected(
  send: (port: number) => Promise<unknown>,
  words: readonly string[] = [],
): Promise<Collected> {
  const folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-nfcapd-'));
  try {
    const port = await freePort();
    const address = ['-b', '127.0.0.1', '-p', String(port), '-B', '4000000'];
    const nfcapd = spawn('nfcapd', ['-w', folder, ...address, '-t', '3600', ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    const started = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('Startup nfcapd')) resolve();
      };
      nfcapd.stdout.on('data', hear);
      nfcapd.stderr.on('data', hear);
      nfcapd.on('exit', () => reject(new Error(`nfcapd ended: ${log}`)));
    });
    try {
      await started;
      await send(port);
      // What lies in its socket's buffer is read before the signal, unless the machine is very busy.
      await new Promise((resolve) => setTimeout(resolve, 300));
    } finally {
      nfcapd.kill('SIGTERM');
      if (nfcapd.exitCode === null) await once(nfcapd, 'close');
    }
    const files = readdirSync(folder).filter((name) => /^nfcapd\.\d+$/.test(name));
    return { flows: files.flatMap((name) => flowsOf(path.join(folder, name))), log };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface NfdumpRecord {
  readonly [key: string]: string | number;
}

function flowsOf(file: string): CollectedFlow[] {
  const environment = { ...process.env, TZ: 'UTC' };
  const text = execFileSync('nfdump', ['-r', file, '-o', 'json'], {
    encoding: 'utf8',
    env: environment,
    maxBuffer: 2 ** 28,
  });
  const number = (value: string | number | undefined) => Number(value ?? 0);
  return (JSON.parse(text) as NfdumpRecord[]).map((record) => ({
    start: Date.parse(`${record['first'] ?? ''}Z`),
    end: Date.parse(`${record['last'] ?? ''}Z`),
    source: String(record['src4_addr'] ?? record['src6_addr']),
    destination: String(record['dst4_addr'] ?? record['dst6_addr']),
    sourcePort: number(record['src_port']),
    destinationPort: number(record['dst_port']),
    protocol: number(record['proto']),
    packets: number(record['in_packets']),
    octets: number(record['in_bytes']),
    packetsBack: number(record['out_packets']),
    octetsBack: number(record['out_bytes']),
  }));
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
