/** All dashboards, by the name of their file under grafana/dashboards, and how a file's text is made. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { format, resolveConfig } from 'prettier';
import { heartbeat } from './heartbeat.js';
import { training } from './training.js';
import { wan } from './wan.js';

export const dashboards: Readonly<Record<string, Dashboard>> = { heartbeat, training, wan };

/** The text of a dashboard's file, in the form that the project's formatter leaves alone. */
export async function fileText(dashboard: Dashboard, file: string): Promise<string> {
  const style = await resolveConfig(file);
  return format(JSON.stringify(dashboard), { ...style, filepath: file });
}
