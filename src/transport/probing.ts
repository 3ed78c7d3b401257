/**
 * Measuring a path over the data plane's own gRPC channel: round trips by echo, rate by a bulk transfer.
 *
 * The two handlers here are the called side; measureRoundTrip() and measureBulkRate() the calling side. For
 * fabrics that pass datagrams, datagrams.ts measures rate and loss without TCP's slow start in the way.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as grpc from '@grpc/grpc-js';
import type { BulkChunk } from '../../proto/types/meshbeat/mesh/v1/BulkChunk.js';
import type { BulkRequest__Output } from '../../proto/types/meshbeat/mesh/v1/BulkRequest.js';
import type { EchoMessage, EchoMessage__Output } from '../../proto/types/meshbeat/mesh/v1/EchoMessage.js';
import type { MeshClient } from '../../proto/types/meshbeat/mesh/v1/Mesh.js';

/** Largest bulk transfer a peer may ask for. */
const LARGEST_BULK = 1 << 30;
const CHUNK = Buffer.alloc(32 * 1024);

export function echo(call: grpc.ServerDuplexStream<EchoMessage__Output, EchoMessage>): void {
  call.on('data', (message: EchoMessage__Output) => call.write(message));
  call.on('end', () => call.end());
}

export function sendBulk(call: grpc.ServerWritableStream<BulkRequest__Output, BulkChunk>): void {
  const send = async (): Promise<void> => {
    for (
      let left = Math.min(call.request.bytes, LARGEST_BULK);
      left > 0 && !call.cancelled;
      left -= CHUNK.length
    ) {
      if (!call.write({ data: CHUNK.subarray(0, Math.min(left, CHUNK.length)) })) {
        await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
      }
    }
    call.end();
  };
  send().catch((error: Error) => call.destroy(error));
}

/** Echoes are this far apart, so that not all of them fall into one busy moment of the machine; seconds. */
export const ECHO_SPACING = 0.02;

/** How many round trips to make. */
export interface Patience {
  /** At least so many. */
  readonly count: number;
  /** While none was as short as this, seconds, … */
  readonly enough: number;
  /** … up to so many. */
  readonly most: number;
}

/**
 * The shortest of some round trips, in seconds: what a busy machine does to them only makes them longer.
 *
 * @param once makes one, and gives its seconds.
 */
export async function shortestRoundTrip(
  once: () => Promise<number>,
  { count, enough, most }: Patience,
): Promise<number> {
  let shortest = Infinity;
  for (let made = 0; made < count || (shortest > enough && made < most); made++) {
    const seconds = await once();
    shortest = Math.min(shortest, seconds);
    if (seconds < ECHO_SPACING) await sleep((ECHO_SPACING - seconds) * 1000);
  }
  return shortest;
}

/** The same, of echoes over a gRPC channel; the first, which waits for the handshake, is not counted. */
export async function measureRoundTrip(client: MeshClient, patience: Patience): Promise<number> {
  const call = client.echo();
  let sequence = 0;
  const echo = async (): Promise<number> => {
    const start = performance.now();
    call.write({ sequence: sequence++ });
    await once(call, 'data');
    return (performance.now() - start) / 1000;
  };
  try {
    await echo();
    return await shortestRoundTrip(echo, patience);
  } finally {
    call.on('error', () => undefined);
    call.end();
    call.cancel();
  }
}

/** Rate in bit/s at which the last three quarters of a bulk transfer arrived. */
export async function measureBulkRate(client: MeshClient, bytes: number): Promise<number> {
  return arrivalRate([dataOf(client.bulk({ bytes }) as AsyncIterable<{ data: Buffer }>)], bytes);
}

async function* dataOf(chunks: AsyncIterable<{ data: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { data } of chunks) yield data;
}

/**
 * Rate in bit/s at which the last three quarters of so many bytes arrive; Infinity if that is in one piece.
 *
 * @param streams what they come through, all at once.
 * @param bytes of all together.
 */
export async function arrivalRate(
  streams: readonly AsyncIterable<Uint8Array>[],
  bytes: number,
): Promise<number> {
  let received = 0;
  let from: { bytes: number; time: number } | undefined;
  let last = 0;
  const receive = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) {
      received += chunk.length;
      last = performance.now();
      if (from === undefined && received >= bytes / 4) from = { bytes: received, time: last };
    }
  };
  await Promise.all(streams.map(receive));
  const start = from as { bytes: number; time: number } | undefined; // TypeScript does not see the assignment in receive().
  if (start === undefined || last === start.time) return Infinity;
  return ((received - start.bytes) * 8000) / (last - start.time);
}
