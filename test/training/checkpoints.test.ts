import { expect, it } from 'vitest';
import { allocateReplica, Checkpoints, replicaBytes } from '../../src/training/index.js';

const PARAMETERS = 100;

function setUp() {
  const memory = Checkpoints.allocate(replicaBytes(PARAMETERS));
  return { memory, checkpoints: new Checkpoints(memory), replica: allocateReplica(PARAMETERS) };
}

it('gives back each of the last three rounds, to whoever has the memory, and no other', () => {
  const { memory, checkpoints, replica } = setUp();
  for (let round = 0; round < 5; round++) {
    replica.parameters.fill(round);
    replica.residual.fill(-round);
    checkpoints.save(round, replica.shared);
  }
  const anew = allocateReplica(PARAMETERS);
  for (const round of [3, 4, 2]) {
    new Checkpoints(memory).restore(round, anew.shared);
    expect([anew.parameters[0], anew.parameters.at(-1), anew.residual[7]]).toEqual([round, round, -round]);
  }
  for (const round of [1, 5])
    expect(() => checkpoints.restore(round, anew.shared)).toThrow(
      `no checkpoint of the start of round ${round}`,
    );
});

it('keeps the first only where there are none: who is started anew has them', () => {
  const { checkpoints, replica } = setUp();
  replica.parameters.fill(1);
  checkpoints.saveFirst(replica.shared);
  replica.parameters.fill(2);
  checkpoints.saveFirst(replica.shared);
  checkpoints.restore(0, replica.shared);
  expect(replica.parameters[0]).toBe(1);
});
