/**
 * How numbers are written on the wire: the name of a codec and its few settings, as plain data.
 *
 * What an encoding does is in its codec, one file each; here is only what must be known to speak of it. The
 * size of what a codec makes depends on the encoding and the number of elements alone, never on their values,
 * so bytes can be summed over a schedule before anything is computed.
 */

/** Whether numbers between two representable ones go to the nearer, or to either so that the mean is right. */
export type Rounding = 'nearest' | 'stochastic';

/** Keeps every element: the decoded slice can be added to, encoded again and passed on, as a ring does. */
export type DenseEncoding =
  | { readonly kind: 'float32' }
  | { readonly kind: 'float16' }
  | { readonly kind: 'bfloat16' }
  /** 8-bit integers times one scale for the whole slice. */
  | { readonly kind: 'int8'; readonly rounding: Rounding }
  /** 8-bit integers with one scale per `block` elements. */
  | { readonly kind: 'int8-blockwise'; readonly block: number; readonly rounding: Rounding }
  /** 4 bits: sign and a power of two, with one scale per `block` elements (Douillard et al., arXiv:2501.18512). */
  | { readonly kind: 'e3m0'; readonly block: number; readonly rounding: Rounding };

/** Keeps a few elements of each chunk: contributions are gathered and summed where they arrive. */
export type SparseEncoding =
  /** SparseLoCo (arXiv:2508.15706): the `keep` largest of each `chunk`, 2-bit values, packed indices. */
  | { readonly kind: 'top-k'; readonly chunk: number; readonly keep: number }
  /**
   * DeMo (Peng et al., arXiv:2411.19870): the `keep` largest DCT coefficients of each `chunk`, a power of two;
   * signs only.
   */
  | { readonly kind: 'dct-sign'; readonly chunk: number; readonly keep: number };

/** `bytes`: what is in the buffer is encoded already. */
export type Encoding = DenseEncoding | SparseEncoding | { readonly kind: 'bytes' };

export const FLOAT32: Encoding = { kind: 'float32' };

export function isSparse(encoding: Encoding): encoding is SparseEncoding {
  return encoding.kind === 'top-k' || encoding.kind === 'dct-sign';
}
