// Keeps the whole site for when the line is down. The site's build writes the number of the build and the files into it, so that another
// build is another service worker, which takes over when no page of the old one is open.
const BUILD = '__BUILD__';
const FILES = ['__FILES__'];
const CACHE = `rivulet-site-${BUILD}`;

self.addEventListener('install', (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: 'no-cache' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

self.addEventListener('activate', (event) => {
  const outdated = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith('rivulet-site-') && name !== CACHE).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(outdated());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return;
  const url = new URL(request.url);
  if (url.pathname.endsWith('/')) url.pathname += 'index.html';
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(url.href, { ignoreSearch: true })) ?? fetch(request);
  };
  event.respondWith(answer());
});
