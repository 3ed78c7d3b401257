/** What a scenario file may say of a VPN around the mesh's traffic: part of schema.ts. */
import { z } from 'zod';
import { positiveDuration, rate } from './units.js';
import { region } from './weather-schema.js';

/** A host that is there for the tunnel only. */
const tunnelHost = z.strictObject({
  region: region.describe('Region of the host: a preset, or one named under "regions".'),
  uplink: rate.default(1e9).describe('Rate from the host to the network.'),
  downlink: rate.default(1e9).describe('Rate from the network to the host.'),
});

export const tunnelKind = z.enum(['wireguard', 'openvpn-udp']);

export const tunnelMapSchema = z.strictObject({
  kind: tunnelKind,
  hub: tunnelHost
    .optional()
    .describe('A VPN server through which all traffic goes; absent: a tunnel between each two hosts.'),
  relays: z
    .array(tunnelHost)
    .max(8, { error: 'allowed: 0 to 8 relays' })
    .default([])
    .describe('Hosts that pass tunnel packets on, one after the other, on the way of every tunnel.'),
  port: z
    .number()
    .int()
    .min(1024)
    .max(65_535)
    .optional()
    .describe(
      'UDP port of the tunnel; default: 51820 of wireguard, 1194 of openvpn-udp. Relays take those from it on.',
    ),
  keepalive: positiveDuration
    .refine((seconds) => Number.isInteger(seconds) && seconds <= 65_535, {
      error: 'allowed: whole seconds, 1 s to 65535 s',
    })
    .default(25)
    .describe('A tunnel that was silent for so long sends an empty packet.'),
});

export const tunnelSchema = z.union([z.enum(['none', ...tunnelKind.options]), tunnelMapSchema], {
  error: 'allowed: none, wireguard, openvpn-udp, or a map with kind, hub, relays, port and keepalive',
});

export type TunnelKind = z.output<typeof tunnelKind>;
