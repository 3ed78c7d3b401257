/**
 * `npm run grafana`: writes the dashboards to grafana/dashboards, where Grafana's provisioning finds them. They are
 * committed, so that `docker compose up` needs no Node; a test fails when they differ from what is written here.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../src/package-root.js';
import { dashboards, fileText } from './dashboards.js';

for (const [name, dashboard] of Object.entries(dashboards)) {
  const file = path.join(packageRoot, 'grafana', 'dashboards', `${name}.json`);
  writeFileSync(file, await fileText(dashboard, file));
  process.stdout.write(`${path.relative(packageRoot, file)}: ${dashboard.panels?.length} panels\n`);
}
