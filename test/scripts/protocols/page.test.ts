import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { pageOf, type Chapter } from '../../../scripts/protocols/page.js';
import type { Result } from '../../../scripts/protocols/results.js';
import { sectionOf } from '../../../scripts/protocols/sections.js';
import { loadScenario, type Scenario } from '../../../src/scenario/index.js';
import { PROJECT } from '../../support/meshbeat.js';

const files = readdirSync(join(PROJECT, 'scenarios')).filter((file) => file.endsWith('.yaml'));
const load = (file: string, ...sets: string[]): Scenario =>
  loadScenario(join(PROJECT, 'scenarios', file), { sets });

const result: Result = {
  fabric: 'netns',
  rounds: 10,
  nodes: 4,
  heartbeat: {
    periodSeconds: 5.1,
    periodCv: 0.01,
    burstBytesPerNode: 5.3e6,
    burstSeconds: 1.2,
    dutyCycle: 0.24,
    count: 10,
  },
  expected: { periodSeconds: 5, burstSeconds: 1.1, burstBytesPerNode: 5.3e6, dutyCycle: 0.22 },
  training: { parameters: 8, initialLoss: 5.5, finalLoss: 3.2, weightsSha256: 'ab'.repeat(32) },
  utilization: 0.7,
  capture: { file: 'capture.pcapng', kind: 'tcpdump', packets: 10, bytes: 1000 },
  gate: { verdict: 'invalid', failed: ['captured TCP payload'] },
  payload: { expected: 198e6, measured: 100e6 },
  durationSeconds: 60,
  connections: { tcp: 8, mostPerPair: 2, udp: 0 },
};

function chapter(file: string, of?: Result): Chapter {
  const name = basename(file, '.yaml');
  const closedForm = { text: '2·V·(N−1)/N', bytesByRank: [4e6, 5e6] };
  return { name, scenario: load(file), comment: ['What it is.'], closedForm, result: of };
}

it('has a chapter for each scenario, whether it was run or not', () => {
  const page = pageOf(files.map((file) => chapter(file)));
  for (const file of files) {
    const name = basename(file, '.yaml');
    expect(page).toContain(`\n### ${name}\n\nWhat it is.\n`);
    expect(page).toContain(`](images/protocols/${name}.svg)`);
    expect(page).toContain(`| [${name}](#${name}) |`);
  }
});

it('says of a run what was measured, and that it is no evidence', () => {
  const page = pageOf([chapter('diloco.yaml', result)]);
  expect(page).toContain('| period | 5 s | 5.1 s |');
  expect(page).toContain('2·V·(N−1)/N. Here: 4 MB to 5 MB.');
  expect(page).toContain('- Connections: 8 over TCP, at most 2 between two hosts.\n');
  expect(page).toContain('- TCP payload: 100 MB, by the schedules 198 MB.\n');
  expect(page).toContain('- Gate: invalid (captured TCP payload), on fabric netns');
  expect(page).toContain('](images/protocols/diloco-egress.svg)');
  expect(pageOf([chapter('diloco.yaml', { ...result, heartbeat: null })])).toContain('No regular bursts');
});

it.each([
  ['Data parallelism', 'ddp.yaml', []],
  ['Collectives', 'ddp.yaml', ['protocol.collective=butterfly']],
  ['Compression', 'diloco.yaml', ['protocol.compression.kind=int8']],
  ['Streaming and eager exchange', 'diloco.yaml', ['protocol.overlap=eager']],
  ['Personas', 'diloco.yaml', ['persona=torchft']],
])('finds the section %s by what is special', (title, file, sets) => {
  expect(sectionOf(load(file, ...sets)).title).toBe(title);
});
