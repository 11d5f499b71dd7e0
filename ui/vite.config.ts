// How the web app becomes static files: one page, one chunk per screen, a ready .gz beside each file.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const PACKED = /\.(js|css|html|svg|json|webmanifest)$/;

function packed(): Plugin {
  let out = '';
  const walk = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? walk(path) : [path];
    });
  return {
    name: 'packed',
    configResolved: (config) => void (out = join(config.root, config.build.outDir)),
    closeBundle: () => {
      worker(out, walk(out).map((path) => path.slice(out.length)).sort());
      for (const path of walk(out).filter((p) => PACKED.test(p)))
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    },
  };
}

/** The service worker learns which files there are, and a version that changes with any of them. */
function worker(out: string, files: string[]): void {
  const path = join(out, 'sw.js');
  const kept = files.filter((name) => !/\.(gz|map)$|sw\.js$/.test(name));
  const version = createHash('sha256');
  for (const name of kept) version.update(name).update(readFileSync(out + name));
  const text = readFileSync(path, 'utf8').replace('%VERSION%', version.digest('hex').slice(0, 16));
  writeFileSync(path, text.replace("'%FILES%'", kept.map((name) => `'${name}'`).join(', ')));
}

// Names of device properties, values and series come worded from the API; the page does not carry them.
const SERVER_WORDS = ['prop', 'value', 'series', 'source', 'area', 'mail'];
// Words that the home screen does not need are files of their own (`words-screens:ja`, `words-plan:ja`).
const PARTS: Record<string, string[]> = {
  cloud: ['cloud', 'cloud_error'],
  plan: ['plan', 'reason', 'why'],
  events: ['events'],
  screens: ['room', 'history', 'chart', 'period', 'cost_note', 'flow', 'meter', 'devices', 'device', 'settings', 'storage', 'tariff', 'setup', 'signin', 'password', 'away', 'uplink', 'whatif', 'modes', 'forecast'],
};
const PART = /^\0?words-(\w+):(\w+)$/;
const I18N = new URL('../src/hidamari/i18n/', import.meta.url).pathname;

function chosen(json: string, part: string): string {
  const partOf = (section: string): string => Object.keys(PARTS).find((name) => PARTS[name]?.includes(section)) ?? 'home';
  const words = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return JSON.stringify(Object.fromEntries(words.filter(([section]) => !SERVER_WORDS.includes(section) && partOf(section) === part)));
}

function screenWords(): Plugin {
  return {
    name: 'screen-words',
    enforce: 'pre',
    resolveId: (id) => (PART.test(id) ? `\0${id}` : null),
    load(id) {
      const [, part, lang] = PART.exec(id) ?? [];
      if (!part) return null;
      this.addWatchFile(`${I18N}${lang}.json`);
      return `export default ${chosen(readFileSync(`${I18N}${lang}.json`, 'utf8'), part)}`;
    },
    transform: (code, id) => (/\/i18n\/\w+\.json$/.test(id) ? { code: chosen(code, 'home'), map: null } : null),
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
