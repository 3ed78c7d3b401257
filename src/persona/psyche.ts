/**
 * Psyche (0bdb13d9): every round each node announces by gossip what it has, compressed by DisTrO, and the others
 * pull it. There is no coordinator in the mesh; QUIC keeps every pair's connection alive.
 *
 * Here the pulls go over TCP, where Psyche has QUIC: the announcements and keep-alives are the datagrams.
 */
import { figure, type Persona, type Size } from './persona.js';
import { quicPacket } from './sizes.js';

/**
 * What is gossiped: step, batch, commitment (a hash and a signature), proof, nonce, and a ticket to the blob
 * (hash, node id, two addresses, relay's URL), signed again; some 20 bytes around it in the gossip protocol.
 */
const ANNOUNCEMENT = 4 + 16 + (32 + 64) + 16 + 8 + (32 + 32 + 2 * 7 + 50) + (32 + 64) + 20;
const announcement: Size = {
  value: quicPacket(4 + ANNOUNCEMENT),
  source:
    'derived: a signed announcement with its BlobTicket, below max_message_size(4096), as a STREAM frame',
};
const neighbours = figure(8, 'shared/network/src/lib.rs HyparviewConfig active_view_capacity: 8');
const NO_ANSWER: Size = { value: 0, source: 'acknowledgements of QUIC are left out where data flow anyway' };

export const psyche: Persona = {
  name: 'psyche',
  system: 'Psyche 0bdb13d9 with iroh',
  protocols: ['ddp'],
  tls: figure(true, 'iroh: QUIC, which is always encrypted'),
  connections: figure(1, 'iroh: one QUIC connection for each pair'),
  collective: figure(
    'butterfly',
    'none in Psyche, where all pull from each other; with it contributions go directly, and not around a ring',
  ),
  pieces: {
    largest: figure(2 ** 26, 'iroh-blobs: blobs are pulled whole; the largest that a scenario allows'),
  },
  compression: figure(
    { kind: 'dct-sign', chunk: 64, keep: 8, decay: 0.999 },
    'DisTrO optimizer defaults: chunk 64, topk 8, 1-bit, decay 0.999',
  ),
  habits: [
    {
      kind: 'download',
      name: 'model sharing',
      source: 'shared/network/src/p2p_model_sharing.rs: parameters by layer, from different peers',
      joiners: 'last',
      to: 'every-peer',
      request: {
        value: quicPacket(64),
        source: 'derived: shared/network/src/p2p_model_sharing.rs, a request that names a parameter',
      },
    },
    {
      kind: 'heartbeat',
      name: 'QUIC keep-alive',
      source: 'shared/network/src/lib.rs QuicTransportConfig',
      transport: 'udp',
      to: 'each-pair',
      period: figure(5, 'shared/network/src/lib.rs keep_alive_interval of 5 s; other versions have 1 s'),
      request: { value: quicPacket(1), source: 'RFC 9000, section 19.2: a PING frame is one byte' },
      response: { value: quicPacket(6), source: 'RFC 9000, section 19.3: an ACK frame of one range' },
    },
    {
      kind: 'remark',
      name: 'gossip announcement',
      source: 'shared/network/src/lib.rs NetworkConnection::broadcast',
      at: 'exchange',
      transport: 'udp',
      to: { neighbours },
      request: announcement,
      response: NO_ANSWER,
    },
    {
      kind: 'heartbeat',
      name: 're-broadcast',
      source: 'shared/client: what was announced is announced again',
      transport: 'udp',
      to: { neighbours },
      period: figure(10, 'shared/client: announcements are broadcast again every 10 s'),
      request: announcement,
      response: NO_ANSWER,
    },
    {
      kind: 'heartbeat',
      name: 'HyParView shuffle',
      source: 'iroh-gossip proto/hyparview.rs',
      transport: 'udp',
      to: { neighbours: figure(1, 'iroh-gossip proto/hyparview.rs: a shuffle goes to one neighbour') },
      period: figure(30, 'shared/network/src/lib.rs HyparviewConfig shuffle_interval: 30 s'),
      request: {
        value: quicPacket(4 + 32 + 8 * (32 + 60)),
        source: 'derived: iroh-gossip Shuffle with eight peers and their addresses',
      },
      response: {
        value: quicPacket(4 + 8 * (32 + 60)),
        source: 'derived: iroh-gossip ShuffleReply, likewise',
      },
    },
  ],
};
