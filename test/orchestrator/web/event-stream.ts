/** A client of server-sent events, as far as tests need one: it reads events one after the other. */

interface Message {
  readonly name: string;
  readonly data: unknown;
}

export class EventStream {
  readonly contentType: string | null;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  readonly #abort: AbortController;
  readonly #messages: Message[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  /** Connects; fails if the answer is not a stream. */
  static async open(url: string): Promise<EventStream> {
    const abort = new AbortController();
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) throw new Error(`${url}: status ${response.status}`);
    return new EventStream(response.headers.get('content-type'), response.body, abort);
  }

  private constructor(contentType: string | null, body: AsyncIterable<Uint8Array>, abort: AbortController) {
    this.contentType = contentType;
    this.#abort = abort;
    this.ended = this.#read(body);
  }

  /** Data of the next event, which must be one of this name. */
  async next(name: string): Promise<unknown> {
    while (this.#messages.length === 0) {
      if (this.#isOver) throw new Error(`the stream ended before an event "${name}"`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#messages.shift()!;
    if (message.name !== name) throw new Error(`expected an event "${name}", found "${message.name}"`);
    return message.data;
  }

  /** Data of the first event with which something holds; all before it must be of the same name. */
  async until<Data>(name: string, holds: (data: Data) => boolean): Promise<Data> {
    for (;;) {
      const data = (await this.next(name)) as Data;
      if (holds(data)) return data;
    }
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) this.#take(block);
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    } finally {
      this.#isOver = true;
      this.#wake();
    }
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    const [name, data] = [fields.get('event'), fields.get('data')];
    if (name === undefined || data === undefined) return;
    this.#messages.push({ name, data: JSON.parse(data) as unknown });
    this.#wake();
  }
}
