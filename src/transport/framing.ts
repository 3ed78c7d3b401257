/**
 * From payload to wire: how many bytes a slice of tensor becomes on its way down the stack.
 *
 * The slice is packed into a message, the message into a gRPC frame, that into HTTP/2 DATA frames, those into
 * TLS records, those into TCP segments, those into Ethernet frames. Each layer adds a header that its
 * standard fixes, so the sum is arithmetic. It counts one slice at a time and rounds up, as if each began a
 * new frame, record and segment; a stream that packs several together is smaller by less than one header of
 * each kind per slice. What is not about a slice is left out: handshakes, window updates, pings,
 * retransmissions.
 *
 * In a tunnel there is one layer more: each IP packet is the payload of another (src/wan/tunnel/framing.ts).
 */
import type { Topology, TunnelKind } from '../scenario/topology.js';
import { innerMtu, tunnelFrameBytes } from '../wan/tunnel/framing.js';

/**
 * Header of our slice message, packed by msgpackr: see slice.ts. Measured, not derived: 22 to 26 bytes for most slices
 * of float32; 12 to 33 with the name of the encoding and the size of the numbers.
 */
export const SLICE_HEADER_BYTES = 24;

/** Key of a protobuf field with a number below 16; the varint length follows it (protobuf encoding guide). */
const PROTOBUF_KEY_BYTES = 1;
/** Compressed flag and length of a message ("gRPC over HTTP2", Length-Prefixed-Message). */
export const GRPC_PREFIX_BYTES = 5;
/** RFC 9113, section 4.1. */
export const HTTP2_FRAME_HEADER_BYTES = 9;
/** RFC 9113, section 6.5.2: SETTINGS_MAX_FRAME_SIZE as it is unless negotiated. */
const HTTP2_FRAME_PAYLOAD_BYTES = 16_384;
/** RFC 8446, section 5.2: record header, inner content type; section 5.3: tag of the AES-GCM ciphers. */
export const TLS_RECORD_BYTES = 5 + 1 + 16;
/** RFC 8446, section 5.1. */
const TLS_PLAINTEXT_BYTES = 16_384;
/** IPv4 without options (RFC 791). */
const IP_HEADER_BYTES = 20;
/** TCP with the timestamp option (RFC 9293; RFC 7323, appendix A: 10 bytes padded to 12). */
const TCP_HEADER_BYTES = 20 + 12;
/** Ethernet II without preamble and checksum, as `tc` and a packet capture count. */
const ETHERNET_HEADER_BYTES = 14;
const TCP_IP_HEADER_BYTES = IP_HEADER_BYTES + TCP_HEADER_BYTES;
const PACKET_HEADER_BYTES = ETHERNET_HEADER_BYTES + TCP_IP_HEADER_BYTES;

/** RFC 5681, section 4.2: a receiver acknowledges at least every second full-sized segment. */
export const SEGMENTS_PER_ACK = 2;

export interface Framing {
  readonly tls: boolean;
}

export interface PacketFraming extends Framing {
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** Of the tunnel that the packets are in, if they are in one. */
  readonly tunnel?: TunnelKind;
}
type Packets = Pick<PacketFraming, 'mtu' | 'tunnel'>;

/** How the packets of a network are framed. */
export const packetFramingOf = (
  { mtu, tunnel }: Pick<Topology, 'mtu' | 'tunnel'>,
  tls: boolean,
): PacketFraming => (tunnel === undefined ? { tls, mtu } : { tls, mtu, tunnel: tunnel.kind });

/** Bytes that TCP carries for one slice of `slicePayload` bytes: all framing above TCP included. */
export function tcpPayloadBytes(slicePayload: number, { tls }: Framing): number {
  const message = SLICE_HEADER_BYTES + slicePayload;
  const grpc = GRPC_PREFIX_BYTES + PROTOBUF_KEY_BYTES + varintBytes(message) + message;
  const http2 = grpc + HTTP2_FRAME_HEADER_BYTES * Math.ceil(grpc / HTTP2_FRAME_PAYLOAD_BYTES);
  return recordedBytes(http2, { tls });
}

/** Bytes that TCP carries for so many bytes of whatever speaks above it. */
export function recordedBytes(bytes: number, { tls }: Framing): number {
  return tls ? bytes + TLS_RECORD_BYTES * Math.ceil(bytes / TLS_PLAINTEXT_BYTES) : bytes;
}

/** Bytes of the Ethernet frames, without preamble and checksum, that carry one slice. */
export function wireBytes(slicePayload: number, framing: PacketFraming): number {
  return frameBytes(tcpPayloadBytes(slicePayload, framing), framing);
}

/** Bytes of the Ethernet frames that carry so many bytes of TCP. */
export function frameBytes(tcpPayload: number, packets: Packets): number {
  const { mtu, tunnel } = packets;
  if (tunnel === undefined) return tcpPayload + segments(tcpPayload, mtu) * PACKET_HEADER_BYTES;
  const largest = innerMtu(mtu);
  if (tcpPayload <= 0) return 0;
  const last = segments(tcpPayload, largest) - 1;
  const rest = tcpPayload - last * (largest - TCP_IP_HEADER_BYTES);
  return (
    last * tunnelFrameBytes(tunnel, largest, mtu) + tunnelFrameBytes(tunnel, rest + TCP_IP_HEADER_BYTES, mtu)
  );
}

/**
 * Bytes of the Ethernet frames that the receiver of one slice sends back to acknowledge it, none of them
 * carrying data. On an uplink busy with its own sends this is a share of about 2 %.
 */
export function ackBytes(
  slicePayload: number,
  framing: PacketFraming,
  segmentsPerAck: number = SEGMENTS_PER_ACK,
): number {
  return ackFrameBytes(tcpPayloadBytes(slicePayload, framing), framing, segmentsPerAck);
}

/** As ackBytes(), for so many bytes of TCP. */
export function ackFrameBytes(
  tcpPayload: number,
  { mtu, tunnel }: Packets,
  segmentsPerAck: number = SEGMENTS_PER_ACK,
): number {
  if (tunnel === undefined)
    return Math.ceil(segments(tcpPayload, mtu) / segmentsPerAck) * PACKET_HEADER_BYTES;
  const acks = Math.ceil(segments(tcpPayload, innerMtu(mtu)) / segmentsPerAck);
  return acks * tunnelFrameBytes(tunnel, TCP_IP_HEADER_BYTES, mtu);
}

function segments(tcpPayload: number, mtu: number): number {
  return Math.ceil(tcpPayload / (mtu - TCP_IP_HEADER_BYTES));
}

/** Seven bits of the number in each byte (protobuf encoding guide, "Base 128 Varints"). */
export function varintBytes(value: number): number {
  return Math.max(1, Math.ceil(Math.log2(value + 1) / 7));
}
