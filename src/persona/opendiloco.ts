/**
 * OpenDiLoCo (a5b7236) on hivemind (4bd43b77): DiLoCo among peers who find each other in a distributed hash table.
 *
 * Tensors move once in many minutes, but each inner step is told to the hash table, so that an onlooker hears
 * the inner step's beat between the bursts.
 */
import { figure, type Persona, type Size } from './persona.js';
import { hivemindMessage, protobufField } from './sizes.js';

/** hivemind/dht/routing.py: a DHTID is a SHA-1. */
const DHT_ID = protobufField(20);
/** hivemind/dht/crypto.py RSASignatureValidator: "[owner:ssh-rsa …]" with a key of 2048 bits in base64. */
const OWNER = 7 + 8 + 372 + 1;
/** The same: "[signature:…]" with 256 bytes in base64. */
const SIGNATURE = 11 + 344 + 1;
/** hivemind/optim/progress_tracker.py LocalTrainingProgress as MessagePack: six names and their values. */
const PROGRESS = 71 + 60;
/** A double in a packed field of one. */
const EXPIRATION = 1 + 1 + 8;
const IN_CACHE = 1 + 1 + 1;
const NODE_INFO = protobufField(DHT_ID);

const storeRequest: Size = {
  value: hivemindMessage(
    DHT_ID +
      protobufField(3 + OWNER) +
      protobufField(PROGRESS + SIGNATURE) +
      EXPIRATION +
      IN_CACHE +
      NODE_INFO,
  ),
  source: 'derived: the fields of hivemind/proto/dht.proto StoreRequest, in libp2p frames and a TLS record',
};
const storeResponse: Size = {
  value: hivemindMessage(1 + 1 + 1 + NODE_INFO),
  source: 'derived: the fields of hivemind/proto/dht.proto StoreResponse, likewise',
};
const keepers = figure(5, 'hivemind/dht/node.py DHTNode.create(num_replicas=5)');

export const opendiloco: Persona = {
  name: 'opendiloco',
  system: 'OpenDiLoCo a5b7236 with hivemind 4bd43b77',
  protocols: ['diloco'],
  tls: figure(true, 'hivemind/p2p/p2p_daemon.py P2P.create: go-libp2p-daemon over TCP with TLS 1.3'),
  connections: figure(1, 'go-libp2p: all streams of two peers share one connection'),
  collective: figure('butterfly', 'hivemind/averaging/allreduce.py AllReduceRunner'),
  pieces: { largest: figure(2 ** 19, 'hivemind/averaging/partition.py DEFAULT_PART_SIZE_BYTES = 2**19') },
  habits: [
    {
      kind: 'download',
      name: 'state download',
      source: 'hivemind/averaging/averager.py DecentralizedAverager.load_state_from_peers',
      joiners: 'all-but-first',
      to: 'coordinator',
      request: {
        value: hivemindMessage(0),
        source: 'derived: hivemind/proto/averaging.proto DownloadRequest has no fields',
      },
    },
    {
      kind: 'remark',
      name: 'progress STORE',
      source: 'hivemind/optim/progress_tracker.py ProgressTracker.report_local_progress',
      at: 'step',
      transport: 'tcp',
      to: { keepers },
      request: storeRequest,
      response: storeResponse,
    },
    {
      kind: 'heartbeat',
      name: 'progress GET',
      source: 'hivemind/optim/progress_tracker.py ProgressTracker._progress_fetcher',
      transport: 'tcp',
      to: { keepers: figure(1, 'hivemind/dht/node.py DHTNode.get: the nearest that has the key answers') },
      period: figure(10, 'hivemind/optim/progress_tracker.py ProgressTracker(max_refresh_period=10)'),
      request: {
        value: hivemindMessage(DHT_ID + NODE_INFO),
        source: 'derived: the fields of hivemind/proto/dht.proto FindRequest',
      },
      response: {
        value: hivemindMessage(EXPIRATION + NODE_INFO),
        perNode: protobufField(3 + OWNER) + protobufField(PROGRESS + SIGNATURE) + EXPIRATION,
        source: 'derived: hivemind/proto/dht.proto FindResponse with the progress of every peer',
      },
    },
    {
      kind: 'heartbeat',
      name: 'donor announcement',
      source: 'hivemind/averaging/averager.py DecentralizedAverager._declare_for_download_periodically',
      transport: 'tcp',
      to: { keepers },
      period: figure(30, 'hivemind/averaging/averager.py DecentralizedAverager(declare_state_period=30)'),
      request: storeRequest,
      response: storeResponse,
    },
  ],
};
