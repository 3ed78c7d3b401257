// Compiles the project: types from the gRPC contracts first, then TypeScript into dist/, emptied before,
// so that no test or module that was deleted lives on there. The web page comes last: compiled for the browser, and
// its other files as they are.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => path.join(root, ...parts);
const node = (script, args) =>
  execFileSync(process.execPath, [at('node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });

const contracts = readdirSync(at('proto')).filter((file) => file.endsWith('.proto'));
const options = [
  '--longs=Number',
  '--defaults',
  '--oneofs',
  '--grpcLib=@grpc/grpc-js',
  '--importFileExtension=.js',
];
rmSync(at('proto', 'types'), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [
    at('node_modules', '@grpc', 'proto-loader', 'build', 'bin', 'proto-loader-gen-types.js'),
    ...options,
    '--outDir=proto/types',
    ...contracts.map((file) => `proto/${file}`),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'ignore'] },
);
if (!process.argv.includes('--types-only')) {
  rmSync(at('dist'), { recursive: true, force: true });
  try {
    node(path.join('typescript', 'bin', 'tsc'), ['-p', 'tsconfig.json']);
    node(path.join('typescript', 'bin', 'tsc'), ['-p', 'web/tsconfig.json']);
  } catch {
    process.exit(1); // tsc has printed the errors
  }
  for (const file of readdirSync(at('web'))) {
    if (/\.(html|css|svg)$/.test(file)) cpSync(at('web', file), at('dist', 'web', file));
  }
}
