/** Prometheus' HTTP API, as far as tests need it: https://prometheus.io/docs/prometheus/latest/querying/api/ */

type Sample = readonly [time: number, value: string];

/** A series with one value or several, oldest first. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

export interface RuleHealth {
  readonly name: string;
  /** `ok`, `err`, or `unknown` before it was evaluated. */
  readonly health: string;
  readonly lastError?: string;
}

export class PrometheusApi {
  readonly #url: string;

  /** @param url `http://HOST:PORT` */
  constructor(url: string) {
    this.#url = url;
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/-/ready`)).ok;
    } catch {
      return false; // It does not listen yet.
    }
  }

  /** What an expression is now. */
  async query(expr: string): Promise<Series[]> {
    const { result } = await this.#get<{
      result: { metric: Record<string, string>; value: Sample }[];
    }>('query', { query: expr });
    return result.map(({ metric, value }) => ({ labels: metric, values: [Number(value[1])] }));
  }

  /** What an expression was during the last `seconds`. */
  async queryRange(expr: string, seconds: number, stepSeconds: number): Promise<Series[]> {
    const end = Date.now() / 1000;
    const { result } = await this.#get<{
      result: { metric: Record<string, string>; values: Sample[] }[];
    }>('query_range', {
      query: expr,
      start: String(end - seconds),
      end: String(end),
      step: String(stepSeconds),
    });
    return result.map(({ metric, values }) => ({
      labels: metric,
      values: values.map(([, value]) => Number(value)),
    }));
  }

  /** Values of a label among the series that match. */
  labelValues(label: string, match: string): Promise<string[]> {
    return this.#get(`label/${label}/values`, { 'match[]': match });
  }

  async rules(): Promise<RuleHealth[]> {
    const { groups } = await this.#get<{ groups: { rules: RuleHealth[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  /** @throws Error with Prometheus' words if it can't answer, as when the query is wrong */
  async #get<Data>(path: string, parameters: Record<string, string> = {}): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${String(new URLSearchParams(parameters))}`);
    const body = (await response.json()) as { status: string; data: Data; error?: string };
    if (body.status !== 'success') throw new Error(body.error ?? `HTTP ${response.status}`);
    return body.data;
  }
}
