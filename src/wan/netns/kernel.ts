/**
 * Kernel settings that a node's namespace has, whoever made it. What concerns single devices is not here.
 */
import type { TcpOptions } from './detour.js';

/** Socket buffers up to this size: room for 1 Gbit/s at 250 ms. */
const LARGEST_WINDOW = 32 * 1024 * 1024;
const WINDOWS = `4096 1048576 ${LARGEST_WINDOW}`;

/** Files below /proc/sys and what is to be in them. */
export function kernelSettings(tcp: TcpOptions): Record<string, string> {
  return {
    // Otherwise the kernel pairs an arriving packet with its socket before routing, and then won't forward it.
    'net/ipv4/ip_early_demux': '0',
    // A probe's fate must not set the first window of the connection that trains.
    'net/ipv4/tcp_no_metrics_save': '1',
    'net/ipv4/tcp_slow_start_after_idle': tcp.slowStartAfterIdle ? '1' : '0',
    'net/ipv4/tcp_rmem': WINDOWS,
    'net/ipv4/tcp_wmem': WINDOWS,
  };
}
