/** Who may wait in the lobby, who is turned away, and when it closes. */
import { describe, expect, it } from 'vitest';
import { EventEmitter } from 'node:events';
import { Guest, type GuestStream } from '../../orchestrator/guest.js';
import { Lobby, type Quorum } from '../../orchestrator/lobby.js';
import { Role } from '../../src/transport/contracts.js';

const SECRET = 'the secret of this run, 24 bytes';
const QUIET_SECONDS = 0.2;

/** A control stream without a network: what is told to the guest is kept. */
class FakeStream extends EventEmitter {
  readonly told: object[] = [];
  write(message: object): boolean {
    this.told.push(message);
    return true;
  }
  end(): void {
    this.emit('end');
  }
}

function guest(hello: { token?: string; role?: 0 | 1; address?: string; name?: string } = {}) {
  const stream = new FakeStream();
  const keys = { wireguardKey: '', openvpnFingerprint: '' };
  const first = {
    hello: { token: SECRET, role: Role.NODE, address: '10.0.0.1', name: 'box', ...keys, ...hello },
  };
  const made = Guest.from(stream as unknown as GuestStream, first);
  return { guest: made!, stream };
}

const node = (last: number) => guest({ address: `10.0.0.${last}`, name: `box-${last}` });
const observer = () => guest({ role: Role.OBSERVER, address: '', name: 'eye' });

function lobbyFor(quorum: Quorum) {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  return { lobby: new Lobby({ secret: SECRET, quorum, quietSeconds: QUIET_SECONDS, log }), lines };
}

const never = new AbortController().signal;

describe('Lobby', () => {
  it('gathers the nodes in order of their addresses, and the observer', async () => {
    const { lobby } = lobbyFor({ nodes: 3, observer: true });
    const [ten, two, nine, eye] = [node(10), node(2), node(9), observer()];
    for (const { guest } of [ten, two, nine, eye]) expect(lobby.admit(guest)).toBeUndefined();
    const gathered = await lobby.gather(never);
    expect(gathered.nodes).toEqual([two.guest, nine.guest, ten.guest]);
    expect(gathered.observer).toBe(eye.guest);
    expect(ten.stream.told).toEqual([{ admitted: {} }]);
  });

  it('turns away who has no token or the wrong one, and says so without naming it', () => {
    const { lobby, lines } = lobbyFor({ nodes: 2, observer: false });
    for (const token of ['', 'wrong', SECRET.slice(0, -1)])
      expect(lobby.admit(guest({ token }).guest)).toBe('wrong or missing join token');
    expect(lobby.joined).toBe(0);
    expect(lines).toEqual(Array(3).fill('refused box at 10.0.0.1: wrong or missing join token'));
  });

  it('turns away a second node at the same address until the first has left', async () => {
    const { lobby, lines } = lobbyFor({ nodes: 2, observer: false });
    const first = node(1);
    lobby.admit(first.guest);
    expect(lobby.admit(node(1).guest)).toBe('a node at 10.0.0.1 has joined already');
    first.stream.end();
    await first.guest.gone;
    await Promise.resolve();
    expect(lobby.joined).toBe(0);
    expect(lines.at(-1)).toBe('box-1 at 10.0.0.1 left before the start');
    expect(lobby.admit(node(1).guest)).toBeUndefined();
  });

  it('turns away nodes beyond the mesh, a second observer, and what is no address', () => {
    const { lobby } = lobbyFor({ nodes: 2, observer: true });
    lobby.admit(observer().guest);
    expect(lobby.admit(observer().guest)).toBe('there is an observer already');
    for (const address of ['', '10.0.0', '10.0.0.256', 'fe80::1'])
      expect(lobby.admit(guest({ address }).guest)).toMatch(
        /^found mesh address .*; allowed: an IPv4 address$/,
      );
    for (const last of [1, 2]) lobby.admit(node(last).guest);
    expect(lobby.admit(node(3).guest)).toBe('all 2 nodes of the mesh are here');
  });

  it('turns away who comes late', async () => {
    const { lobby, lines } = lobbyFor({ nodes: 'joined', observer: false });
    for (const last of [1, 2]) lobby.admit(node(last).guest);
    await lobby.gather(never);
    expect(lobby.admit(node(3).guest)).toBe('the run has begun, and takes nobody in any more');
    expect(lines.at(-1)).toMatch(/^refused box-3 at 10.0.0.3: the run has begun/);
  });

  it('waits, when as many as come are to take part, until nobody comes any more', async () => {
    const { lobby } = lobbyFor({ nodes: 'joined', observer: false });
    lobby.admit(node(1).guest);
    const gathering = lobby.gather(never);
    // Each comes within the quiet time of the one before; one alone would never do.
    for (const last of [2, 3, 4]) {
      await new Promise((resolve) => setTimeout(resolve, (QUIET_SECONDS * 1000) / 4));
      lobby.admit(node(last).guest);
    }
    expect((await gathering).nodes).toHaveLength(4);
  });

  it('says what it waits for', () => {
    const { lobby } = lobbyFor({ nodes: 2, observer: true });
    expect(lobby.waitingFor).toBe('nodes (0 of 2) and the observer, who captures');
    for (const last of [1, 2]) lobby.admit(node(last).guest);
    expect(lobby.waitingFor).toBe('the observer, who captures');
  });

  it('stops waiting when it is told to', async () => {
    const { lobby } = lobbyFor({ nodes: 2, observer: false });
    const controller = new AbortController();
    const gathering = lobby.gather(controller.signal);
    controller.abort();
    await expect(gathering).rejects.toThrow();
  });
});
