// The shell of the app without a network: its own files and nothing else. No answer of an API is ever kept:
// what a home says is for the one who asks, now. VERSION and FILES are filled in when the app is built.
const VERSION = '%VERSION%';
const FILES = ['%FILES%'];
const SHELL = '/index.html';
const NOT_OURS = /^\/(api|cloud\/v1|device|link|mailbox|\.well-known|homes\/[^/]+\/(api|\.well-known))(\/|$)/;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const others = caches.keys().then((names) => Promise.all(names.filter((name) => name !== VERSION).map((name) => caches.delete(name))));
  event.waitUntil(others.then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || NOT_OURS.test(url.pathname)) return;
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match(SHELL)));
  else event.respondWith(caches.match(url.pathname).then((kept) => kept ?? fetch(request)));
});
