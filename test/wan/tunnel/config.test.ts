/** The texts that WireGuard and OpenVPN read. That the programs take them, tunnel.test.ts shows. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openTunnelEnd } from '../../../src/wan/tunnel/end.js';
import { newTunnelKeys } from '../../../src/wan/tunnel/keys.js';
import { clientConfig, clientFile, serverConfig } from '../../../src/wan/tunnel/openvpn-config.js';
import { ownPlace } from '../../../src/wan/tunnel/place.js';
import { wireguardConfig } from '../../../src/wan/tunnel/wireguard-config.js';

const end = { address: '10.78.0.1', mtu: 1420, port: 4000, keepalive: 25, forwards: false };
const TCP = { congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 } as const;
const identity = { certificate: 'CERTIFICATE\n', privateKey: 'KEY\n', fingerprints: ['AA:BB', 'CC:DD'] };

test('WireGuard: an interface and a section for each peer', () => {
  const peer = {
    ...{ name: 'b', outerAddress: '10.77.0.2', position: 1, reaches: ['10.78.0.2/32'] },
    endpoint: { host: '10.77.0.9', port: 4003 },
  };
  const textFor = (calls: boolean): string =>
    wireguardConfig({ ...end, peers: [{ ...peer, calls }] }, 'PRIVATE', ['', 'PUBLIC']);
  const text = textFor(false);
  // Who is called does not call: messages that cross undo each other.
  expect(textFor(true)).toBe(text.replace('PersistentKeepalive = 25\n', ''));
  expect(text).toBe(`[Interface]
PrivateKey = PRIVATE
ListenPort = 4000

[Peer]
PublicKey = PUBLIC
Endpoint = 10.77.0.9:4003
AllowedIPs = 10.78.0.2/32
PersistentKeepalive = 25
`);
});

describe('OpenVPN', () => {
  test('a server knows its clients by fingerprint and gives each its address', () => {
    const lines = serverConfig(end, 'vpn0', identity, '/folder').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['mode server', 'lport 4000', 'client-config-dir /folder']));
    expect(lines).toEqual(expect.arrayContaining(['<peer-fingerprint>', 'AA:BB', 'CC:DD', 'tun-mtu 1420']));
    expect(lines).not.toContain('client-to-client');
    expect(serverConfig({ ...end, forwards: true }, 'vpn0', identity, '/folder')).toContain(
      'client-to-client',
    );
    expect(clientFile(1)).toBe('ifconfig-push 10.78.0.2 255.255.0.0\n');
  });

  test('a client calls from whatever port', () => {
    const lines = clientConfig(end, 'vpn1', { endpoint: { host: '10.77.0.9', port: 4003 } }, identity);
    expect(lines).toContain('nobind\nremote 10.77.0.9 4003\n');
    expect(lines).not.toContain('lport');
  });
});

describe('keys', () => {
  test('of WireGuard are a pair for X25519', async () => {
    const { privateKey, publicKey } = await newTunnelKeys('wireguard', 'a');
    const d = Buffer.from(privateKey, 'base64');
    expect(d).toHaveLength(32);
    // RFC 8410: the 16 bytes that come before a key of this kind in PKCS #8.
    const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), d]);
    const own = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    expect(own.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')).toBe(publicKey);
  });

  test('of OpenVPN are a certificate known by its fingerprint, with the name in it', async () => {
    const { certificate, privateKey, publicKey } = await newTunnelKeys('openvpn-udp', 'node-a');
    const read = new X509Certificate(certificate);
    expect(read.subject).toBe('CN=node-a');
    expect(read.fingerprint256).toBe(publicKey);
    expect(read.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
  });

  test('are never the same twice', async () => {
    const [one, other] = await Promise.all([
      newTunnelKeys('wireguard', 'a'),
      newTunnelKeys('wireguard', 'a'),
    ]);
    expect(one.privateKey).not.toBe(other.privateKey);
  });
});

test('what is no key is refused before it gets into a configuration', async () => {
  const keys = await newTunnelKeys('openvpn-udp', 'a');
  const peer = { name: 'b', outerAddress: '10.77.0.2', calls: true, position: 1, reaches: ['10.78.0.2/32'] };
  const plan = {
    ...{ ...end, kind: 'openvpn-udp' as const, position: 0, name: 'a' },
    peers: [{ ...peer, endpoint: { host: '10.77.0.2', port: 4000 } }],
  };
  const evil = `${keys.publicKey}\n</peer-fingerprint>\nup /bin/sh`;
  const options = {
    plan,
    place: ownPlace('here'),
    keys,
    publicKeys: ['', evil],
    tcp: TCP,
    folder: '/nowhere',
  };
  await expect(openTunnelEnd({ ...options, onFailure: () => undefined })).rejects.toThrow(
    /b has ".*which is none/,
  );
});
