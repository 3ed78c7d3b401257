/**
 * prime (zeroband), which trained INTELLECT-1: DiLoCo between nodes of eight GPUs, each GPU with a ring of its own.
 *
 * Everything is eightfold: eight processes, eight rings, eight heartbeats to the store on the first node. At
 * every change of membership each node measures its bandwidth to each other for a second.
 */
import { figure, type Persona } from './persona.js';
import { tcpStoreGet, tcpStoreSet, tcpStoreValue, UUID_TEXT } from './sizes.js';

const GPUS = figure(8, 'INTELLECT-1: 14 nodes of 8 H100, with a process and a ring for each GPU');

/** Python's str(time.time()). */
const TIME_TEXT = 18;

export const prime: Persona = {
  name: 'prime',
  system: 'prime (zeroband) 01baf16, INTELLECT-1',
  protocols: ['diloco'],
  tls: figure(false, 'src/zeroband/comms.py ProcessGroupGloo: plain TCP, inside a VPN that is not imitated'),
  connections: GPUS,
  collective: figure('ring', 'src/zeroband/C/csrc/collectives.cpp ring_allreduce'),
  pieces: {
    largest: figure(2 ** 26, 'none in prime; the largest that a scenario allows'),
    perChunk: figure(
      2 * GPUS.value,
      'src/zeroband/C/csrc/collectives.cpp BUFFER_COUNT = 2, times the eight rings',
    ),
  },
  compression: figure(
    { kind: 'int8', rounding: 'nearest', errorFeedback: false },
    'configs/10B/H100_intellect1.toml compression = "uint8"',
  ),
  habits: [
    {
      kind: 'probe',
      name: 'iperf',
      source: 'src/zeroband/comms.py ElasticDeviceMesh._measure_connectivity, at every change of membership',
      to: 'every-peer',
      seconds: figure(1, 'src/zeroband/comms.py ElasticDeviceMesh.measure_bandwidth: iperf -t 1'),
      connections: figure(1, 'src/zeroband/comms.py ElasticDeviceMesh.measure_bandwidth: no -P'),
    },
    {
      kind: 'download',
      name: 'live checkpoint',
      source: 'src/zeroband/comms.py LiveRecovery.ask_for_live_ckpt; an HTTP sidecar gives it',
      joiners: 'last',
      to: 'coordinator',
      request: { value: 120, source: 'derived: an HTTP GET with the headers of Python\u2019s client' },
    },
    {
      kind: 'heartbeat',
      name: 'heartbeat SET',
      source: 'src/zeroband/comms.py ElasticDeviceMesh._heartbeat_loop, in each process',
      transport: 'tcp',
      to: 'coordinator',
      period: figure(2, 'src/zeroband/comms.py HEARTBEAT_INTERVAL = 2'),
      connections: GPUS,
      request: {
        value: tcpStoreSet('heartbeat_'.length + UUID_TEXT, TIME_TEXT),
        source: 'derived: TCPStore SET of heartbeat_UUID = str(time.time()), _send_heartbeat',
      },
      response: {
        value: 0,
        source: 'torch/csrc/distributed/c10d/TCPStore.cpp TCPStore::set waits for nothing',
      },
    },
    {
      kind: 'remark',
      name: 'monitored barrier',
      source: 'src/zeroband/comms.py ElasticDeviceMesh.monitored_barrier, once: all come at the same time',
      at: 'exchange',
      transport: 'tcp',
      to: 'coordinator',
      times: GPUS,
      connections: GPUS,
      request: {
        value: tcpStoreSet('barrier_0'.length, 1) + tcpStoreGet('barrier_0'.length),
        source: 'derived: TCPStore SET of the own flag and GET of the leader\u2019s, monitored_barrier',
      },
      response: { value: tcpStoreValue(1), source: 'derived: what TCPStore answers to the GET' },
    },
  ],
};
