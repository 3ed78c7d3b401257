/**
 * Which of a persona's habits a run has: what the scenario leaves of them, and what the network can carry.
 *
 * Nothing is left out in silence: what is, is named with its reason, in the run's output and in summary.json.
 */
import type { Scenario } from '../scenario/schema.js';
import { isDatagram, type Habit, type Persona } from './persona.js';

/** A habit with its position among those of its persona, which is what it is known by between machines. */
export interface CarriedHabit<H extends Habit = Habit> {
  readonly index: number;
  readonly habit: H;
}

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export interface Carried {
  readonly carried: readonly CarriedHabit[];
  readonly leftOut: readonly LeftOut[];
}

/** @param datagrams whether the network passes them */
export function carriedHabits(
  persona: Persona,
  { control, datagrams }: { readonly control: Scenario['control']; readonly datagrams: boolean },
): Carried {
  const carried: CarriedHabit[] = [];
  const leftOut: LeftOut[] = [];
  persona.habits.forEach((habit, index) => {
    const reason = obstacle(habit, control, datagrams);
    if (reason === undefined) carried.push({ index, habit: shortened(habit, control) });
    else leftOut.push({ name: habit.name, reason });
  });
  return { carried, leftOut };
}

/** "without QUIC keep-alive, re-broadcast, since this fabric passes no datagrams": one text for each reason. */
export function leftOutTexts(leftOut: readonly LeftOut[]): string[] {
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const names = leftOut.filter((one) => one.reason === reason).map(({ name }) => name);
    return `without ${names.join(', ')}, since ${reason}`;
  });
}

function obstacle(habit: Habit, control: Scenario['control'], datagrams: boolean): string | undefined {
  if (habit.kind === 'probe' && control.probe === 0) return 'control.probe is 0';
  if (habit.kind === 'download' && !control.join) return 'control.join is false';
  if (isDatagram(habit) && !datagrams) return 'this fabric passes no datagrams';
  return undefined;
}

/** A probe within the time that the scenario gives it. */
function shortened(habit: Habit, { probe }: Scenario['control']): Habit {
  if (habit.kind !== 'probe' || habit.seconds.value <= probe) return habit;
  return { ...habit, seconds: { ...habit.seconds, value: probe } };
}
