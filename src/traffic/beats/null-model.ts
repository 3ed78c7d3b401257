/**
 * What bursts without a beat would look like: the null model behind every p-value of a heartbeat.
 *
 * Think of the bursts as cards laid on a line of time. The null keeps each card's length and their order, and takes
 * away all that could be a rhythm: the pauses between them. Under the null a pause has no memory: it is the dead time,
 * below which two bursts would have been seen as one, and after that an exponential wait. Given their sum, exponential
 * waits are spaced like uniform random points (a Dirichlet(1, …, 1) vector: Rényi 1953; Moran 1947), so that pauses for a
 * simulation need no rate to be estimated: cut the spare time at random. A test conditional on the sum is exact
 * for any rate.
 *
 * Why not the usual tests on a periodogram (Fisher's g, Scargle's e^-z)? They take the bins for white noise or the moments for a
 * Poisson process. Bursts are neither: they have lengths, and cannot overlap. A mesh that is busy nine tenths of the
 * time has starts that are regular for that reason alone, and must not be called a beat for it.
 *
 * The p-value is that of a Monte Carlo test (Davison and Hinkley 1997, 4.2): (1 + simulations at least as extreme) ÷
 * (1 + simulations). Its generator is seeded, so the same traffic has the same p-value.
 */
import type { Random } from '../../random.js';

export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Lays the bursts out anew, with pauses without memory; the first start and the last end stay where they are.
 *
 * @param dead no pause is shorter than this, where the bursts' own are not.
 */
export function withoutBeat<T extends Stretch>(bursts: readonly T[], dead: number, random: Random): T[] {
  const pauses = bursts.slice(1).map((burst, index) => burst.start - bursts[index]!.end);
  // The hold was chosen for the whole; edges sought again may have come closer.
  const least = Math.max(0, Math.min(dead, ...pauses));
  const spare = pauses.reduce((sum, pause) => sum + pause - least, 0);
  const waits = pauses.map(() => -Math.log(1 - random.uniform()));
  const scale =
    spare /
    Math.max(
      Number.MIN_VALUE,
      waits.reduce((sum, wait) => sum + wait, 0),
    );
  let at = bursts[0]?.start ?? 0;
  return bursts.map((burst, index) => {
    if (index > 0) at += least + waits[index - 1]! * scale;
    const laid = { ...burst, start: at, end: at + burst.end - burst.start };
    at = laid.end;
    return laid;
  });
}

/**
 * The share of simulations in which chance does at least as well, for each of some tests of the same simulations.
 *
 * Counting stops once chance has done so `enough` times (Besag and Clifford 1991): what is no beat shows so within a few
 * dozen, and only what may be one is worth them all. The estimate is then enough ÷ simulations, which is as valid.
 *
 * @param simulate makes one simulation, and says of each test whether it is at least as extreme as what was observed.
 */
export function monteCarlo(
  simulate: () => readonly boolean[],
  { most = 1999, enough = 20 }: { readonly most?: number; readonly enough?: number } = {},
): number[] {
  const extreme: number[] = [];
  const pValues: number[] = [];
  for (let simulations = 1; simulations <= most; simulations++) {
    simulate().forEach((isExtreme, test) => {
      extreme[test] = (extreme[test] ?? 0) + Number(isExtreme);
      if (extreme[test] === enough) pValues[test] ??= extreme[test] / simulations;
    });
    if (extreme.every((_, test) => pValues[test] !== undefined)) return pValues;
  }
  return extreme.map((count, test) => pValues[test] ?? (1 + count) / (1 + most));
}
