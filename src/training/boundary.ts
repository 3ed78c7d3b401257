/**
 * How activations and their gradients are written down between two pipeline stages: as they are, or as
 * coefficients in a subspace. Further rounding on the wire (int8) is a matter of the transfer's encoding.
 *
 * All values of a microbatch at once: [rows·context, width] inside a stage, [rows·context, width or rank] in
 * the slots of the activations buffer.
 */
import type { ConfinedModel } from './confined-model.js';

export interface Boundary {
  /** Numbers for each byte of text. */
  readonly numbers: number;
  /** @param tokens The bytes that the microbatch reads, [rows·context]; the other stage knows them too. */
  write(activations: Float32Array, tokens: Uint8Array, slot: Float32Array): void;
  /** What was written there; perhaps the slot itself. */
  read(slot: Float32Array, tokens: Uint8Array): Float32Array;
  writeGradient(gradient: Float32Array, slot: Float32Array): void;
  readGradient(slot: Float32Array): Float32Array;
}

/** Everything, as it is. */
export function plainBoundary(width: number): Boundary {
  return {
    numbers: width,
    write: (activations, _tokens, slot) => slot.set(activations),
    read: (slot) => slot,
    writeGradient: (gradient, slot) => slot.set(gradient),
    readGradient: (slot) => slot,
  };
}

/** Coefficients of what the tokens alone do not tell. */
export function confinedBoundary(model: ConfinedModel): Boundary {
  const { subspace } = model;
  const combined = (slot: Float32Array): Float32Array => {
    const rows = new Float32Array((slot.length / subspace.rank) * subspace.width);
    subspace.combine(slot, rows);
    return rows;
  };
  return {
    numbers: subspace.rank,
    write(activations, tokens, slot) {
      const fixed = model.fixedActivations(tokens);
      subspace.coefficients(
        activations.map((value, i) => value - fixed[i]!),
        slot,
      );
    },
    read(slot, tokens) {
      const fixed = model.fixedActivations(tokens);
      return combined(slot).map((value, i) => value + fixed[i]!);
    },
    // x = fixed + c·Uᵀ, hence dL/dc = dL/dx·U; and c = (x-fixed)·U, hence dL/dx = dL/dc·Uᵀ.
    writeGradient: (gradient, slot) => subspace.coefficients(gradient, slot),
    readGradient: combined,
  };
}
