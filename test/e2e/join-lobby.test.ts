/**
 * Coming and going before a run begins: who is turned away, and what both sides say then; who may leave, and
 * whose place another can take. What the others learn does not depend on any of it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { loadScenario } from '../../src/scenario/index.js';
import { joinTokenText, type JoinToken } from '../../src/transport/join-token.js';
import { scratchFolder } from '../support/files.js';
import { addressOf, Machines, type Machine } from '../support/machines.js';
import { completed, TINY, type CompletedRun, type Running } from '../support/meshbeat.js';
import { all, netns, root, tools } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';

const folder = scratchFolder();
const needs = all(netns(), root(), tools('tcpdump'));

const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

/** A token in a file of its own. */
function written(name: string, token: JoinToken): string {
  const file = join(folder, name);
  writeFileSync(file, joinTokenText(token));
  return file;
}

const letIn = (...nodes: readonly Running[]): Promise<unknown> =>
  Promise.all(nodes.map((node) => node.said(/has let us in/)));

/** Everyone who came, in the order of their coming. */
async function comings(machines: Machines, boxes: readonly [Machine, Machine, Machine, Machine]) {
  const orchestrator = machines.orchestrate(TINY);
  await orchestrator.said(/waiting for nodes \(0 of 3\) and the observer, who captures/);
  const { token } = machines;
  const [steadfast, leaver] = [machines.node(boxes[0]), machines.node(boxes[1])];
  await letIn(steadfast, leaver);

  const forged = written('forged', { ...token, secret: random(24) });
  const forger = machines.node(boxes[3], { tokenFile: forged });
  const twin = machines.node(boxes[0]);
  await Promise.all([forger.ended, twin.ended]);

  leaver.kill('SIGTERM');
  await orchestrator.said(/box-2 at \S+ left before the start\nwaiting for nodes \(1 of 3\)/);
  const others = [machines.node(boxes[1]), machines.node(boxes[2])];
  await letIn(...others);
  const surplus = machines.node(boxes[3]);
  await surplus.ended;

  const observer = machines.observe();
  await orchestrator.said(/the nodes take their seats/);
  const late = machines.node(boxes[3]);
  const run = completed(await orchestrator.ended, machines.out);
  return {
    run,
    token,
    observer,
    mesh: [steadfast, ...others],
    leaver,
    forger,
    twin,
    surplus,
    late,
  };
}

/** A node with the token of one orchestrator at the door of another, which waits until it is told to end. */
async function mistake(machines: Machines) {
  const orchestrator = machines.orchestrate(TINY);
  await orchestrator.said(/waiting for nodes/);
  const { token } = machines;
  const tokenFile = written('foreign', { ...token, authorityHash: random(32) });
  return { orchestrator, stranger: machines.node(machines.machine(1), { tokenFile }) };
}

describeIf(needs, 'a lobby where nodes come and go', () => {
  let machines: Machines;
  let boxes: [Machine, Machine, Machine, Machine];
  let came: Awaited<ReturnType<typeof comings>>;
  let run: CompletedRun;
  let elsewhere: Awaited<ReturnType<typeof mistake>>;

  beforeAll(async () => {
    // Its node goes on trying for a while, since its token could be that of a run before.
    elsewhere = await mistake(new Machines(join(folder, 'elsewhere')));
    machines = new Machines(join(folder, 'lobby'));
    boxes = [machines.machine(1), machines.machine(2), machines.machine(3), machines.machine(4)];
    came = await comings(machines, boxes);
    ({ run } = came);
  });

  test.each([
    ['a wrong secret', 'forger', 3, 'wrong or missing join token'],
    ['a second node at an address', 'twin', 0, 'a node at ADDRESS has joined already'],
    ['one more than are wanted', 'surplus', 3, 'all 3 nodes of the mesh are here'],
    ['one that is late', 'late', 3, 'the run has begun, and takes nobody in any more'],
  ] as const)('%s is refused, and both sides say so', async (_, who, box, words) => {
    const address = addressOf(boxes[box]);
    const reason = words.replace('ADDRESS', address);
    const { status, stderr } = await came[who].ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^meshbeat: the orchestrator at \\S+: ${reason}\n$`, 'm'));
    expect(run.ended.stderr).toContain(`refused ${boxes[box].name} at ${address}: ${reason}\n`);
  });

  test('a token of another orchestrator: the node trusts none but that, and tells it nothing', async () => {
    const { status, stderr } = await elsewhere.stranger.ended;
    expect(status).toBe(1);
    const reason = 'the orchestrator at \\S+:8471 is not the one of this join token';
    expect(stderr).toMatch(new RegExp(`^waiting: ${reason}\nmeshbeat: ${reason}\n$`));
    elsewhere.orchestrator.kill('SIGTERM');
    expect((await elsewhere.orchestrator.ended).stderr).not.toMatch(/joined|refused/);
  });

  test('a node that leaves before the start is missed, and its place is free', async () => {
    const { status, stderr } = await came.leaver.ended;
    expect(status, stderr).toBe(0);
    const place = `box-2 at ${addressOf(boxes[1])}`;
    expect(run.ended.stderr).toMatch(
      new RegExp(`^${place} has joined .*^${place} left .*^${place} has joined`, 'ms'),
    );
  });

  test('the run is the same for those who took part', async () => {
    expect(run.summary.training).toEqual(expect.objectContaining(await referenceOf(loadScenario(TINY))));
    for (const { ended } of [...came.mesh, came.observer]) {
      const { status, stderr } = await ended;
      expect(status, stderr).toBe(0);
    }
  });

  test('the token ends with its orchestrator, and nobody tells it', async () => {
    expect(existsSync(machines.tokenFile)).toBe(false);
    await machines.expectNothingTold([came.token.secret]);
  });
});
