/** Packets to and from files: what the rest of the house uses of this folder. */
export { formatAddress } from './address.js';
export type { Address } from './address.js';
export { CaptureParser } from './any-parser.js';
export { decode, Decoded, Protocol, TcpFlag } from './decode.js';
export type { Decoder, Outcome } from './decode.js';
export { TcpdumpToPcapng } from './live.js';
export { LinkType, Packet } from './packet.js';
export type { PacketHandler } from './packet.js';
export { Portion, type PortionOptions } from './portion.js';
export { PcapngWriter } from './pcapng-writer.js';
export type { CaptureCounts, InterfaceDescription, PcapngOptions } from './pcapng-writer.js';
export { readCapture } from './read.js';
export type { CaptureInfo, ReadOptions } from './read.js';
export { decoderThrough, tunnelKinds, tunnelKindsOf } from './tunnels.js';
export type { TunnelKind } from './tunnels.js';
