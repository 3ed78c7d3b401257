/** No compression: the elements as they are, little-endian. */
import { expectBytes, type Codec } from './codec.js';

export const float32: Codec = {
  encodedBytes: (elements) => 4 * elements,
  encode: (values) => new Uint8Array(values.slice().buffer),
  decode(encoded, out) {
    expectBytes(float32, encoded, out.length);
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(encoded);
  },
  errorBound: (values) => new Float32Array(values.length),
};
