/** The data of personas: complete, sourced, and possible. */
import { describe, expect, test } from 'vitest';
import { HEADER_BYTES } from '../../nodes/chatter/message.js';
import {
  bytesOf,
  carriedHabits,
  isOpening,
  personaOf,
  personas,
  type Figure,
  type Size,
} from '../../src/persona/index.js';

const all = Object.entries(personas);

/** Everything in the data that has a source, figures and habits, with the place where it stands. */
function figuresIn(
  value: unknown,
  place: string,
): { place: string; figure: Partial<Figure<unknown>> & { source: string } }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, part]) => figuresIn(part, `${place}.${key}`));
  return 'source' in value ? [{ place, figure: value as Figure<unknown> }, ...inside] : inside;
}

describe.each(all)('%s', (name, persona) => {
  const figures = figuresIn(persona, name);

  test('is known by its name', () => {
    expect(persona.name).toBe(name);
    expect(personaOf(persona.name)).toBe(persona);
    expect(persona.system).not.toBe('');
    expect(persona.protocols.length).toBeGreaterThan(0);
  });

  test('names a source for each figure', () => {
    expect(figures.length).toBeGreaterThan(1);
    for (const { place, figure } of figures) expect(figure.source.length, place).toBeGreaterThan(10);
  });

  test('has positive numbers, but where there is no answer', () => {
    for (const { place, figure } of figures) {
      if (typeof figure.value !== 'number') continue;
      const least = place.endsWith('.response') ? 0 : Number.MIN_VALUE;
      expect(figure.value, place).toBeGreaterThanOrEqual(least);
    }
  });

  test('has messages of whole bytes, with room for the header that they have here', () => {
    const sizes = persona.habits.flatMap((habit): Size[] => {
      if (habit.kind === 'probe') return [];
      return habit.kind === 'download' ? [habit.request] : [habit.request, habit.response];
    });
    for (const size of sizes) {
      const bytes = bytesOf(size, 4);
      expect(Number.isInteger(bytes), size.source).toBe(true);
      if (bytes > 0) expect(bytes, size.source).toBeGreaterThanOrEqual(HEADER_BYTES);
    }
  });

  test('has habits of distinct names, and sends no datagram that an MTU of 1500 would cut', () => {
    const names = persona.habits.map((habit) => habit.name);
    expect(new Set(names).size).toBe(names.length);
    for (const habit of persona.habits) {
      if (isOpening(habit) || habit.transport === 'tcp') continue;
      expect(bytesOf(habit.request, 100)).toBeLessThanOrEqual(1472);
      expect(bytesOf(habit.response, 100)).toBeLessThanOrEqual(1472);
    }
  });
});

describe('the habits that a run has', () => {
  const control = { probe: 1, join: true };

  test('are all of them where datagrams pass', () => {
    const { carried, leftOut } = carriedHabits(personas.psyche, { control, datagrams: true });
    expect(carried.map(({ habit }) => habit)).toEqual(personas.psyche.habits);
    expect(carried.map(({ index }) => index)).toEqual([...personas.psyche.habits.keys()]);
    expect(leftOut).toEqual([]);
  });

  test('are without datagrams where none pass, and it is said', () => {
    const { carried, leftOut } = carriedHabits(personas.psyche, { control, datagrams: false });
    expect(carried.map(({ habit }) => habit.name)).toEqual(['model sharing']);
    expect(leftOut.map(({ name }) => name)).toContain('QUIC keep-alive');
    expect(new Set(leftOut.map(({ reason }) => reason))).toEqual(
      new Set(['this fabric passes no datagrams']),
    );
  });

  test('have probes within the time that the scenario gives them', () => {
    const secondsWith = (probe: number) =>
      carriedHabits(personas.pccl, { control: { ...control, probe }, datagrams: true }).carried.flatMap(
        ({ habit }) => (habit.kind === 'probe' ? [habit.seconds.value] : []),
      );
    expect(secondsWith(0.25)).toEqual([0.25]);
    expect(secondsWith(60)).toEqual([10]);
    expect(secondsWith(0)).toEqual([]);
  });

  test('have no download where nobody is to join', () => {
    const { carried, leftOut } = carriedHabits(personas.torchft, {
      control: { ...control, join: false },
      datagrams: true,
    });
    expect(carried.some(({ habit }) => habit.kind === 'download')).toBe(false);
    expect(leftOut).toEqual([{ name: 'healing', reason: 'control.join is false' }]);
  });
});
