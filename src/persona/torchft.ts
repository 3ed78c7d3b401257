/**
 * torchft (7eb7087): fault tolerance for PyTorch. Each replica group's manager tells a lighthouse ten times a
 * second that it lives, which shows at any vantage point that sees the lighthouse; tensors go by gloo's rings.
 */
import { figure, type Persona } from './persona.js';
import { grpcRequest, grpcResponse, http2Ping, protobufField, UUID_TEXT } from './sizes.js';

/** torchft/manager.py: replica_id is the name given, a colon and a UUID. */
const REPLICA_ID = protobufField('train_ddp_0:'.length + UUID_TEXT);
/** proto/torchft.proto QuorumMember: id, two addresses such as http://node-0:29512, step and world size. */
const QUORUM_MEMBER = REPLICA_ID + 2 * protobufField(22) + 2 * (1 + 2);

export const torchft: Persona = {
  name: 'torchft',
  system: 'torchft 7eb7087 with gloo',
  protocols: ['ddp', 'diloco', 'streaming'],
  tls: figure(false, 'torchft/process_group.py ProcessGroupGloo: plain TCP; src/net.rs: plain HTTP/2'),
  connections: figure(1, 'gloo: one connection for each pair of a process group'),
  collective: figure('ring', 'gloo/allreduce.cc ring; without should_quantize'),
  pieces: {
    largest: figure(2 ** 20, 'gloo/allreduce.h AllreduceOptions::kMaxSegmentSize = 1024 * 1024'),
    perChunk: figure(2, 'gloo/allreduce.cc ring: at least twice as many segments as ranks'),
  },
  habits: [
    {
      kind: 'download',
      name: 'healing',
      source: 'src/manager.rs compute_quorum_results: at step 0 all but the primary recover from it',
      joiners: 'all-but-first',
      to: 'coordinator',
      request: { value: 120, source: 'derived: an HTTP GET of checkpointing/http_transport.py' },
    },
    {
      kind: 'heartbeat',
      name: 'lighthouse heartbeat',
      source: 'src/manager.rs Manager::_run_heartbeat',
      transport: 'tcp',
      to: 'coordinator',
      period: figure(0.1, 'torchft/manager.py Manager(heartbeat_interval=timedelta(milliseconds=100))'),
      request: {
        value: grpcRequest(REPLICA_ID),
        source: 'derived: a unary gRPC call with proto/torchft.proto LighthouseHeartbeatRequest',
      },
      response: { value: grpcResponse(0), source: 'derived: its empty LighthouseHeartbeatResponse' },
    },
    {
      kind: 'heartbeat',
      name: 'HTTP/2 PING',
      source: 'src/net.rs connect: keep_alive_while_idle',
      transport: 'tcp',
      to: 'coordinator',
      period: figure(60, 'src/net.rs connect: http2_keep_alive_interval of 60 s'),
      request: { value: http2Ping, source: 'RFC 9113, section 6.7' },
      response: { value: http2Ping, source: 'RFC 9113, section 6.7' },
    },
    {
      kind: 'remark',
      name: 'quorum',
      source: 'src/manager.rs Manager::_run_quorum, before each exchange',
      at: 'exchange',
      transport: 'tcp',
      to: 'coordinator',
      request: {
        value: grpcRequest(protobufField(QUORUM_MEMBER)),
        source: 'derived: a unary gRPC call with proto/torchft.proto LighthouseQuorumRequest',
      },
      response: {
        value: grpcResponse(2 + 2 + 14),
        perNode: protobufField(QUORUM_MEMBER),
        source: 'derived: LighthouseQuorumResponse, which lists all members',
      },
    },
  ],
};
