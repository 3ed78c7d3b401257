/** Tunnels between namespaces: WireGuard and OpenVPN, each in every shape. */
import { all, netns, root, tools } from '../../support/needs.js';
import { describeIf } from '../../support/requires.js';
import { tunnelCompliance, type Shape } from './compliance.js';

const mesh: Shape = { name: 'a full mesh' };
const hub: Shape = { name: 'a VPN server', hub: true };
const common = all(netns(), root(), tools('tcpdump', 'tshark'));

describeIf(all(common, tools('wg', 'wireguard-go')), 'tunnels of WireGuard', () => {
  tunnelCompliance('wireguard', 'wireguard-go', [
    mesh,
    hub,
    { name: 'a VPN server behind two relays', hub: true, relays: 2 },
  ]);
});
describeIf(all(common, tools('openvpn')), 'tunnels of OpenVPN', () => {
  tunnelCompliance('openvpn-udp', 'openvpn', [mesh, hub, { name: 'a relay', relays: 1 }]);
});
