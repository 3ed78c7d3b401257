/**
 * A real Prometheus that watches a test: our configuration and our rules, with the targets that the test names
 * in place of those that Docker's DNS would find. Its data lie in a folder of the test.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { freePort, PROJECT, start, type Running } from './meshbeat.js';
import { PrometheusApi } from './prometheus-api.js';

export interface RunningPrometheus {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly api: PrometheusApi;
  close(): Promise<void>;
}

/** `HOST:PORT` of all that each job scrapes; a job that is not named has no targets. */
export type Targets = Readonly<Record<string, readonly string[]>>;

/**
 * Starts Prometheus and waits until it is ready. It ends with the test file at the latest.
 *
 * @param folder of the test; configuration and data go there.
 */
export async function startPrometheus(folder: string, targets: Targets): Promise<RunningPrometheus> {
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, configFor(targets));
  const address = `127.0.0.1:${await freePort()}`;
  const running = start([
    'prometheus',
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ]);
  const api = new PrometheusApi(`http://${address}`);
  await ready(api, running);
  const close = async (): Promise<void> => {
    running.kill('SIGTERM');
    await running.ended;
  };
  return { url: `http://${address}`, api, close };
}

async function ready(api: PrometheusApi, { ended }: Running): Promise<void> {
  const over = ended.then(({ stderr }) => {
    throw new Error(`Prometheus ended:\n${stderr}`);
  });
  over.catch(() => undefined); // It ends some time, and then nobody waits here any more.
  while (!(await Promise.race([api.isReady(), over]))) await sleep(50);
}

/** prometheus/prometheus.yml with other targets. */
function configFor(targets: Targets): string {
  const source = join(PROJECT, 'prometheus');
  const config = parse(readFileSync(join(source, 'prometheus.yml'), 'utf8')) as {
    rule_files: string[];
    scrape_configs: { job_name: string; dns_sd_configs?: unknown }[];
  };
  return stringify({
    ...config,
    rule_files: config.rule_files.map((file) => join(source, file)),
    scrape_configs: config.scrape_configs.map(({ dns_sd_configs: _, ...job }) => ({
      ...job,
      static_configs: [{ targets: targets[job.job_name] ?? [] }],
    })),
  });
}
