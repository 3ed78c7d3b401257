/**
 * How long Zeek waits, in microseconds of the capture's own clock: the defaults of its init-bare.zeek.
 */
const SECOND = 1e6;

export const Timeout = {
  /** No packet for this long ends a conversation. TCP has the short one until its handshake is done. */
  tcpIdle: 300 * SECOND,
  handshakeIdle: 60 * SECOND,
  udpIdle: 60 * SECOND,
  icmpIdle: 60 * SECOND,
  otherIdle: 60 * SECOND,
  /** TCP to ports 21, 22, 23 and 513. */
  interactiveIdle: 3600 * SECOND,
  /** A SYN without any answer. */
  attempt: 5 * SECOND,
  /** First look at whether a TCP connection is over, and the looks after it. */
  firstLook: 5 * SECOND,
  nextLook: 6 * SECOND,
  /** At such a look, a half-closed connection without packets for this long is over. */
  linger: 5 * SECOND,
  /** After both ends have closed; late packets still count till then. */
  close: 5 * SECOND,
  /** UDP to a port of DNS is looked at this often, and over after a second less of silence. */
  dnsLook: 10 * SECOND,
  dnsIdle: 9 * SECOND,
  /** An IP tunnel keeps its name for so long without packets. */
  ipTunnel: 24 * 3600 * SECOND,
} as const;

/** Zeek runs at most so many timers between two packets; after a long silence, some are late. */
export const MAX_TIMERS_PER_PACKET = 300;
