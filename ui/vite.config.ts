// How the web app becomes static files: one page, one chunk per screen, a ready .gz beside each file.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const PACKED = /\.(js|css|html|svg|json)$/;

function packed(): Plugin {
  let out = '';
  const walk = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? walk(path) : [path];
    });
  return {
    name: 'packed',
    configResolved: (config) => void (out = config.build.outDir),
    closeBundle: () => {
      for (const path of walk(out).filter((p) => PACKED.test(p)))
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    },
  };
}

// Names of device properties, values and series come worded from the API; the page does not carry them.
const SERVER_WORDS = ['prop', 'value', 'series', 'source'];
// Words of screens that most visits do not open are a file of their own (`ja.json?later`).
const LATER_WORDS = ['plan', 'reason', 'why', 'modes', 'forecast'];

function screenWords(): Plugin {
  return {
    name: 'screen-words',
    enforce: 'pre',
    transform: (code, id) => {
      const found = /\/i18n\/\w+\.json(\?later)?$/.exec(id);
      if (!found) return null;
      const words = JSON.parse(code) as Record<string, unknown>;
      for (const section of Object.keys(words))
        if (SERVER_WORDS.includes(section) || LATER_WORDS.includes(section) !== Boolean(found[1])) delete words[section];
      return { code: JSON.stringify(words), map: null };
    },
  };
}

export default defineConfig({
  plugins: [svelte(), screenWords(), packed()],
  resolve: { alias: { $lib: '/src/lib' } },
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    outDir: 'dist',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    fs: { allow: ['..'] },
    proxy: {
      '/api': { target: 'http://localhost:8600', ws: true },
      '/.well-known': 'http://localhost:8600',
    },
  },
});
