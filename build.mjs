import { chmod } from 'node:fs/promises';
import { build } from 'esbuild';

// One file: starting Node and loading an SSH library from hundreds of files takes longer than a login.
await build({
  entryPoints: ['src/cli/harden.ts'],
  outfile: 'dist/harden.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: true,
  banner: { js: '#!/usr/bin/env node' },
  // what init writes
  loader: { '.yaml': 'text' },
  // native accelerators of ssh2, which works without them
  external: ['cpu-features', '*.node'],
  logLevel: 'warning',
});
await chmod('dist/harden.cjs', 0o755);
