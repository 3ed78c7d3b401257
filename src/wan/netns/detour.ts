/**
 * The detour: how the kernel is told to lead a node's packets through wan0, where the shaper reads them.
 *
 *     sent      program ─► [iif lo, to a peer: table 100] ─► wan0 ─► shaper ─► wan0 ─► [main] ─► the mesh
 *     received  the mesh ─► [iif DEVICE, from a peer: table 101] ─► wan0 ─► shaper ─► wan0 ─► [local] ─► program
 *
 * Two routing tables and a few policy rules. A rule that says where a packet came in tells its first pass from
 * its second: what the shaper writes back comes in from wan0, which no rule names. The kernel's check of sources
 * looks a packet's way up with its two devices swapped; that is this detour backwards, so even the strict check
 * (rp_filter 1) passes, and an own address that comes in from wan0 is no forgery (accept_local 0).
 *
 * Written as lines of `ip -batch`; nothing here runs them. All rules carry a protocol number, so that what a process that was
 * killed has left in a namespace can be told from other people's rules.
 */

/** The device that the shaper holds. */
export const SHAPED_DEVICE = 'wan0';

/** Routing tables of a node: what it sends, and what it receives, goes to wan0. */
const SEND_TABLE = 100;
const RECEIVE_TABLE = 101;
/** Whose rules these are, as the kernel remembers it (`proto` in `ip rule`); a number nobody else has claimed. */
const PROTOCOL = 84;
/** Packets the kernel keeps for the shaper's thread: deep, so that drops happen in the modelled queue only. */
const TUN_QUEUE = 10_000;

/** How the nodes' TCP is to be, as a scenario says it. */
export interface TcpOptions {
  /** Congestion control. */
  readonly congestion: 'cubic' | 'reno' | 'bbr';
  /** Whether TCP forgets its window after an idle time (Linux default: yes). */
  readonly slowStartAfterIdle: boolean;
  /** Segments that a new TCP connection sends before it has heard anything (Linux default: 10). */
  readonly initialWindow: number;
}

export interface Detour {
  /** The node's address on the mesh, and the device that has it. */
  readonly address: string;
  readonly device: string;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** Whom to shape traffic to: addresses or prefixes. */
  readonly destinations: readonly string[];
  /**
   * Whom to shape traffic from: addresses or prefixes. Or `all` that arrives on the device; then the kernel no
   * longer answers ARP for the address there, and the peers must have fixed neighbour entries.
   */
  readonly sources: readonly string[] | 'all';
  readonly tcp: TcpOptions;
}

/** How TCP is to be, as the end of a route says it to `ip route`. */
export function tcpWords({ congestion, initialWindow }: TcpOptions): string {
  return `congctl ${congestion} initcwnd ${initialWindow} initrwnd ${Math.max(initialWindow, 20)}`;
}

/** Brings wan0 up, which must be there, and leads the traffic through it. */
export function detourLines({ address, device, mtu, destinations, sources, tcp }: Detour): string[] {
  return [
    `link set ${SHAPED_DEVICE} mtu ${mtu} txqueuelen ${TUN_QUEUE} up`,
    ...destinations.map(
      (to) => `route add ${to} dev ${SHAPED_DEVICE} src ${address} ${tcpWords(tcp)} table ${SEND_TABLE}`,
    ),
    `route add default dev ${SHAPED_DEVICE} table ${RECEIVE_TABLE}`,
    // The kernel delivers packets to its own addresses before any other rule unless that rule comes later.
    rule(5, `iif lo to ${address} lookup local`),
    // What is in no route of the table goes on to the rules that follow.
    rule(10, `iif lo lookup ${SEND_TABLE}`),
    ...(sources === 'all'
      ? [rule(20, `iif ${device} lookup ${RECEIVE_TABLE}`)]
      : rulesForSources(device, sources)),
    rule(30, 'lookup local'),
    'rule del pref 0 lookup local',
  ];
}

/**
 * The kernel looks an ARP request up as if it were a packet from who asks to the address asked for, and
 * answers only if that would be delivered. So rules must tell the two apart: ARP has no IP protocol.
 */
function rulesForSources(device: string, sources: readonly string[]): string[] {
  return [
    // TCP, UDP and ICMP by number, since a small system has no /etc/protocols to look names up in.
    ...[6, 17, 1].map((protocol) => rule(15, `iif ${device} ipproto ${protocol} goto 20`)),
    rule(16, `iif ${device} goto 30`),
    ...sources.map((source) => rule(20, `iif ${device} from ${source} lookup ${RECEIVE_TABLE}`)),
  ];
}

/** A policy rule as `ip -json rule` shows it. */
export interface RuleShown {
  readonly priority: number;
  readonly table?: string;
}

/**
 * Takes all rules of a detour away, whoever has left them; changes nothing where there are none. The routes
 * go with wan0. `shown`: the rules there are now.
 */
export function withoutDetourLines(shown: readonly RuleShown[]): string[] {
  const ordinary = shown.some(({ priority, table }) => priority === 0 && table === 'local');
  return [
    ...(ordinary ? [] : ['rule add pref 0 lookup local protocol kernel']),
    `rule flush protocol ${PROTOCOL}`,
  ];
}

const rule = (preference: number, words: string): string =>
  `rule add pref ${preference} ${words} protocol ${PROTOCOL}`;
