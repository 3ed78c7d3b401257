/**
 * Gathering a mesh of nodes that join by themselves: a door with TLS, a join token for it, and a lobby.
 *
 * Authority and token are made anew each time and end with it, so that yesterday's token opens nothing.
 */
import { Door } from '../../../orchestrator/door.js';
import { Lobby, type Gathered, type Quorum } from '../../../orchestrator/lobby.js';
import { messageOf, RunError } from '../../errors.js';
import { CertificateAuthority } from '../../transport/certificates.js';
import { ORCHESTRATOR_NAME, orchestratorServerCredentials } from '../../transport/control-credentials.js';
import {
  newJoinToken,
  removeJoinTokenFile,
  writeJoinTokenFile,
  type JoinToken,
} from '../../transport/join-token.js';
import { hostAndPortText, type HostAndPort } from '../host-and-port.js';
import { JoinedSite } from './joined-site.js';

/** Seconds without a newcomer after which those who have joined are taken to be all. */
export const QUIET_SECONDS = 5;

export interface GatheringOptions {
  /** Where nodes join. */
  readonly listen: HostAndPort;
  /** Where they find the token. */
  readonly tokenFile: string;
  readonly quorum: Quorum;
  /** Says who came, went or was refused. */
  readonly log: (line: string) => void;
}

/** How the gathering stands. */
export interface Waiting {
  /** Nodes that have come. */
  readonly joined: number;
  /** What is waited for, for people. */
  readonly text: string;
}

export class Gathering {
  readonly #lobby: Lobby;
  readonly #tokenFile: string;
  readonly #token: JoinToken;
  readonly #door: Door;
  readonly #weightsGoTo: { site?: JoinedSite };

  private constructor(parts: {
    lobby: Lobby;
    tokenFile: string;
    token: JoinToken;
    door: Door;
    weightsGoTo: { site?: JoinedSite };
  }) {
    this.#lobby = parts.lobby;
    this.#tokenFile = parts.tokenFile;
    this.#token = parts.token;
    this.#door = parts.door;
    this.#weightsGoTo = parts.weightsGoTo;
  }

  /**
   * Opens the door and leaves the token.
   *
   * @throws RunError if it can't listen there, or the token can't be written
   */
  static async open({ listen, tokenFile, quorum, log }: GatheringOptions): Promise<Gathering> {
    const authority = await CertificateAuthority.create();
    const identity = await authority.issueServer([ORCHESTRATOR_NAME], []);
    const token = newJoinToken(identity.authority);
    const lobby = new Lobby({ secret: token.secret, quorum, quietSeconds: QUIET_SECONDS, log });
    const weightsGoTo: { site?: JoinedSite } = {};
    const door = await Door.listen({
      address: hostAndPortText(listen),
      credentials: orchestratorServerCredentials(identity),
      admit: (guest) => lobby.admit(guest),
      takeWeights: (session, weights) => weightsGoTo.site?.takeWeights(session, weights) ?? false,
    }).catch((error: unknown) => refuse('--listen', error));
    try {
      writeJoinTokenFile(tokenFile, token);
    } catch (error) {
      await door.close();
      refuse('--token-file', error);
    }
    return new Gathering({ lobby, tokenFile, token, door, weightsGoTo });
  }

  /** Waits until all are there. Rejects with the signal's reason if it is aborted. */
  async gather(signal: AbortSignal, onWaiting: (waiting: Waiting) => void): Promise<Gathered> {
    const tell = (): void => {
      const { joined, waitingFor } = this.#lobby;
      if (waitingFor !== '') onWaiting({ joined, text: `waiting for ${waitingFor}` });
    };
    tell();
    const timer = setInterval(tell, 250);
    try {
      return await this.#lobby.gather(signal);
    } finally {
      clearInterval(timer);
    }
  }

  /** The site of those who have gathered; what they hand in goes there from now on. */
  siteOf(gathered: Gathered): JoinedSite {
    const site = new JoinedSite(gathered);
    this.#weightsGoTo.site = site;
    return site;
  }

  /** Closes the door, upon which guests end, and removes the token. */
  async close(): Promise<void> {
    await this.#door.close();
    removeJoinTokenFile(this.#tokenFile, this.#token);
  }
}

/** Says which option it is that can't be had. */
function refuse(option: string, error: unknown): never {
  throw new RunError(`${option}: ${messageOf(error)}`);
}
