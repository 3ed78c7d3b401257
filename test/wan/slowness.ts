/**
 * How many times slower than written the networks of fabrics' tests are: rates are divided by it, delays, windows of
 * time and absolute tolerances multiplied. Nothing else changes; tolerances that are shares stay what they are.
 *
 * It is 1, unless MESHBEAT_TEST_SLOWNESS says otherwise: for a machine that is itself only emulated (test/vm), and takes
 * several times as long for everything.
 */
export const SLOWNESS = Number(process.env['MESHBEAT_TEST_SLOWNESS'] ?? '1');
if (!(SLOWNESS >= 1))
  throw new RangeError('MESHBEAT_TEST_SLOWNESS: allowed is a number of at least 1, e.g. 4');
