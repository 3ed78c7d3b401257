/** The key "tunnel": what it may say, whom it brings to the network, and where it is refused. */
import { describe, expect, test } from 'vitest';
import { parseScenario, scenarioToYaml, topologyOf, tunnelOf } from '../../src/scenario/index.js';
import { EXAMPLE, FILE, refusal } from './example.js';

const withTunnel = (text: string): string => `${EXAMPLE}tunnel: ${text}\n`;
const BOTH =
  '{ kind: wireguard, hub: { region: ap-southeast, uplink: 200 Mbit/s }, relays: [{ region: us-west }, { region: us-east }] }';

describe('a tunnel', () => {
  test('in its short form is a full mesh with the defaults of its kind', () => {
    const { tunnel, hosts } = topologyOf(parseScenario(withTunnel('wireguard'), FILE));
    expect(tunnel).toEqual({ kind: 'wireguard', relays: [], port: 51820, keepalive: 25 });
    expect(hosts).toBeUndefined();
    expect(topologyOf(parseScenario(withTunnel('openvpn-udp'), FILE)).tunnel?.port).toBe(1194);
    expect(topologyOf(parseScenario(withTunnel('none'), FILE)).tunnel).toBeUndefined();
  });

  test('brings its hub and its relays, behind links of their own', () => {
    const { tunnel, hosts, paths } = topologyOf(parseScenario(withTunnel(BOTH), FILE));
    expect(tunnel).toEqual({ kind: 'wireguard', hub: 2, relays: [3, 4], port: 51820, keepalive: 25 });
    expect(hosts).toEqual([
      { name: 'vpn-server', region: 'ap-southeast', uplink: 200e6, downlink: 1e9, address: '10.77.0.3' },
      { name: 'vpn-relay-1', region: 'us-west', uplink: 1e9, downlink: 1e9, address: '10.77.0.4' },
      { name: 'vpn-relay-2', region: 'us-east', uplink: 1e9, downlink: 1e9, address: '10.77.0.5' },
    ]);
    expect(paths).toHaveLength(5);
  });

  test.each(['none', 'wireguard', BOTH, '{ kind: openvpn-udp, port: 4000, keepalive: 10 s }'])(
    'reads back as it was written: %s',
    (text) => {
      const scenario = parseScenario(withTunnel(text), FILE);
      const again = parseScenario(scenarioToYaml(scenario), FILE);
      expect(tunnelOf(again)).toEqual(tunnelOf(scenario));
      expect(topologyOf(again)).toEqual(topologyOf(scenario));
    },
  );

  test.each([
    ['wirguard', /:13: tunnel: found "wirguard"; allowed: none, wireguard, openvpn-udp, or a map/],
    ['{ kind: none }', /tunnel\.kind: found "none"; allowed: wireguard, openvpn-udp/],
    ['{ kind: wireguard, hubs: {} }', /tunnel\.hubs: found an unknown key; allowed: .*did you mean hub/],
    ['{ kind: wireguard, hub: {} }', /tunnel\.hub\.region: found nothing; allowed: a region/],
    [
      '{ kind: wireguard, hub: { region: moon } }',
      /tunnel\.hub\.region: found "moon", without a delay to "us-east"/,
    ],
    ['{ kind: wireguard, relays: [{ region: moon }] }', /tunnel\.relays\.0\.region: found "moon"/],
    [
      '{ kind: wireguard, port: 8470 }',
      /tunnel\.port: found 8470; allowed: 1024 to 65535, but for 8470 and 8473/,
    ],
    ['{ kind: wireguard, keepalive: 1.5 s }', /tunnel\.keepalive: found "1.5 s"; allowed: whole seconds/],
  ])('%s is refused where it is wrong', (text, message) => {
    expect(refusal(withTunnel(text))).toMatch(message);
  });

  test('no node may have the name of one of its hosts', () => {
    const text = withTunnel('{ kind: wireguard, hub: { region: us-east } }').replace(
      'region: us-east\n',
      'region: us-east\n    name: vpn-server\n',
    );
    expect(refusal(text)).toMatch(/nodes\.0\.name: found "vpn-server"; allowed: another name/);
  });
});

describe('what a fabric has no tunnel for', () => {
  test('threads: any', () => {
    expect(refusal(withTunnel('wireguard'), { fabric: 'threads' })).toMatch(
      /^example\.yaml:13: tunnel: found "wireguard"; allowed: none on the fabric threads.*netns and containers/,
    );
    expect(() => parseScenario(EXAMPLE, FILE, { fabric: 'threads' })).not.toThrow();
  });

  test('containers: hub and relays', () => {
    const message = refusal(withTunnel(BOTH), { fabric: 'containers' });
    expect(message).toMatch(/tunnel\.hub: found a VPN server; allowed: .*netns has them/);
    expect(message).toMatch(/tunnel\.relays: found a list of 2; allowed: .*netns has them/);
    expect(() => parseScenario(withTunnel('wireguard'), FILE, { fabric: 'containers' })).not.toThrow();
  });
});
