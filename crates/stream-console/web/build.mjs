// Builds the console's files into the folder that the first argument names, or into ../dist: the same bytes each time.
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, '../dist');

const shared = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  charset: 'utf8',
  // The typed client's sources are outside of this folder.
  nodePaths: [join(here, 'node_modules')],
  logLevel: 'warning',
};

await mkdir(out, { recursive: true });
await build({
  ...shared,
  entryPoints: { console: 'src/main.tsx', embed: 'src/embed.ts', hls: 'src/player/hls.ts' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: out,
});
await build({ ...shared, entryPoints: { console: 'src/style.css' }, outdir: out });
for (const file of ['index.html', 'icon.svg']) await cp(join(here, 'src', file), join(out, file));

const licences = [
  ['preact', 'MIT', 'https://preactjs.com'],
  ['hls.js', 'Apache-2.0', 'https://github.com/video-dev/hls.js'],
  ['uqr', 'MIT', 'https://github.com/unjs/uqr'],
];
const lines = licences.map(([name, licence, source]) => `${name}: ${licence}, ${source}`);
await writeFile(join(out, 'LICENCES.txt'), `What the scripts here contain, besides this project's own (MIT):\n${lines.join('\n')}\n`);
