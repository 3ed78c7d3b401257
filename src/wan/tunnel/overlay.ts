/**
 * The addresses inside a tunnel, as lines of `ip -batch`: what a host needs so that its programs talk through it.
 * TCP is set by route here too, as on the detour outside (src/wan/netns/detour.ts). Pure.
 */
import { tcpWords, type TcpOptions } from '../netns/detour.js';

/** Packets the kernel keeps for a program that reads a TUN device: so deep that only the modelled queues drop. */
const TUNNEL_QUEUE = 10_000;

/** Brings an interface up that may share its host's address with others. */
export function overlayLines(
  device: string,
  { address, mtu }: { readonly address: string; readonly mtu: number },
  reaches: readonly string[],
  tcp: TcpOptions,
): string[] {
  return [
    `link set ${device} mtu ${mtu} txqueuelen ${TUNNEL_QUEUE}`,
    `addr add ${address}/32 dev ${device}`,
    `link set ${device} up`,
    ...reaches.map((to) => `route add ${to} dev ${device} src ${address} ${tcpWords(tcp)}`),
  ];
}
