/** Captures and the packets in them: both formats in pieces of any size, every link type, tunnels, compression. */
import {
  CaptureParser,
  decode,
  Decoded,
  decoderThrough,
  LinkType,
  Packet,
  tunnelKinds,
} from '../../../src/capture/index.js';
import { unpack } from '../../../src/capture/compression.js';
import { promise } from '../target.js';
import type { FuzzTarget } from '../target.js';

const throughAll = decoderThrough(tunnelKinds);
const linkTypes = Object.values(LinkType);

/** Decodes with and without tunnels, and looks whether what is said of the packet can be true. */
function look(packet: Packet): void {
  for (const decoder of [decode, throughAll]) {
    const into = new Decoded();
    if (decoder(packet, into) !== 'ip') continue;
    const end = packet.offset + packet.length;
    promise(
      into.end <= end && into.ipOffset >= packet.offset && into.ipOffset < into.end,
      'IP lies in the packet',
    );
    promise(
      into.payloadBytes >= 0 && into.payloadBytes <= into.ipBytes,
      'there is no more payload than packet',
    );
    promise(into.payloadCaptured <= into.payloadBytes, 'no more payload was captured than was sent');
    promise(into.fragmentHeader < into.end && into.etherOffset < into.ipOffset, 'headers are in order');
    const numbers = [
      into.ttl,
      into.trafficClass,
      into.flowLabel,
      into.identification,
      into.window,
      into.icmpTypeCode,
    ];
    promise(numbers.every(Number.isInteger), 'getters give whole numbers');
  }
}

const capture: FuzzTarget = {
  name: 'capture',
  run(input) {
    let kept = 0;
    const parser = new CaptureParser((packet) => {
      promise(packet.offset + packet.length <= packet.bytes.length, 'the packet lies in the buffer');
      promise(Number.isFinite(packet.seconds) && packet.nanoseconds >= 0, 'the time is a number');
      kept += packet.length;
      look(packet);
    });
    const size = 1 + ((input.at(-1) ?? 0) % 3) * 400 + (input.length % 61);
    for (let at = 0; at < input.length; at += size) parser.push(input.slice(at, at + size));
    parser.finish();
    promise(kept <= input.length, 'packets hold no more than the file');
    const texts = [...parser.comments.map(({ text }) => text), ...parser.names.values()];
    promise(!texts.some((text) => /[\p{Cc}\p{Cf}]/u.test(text)), 'no text can steer a terminal');
  },
};

/** The first byte chooses the link type. */
const frame: FuzzTarget = {
  name: 'frame',
  run(input) {
    const packet = new Packet();
    packet.bytes = input;
    packet.offset = Math.min(1, input.length);
    packet.length = input.length - packet.offset;
    packet.originalLength = packet.length + (input[0] ?? 0);
    packet.linkType = linkTypes[(input[0] ?? 0) % linkTypes.length]!;
    look(packet);
  },
};

const compressed: FuzzTarget = {
  name: 'compressed',
  async run(input) {
    const size = 1 + (input.length % 997);
    const chunks = async function* () {
      for (let at = 0; at < input.length; at += size) yield Promise.resolve(input.slice(at, at + size));
    };
    await unpack(chunks(), () => undefined);
  },
};

export const targets: readonly FuzzTarget[] = [capture, frame, compressed];
