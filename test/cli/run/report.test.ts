/** The last page of a good run, of a bad one, and of one that broke off. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../src/cli/run/report.js';
import type { RunSummary } from '../../../src/run/files.js';

const valid: RunSummary = {
  scenario: 'diloco',
  protocol: 'diloco',
  nodes: 4,
  rounds: 10,
  seed: 1,
  tunnel: null,
  fabric: 'netns',
  durationSeconds: 62.31,
  heartbeat: {
    periodSeconds: 5.3791,
    periodCv: 0.00412,
    burstBytesPerNode: 5_163_000,
    burstSeconds: 1.3511,
    dutyCycle: 0.2512,
    count: 10,
  },
  expected: { periodSeconds: 5.362, burstSeconds: 1.362, burstBytesPerNode: 5_203_000, dutyCycle: 0.254 },
  training: {
    parameters: 820_480,
    initialLoss: 5.6311,
    finalLoss: 3.0127,
    weightsSha256: '0123456789abcdef'.repeat(4),
  },
  utilization: 0.7432,
  capture: { file: 'capture.pcapng', kind: 'tcpdump', packets: 163_204, bytes: 206_412_345 },
  observations: [],
  control: null,
  programs: [],
  events: [],
  gate: {
    verdict: 'valid',
    checks: [
      {
        name: 'round trip us-east → us-west',
        expected: 0.0622,
        measured: 0.06271,
        tolerance: 0.002,
        unit: 's',
        ok: true,
      },
      {
        name: 'rate us-east → us-west',
        expected: 40e6,
        measured: 39.71e6,
        tolerance: 2e6,
        unit: 'bit/s',
        ok: true,
      },
      {
        name: 'loss us-east → us-west',
        expected: 0,
        measured: 0,
        tolerance: 0.0125,
        unit: 'share',
        ok: true,
      },
      {
        name: 'steps that missed their pace',
        expected: null,
        measured: 0,
        tolerance: 0,
        unit: 'steps',
        ok: true,
      },
    ],
  },
};

const invalid: RunSummary = {
  ...valid,
  heartbeat: null,
  capture: null,
  training: { ...valid.training, finalLoss: 6 },
  gate: {
    verdict: 'invalid',
    checks: [
      {
        name: 'steps that missed their pace',
        expected: null,
        measured: 3,
        tolerance: 0,
        unit: 'steps',
        ok: false,
      },
      {
        name: 'event loop hold-up, longest',
        expected: null,
        measured: 0.012,
        tolerance: 0.25,
        unit: 's',
        ok: true,
      },
      {
        name: 'captured TCP payload',
        expected: 206_400_000,
        measured: 180_000_000,
        tolerance: 6_192_000,
        unit: 'bytes',
        ok: false,
      },
    ],
  },
};

const directory = 'runs/20260101-120000-diloco';
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

describe('renderReport', () => {
  it('shows a valid run', () => {
    expect(renderReport(valid, { directory })).toMatchInlineSnapshot(`
      "diloco: 4 nodes, 10 rounds of diloco, seed 1, fabric netns, 62.3 s

      ┌──────────────────────────┬──────────┬──────────┬───────────┐
      │ heartbeat                │ measured │ expected │ deviation │
      ├──────────────────────────┼──────────┼──────────┼───────────┤
      │ period                   │   5.38 s │   5.36 s │    +0.3 % │
      │ CV of period             │   0.0041 │          │           │
      │ bytes per burst and node │  5.16 MB │   5.2 MB │    -0.8 % │
      │ length of a burst        │   1.35 s │   1.36 s │    -0.8 % │
      │ duty cycle               │   25.1 % │   25.4 % │    -1.1 % │
      │ bursts in 10 rounds      │       10 │          │           │
      └──────────────────────────┴──────────┴──────────┴───────────┘

      capture      capture.pcapng (tcpdump), 163204 packets, 206 MB
      loss         5.631 → 3.013 nats per byte (down 2.618)
      weights      820480 parameters, SHA-256 0123456789ab…
      utilization  74.3 % of the time was compute
      directory    runs/20260101-120000-diloco

      ┌──────────────────────────────┬─────────────┬───────────┬─────────────────┬─────┐
      │ gate                         │    measured │  expected │       tolerance │ ok  │
      ├──────────────────────────────┼─────────────┼───────────┼─────────────────┼─────┤
      │ round trip us-east → us-west │     62.7 ms │   62.2 ms │          ± 2 ms │ yes │
      │ rate us-east → us-west       │ 39.7 Mbit/s │ 40 Mbit/s │      ± 2 Mbit/s │ yes │
      │ loss us-east → us-west       │         0 % │       0 % │        ± 1.25 % │ yes │
      │ steps that missed their pace │     0 steps │           │ at most 0 steps │ yes │
      └──────────────────────────────┴─────────────┴───────────┴─────────────────┴─────┘

      gate valid
      "
    `);
  });

  it('shows an invalid run, with its reasons in the last line', () => {
    expect(renderReport(invalid, { directory })).toMatchInlineSnapshot(`
      "diloco: 4 nodes, 10 rounds of diloco, seed 1, fabric netns, 62.3 s

      ┌──────────────────────────┬──────────┬──────────┬───────────┐
      │ heartbeat                │ measured │ expected │ deviation │
      ├──────────────────────────┼──────────┼──────────┼───────────┤
      │ period                   │        – │   5.36 s │           │
      │ CV of period             │        – │          │           │
      │ bytes per burst and node │        – │   5.2 MB │           │
      │ length of a burst        │        – │   1.36 s │           │
      │ duty cycle               │        – │   25.4 % │           │
      │ bursts in 10 rounds      │        – │          │           │
      └──────────────────────────┴──────────┴──────────┴───────────┘
      no heartbeat was found: no capture, or no regular bursts in it

      capture      none
      loss         5.631 → 6.000 nats per byte (up 0.369)
      weights      820480 parameters, SHA-256 0123456789ab…
      utilization  74.3 % of the time was compute
      directory    runs/20260101-120000-diloco

      ┌──────────────────────────────┬──────────┬──────────┬─────────────────┬─────┐
      │ gate                         │ measured │ expected │       tolerance │ ok  │
      ├──────────────────────────────┼──────────┼──────────┼─────────────────┼─────┤
      │ steps that missed their pace │  3 steps │          │ at most 0 steps │ NO  │
      │ event loop hold-up, longest  │    12 ms │          │  at most 250 ms │ yes │
      │ captured TCP payload         │   180 MB │   206 MB │       ± 6.19 MB │ NO  │
      └──────────────────────────────┴──────────┴──────────┴─────────────────┴─────┘

      gate invalid: steps that missed their pace was 3 steps (at most 0 steps); captured TCP payload was 180 MB (expected 206 MB ± 6.19 MB)
      "
    `);
  });

  it('never calls a run valid that broke off', () => {
    expect(lastLine(renderReport(valid, { directory, failure: 'disk full' }))).toBe(
      'gate invalid: the run broke off: disk full',
    );
    expect(lastLine(renderReport(invalid, { directory, failure: 'disk full' }))).toMatch(
      /^gate invalid: the run broke off: disk full; steps that missed/,
    );
  });

  it('says so when nothing was checked', () => {
    const unchecked: RunSummary = { ...valid, gate: { verdict: 'invalid', checks: [] } };
    expect(lastLine(renderReport(unchecked, { directory }))).toBe('gate invalid: no check was made');
  });

  it('has colours only when asked to', () => {
    for (const summary of [valid, invalid]) {
      const text = renderReport(summary, { directory });
      expect(text).not.toContain('\x1b');
      const coloured = renderReport(summary, { directory, colour: true });
      expect(coloured).not.toBe(text);
      expect(stripVTControlCharacters(coloured)).toBe(text);
    }
  });
});
