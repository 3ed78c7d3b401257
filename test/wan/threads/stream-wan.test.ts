/** The WAN of the stream relay, in virtual time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/random.js';
import type { Path } from '../../../src/scenario/topology.js';
import { StreamWan, type Traveller } from '../../../src/wan/threads/stream-wan.js';
import { clean, losing, uniformTopology, varying } from '../topologies.js';
import { CALM } from '../../../src/scenario/weather.js';

interface Parcel extends Traveller {
  readonly id: number;
}

interface Sighting {
  readonly id: number;
  readonly at: number;
}

const RATE = 8e6; // a byte in a microsecond

function trial(size: number, path: Path, seed = 1) {
  const wan = new StreamWan<Parcel>(
    uniformTopology(size, { uplink: RATE, downlink: RATE }, path),
    new Random(seed, 'test'),
  );
  const departed: Sighting[] = [];
  const arrived: Sighting[] = [];
  let lost = 0;
  let parcels = 0;
  /** Lets time run, event by event. */
  const runUntil = (instant: number): void => {
    for (let next = wan.nextEvent(); next <= instant && next < Infinity; next = wan.nextEvent()) {
      wan.release(next, {
        departed: ({ id, due }) => departed.push({ id, at: due }),
        arrived: ({ id, due }) => arrived.push({ id, at: due }),
        lost: () => lost++,
      });
    }
  };
  const send = (from: number, to: number, bytes: number, now: number, reliable = true): number => {
    runUntil(now);
    const id = parcels++;
    wan.send({ id, bytes, reliable, lane: wan.laneOf(from, to), due: 0 }, now);
    return id;
  };
  return { wan, departed, arrived, lost: () => lost, send, run: () => runUntil(Infinity) };
}

describe('StreamWan', () => {
  test('takes one serialization at each link, and the delay between', () => {
    const { send, run, departed, arrived } = trial(2, { delay: 0.02, ...CALM });
    send(0, 1, 1000, 5);
    run();
    expect(departed[0]!.at).toBeCloseTo(5.001, 9);
    expect(arrived[0]!.at).toBeCloseTo(5.022, 9);
  });

  test('over a cut pair nothing arrives; when it is joined all is sent again, in order', () => {
    const { wan, send, run, arrived, lost } = trial(3, { delay: 0.02, ...CALM });
    const nothing = {
      at: 0,
      kind: 'partition',
      event: 0,
      cut: [],
      joined: [],
      links: [],
      paths: [],
      hosts: [],
    } as const;
    const onItsWay = send(0, 1, 1000, 0);
    const byOthers = send(0, 2, 1000, 0.01);
    wan.apply({ ...nothing, cut: [[0, 1]] }, 0.01);
    const waiting = send(0, 1, 1000, 0.03);
    send(0, 1, 40, 0.04, false); // an acknowledgement, which nobody repeats
    run();
    expect(arrived.map(({ id }) => id)).toEqual([byOthers]);
    expect(lost()).toBe(3);
    expect([wan.committedBytes(1), wan.isCut(1, 0), wan.isCut(0, 2)]).toEqual([0, true, false]);
    wan.apply({ ...nothing, joined: [[0, 1]] }, 1);
    run();
    expect(arrived.map(({ id }) => id)).toEqual([byOthers, onItsWay, waiting]);
    expect(arrived[1]!.at).toBeCloseTo(1.022, 9);
    expect(wan.committedBytes(1)).toBe(0);
  });

  test('an uplink is shared by all who send over it, in order of arrival', () => {
    const { send, run, departed } = trial(3, { delay: 0.02, ...CALM });
    const ids = [send(0, 1, 1000, 0), send(0, 2, 500, 0), send(0, 1, 1000, 0)];
    run();
    expect(departed.map(({ id }) => id)).toEqual(ids);
    departed.forEach(({ at }, index) => expect(at).toBeCloseTo([0.001, 0.0015, 0.0025][index]!, 9));
  });

  test('a downlink is shared by all who send to it', () => {
    const { send, run, arrived } = trial(3, { delay: 0.02, ...CALM });
    send(0, 2, 1000, 0);
    send(1, 2, 1000, 0);
    run();
    expect(arrived[0]!.at).toBeCloseTo(0.022, 9);
    expect(arrived[1]!.at).toBeCloseTo(0.023, 9);
  });

  test('what is lost leaves again one round trip later; acknowledgements do not', () => {
    const path = { ...clean(0.02), loss: losing(0.5) };
    const { wan, send, run, departed, arrived, lost } = trial(2, path);
    const instants = Array.from({ length: 50 }, (_, index) => index);
    const reliable = instants.map((now) => send(0, 1, 1000, now));
    const fleeting = instants.map((now) => send(1, 0, 60, 50 + now, false));
    run();
    const attemptsOf = (id: number) => departed.filter((sighting) => sighting.id === id).map(({ at }) => at);
    const arrivalsOf = (id: number) => arrived.filter((sighting) => sighting.id === id).map(({ at }) => at);
    let again = 0;
    for (const id of reliable) {
      const attempts = attemptsOf(id);
      again += attempts.length - 1;
      attempts.forEach((at, index) => expect(at).toBeCloseTo(id + 0.001 + index * 0.041, 6));
      expect(arrivalsOf(id)).toHaveLength(1);
      expect(arrivalsOf(id)[0]).toBeCloseTo(attempts.at(-1)! + 0.021, 6);
    }
    const gone = fleeting.filter((id) => arrivalsOf(id).length === 0);
    for (const id of fleeting) expect(attemptsOf(id)).toHaveLength(1);
    expect(gone.length).toBeGreaterThan(10);
    expect(again + gone.length).toBe(lost());
    expect(wan.committedBytes(0)).toBe(0);
    expect(wan.committedBytes(1)).toBe(0);
  });

  test('whatever is sent arrives once, in order per lane without loss, never faster than the links', () => {
    const shipment = fc.record({
      from: fc.nat(2),
      step: fc.integer({ min: 1, max: 2 }),
      bytes: fc.integer({ min: 60, max: 1514 }),
      after: fc.double({ min: 0, max: 0.003, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(shipment, { minLength: 1, maxLength: 80 }),
        fc.constantFrom(0, 0.004, 0.03),
        (plan, jitter) => {
          const { wan, send, run, arrived } = trial(3, { ...clean(0.01), jitter: varying(jitter) });
          let now = 0;
          const sent = plan.map(({ from, step, bytes, after }) => {
            now += after;
            const to = (from + step) % 3;
            return { id: send(from, to, bytes, now), lane: wan.laneOf(from, to), to, bytes, now };
          });
          run();
          expect(arrived.map(({ id }) => id).sort((a, b) => a - b)).toEqual(sent.map(({ id }) => id));
          for (const to of [0, 1, 2]) {
            const coming = arrived.filter(({ id }) => sent[id]!.to === to);
            coming.forEach(({ id, at }, index) => {
              const serialization = (sent[id]!.bytes * 8) / RATE;
              const earliest = sent[id]!.now + Math.max(0, 0.01 - jitter) + 2 * serialization;
              expect(at).toBeGreaterThan(earliest - 1e-9);
              if (index > 0) expect(at - coming[index - 1]!.at).toBeGreaterThan(serialization - 1e-9);
            });
          }
          for (const lane of new Set(sent.map((parcel) => parcel.lane))) {
            const order = arrived.map(({ id }) => id).filter((id) => sent[id]!.lane === lane);
            expect(order).toEqual([...order].sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
