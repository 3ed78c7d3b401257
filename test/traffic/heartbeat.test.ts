import { describe, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { TrafficAnalyzer } from '../../src/traffic/index.js';
import { packetOf, tcpFrame } from '../support/frames.js';
import { address, meshTraffic } from '../support/mesh-traffic.js';
import type { MeshTraffic } from '../support/mesh-traffic.js';

function reportOf(traffic: MeshTraffic) {
  const analyzer = new TrafficAnalyzer();
  meshTraffic(traffic, (packet) => analyzer.packet(packet));
  return analyzer.finish();
}

const diloco: MeshTraffic = { bursts: 6, periodSeconds: 5.1, burstBytes: 5e6, rate: 40e6 };
const ddp: MeshTraffic = { bursts: 10, periodSeconds: 1.5, burstBytes: 4.7e6, rate: 40e6 };
const stalls = { stallAt: [0.1, 0.3, 0.5, 0.7, 0.9], stallSeconds: 0.25 };
/** Frame bytes of a node's burst: its segments, and an acknowledgement for every two of its neighbour's. */
function frameBytes({ burstBytes }: MeshTraffic): number {
  const segments = Math.ceil(burstBytes / 1448);
  return segments * (1448 + 54) + Math.floor(segments / 2) * 54;
}

describe('the heartbeat of a mesh', () => {
  test.each<{ name: string; traffic: MeshTraffic }>([
    { name: 'diloco', traffic: diloco },
    { name: 'diloco, skewed starts', traffic: { ...diloco, skewSeconds: 0.1 } },
    { name: 'diloco, stalls of 250 ms', traffic: { ...diloco, ...stalls } },
    { name: 'diloco, stalls of 250 ms, skewed', traffic: { ...diloco, ...stalls, skewSeconds: 0.1 } },
    { name: 'diloco, a timeout of 600 ms', traffic: { ...diloco, stallAt: [0.5], stallSeconds: 0.6 } },
    { name: 'diloco, slow start over 250 ms', traffic: { ...diloco, slowStartRtt: 0.25 } },
    { name: 'ddp', traffic: ddp },
    { name: 'ddp, stalls of 20 ms', traffic: { ...ddp, stallAt: [0.2, 0.4, 0.6, 0.8], stallSeconds: 0.02 } },
    {
      name: 'ddp, stalls of 150 ms',
      traffic: { ...ddp, burstBytes: 3e6, stallAt: [0.3, 0.6], stallSeconds: 0.15 },
    },
    {
      name: '32 nodes',
      traffic: { nodes: 32, bursts: 8, periodSeconds: 6, burstBytes: 3e5, rate: 1.5e6, ...stalls },
    },
    {
      name: '2 slow nodes',
      traffic: { nodes: 2, bursts: 6, periodSeconds: 20, burstBytes: 1e5, rate: 2e5, keepAliveSeconds: 5 },
    },
  ])('$name: period within 1 %, CV below 0.02, bytes within 1 %', ({ traffic }) => {
    const { heartbeat, nodes } = reportOf(traffic).heartbeat;
    expect(heartbeat?.count).toBe(traffic.bursts);
    expect(heartbeat!.periodSeconds / traffic.periodSeconds).toBeCloseTo(1, 2);
    expect(heartbeat!.periodCv).toBeLessThan(0.02);
    expect(heartbeat!.burstBytesPerNode / frameBytes(traffic)).toBeCloseTo(1, 2);
    expect(nodes).toHaveLength(traffic.nodes ?? 4);
    expect(nodes.map(({ bursts }) => bursts)).toEqual(nodes.map(() => traffic.bursts));
  });

  test('length, duty cycle and rate are those of the bursts', () => {
    const { heartbeat, nodes } = reportOf(diloco).heartbeat;
    expect(heartbeat!.burstSeconds / ((Math.ceil(5e6 / 1448) * 1502 * 8) / 40e6)).toBeCloseTo(1, 1);
    expect(heartbeat!.dutyCycle).toBeCloseTo(heartbeat!.burstSeconds / 5.1, 2);
    for (const { burstRate } of nodes) expect(burstRate / 40.7e6).toBeCloseTo(1, 1);
  });

  test('the CV is the jitter of the starts', () => {
    const { heartbeat } = reportOf({ ...diloco, bursts: 40, burstBytes: 1e6, jitterSeconds: 0.2 }).heartbeat;
    // An interval is the difference of two independent starts.
    const expected = (Math.SQRT2 * 0.2) / 5.1;
    expect(heartbeat!.periodCv).toBeGreaterThan(0.7 * expected);
    expect(heartbeat!.periodCv).toBeLessThan(1.3 * expected);
    expect(heartbeat!.periodSeconds).toBeCloseTo(5.1, 0);
  });

  test.each([4e6, 10e6, 20e6])('background of %d bit/s per node does not move it', (noiseRate) => {
    const { heartbeat } = reportOf({ ...diloco, noiseRate }).heartbeat;
    expect(heartbeat?.count).toBe(6);
    expect(heartbeat!.periodSeconds / 5.1).toBeCloseTo(1, 2);
    expect(heartbeat!.periodCv).toBeLessThan(0.02);
  });

  test('one burst that is missing leaves the median and shows in the CV', () => {
    const analyzer = new TrafficAnalyzer();
    const origin = 1_700_000_000;
    meshTraffic({ ...diloco, bursts: 10 }, (packet) => {
      const seconds = packet.secondsSince(origin, 0);
      if (seconds < 4 + 4 * 5.1 - 0.5 || seconds > 4 + 4 * 5.1 + 2) analyzer.packet(packet);
    });
    const { heartbeat } = analyzer.finish().heartbeat;
    expect(heartbeat?.count).toBe(9);
    expect(heartbeat!.periodSeconds).toBeCloseTo(5.1, 1);
    expect(heartbeat!.periodCv).toBeGreaterThan(0.2);
  });

  test('hosts that only listen, or hardly send, are no nodes', () => {
    const { heartbeat, hosts } = reportOf({ ...diloco, noiseRate: 2e5 });
    expect(hosts.map((host) => host.address)).toContain('10.77.0.201');
    expect(heartbeat.nodes.map((node) => node.address).sort()).toEqual([0, 1, 2, 3].map(address));
  });
});

/** What one host sends to another: a frame of these bytes at each of these times. */
function heartbeatOf(times: Iterable<number>, frameBytes: number) {
  const analyzer = new TrafficAnalyzer();
  const frame = tcpFrame({ source: '10.0.0.1', destination: '10.0.0.2', payload: frameBytes - 54 });
  for (const time of times) analyzer.packet(packetOf(frame, 1_700_000_000 + time, frameBytes));
  return analyzer.finish().heartbeat;
}

function* every(seconds: number, total: number): Generator<number> {
  for (let time = 0; time < total; time += seconds) yield time;
}

function* poisson(perSecond: number, total: number, seed: number): Generator<number> {
  const random = new Random(seed, 'poisson');
  for (let time = 0; time < total; time -= Math.log(1 - random.uniform()) / perSecond) yield time;
}

describe('no heartbeat', () => {
  test.each([
    { name: '1000 packets a second', interval: 0.001, total: 60 },
    { name: '50 packets a second', interval: 0.02, total: 60 },
    { name: '5 packets a second', interval: 0.2, total: 200 },
    { name: 'a keep-alive a second', interval: 1, total: 200 },
  ])('in a constant rate: $name', ({ interval, total }) => {
    const { heartbeat, reason } = heartbeatOf(every(interval, total), 1514);
    expect(heartbeat).toBeNull();
    expect(reason).not.toBeNull();
  });

  test.each([1000, 100, 30, 10, 3, 1])('in Poisson traffic of %d packets a second', (perSecond) => {
    for (let seed = 0; seed < 10; seed++) {
      const { heartbeat, reason } = heartbeatOf(poisson(perSecond, 120, seed), 1514);
      expect(heartbeat, `seed ${seed}`).toBeNull();
      expect(reason).not.toBeNull();
    }
  });

  test('in transfers that come at random, and the reason says so', () => {
    const bursts = function* () {
      for (const start of poisson(0.1, 600, 3))
        for (let packet = 0; packet < 400; packet++) yield start + packet * 0.001;
    };
    const times = [...bursts()].sort((a, b) => a - b);
    const { heartbeat, reason, bursts: found } = heartbeatOf(times, 1514);
    expect(heartbeat).toBeNull();
    expect(reason).toMatch(/without a beat/);
    expect(found.length).toBeGreaterThan(20);
  });

  test('in two bursts only', () => {
    const { heartbeat, reason } = reportOf({ ...diloco, bursts: 2 }).heartbeat;
    expect(heartbeat).toBeNull();
    expect(reason).toBe('found 2 of the 3 bursts that make a beat');
  });
});
