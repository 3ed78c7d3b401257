/** What a tunnel adds, added up by hand; and that what it carried can be read off again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TunnelKind } from '../../../src/scenario/topology.js';
import { ackFrameBytes, frameBytes } from '../../../src/transport/framing.js';
import { innerMtu, tcpPayloadInside, tunnelFrameBytes } from '../../../src/wan/tunnel/framing.js';

const kinds: TunnelKind[] = ['wireguard', 'openvpn-udp'];

describe('a packet in a tunnel', () => {
  it('has the headers of its tunnel, UDP, IP and Ethernet around it', () => {
    // 14 + 20 + 8 of Ethernet, IP and UDP; 16 of header and 16 of tag; the packet.
    expect(tunnelFrameBytes('wireguard', 1420, 1500)).toBe(14 + 20 + 8 + 32 + 1420);
    // 4 of opcode and peer, 4 of packet id, 16 of tag.
    expect(tunnelFrameBytes('openvpn-udp', 1420, 1500)).toBe(14 + 20 + 8 + 24 + 1420);
  });

  it('is padded to 16 bytes by WireGuard, though not beyond the MTU inside, and by OpenVPN not at all', () => {
    expect(tunnelFrameBytes('wireguard', 52, 1500)).toBe(14 + 28 + 32 + 64);
    expect(tunnelFrameBytes('wireguard', 64, 1500)).toBe(14 + 28 + 32 + 64);
    expect(tunnelFrameBytes('wireguard', 1419, 1500)).toBe(14 + 28 + 32 + 1420);
    expect(tunnelFrameBytes('openvpn-udp', 52, 1500)).toBe(14 + 28 + 24 + 52);
  });

  it('never exceeds the MTU outside', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 576, max: 9000 }),
        fc.nat(),
        (kind, mtu, size) => {
          const inner = 20 + (size % (innerMtu(mtu) - 19));
          const frame = tunnelFrameBytes(kind, inner, mtu);
          expect(frame).toBeLessThanOrEqual(mtu + 14);
          expect(frame).toBeGreaterThanOrEqual(14 + 28 + 24 + inner);
        },
      ),
    );
  });
});

describe('TCP in a tunnel', () => {
  it('is cut by the MTU inside', () => {
    const largest = 1420 - 52;
    expect(frameBytes(largest, { mtu: 1500, tunnel: 'wireguard' })).toBe(1494);
    expect(frameBytes(largest + 1, { mtu: 1500, tunnel: 'wireguard' })).toBe(1494 + 14 + 28 + 32 + 64);
    expect(frameBytes(2 * largest, { mtu: 1500, tunnel: 'openvpn-udp' })).toBe(2 * 1486);
    expect(frameBytes(0, { mtu: 1500, tunnel: 'wireguard' })).toBe(0);
    expect(ackFrameBytes(3 * largest, { mtu: 1500, tunnel: 'wireguard' })).toBe(2 * (14 + 28 + 32 + 64));
  });

  it('can be read off from outside: exactly with OpenVPN, and a little more than it was with WireGuard', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 50_000_000 }),
        fc.constantFrom(1500, 1400, 9000),
        (kind, payload, mtu) => {
          const segments = Math.ceil(payload / (innerMtu(mtu) - 52));
          const acks = Math.ceil(segments / 2);
          const framing = { mtu, tunnel: kind };
          const frames = frameBytes(payload, framing) + ackFrameBytes(payload, framing);
          const packets = segments + acks;
          const read = tcpPayloadInside(kind, packets, frames - packets * (14 + 28));
          if (kind === 'openvpn-udp') expect(read).toBe(payload);
          else expect(read - payload).toBeLessThanOrEqual(12 * acks + 15);
          expect(read).toBeGreaterThanOrEqual(payload);
        },
      ),
    );
  });
});
