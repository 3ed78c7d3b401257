/**
 * Wrong input to the commands that make a mesh of those who join: one message that names the option, what was
 * found and what is allowed. Exit status 2 where what was said is wrong, 1 where the machine is not so.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/files.js';
import { Machines } from '../support/machines.js';
import { freePort, meshbeat, TINY, type Ended } from '../support/meshbeat.js';
import { all, netns, root, tools } from '../support/needs.js';
import { describeIf } from '../support/requires.js';

const folder = scratchFolder();
const out = join(folder, 'runs');
const token = join(folder, 'join-token');
const NOWHERE = join(folder, 'nowhere', 'join-token');
const DOOR = '127.0.0.1:8471';

const NODE = ['node', '--token-file', token];
const CAPTURE = ['capture', '--token-file', token, '--out', out, '--interface', 'lo'];
const ORCHESTRATE = ['orchestrate', TINY, '--token-file', token, '--out', out];

function expectRefusal({ status, stdout, stderr }: Ended, expected: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(status, stderr).toBe(expected);
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/at async|unexpected/);
  expect(existsSync(out)).toBe(false);
}

const PLACE = 'allowed: HOST:PORT with a port from 1 to 65535';

describe('a command line with a mistake', () => {
  test.each([
    ['no port', [...NODE, '--join', 'orchestrator'], `^meshbeat: --join: found "orchestrator"; ${PLACE}`],
    ['port 0', [...NODE, '--join', 'here:0'], `^meshbeat: --join: found "here:0"; ${PLACE}`],
    ['a port too high', [...CAPTURE, '--join', 'here:65536'], `^meshbeat: --join: .*; ${PLACE}`],
    ['no orchestrator', NODE, "required option '--join <host:port>' not specified"],
    ['no interface to capture on', ['capture', '--join', DOOR], "required option '--interface <name>'"],
    [
      'no port for metrics',
      [...NODE, '--join', DOOR, '--metrics', '0'],
      '^meshbeat: --metrics: found "0"; allowed: a whole number from 1 to 65535',
    ],
    [
      'no such folder for the token',
      ['node', '--join', DOOR, '--token-file', NOWHERE],
      '^meshbeat: \\S+/nowhere/join-token: found no such file; allowed: a file with a join token',
    ],
    [
      'a folder for a token',
      ['node', '--join', DOOR, '--token-file', folder],
      "^meshbeat: \\S+: can't be read \\(EISDIR.*\\); allowed: a file with a join token",
    ],
    [
      'a file that holds no token',
      ['node', '--join', DOOR, '--token-file', TINY],
      '^meshbeat: \\S+tiny\\.yaml: found \\d+ characters of another form; allowed: a join token',
    ],
    [
      'one node',
      [...ORCHESTRATE, '--nodes', '1'],
      '^meshbeat: --nodes: found "1"; allowed: "joined", or a whole number from 2 to 1024',
    ],
    [
      'a word for a number',
      [...ORCHESTRATE, '--nodes', 'x'],
      '^meshbeat: --nodes: found "x"; allowed: "joined", or a whole number',
    ],
    [
      'no port to listen on',
      [...ORCHESTRATE, '--listen', '8471'],
      `^meshbeat: --listen: found "8471"; ${PLACE}`,
    ],
  ])('%s', async (_, words, message) => {
    expectRefusal(await meshbeat(...words), 2, new RegExp(message, 'm'));
  });
});

describe('a machine on which it cannot be', () => {
  test('the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const ended = await meshbeat(...ORCHESTRATE, '--listen', place);
      expectRefusal(
        ended,
        1,
        new RegExp(`^meshbeat: --listen: can't serve the control plane on ${place}: it is taken\n$`),
      );
      expect(existsSync(token)).toBe(false);
    } finally {
      server.close();
    }
  });

  test('the token cannot be written', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const words = ['orchestrate', TINY, '--out', out, '--token-file', NOWHERE, '--listen', listen];
    const message = /^meshbeat: --token-file: can't write the join token to \S+\/nowhere\/join-token: ENOENT/;
    expectRefusal(await meshbeat(...words), 1, message);
  });
});

describeIf(all(netns(), root(), tools('tcpdump')), 'an interface that is not there', () => {
  test('a node says which there are; an observer, that there is none of the name', async () => {
    const machines = new Machines(join(folder, 'interfaces'));
    const orchestrator = machines.orchestrate(TINY, '--nodes', '2');
    const box = machines.machine(1);
    const node = machines.node(box, { words: ['--interface', 'eth7'] });
    expectRefusal(
      await node.ended,
      2,
      /^meshbeat: --interface: found eth7, which has no IPv4 address here; allowed: eth0 \(\S+\), eth1 \(\S+\)$/m,
    );
    const observer = machines.observe('--interface', 'mesh7');
    expectRefusal(
      await observer.ended,
      2,
      /^meshbeat: --interface: found mesh7, no interface here; allowed: .*\bmesh\b.*\n$/,
    );
    orchestrator.kill('SIGTERM');
    expect((await orchestrator.ended).status).toBe(1);
  });
});
