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

/** While no round trip was short enough, there may be so many times more of them. */
const PATIENCE = 6;

/**
 * The shortest of `count` round trips, in seconds; the first echo, which waits for the handshake, not counted. A busy
 * machine only makes them longer: where all were, more are made.
 *
 * @param enough seconds: no more than `count` are made if one was as short as this.
 */
export async function measureRoundTrip(
  client: MeshClient,
  count: number,
  enough = Infinity,
): Promise<number> {
  const call = client.echo();
  let shortest = Infinity;
  try {
    for (let sequence = 0; sequence <= PATIENCE * count; sequence++) {
      if (sequence > count && shortest <= enough) break;
      const start = performance.now();
      call.write({ sequence });
      await once(call, 'data');
      const seconds = (performance.now() - start) / 1000;
      if (sequence > 0) shortest = Math.min(shortest, seconds);
      if (seconds < ECHO_SPACING) await sleep((ECHO_SPACING - seconds) * 1000);
    }
    return shortest;
  } finally {
    call.on('error', () => undefined);
    call.end();
    call.cancel();
  }
}

/** Rate in bit/s at which the last three quarters of a bulk transfer arrived. */
export async function measureBulkRate(client: MeshClient, bytes: number): Promise<number> {
  return arrivalRate(dataOf(client.bulk({ bytes }) as AsyncIterable<{ data: Buffer }>), bytes);
}

async function* dataOf(chunks: AsyncIterable<{ data: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { data } of chunks) yield data;
}

/** Rate in bit/s at which the last three quarters of so many bytes arrive; Infinity if that is in one piece. */
export async function arrivalRate(chunks: AsyncIterable<Uint8Array>, bytes: number): Promise<number> {
  let received = 0;
  let from: { bytes: number; time: number } | undefined;
  let last = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    last = performance.now();
    if (from === undefined && received >= bytes / 4) from = { bytes: received, time: last };
  }
  if (from === undefined || last === from.time) return Infinity;
  return ((received - from.bytes) * 8000) / (last - from.time);
}
