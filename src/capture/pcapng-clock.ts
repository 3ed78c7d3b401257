/**
 * The clock of one pcapng interface: turns its 64-bit ticks into whole seconds and nanoseconds.
 *
 * Ticks do not fit a float64 and a bigint division per packet is slow. But the upper 32 bits change only
 * every few seconds of traffic, so the division is done for them once and remembered; the lower bits are
 * then added in exact float64 arithmetic. Resolutions that do not divide a nanosecond (powers of two,
 * finer than nanoseconds) take the bigint path each time; they are rare.
 */
import type { Packet } from './packet.js';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

export class InterfaceClock {
  readonly #ticksPerSecond: bigint;
  readonly #offsetSeconds: bigint;
  /** Nanoseconds of one tick when that is a whole number, else 0. */
  readonly #nanosecondsPerTick: number;
  #high = -1;
  #highSeconds = 0;
  #highTicks = 0;

  /**
   * @param resolution if_tsresol: a negative power of 10, or of 2 when the top bit is set.
   * @param offsetSeconds if_tsoffset: seconds added to every stamp.
   */
  constructor(resolution: number, offsetSeconds: bigint) {
    const exponent = BigInt(resolution & 0x7f);
    this.#ticksPerSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
    this.#offsetSeconds = offsetSeconds;
    const whole = NANOSECONDS_PER_SECOND % this.#ticksPerSecond === 0n;
    this.#nanosecondsPerTick = whole ? Number(NANOSECONDS_PER_SECOND / this.#ticksPerSecond) : 0;
  }

  /** Sets the packet's time from the two halves of its time stamp. */
  stamp(packet: Packet, high: number, low: number): void {
    if (this.#nanosecondsPerTick === 0) return this.#stampSlowly(packet, high, low);
    const perSecond = Number(this.#ticksPerSecond);
    if (high !== this.#high) {
      const ticks = BigInt(high) << 32n;
      this.#high = high;
      this.#highSeconds = Number(ticks / this.#ticksPerSecond + this.#offsetSeconds);
      this.#highTicks = Number(ticks % this.#ticksPerSecond);
    }
    const ticks = this.#highTicks + low;
    const seconds = Math.floor(ticks / perSecond);
    packet.seconds = this.#highSeconds + seconds;
    packet.nanoseconds = (ticks - seconds * perSecond) * this.#nanosecondsPerTick;
  }

  #stampSlowly(packet: Packet, high: number, low: number): void {
    const ticks = (BigInt(high) << 32n) + BigInt(low);
    packet.seconds = Number(ticks / this.#ticksPerSecond + this.#offsetSeconds);
    packet.nanoseconds = Number(
      ((ticks % this.#ticksPerSecond) * NANOSECONDS_PER_SECOND) / this.#ticksPerSecond,
    );
  }
}
