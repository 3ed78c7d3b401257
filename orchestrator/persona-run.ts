/**
 * The orchestrator's part in a persona: it has the nodes do their opening habits one after the other, and takes
 * down what they said by all habits in the end. What they say, they say to each other.
 */
import type { ControlTally__Output } from '../proto/types/meshbeat/control/v1/ControlTally.js';
import {
  carriedHabits,
  isOpening,
  leftOutTexts,
  personaOf,
  type Carried,
  type PersonaName,
} from '../src/persona/index.js';
import type { RunListener } from '../src/run/events.js';
import type { TraceControl } from '../src/run/files.js';
import type { Scenario, Topology } from '../src/scenario/index.js';
import type { Fabric } from '../src/wan/fabric.js';
import type { Members } from './members.js';

/** What nodes said besides tensors. */
export interface Control {
  readonly persona: PersonaName;
  readonly habits: Carried;
  /** By rank. */
  readonly tallies: readonly (readonly ControlTally__Output[])[];
}

export class PersonaRun {
  readonly #name: PersonaName;
  readonly #habits: Carried;
  readonly #topology: Topology;

  private constructor(name: PersonaName, habits: Carried, topology: Topology) {
    this.#name = name;
    this.#habits = habits;
    this.#topology = topology;
  }

  /** Undefined where the scenario has no persona. */
  static of(
    { persona: choice, control }: Scenario,
    { packetLevel, topology }: Pick<Fabric, 'packetLevel' | 'topology'>,
  ): PersonaRun | undefined {
    const persona = personaOf(choice);
    if (persona === undefined) return undefined;
    const habits = carriedHabits(persona, { control, datagrams: packetLevel });
    return new PersonaRun(persona.name, habits, topology);
  }

  /** Before training: what the system does, one habit after the other, all nodes at once; says what is left out. */
  async open(members: Members, emit: RunListener): Promise<void> {
    for (const text of leftOutTexts(this.#habits.leftOut))
      emit({ type: 'stage', text: `as ${this.#name}, but ${text}` });
    for (const { index, habit } of this.#habits.carried) {
      if (!isOpening(habit)) continue;
      emit({ type: 'stage', text: `as ${this.#name}: ${habit.name}` });
      for (const { rank } of this.#topology.nodes) members.tell(rank, { open: { habit: index } });
      await members.all('opened');
    }
  }

  /** What nodes have counted, by rank, as lines of a trace whose origin is so many seconds since 1970. */
  trace(tallies: Control['tallies'], origin: number): TraceControl[] {
    const habits = new Map(this.#habits.carried.map(({ index, habit }) => [index, habit]));
    return tallies.flatMap((ofNode, rank) =>
      ofNode.map(({ habit: index, peer, exchanges, sentBytes, receivedBytes, start, end }) => {
        const { kind, name: habit } = habits.get(index)!;
        const node = this.#topology.nodes[rank]!.name;
        const counts = { exchanges, sentBytes, receivedBytes };
        const times = { start: start - origin, end: end - origin };
        return { type: 'control', node, rank, kind, habit, peer, ...counts, ...times };
      }),
    );
  }

  control(tallies: Control['tallies']): Control {
    return { persona: this.#name, habits: this.#habits, tallies };
  }
}
