// Players in a real browser: node watch.js NAME=PLAYER=URL …
//
// PLAYER is `native` or `hls.js` for a playlist, or `page` for a page that plays a stream itself.
// Each gets its own element in one page of a headless Chromium, without any user interaction. Once a second the
// page reports what each shows, and this program prints it, one line of JSON per video.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--mute-audio',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--autoplay-policy=no-user-gesture-required',
  // Otherwise a page in the background is throttled.
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
];

/** Runs in the page: the minimum that a page needs to play a stream. Errors are only recorded. */
function play(videos) {
  const players = videos.map(({ name, player, url }) => {
    if (player === 'page') {
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.allow = 'autoplay';
      frame.src = new URL(url).pathname + new URL(url).search;
      return { name, frame, errors: [] };
    }
    const video = document.body.appendChild(document.createElement('video'));
    const seen = { name, video, errors: [] };
    video.muted = video.autoplay = true;
    if (player === 'native') {
      video.onerror = () => seen.errors.push(`fatal ${video.error.code} ${video.error.message}`);
      video.src = url;
    } else {
      const hls = new Hls();
      hls.on(Hls.Events.ERROR, (_, error) => seen.errors.push(`${error.fatal ? 'fatal ' : ''}${error.details}`));
      hls.loadSource(url);
      hls.attachMedia(video);
      seen.hls = hls;
    }
    return seen;
  });
  setInterval(() => {
    const shown = players.map(({ name, video, frame, errors, hls }) => {
      const page = frame?.contentDocument;
      return { name, video: video ?? page?.querySelector('video'), says: page?.body?.innerText, errors, hls };
    }).filter(({ video }) => video).map(({ name, video, says, errors, hls }) => ({
      name,
      says,
      width: video.videoWidth,
      time: video.currentTime,
      buffered: video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0,
      latency: hls ? hls.latency : null,
      fatal: errors.filter((error) => error.startsWith('fatal')),
      errors: errors.length,
      lastError: errors.at(-1),
    }));
    fetch('/shown', { method: 'POST', body: JSON.stringify(shown) });
  }, 1000);
}

const videos = process.argv.slice(2).map((argument) => {
  const [name, player, ...url] = argument.split('=');
  return { name, player, url: url.join('=') };
});
const page = `<!doctype html><meta charset="utf-8"><title>viewers</title>
<script src="/hls.js"></script><body><script>(${play})(${JSON.stringify(videos)})</script>`;

const server = http.createServer((request, response) => {
  if (request.url === '/hls.js') {
    response.setHeader('Content-Type', 'text/javascript');
    return response.end(fs.readFileSync(path.join(__dirname, 'node_modules/hls.js/dist/hls.min.js')));
  }
  if (request.url === '/shown') {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    return request.on('end', () => {
      for (const shown of JSON.parse(body)) console.log(JSON.stringify({ at: Date.now(), ...shown }));
      response.end();
    });
  }
  if (request.url === '/') {
    response.setHeader('Content-Type', 'text/html');
    return response.end(page);
  }
  // A page can inspect only frames of its own origin, so pages of other origins are proxied here.
  const origin = videos.find(({ player }) => player === 'page')?.url;
  if (!origin) return response.writeHead(404).end();
  const from = http.get(new URL(request.url, origin), (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  return from.on('error', () => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'viewers-'));
  const chromium = spawn(
    process.env.CHROMIUM || 'chromium',
    [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  chromium.on('exit', (code) => process.exit(code ?? 1));
});
