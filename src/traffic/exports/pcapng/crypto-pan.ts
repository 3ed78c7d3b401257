/**
 * Crypto-PAn: pseudonyms for IP addresses that keep prefixes (Xu, Fan, Ammar, Moon: "Prefix-Preserving IP Address
 * Anonymization", ICNP 2002).
 *
 * Two addresses that have their first k bits in common have pseudonyms that have exactly k bits in common, so networks
 * stay networks. Each bit is flipped or not by a pseudorandom function (AES-128, first bit of its output) of the bits
 * before it. The same key gives the same pseudonyms, in this program and in others that follow the paper's own code
 * (nfanon is one); without the key nobody gets back, but who knows some pairs knows their prefixes elsewhere, too.
 *
 * IPv6 goes by the same rule with 128 bits, as implementations in Go, Rust and JavaScript have it; nfanon's IPv6 is its
 * own. The key is 32 bytes: AES's, and the padding.
 */
import { createCipheriv } from 'node:crypto';

export const KEY_BYTES = 32;
const BLOCK = 16;
const MAX_REMEMBERED = 65_536;

export class CryptoPan {
  readonly #cipher: (blocks: Uint8Array) => Uint8Array;
  readonly #pad: Uint8Array;
  /** Blocks for the bits of one address: 128 at most. */
  readonly #blocks = new Uint8Array(128 * BLOCK);
  readonly #known = new Map<string, Uint8Array>();

  /** @throws RangeError when the key is not 32 bytes long. */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key of ${key.length} bytes, not ${KEY_BYTES}`);
    const cipher = createCipheriv('aes-128-ecb', key.subarray(0, 16), null);
    cipher.setAutoPadding(false);
    this.#cipher = (blocks) => cipher.update(blocks);
    this.#pad = Uint8Array.from(this.#cipher(key.subarray(16)));
  }

  /** The pseudonym of an address of 4 or 16 bytes. Addresses are remembered, up to a bound. */
  pseudonym(address: Uint8Array): Uint8Array {
    const key = Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const pseudonym = this.#compute(address);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(key, pseudonym);
    return pseudonym;
  }

  #compute(address: Uint8Array): Uint8Array {
    const bits = address.length * 8;
    const blocks = this.#blocks.subarray(0, bits * BLOCK);
    for (let position = 0; position < bits; position += 1) {
      // The first `position` bits of the address, and the rest of the block from the padding.
      const at = position * BLOCK;
      blocks.set(this.#pad, at);
      const whole = position >> 3;
      blocks.set(address.subarray(0, whole), at);
      const mask = 0xff00 >> (position & 7);
      if (whole < BLOCK) blocks[at + whole] = (address[whole]! & mask) | (this.#pad[whole]! & ~mask & 0xff);
    }
    const output = this.#cipher(blocks);
    const pseudonym = Uint8Array.from(address);
    for (let position = 0; position < bits; position += 1) {
      const flip = output[position * BLOCK]! >> 7;
      pseudonym[position >> 3]! ^= flip << (7 - (position & 7));
    }
    return pseudonym;
  }
}
