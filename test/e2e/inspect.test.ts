/**
 * `meshbeat inspect` after a run, as a user calls it: it finds in the capture what the run's summary says; and of
 * what is no capture, or no longer one, it says so and ends.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TrafficReport } from '../../src/traffic/index.js';
import { scratchFolder } from '../support/files.js';
import { completeRun, meshbeat, readJson, TINY, type CompletedRun } from '../support/meshbeat.js';

type Document = TrafficReport & { readonly expected?: object; readonly capture: { truncatedAt?: number } };

const folder = scratchFolder();
let run: CompletedRun;
let bytes: Buffer;

beforeAll(async () => {
  run = await completeRun(TINY, join(folder, 'runs'));
  bytes = readFileSync(join(run.directory, 'capture.pcapng'));
});

async function inspect(target: string): Promise<Document> {
  const { status, stdout, stderr } = await meshbeat('inspect', target, '--json');
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Document;
}

describe('a run', () => {
  test.each(['the directory', 'its capture', 'latest'])('%s: the heartbeat of the summary', async (what) => {
    const targets: Record<string, string> = {
      'the directory': run.directory,
      'its capture': join(run.directory, 'capture.pcapng'),
      latest: join(folder, 'runs', 'latest'),
    };
    const document = await inspect(targets[what] ?? '');
    const { heartbeat, expected, capture } = readJson<CompletedRun['summary']>(
      join(run.directory, 'summary.json'),
    );
    expect(document.heartbeat.heartbeat).toEqual(heartbeat);
    expect(document).toMatchObject({ packets: capture?.packets, bytes: capture?.bytes });
    expect(document.expected).toEqual(what === 'its capture' ? undefined : expected);
  });

  test('for people: a page with the nodes by name', async () => {
    const { status, stdout } = await meshbeat('inspect', run.directory);
    expect(status).toBe(0);
    for (const name of ['us-east', 'us-west', 'eu-west']) expect(stdout).toContain(name);
  });
});

describe('a file that is no whole capture', () => {
  const fileOf = (name: string, content: Buffer): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };

  test.each([0.1, 0.999])('cut off at %d of its length: counts what is there, and says so', async (share) => {
    const file = fileOf(`cut-${share}`, bytes.subarray(0, Math.floor(share * bytes.length)));
    const document = await inspect(file);
    expect(document.packets).toBeGreaterThan(0);
    expect(document.packets).toBeLessThan(run.summary.capture?.packets ?? 0);
    expect(document.capture.truncatedAt).toBeGreaterThan(0);
    const { stdout } = await meshbeat('inspect', file);
    expect(stdout).toContain(`cut off at byte ${document.capture.truncatedAt}`);
  });

  test.each([
    ['empty', (): Buffer => Buffer.alloc(0)],
    ['zeros', (): Buffer => Buffer.alloc(100_000)],
    ['random', (): Buffer => noise(100_000)],
    ['a few bytes of a capture', (): Buffer => bytes.subarray(0, 20)],
    [
      'the header of a capture, then noise',
      (): Buffer => Buffer.concat([bytes.subarray(0, 300), noise(50_000)]),
    ],
  ])('%s: refused with a message that names the file and the place', async (what, content) => {
    const file = fileOf(what, content());
    const { status, stdout, stderr } = await meshbeat('inspect', file, '--json');
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^meshbeat: .*: byte \d+: /);
    expect(stderr).toContain(file);
  });

  test('no file, and a directory that is no run', async () => {
    for (const target of [join(folder, 'none.pcapng'), folder]) {
      const { status, stdout, stderr } = await meshbeat('inspect', target);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^meshbeat: .*found .*; allowed: /);
    }
  });
});

/** Bytes that look random and are the same each time. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, n) =>
    createHash('sha256').update(`${n}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
