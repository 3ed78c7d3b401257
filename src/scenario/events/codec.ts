/** An event in a scenario file, as text, and in the program, as data. */
import { z } from 'zod';
import { formatEvent, type ScenarioEvent } from './event.js';
import { EventError, parseEvent } from './parse.js';

const ERROR = 'allowed: an event, e.g. "at 20 s partition [us-east] | [eu-west]"';
const MAX_LENGTH = 2000;

/** "at 20 s heal" ⇄ ScenarioEvent. */
export const eventText = z.codec(
  z.string({ error: ERROR }).max(MAX_LENGTH, { error: ERROR }),
  z.custom<ScenarioEvent>(),
  {
    decode: (text, context) => {
      try {
        return parseEvent(text);
      } catch (error) {
        if (!(error instanceof EventError)) throw error;
        context.issues.push({ code: 'custom', message: error.message, input: text });
        return z.NEVER;
      }
    },
    encode: formatEvent,
  },
);
