import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { pictureOf, textPicture, type PictureOptions } from '../../../src/schedule/drawing/index.js';
import type { TimedOperation } from '../../../src/schedule/timed.js';
import { dataParallel, fragments, names, objectStore, pipeline } from './rounds.js';

function drawn(
  timed: readonly TimedOperation[],
  width: number,
  { colour = false, ...options }: Partial<PictureOptions> & { colour?: boolean } = {},
): string {
  const picture = pictureOf(timed, { names, ...options });
  return picture === undefined ? '' : textPicture(picture, { width, colour });
}

describe('a picture in the terminal', () => {
  it('shows work alone, then chunks that wander round a ring', () => {
    expect(`\n${drawn(dataParallel(3, 'diloco'), 76)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute ┌██████████ 2 inner steps ██████████                           ◆
          send    │                                  0▒▒▒▒▒▒2▒▒▒▒▒▒1██████0██████·
          recv    └                                   2▒▒▒▒▒▒1▒▒▒▒▒▒0██████2██████
      n1  compute ┌██████████ 2 inner steps ██████████                           ◆
          send    │                                  1▒▒▒▒▒▒0▒▒▒▒▒▒2██████1██████·
          recv    └                                   0▒▒▒▒▒▒2▒▒▒▒▒▒1██████0██████
      n2  compute ┌██████████ 2 inner steps ██████████                           ◆
          send    │                                  2▒▒▒▒▒▒1▒▒▒▒▒▒0██████2██████·
          recv    └                                   1▒▒▒▒▒▒0▒▒▒▒▒▒2██████1██████
                   ┴────────────────┴────────────────┴────────────────┴───────────
                   0 s              5 s              10 s             15 s

                   █ compute   ◆ optimizer step   ▒ slice, summed on arrival
                   █ slice, copied on arrival   0 1 2 chunk
                   · less than half busy
      "
    `);
  });

  it('tells the chunks of two ranks apart, where one never jumps in the buffer', () => {
    expect(`\n${drawn(dataParallel(2, 'ddp'), 60)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute ┌███████ gradient ████████                     ◆
          send    │                         0▒▒▒▒▒▒▒▒▒▒1█████████
          recv    └                          1▒▒▒▒▒▒▒▒▒▒0█████████
      n1  compute ┌███████ gradient ████████                     ◆
          send    │                         1▒▒▒▒▒▒▒▒▒▒0█████████
          recv    └                          0▒▒▒▒▒▒▒▒▒▒1█████████
                   ┴─────────┴─────────┴─────────┴─────────┴──────
                   0 s       2 s       4 s       6 s       8 s

                   █ compute   ◆ optimizer step
                   ▒ slice, summed on arrival
                   █ slice, copied on arrival   0 1 chunk
                   · less than half busy
      "
    `);
  });

  it('shows GPipe: all forward passes, then all backward ones', () => {
    expect(`\n${drawn(pipeline('gpipe', 3, 4), 60)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute │0░░1░2░░3░                0████1█████2████3████
      n1  compute │   0░1░░2░3░░        0████1████2█████3████
      n2  compute │     0░░1░2░░3░░0████1████2████3█████
                   ┴────────────┴────────────┴────────────┴───────
                   0 s          5 s          10 s         15 s

                   ░ forward   █ backward   0 1 2 … microbatch
      "
    `);
  });

  it('shows 1F1B', () => {
    expect(`\n${drawn(pipeline('1f1b', 4, 8), 112)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute │0░░1░░2░░3░░                  0█████4░░1█████5░░2█████6░░3█████7░░4█████   5█████   6█████   7█████
      n1  compute │   0░░1░░2░░            0█████3░░1█████4░░2█████5░░3█████6░░4█████7░░5█████   6█████   7█████
      n2  compute │      0░░1░░      0█████2░░1█████3░░2█████4░░3█████5░░4█████6░░5█████7░░6█████   7█████
      n3  compute │         0░░0█████1░░1█████2░░2█████3░░3█████4░░4█████5░░5█████6░░6█████7░░7█████
                   ┴──────────────┴──────────────┴──────────────┴──────────────┴──────────────┴──────────────┴────────
                   0 s            5 s            10 s           15 s           20 s           25 s           30 s

                   ░ forward   █ backward   0 1 2 … microbatch
      "
    `);
  });

  it('shows interleaved chunks in two shades', () => {
    expect(`\n${drawn(pipeline('interleaved', 2, 4, 2), 100)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute │0░░1░░0▒▒▒1▒▒2░░   0▓▓▓▓▓▓3░░1▓▓▓▓▓2▒▒▒0█████3▒▒1██████   2▓▓▓▓▓    3▓▓▓▓▓2██████3█████
      n1  compute │   0░░1░░░0▒▒0▓▓▓▓▓1▒▒▒1▓▓▓▓▓2░░0██████3░░1█████2▒▒▒2▓▓▓▓▓3▒▒3▓▓▓▓▓▓2█████3██████
                   ┴───────────────┴───────────────┴───────────────┴───────────────┴───────────────┴──────
                   0 s             5 s             10 s            15 s            20 s            25 s

                   ░ forward, even model chunk   ▒ forward, odd model chunk   █ backward, even model chunk
                   ▓ backward, odd model chunk   0 1 2 … microbatch
      "
    `);
  });

  it('shows both halves of a backward pass', () => {
    expect(`\n${drawn(pipeline('zb-h1', 3, 5), 70)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute │0░░1░░░2░░       0▓▓0▚▚3░░░1▓▓1▚▚▚4░░2▓▓2▚▚▚3▓▓3▚▚4▓▓▓4▚▚
      n1  compute │   0░░░1░░   0▓▓▓2░░1▓▓0▚▚▚3░░2▓▓▓1▚▚4░░3▓▓▓2▚▚4▓▓3▚▚▚4▚▚
      n2  compute │       0░░0▓▓1░░░1▓▓2░░2▓▓▓0▚▚3░░░3▓▓1▚▚4░░░4▓▓2▚▚3▚▚▚4▚▚
                   ┴───────────────┴────────────────┴────────────────┴──────
                   0 s             5 s              10 s             15 s

                   ░ forward   ▓ backward, by input   ▚ backward, by weight
                   0 1 2 … microbatch
      "
    `);
  });

  it('letters the fragments that are exchanged while work goes on', () => {
    expect(`\n${drawn(fragments(), 74)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute ┌███ 4 steps ██████ 4 steps ███◆███ 4 steps ██◆              ◆
          send    │               A▒▒▒A███       B▒▒▒·B██·      C▒▒▒▒C██·
          recv    └                A▒▒▒A███       B▒▒▒B███       C▒▒▒·C██·
      n1  compute ┌███ 4 steps ██████ 4 steps ███◆███ 4 steps ██◆              ◆
          send    │               A▒▒▒A███       B▒▒▒·B██·      C▒▒▒▒C██·
          recv    └                A▒▒▒A███       B▒▒▒B███       C▒▒▒·C██·
                   ┴──────────────────┴──────────────────┴──────────────────┴───
                   0 s                5 s                10 s               15 s

                   █ compute   ◆ optimizer step   ▒ slice, summed on arrival
                   █ slice, copied on arrival   A B C fragment
                   · less than half busy
      "
    `);
  });

  it('shows an object store: whose object, marks for what takes no time, and waits', () => {
    expect(`\n${drawn(objectStore(), 60)}\n`).toMatchInlineSnapshot(`
      "
      n0  compute ┌███ 2 inner steps ██▾┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▴◆◆◆◆◆◆
          put     │                    0▒▒▒▒▒·
          get     └                          1████·
      n1  compute ┌███ 2 inner steps ██▾┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▴◆◆◆◆◆◆
          put     │                    1▒▒▒▒▒·
          get     └                          0████·
                   ┴─────────┴─────────┴──────────┴─────────┴─────
                   0 s       2 s       4 s        6 s       8 s

                   █ compute   ┄ wait   ▾ compress
                   ▴ sum of contributions   ◆ optimizer step
                   ▒ put   █ get   0 1 owner
                   · less than half busy
      "
    `);
  });

  it('draws a stretch of the round, on the axis of the whole', () => {
    expect(`\n${drawn(pipeline('gpipe', 3, 4), 50, { from: 3, to: 8 })}\n`).toMatchInlineSnapshot(`
      "
      n0  compute │3░░░░░░
      n1  compute │2░░░░░░3░░░░░░░
      n2  compute │1░░░░░░2░░░░░░░3░░░░░░0██████████████
                   ───────┴──────────────┴─────────────┴
                          4 s            6 s

                   ░ forward   █ backward
                   0 1 2 … microbatch
      "
    `);
    expect(drawn(dataParallel(2, 'ddp'), 60, { from: 1000 })).toBe('');
  });

  it('keeps to its width, in colour too', () => {
    const rounds = [
      dataParallel(12, 'diloco', 0.5),
      fragments(),
      objectStore(),
      pipeline('interleaved', 4, 8, 3),
    ];
    for (const timed of rounds) {
      for (const width of [60, 80, 133]) {
        const plain = drawn(timed, width);
        for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
        const coloured = drawn(timed, width, { colour: true });
        expect(coloured).toContain('\u001b[');
        const stripped = stripVTControlCharacters(coloured).split('\n');
        expect(stripped.map((line) => line.trimEnd())).toEqual(plain.split('\n'));
      }
    }
  });

  it('draws the first nodes of many and says how many it does not show', () => {
    const timed = dataParallel(20, 'ddp');
    const picture = drawn(timed, 80);
    expect(picture).toMatch(/^n15 /m);
    expect(picture).not.toMatch(/^n16 /m);
    expect(picture).toContain('… and 4 more of 20 nodes, not shown');
    expect(drawn(timed, 80, { maxNodes: 20 })).toMatch(/^n19 /m);
  });

  it('draws nothing of nothing, and an instant as an instant', () => {
    expect(drawn([], 80)).toBe('');
    const instant = dataParallel(2, 'ddp').filter(({ operation }) => operation.kind === 'outer');
    expect(drawn(instant, 80)).toMatch(/^n1 .*◆/m);
  });
});
