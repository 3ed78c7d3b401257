/**
 * Joined runs that break off: whoever is lost or told to end, the others hear of it or notice it, end by
 * themselves and say why; and a node leaves the namespace that it was given as it was.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCapture } from '../../src/capture/index.js';
import { loadScenario, topologyOf } from '../../src/scenario/index.js';
import { scratchFolder } from '../support/files.js';
import { Machines, type Machine } from '../support/machines.js';
import { manifestOf, newestRun, TINY, type Running } from '../support/meshbeat.js';
import { all, netns, root, tools } from '../support/needs.js';
import { describeIf } from '../support/requires.js';
import { stateOf, type State } from '../wan/own/namespace-state.js';

const folder = scratchFolder();
const needs = all(netns(), root(), tools('tcpdump'));
const NAMES = topologyOf(loadScenario(TINY)).nodes.map(({ name }) => name);

interface Scene {
  readonly machines: Machines;
  readonly boxes: readonly Machine[];
  /** The boxes before anything ran there. */
  readonly before: readonly State[];
  readonly orchestrator: Running;
  readonly nodes: readonly Running[];
  readonly observer: Running;
}

/** What there is in a machine's namespace. Not whether links are up, which the kernel finds out at leisure. */
function leftOn({ namespace }: Machine): State {
  const { devices, ...others } = stateOf(namespace);
  return { ...others, devices: devices.map((line) => line.split(' ')[0]!) };
}

/** A run without end, once its first round is done. */
async function endless(name: string): Promise<Scene> {
  const machines = new Machines(join(folder, name));
  const boxes = [1, 2, 3].map((number) => machines.machine(number));
  const before = boxes.map(leftOn);
  const orchestrator = machines.orchestrate(TINY, '--set', 'rounds=1000');
  const nodes = boxes.map((box) => machines.node(box));
  const scene = { machines, boxes, before, orchestrator, nodes, observer: machines.observe() };
  await Promise.all(nodes.map((node) => node.said(/^round 1\/1000 done/m)));
  return scene;
}

const statusesOf = async (processes: readonly Running[]): Promise<(number | null)[]> =>
  (await Promise.all(processes.map(({ ended }) => ended))).map(({ status }) => status);

/** The run directory says why, and has a capture that can be read, whole or up to where it was cut off. */
async function expectKept(out: string, reason: RegExp): Promise<number | undefined> {
  const directory = newestRun(out);
  const manifest = manifestOf(directory);
  expect(manifest.outcome).toMatch(reason);
  expect(manifest).toMatchObject({ fabric: 'containers', gate: { verdict: 'invalid' } });
  const { packets, truncatedAt } = await readCapture(join(directory, 'capture.pcapng'), () => undefined);
  expect(packets).toBeGreaterThan(0);
  return truncatedAt;
}

describeIf(needs, 'a joined run that breaks off', () => {
  test('a node is killed: all end, and the reason names it', async () => {
    const { machines, boxes, before, orchestrator, nodes, observer } = await endless('node');
    const { secret } = machines.token;
    nodes[1]!.kill('SIGKILL');
    const { status, stdout, stderr } = await orchestrator.ended;
    expect(status, stderr).toBe(1);
    expect(stdout).toBe('');
    const reason = `node ${NAMES[1]} (box-2): left the run (its control stream ended)`;
    expect(stderr).toContain(`run failed: ${reason}\n`);
    expect(await statusesOf(nodes)).toEqual([1, null, 1]);
    const last = await observer.ended;
    expect(last.status, last.stderr).toBe(1);
    expect(manifestOf(newestRun(machines.out)).outcome).toBe(reason);
    expect(await expectKept(machines.out, /left the run/)).toBeUndefined();
    await machines.expectNothingTold([secret]);
    for (const rank of [0, 2]) expect(leftOn(boxes[rank]!)).toEqual(before[rank]);
  });

  test('the observer is killed: the run is no evidence any more, and ends', async () => {
    const { machines, orchestrator, nodes, observer } = await endless('observer');
    observer.kill('SIGKILL');
    const { status, stderr } = await orchestrator.ended;
    expect(status, stderr).toBe(1);
    const reason = /the observer \(host\): left the run \(its control stream ended\)/;
    expect(stderr).toMatch(reason);
    expect(await statusesOf(nodes)).toEqual([1, 1, 1]);
    await expectKept(machines.out, reason);
  });

  test('the orchestrator is killed: the nodes notice, end and clean up', async () => {
    const { boxes, before, orchestrator, nodes, observer } = await endless('orchestrator');
    orchestrator.kill('SIGKILL');
    expect(await statusesOf([...nodes, observer])).toEqual([1, 1, 1, 1]);
    for (const { ended } of [...nodes, observer])
      expect((await ended).stderr).toMatch(/^meshbeat: lost the orchestrator at \S+:8471 \(.+\)\n$/m);
    expect(boxes.map(leftOn)).toEqual(before);
  });
});

describeIf(needs, 'an orchestrator that is told to end while it waits', () => {
  test('sends all away, takes its token with it, and has begun no run', async () => {
    const machines = new Machines(join(folder, 'waiting'));
    const orchestrator = machines.orchestrate(TINY);
    const [node, observer] = [machines.node(machines.machine(1)), machines.observe()];
    await Promise.all([node.said(/has let us in/), observer.said(/let in/)]);
    const { token } = machines;
    orchestrator.kill('SIGINT');
    const { status, stderr } = await orchestrator.ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/^meshbeat: interrupted by SIGINT\n$/m);
    expect(existsSync(machines.tokenFile)).toBe(false);
    expect(existsSync(machines.out)).toBe(false);
    for (const { ended } of [node, observer]) {
      const { status, stderr } = await ended;
      expect(status).toBe(1);
      expect(stderr).toMatch(/^meshbeat: the run ended before /m);
      expect(stderr).not.toContain(token.secret);
    }
  });
});

describeIf(all(netns(), root()), 'a node and an observer that wait for an orchestrator', () => {
  test('leave in order when they are told to', async () => {
    const machines = new Machines(join(folder, 'nobody'));
    const [node, observer] = [machines.node(machines.machine(1)), machines.observe()];
    await Promise.all([node, observer].map((one) => one.said(/^waiting: /m)));
    node.kill('SIGTERM');
    observer.kill('SIGINT');
    for (const { ended } of [node, observer]) {
      const { status, stderr } = await ended;
      expect(status, stderr).toBe(0);
      expect(stderr).toMatch(/^waiting: \S+: found no such file; allowed: .*\n$/);
    }
  });
});
