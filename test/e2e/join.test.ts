/**
 * Nodes that join by themselves, without Docker: an orchestrator, an observer and nodes as processes of their
 * own, on networks as Docker makes them. Who starts the nodes makes no difference to what is learned, nor to
 * what is on the wire.
 */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { loadScenario, topologyOf, withAddresses } from '../../src/scenario/index.js';
import type { JoinToken } from '../../src/transport/join-token.js';
import { FAR, MESH } from '../wan/own/docker-like.js';
import { scratchFolder } from '../support/files.js';
import { expectConfiguredRoundTrips } from '../support/handshakes.js';
import { addressOf, Machines, type Machine } from '../support/machines.js';
import {
  completed,
  manifestOf,
  TINY,
  type CompletedRun,
  type Ended,
  type Running,
} from '../support/meshbeat.js';
import { all, netns, root, tools } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields, tsharkHosts } from '../support/tshark.js';

const folder = scratchFolder();
const needs = all(netns(), root(), tools('tcpdump', 'tshark'));
const METRICS_PORT = 9464;

interface Joined extends CompletedRun {
  readonly nodes: readonly Ended[];
  readonly observer: Ended;
}

/** A run to its end, all of whose processes must agree that it was one. */
async function joined(machines: Machines, orchestrator: Running, nodes: Running[], observer: Running) {
  const run = completed(await orchestrator.ended, machines.out);
  const ends = await Promise.all(nodes.map(({ ended }) => ended));
  const result: Joined = { ...run, nodes: ends, observer: await observer.ended };
  for (const { status, stderr } of [...result.nodes, result.observer]) expect(status, stderr).toBe(0);
  return result;
}

describeIf(needs, 'three nodes and an observer that join', () => {
  const scenario = loadScenario(TINY);
  let run: Joined;
  let machines: Machines;
  let boxes: Machine[];
  let token: JoinToken;
  let idle: string;
  let training: string;

  beforeAll(async () => {
    machines = new Machines(join(folder, 'three'));
    // The third has no other way to the orchestrator than the mesh.
    boxes = [machines.machine(1), machines.machine(2), machines.machine(3, [MESH])];
    const [first, second, third] = boxes as [Machine, Machine, Machine];
    // Some are there before the orchestrator, some after it.
    const metered = machines.node(first, { words: ['--metrics', String(METRICS_PORT)] });
    const observer = machines.observe();
    await metered.said(/waiting: .*join-token: found no such file/);
    const orchestrator = machines.orchestrate(TINY);
    await metered.said(/has let us in; waiting until all nodes are there/);
    idle = await machines.fetch(first, METRICS_PORT, '/metrics');
    token = machines.token;
    const others = [machines.node(second), machines.node(third)];
    await metered.said(/round 2\//);
    training = await machines.fetch(first, METRICS_PORT, '/metrics');
    run = await joined(machines, orchestrator, [metered, ...others], observer);
  });

  test('end with the weights of one process', async () => {
    const expected = await referenceOf(scenario);
    expect(run.summary.training).toMatchObject(expected);
    for (const { stderr } of run.nodes) expect(stderr).toContain(`final weights ${expected.weightsSha256}`);
  });

  test('make a run of the fabric containers', () => {
    expect(run.summary).toMatchObject({ fabric: 'containers', capture: { kind: 'tcpdump' } });
    const manifest = { fabric: 'containers', captureKind: 'tcpdump', wanDriver: 'tun', outcome: 'done' };
    expect(manifestOf(run.directory)).toMatchObject(manifest);
  });

  test('say where they are, by rank in order of their addresses', () => {
    const { nodes } = topologyOf(scenario);
    run.nodes.forEach(({ stderr }, rank) => {
      const place = `rank ${rank} of 3, ${nodes[rank]!.name} in ${nodes[rank]!.region}, ${addressOf(boxes[rank]!)}`;
      expect(stderr).toContain(place);
    });
  });

  test('are seen from the bridge: they, by name, as far apart as configured, and nobody else', () => {
    const file = join(run.directory, 'capture.pcapng');
    const topology = withAddresses(topologyOf(scenario), boxes.map(addressOf));
    const seen = tsharkFields(file, 'frame', ['ip.src', 'ip.dst']).flat();
    expect([...new Set(seen)].sort()).toEqual(boxes.map(addressOf));
    const names = topology.nodes.map(({ address, name }) => [address, name]);
    expect(tsharkHosts(file).sort()).toEqual(names);
    expectConfiguredRoundTrips(file, topology);
  });

  test('have metrics: before the run of the process, during it of the node', () => {
    expect(idle).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(idle).toMatch(/^meshbeat_node_joined 0$/m);
    const { name } = topologyOf(scenario).nodes[0]!;
    const labels = `run="${manifestOf(run.directory).id}",node="${name}"`;
    const ours = training.split('\n').filter((line) => /^meshbeat_\w+\{/.test(line));
    expect(ours.length).toBeGreaterThan(10);
    for (const line of ours) for (const label of labels.split(',')) expect(line).toContain(label);
    const sent = ours.find((line) => line.startsWith('meshbeat_egress_bytes_total'));
    expect(Number(sent?.split(' ')[1])).toBeGreaterThan(0);
  });

  test('tell no secret', () => machines.expectNothingTold([token.secret]));
});

describeIf(needs, '--nodes joined', () => {
  test('takes all who came, in the mix of the scenario, on whichever network', async () => {
    const machines = new Machines(join(folder, 'joined'));
    const boxes = [1, 2, 3].map((number) => machines.machine(number));
    // On another network, whose gateway is the host; its packets cross the bridge of the mesh all the same.
    boxes.push(machines.machine(4, [FAR]));
    const orchestrator = machines.orchestrate(TINY, '--nodes', 'joined', '--set', 'rounds=2');
    await orchestrator.said(/waiting for nodes \(0 joined\) and the observer/);
    const nodes = boxes.map((box) => machines.node(box));
    const run = await joined(machines, orchestrator, nodes, machines.observe());

    const scenario = loadScenario(TINY, { sets: ['rounds=2'], nodes: 4 });
    expect(run.summary).toMatchObject({ nodes: 4, training: await referenceOf(scenario) });
    const mix = topologyOf(loadScenario(TINY)).nodes.map(({ region }) => region);
    const scaled = topologyOf(scenario).nodes;
    expect(new Set(scaled.map(({ region }) => region))).toEqual(new Set(mix));
    run.nodes.forEach(({ stderr }, rank) => {
      const { name, region } = scaled[rank]!;
      const place = `${name} in ${region}, ${addressOf(boxes[rank]!)}`;
      expect(stderr).toContain(`rank ${rank} of 4, ${place}`);
    });
    const topology = withAddresses(topologyOf(scenario), boxes.map(addressOf));
    expectConfiguredRoundTrips(join(run.directory, 'capture.pcapng'), topology);
  });
});
