import { describe, expect, it } from 'vitest';
import { axis, busiest } from '../../../src/schedule/drawing/raster.js';

describe('busiest', () => {
  it('gives a cell to what fills most of it, and says how full it is', () => {
    const bars = [
      { from: 0, to: 1.2, what: 'a' },
      { from: 1.2, to: 1.9, what: 'b' },
      { from: 3.25, to: 3.5, what: 'c' },
    ];
    const row = busiest(bars, 5).map((cell) => cell && `${cell.what} ${cell.share.toFixed(2)}`);
    expect(row).toEqual(['a 1.00', 'b 0.90', undefined, 'c 0.25', undefined]);
  });

  it('adds up pieces of the same, and cuts off what lies outside', () => {
    const bars = [
      { from: -3, to: 0.2, what: 'a' },
      { from: 0.2, to: 0.55, what: 'b' },
      { from: 0.6, to: 9, what: 'a' },
    ];
    expect(busiest(bars, 2).map((cell) => cell?.what)).toEqual(['a', 'a']);
  });
});

describe('axis', () => {
  it('puts ticks at 1, 2 or 5 times a power of ten, at least ten cells apart', () => {
    expect(axis(0, 5, 50)).toEqual([
      '┴─────────┴─────────┴─────────┴─────────┴────────┴',
      '0 s       1 s       2 s       3 s       4 s',
    ]);
    expect(axis(0, 0.04, 30)).toEqual(['┴──────────────┴─────────────┴', '0 ms           20 ms']);
    for (const seconds of [0.003, 0.7, 1, 12, 999, 86_400]) {
      const [ticks, labels] = axis(0, seconds, 70);
      expect(ticks).toHaveLength(70);
      expect(labels.length).toBeLessThanOrEqual(70);
      const at = [...ticks].flatMap((tick, cell) => (tick === '┴' ? [cell] : []));
      for (const [i, cell] of at.slice(1, -1).entries())
        expect(cell - (at[i] ?? 0)).toBeGreaterThanOrEqual(10);
      expect(at.length).toBeGreaterThanOrEqual(3);
    }
  });
});
