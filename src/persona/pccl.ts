/**
 * PCCL (7815195), prime's successor: plain TCP under a master who counts votes, and rings whose order follows
 * measured bandwidth. It is silent between reductions, but it begins with a long and loud benchmark of every pair.
 */
import { figure, type Persona, type Size } from './persona.js';

/** tinysockets: a length of 64 bits and a packet's number of 16 bits before its fields. */
const packet = (fields: number, name: string): Size => ({
  value: 8 + 2 + fields,
  source: `derived: the fields of ccoip/internal/ccoip_packets.hpp ${name}`,
});

const IN_FLIGHT = figure(16, 'python examples: up to 16 reductions in flight, one for each group of layers');

export const pccl: Persona = {
  name: 'pccl',
  system: 'PCCL 7815195',
  protocols: ['diloco', 'ddp'],
  tls: figure(false, 'ccoip: plain TCP, TCP_NODELAY'),
  connections: figure(16, 'python examples: p2p_connection_pool_size = 16, and TX and RX are separate'),
  collective: figure('ring', 'ccoip/src/cpp/reduce.cpp: pipelined ring'),
  pieces: {
    largest: figure(2 ** 26, 'tinysockets/src/multiplexed_socket.cpp: pieces of 64 MiB'),
    perChunk: IN_FLIGHT,
  },
  habits: [
    {
      kind: 'probe',
      name: 'bandwidth benchmark',
      source: 'ccoip/src/cpp/benchmark_runner.cpp NetworkBenchmarkRunner, for pcclOptimizeTopology',
      to: 'every-peer',
      seconds: figure(10, 'ccoip/src/cpp/benchmark_runner.cpp BENCHMARK_LENGTH_SECONDS'),
      connections: figure(16, 'ccoip/internal/benchmark_runner.hpp DEFAULT_NUM_BENCHMARK_CONNECTIONS 16'),
    },
    {
      kind: 'download',
      name: 'shared state',
      source: 'include/pccl.h pcclSynchronizeSharedState',
      joiners: 'last',
      to: 'coordinator',
      request: packet(8 + 8, 'C2SPacketRequestSharedState'),
    },
    {
      kind: 'remark',
      name: 'vote to begin',
      source: 'ccoip/src/cpp/ccoip_master_handler.cpp: a reduction begins when all have voted',
      at: 'exchange',
      transport: 'tcp',
      to: 'coordinator',
      times: IN_FLIGHT,
      request: packet(8 + 8 + 1 + 1, 'C2MPacketCollectiveCommsInitiate'),
      response: packet(8 + 8, 'M2CPacketCollectiveCommsCommence'),
    },
    {
      kind: 'remark',
      name: 'vote that it is over',
      source: 'ccoip/src/cpp/ccoip_master_handler.cpp: and ends likewise',
      at: 'round',
      transport: 'tcp',
      to: 'coordinator',
      times: IN_FLIGHT,
      request: packet(8 + 1, 'C2MPacketCollectiveCommsComplete'),
      response: packet(8, 'M2CPacketCollectiveCommsComplete'),
    },
  ],
};
