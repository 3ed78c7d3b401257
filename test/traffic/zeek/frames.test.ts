/** Link layers that only Zeek's reading knows. */
import { expect, it } from 'vitest';
import { findIpAsZeek } from '../../../src/traffic/zeek/frames.js';
import { ethernet, udp } from '../../support/ip-packets.js';

const packet = udp({ from: '10.0.0.1', to: '10.0.0.2' }, { fromPort: 1, toPort: 2, payload: 20 });
const frame = ethernet(packet);
const macs = frame.subarray(0, 12);
const typed = (hex: string, ...rest: Uint8Array[]) => Buffer.concat([macs, Buffer.from(hex, 'hex'), ...rest]);
const snap = Buffer.from('aaaa030000000800', 'hex');

it.each([
  ['Ethernet', 1, frame],
  ['FabricPath', 1, Buffer.concat([macs, Buffer.from('89030000', 'hex'), frame])],
  ['a backbone bridge', 1, typed('88e700000001', frame)],
  ['a VN-Tag', 1, typed('8926000000000800', packet)],
  ['a VN-Tag in a VLAN', 1, typed('810000058926000000000800', packet)],
  [
    "netfilter's log",
    239,
    Buffer.concat([Buffer.from('02000000' + '0500010061000000' + '34000900', 'hex'), packet]),
  ],
  ['802.11', 105, Buffer.concat([Buffer.from('0801', 'hex'), Buffer.alloc(22), snap, packet])],
  ['802.11 with quality', 105, Buffer.concat([Buffer.from('8801', 'hex'), Buffer.alloc(24), snap, packet])],
  [
    'radiotap',
    127,
    Buffer.concat([Buffer.from('0000080000000000' + '0801', 'hex'), Buffer.alloc(22), snap, packet]),
  ],
])('finds IP in %s', (_, linkType, bytes) => {
  expect(findIpAsZeek(bytes, 0, bytes.length, linkType)).toBe(bytes.length - packet.length);
});

it.each([
  [
    'an encrypted 802.11 frame',
    105,
    Buffer.concat([Buffer.from('0841', 'hex'), Buffer.alloc(22), snap, packet]),
  ],
  ['a beacon', 105, Buffer.concat([Buffer.from('8000', 'hex'), Buffer.alloc(60)])],
  ['nothing', 239, Buffer.alloc(3)],
])('finds none in %s', (_, linkType, bytes) => {
  expect(findIpAsZeek(bytes, 0, bytes.length, linkType)).toBeLessThan(0);
});
