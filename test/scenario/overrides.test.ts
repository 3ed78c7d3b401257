/** `--set` and `--seed`: what they change, and how a wrong one is named. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/index.js';
import { valueAt } from '../../src/scenario/problems.js';
import { EXAMPLE, FILE, ALL_KEYS, refusal } from './example.js';

const loaded = (...sets: string[]) => parseScenario(EXAMPLE, FILE, { sets });

describe('a value set', () => {
  it.each<[string, (string | number)[], unknown]>([
    ['protocol.innerSteps=7', ['protocol', 'innerSteps'], 7],
    ['nodes.0.uplink=10 Mbit/s', ['nodes', 0, 'uplink'], 10e6],
    ['nodes.0.downlink=5 MB/s', ['nodes', 0, 'downlink'], 40e6],
    ['protocol.outer.momentum=0.5', ['protocol', 'outer', 'momentum'], 0.5],
    ['wan.loss=0.1 %', ['wan', 'loss', 'probability'], 0.001],
    ['wan.queue=64 KiB', ['wan', 'queue'], { bytes: 65536 }],
    ['transport.tls=false', ['transport', 'tls'], false],
    ['description="a: b = c"', ['description'], 'a: b = c'],
    ['regions.delays.eu-west--us-east=9 ms', ['regions', 'delays', 'eu-west--us-east'], 0.009],
  ])('%s', (set, path, value) => expect(valueAt(loaded(set), path)).toEqual(value));

  it('leaves the rest as it is', () => {
    expect({ ...loaded('rounds=9'), rounds: 2 }).toEqual(loaded());
  });

  it('of two for one path the later wins, and --seed wins over all', () => {
    expect(loaded('rounds=3', 'rounds=4').rounds).toBe(4);
    expect(parseScenario(EXAMPLE, FILE, { sets: ['seed=3'], seed: 5 }).seed).toBe(5);
  });

  it('may turn a protocol into another, its parameters given in any order', () => {
    const ddp = EXAMPLE.replace('kind: diloco\n  innerSteps: 4', 'kind: ddp');
    for (const sets of [
      ['protocol.kind=diloco', 'protocol.innerSteps=3'],
      ['protocol.innerSteps=3', 'protocol.kind=diloco'],
    ])
      expect(parseScenario(ddp, FILE, { sets }).protocol).toMatchObject({ kind: 'diloco', innerSteps: 3 });
  });
});

describe('a wrong --set', () => {
  it.each<[string[], string]>([
    [
      ['protocol.inerSteps=4'],
      '--set protocol.inerSteps=4: protocol.inerSteps: found no such path; allowed under protocol: kind, innerSteps, outer, overlap, collective, compression, slice, fragments, pattern, delay, mix, windowSteps, gather, store, schedule, stages, microbatches, chunks, activations (did you mean innerSteps?)',
    ],
    [
      ['round=4'],
      `--set round=4: round: found no such path; allowed at the top: ${ALL_KEYS} (did you mean rounds?)`,
    ],
    [
      ['rounds.x=1'],
      '--set rounds.x=1: rounds.x: found no such path; allowed under rounds: nothing, it is an integer from 1 to 100000',
    ],
    [
      ['nodes.first.uplink=1'],
      '--set nodes.first.uplink=1: nodes.first.uplink: found no such path; allowed under nodes: an index, counting from 0',
    ],
    [
      ['nodes.2.uplink=1 bit/s'],
      '--set nodes.2.uplink=1 bit/s: nodes.2.uplink: found no such item; allowed under nodes: an index from 0 to 1',
    ],
    [
      ['regions.delays.x=1 s'],
      '--set regions.delays.x=1 s: regions.delays.x: found no such path; allowed under regions.delays: a pair of regions, e.g. us-east--eu-west',
    ],
    [
      ['__proto__.x=1'],
      `--set __proto__.x=1: __proto__.x: found no such path; allowed at the top: ${ALL_KEYS}`,
    ],
    [['rounds'], '--set rounds: found no "path="; allowed: path=value, e.g. rounds=3'],
    [['=3'], '--set =3: found no "path="; allowed: path=value, e.g. rounds=3'],
    [
      ['description=a: b'],
      '--set description=a: b: found a map; allowed: one value; quote text with ":" in it',
    ],
    [['rounds=0'], '--set rounds=0: rounds: found 0; allowed: an integer from 1 to 100000'],
    [['rounds='], '--set rounds=: rounds: found an empty value; allowed: an integer from 1 to 100000'],
    [
      ['nodes.1.region=us-east'],
      `${FILE}:10 with --set nodes.1.region=us-east: nodes.1.name: found "us-east", a node of nodes.0 too; allowed: a name of its own for each node`,
    ],
    [
      ['protocol.kind=ddp'],
      `${FILE}:6 with --set protocol.kind=ddp: protocol.innerSteps: found an unknown key; allowed: kind, collective, compression, slice`,
    ],
  ])('%j', (sets, message) => expect(refusal(EXAMPLE, { sets })).toBe(message));

  it('is named only for what it caused; the rest keeps its line', () => {
    const lines = refusal(EXAMPLE.replace('10 Mbit/s', 'fast'), { sets: ['pace=0 s'] }).split('\n');
    expect(lines.map((line) => line.split(': found')[0])).toEqual([
      '--set pace=0 s: pace',
      `${FILE}:11: nodes.1.uplink`,
    ]);
  });

  it('a wrong --seed is named too', () => {
    expect(refusal(EXAMPLE, { seed: -1 })).toBe(
      '--seed -1: seed: found -1; allowed: an integer from 0 to 4294967295',
    );
  });
});
