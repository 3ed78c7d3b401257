/** Whose fault it is when a mesh breaks: who vanished, rather than those who felt it; else who said so first. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Guest, type GuestStream } from '../../orchestrator/guest.js';
import { Members } from '../../orchestrator/members.js';
import type { NodeMessage__Output } from '../../proto/types/meshbeat/control/v1/NodeMessage.js';

/** A control stream without a network. */
class FakeStream extends EventEmitter {
  write(): boolean {
    return true;
  }
  end(): void {
    this.emit('end');
  }
  fails(reason: string): void {
    this.emit('data', { message: 'failed', failed: { reason } });
  }
}

let members: Members;
let streams: FakeStream[];
let failure: string | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  failure = undefined;
  const names = ['left', 'right'];
  members = new Members({ names, welcome: () => new Promise(() => undefined) });
  members.failure.catch((error: Error) => (failure = error.message));
  streams = names.map((_, rank) => {
    const stream = new FakeStream();
    const hello = { hello: { name: `box-${rank}`, address: '' } } as NodeMessage__Output;
    members.seat(rank, Guest.from(stream as unknown as GuestStream, hello)!);
    return stream;
  });
});
afterEach(() => vi.useRealTimers());

const aWhile = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1000);

it('who vanished is the reason, though another felt it first', async () => {
  streams[0]!.fails('the line broke');
  streams[1]!.end();
  await aWhile();
  expect(failure).toBe('node right (box-1): left the run (its control stream ended)');
});

it('who has crashed is not missed, and its seat is free for who comes again', async () => {
  members.excuse(1);
  streams[1]!.fails('too late to matter');
  streams[1]!.end();
  const stream = new FakeStream();
  const hello = { hello: { name: 'box-1', address: '' } } as NodeMessage__Output;
  expect(members.seat(1, Guest.from(stream as unknown as GuestStream, hello)!)).toBeUndefined();
  const ready = members.next(1, 'ready');
  stream.emit('data', { message: 'ready', ready: {} });
  await expect(ready).resolves.toEqual({});
  await aWhile();
  expect(failure).toBeUndefined();
});

it('who vanished is the reason, though another says so before it is final', async () => {
  streams[1]!.end();
  await vi.advanceTimersByTimeAsync(10);
  streams[0]!.fails('the line broke');
  await aWhile();
  expect(failure).toBe('node right (box-1): left the run (its control stream ended)');
});

it('who says why and then goes has not vanished', async () => {
  streams[1]!.fails('out of memory');
  streams[1]!.end();
  streams[0]!.fails('the line broke');
  streams[0]!.end();
  await aWhile();
  expect(failure).toBe('node right (box-1): out of memory');
});

it('whoever hosts a member knows best', async () => {
  streams[1]!.end();
  await vi.advanceTimersByTimeAsync(10);
  members.fail(1, 'its thread ended');
  await aWhile();
  expect(failure).toBe('node right (box-1): its thread ended');
});

it('at the end all may go', async () => {
  members.close();
  await aWhile();
  expect(failure).toBeUndefined();
});
