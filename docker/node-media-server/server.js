// The platform's RTMP server: node-media-server with the gate in front and HLS behind.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const NodeMediaServer = require('node-media-server');
const gate = require('./gate');
const keep = require('./keep');

const setting = (name, byDefault) => process.env[name] || byDefault;
const streamServiceUrl = setting('STREAM_SERVICE_URL', 'http://localhost:8082');
const addresses = setting('ADDRESSES', 'key');
const rtmpPort = Number(setting('RTMP_PORT', '1935'));
const httpPort = Number(setting('HTTP_PORT', '8083'));
const mediaRoot = path.resolve(setting('MEDIA_ROOT', './media'));
const ffmpeg = setting('FFMPEG', '/usr/bin/ffmpeg');
const bindAddress = setting('BIND_ADDRESS', '');
const apiUser = setting('API_USER', '');
const apiPassword = setting('API_PASSWORD', '');
const keepSeconds = Number(setting('KEEP', '35'));

// node-media-server goes on without HLS when these are missing; an RTMP server that nobody can watch should not start.
fs.mkdirSync(mediaRoot, { recursive: true });
// What a run that was killed left is not live, and would be served.
fs.rmSync(path.join(mediaRoot, 'live'), { recursive: true, force: true });
fs.accessSync(mediaRoot, fs.constants.W_OK);
fs.accessSync(ffmpeg, fs.constants.X_OK);
process.env.FFMPEG = ffmpeg;

// node-media-server has no setting for the address it listens on.
if (bindAddress) {
  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (port, ...rest) {
    return listen.call(this, port, bindAddress, ...rest);
  };
}

// Version 2.7.4 names an undeclared variable in the line it logs when HLS is ready, and would report that as an error.
globalThis.version ??= '';

const HLS = `[${[
  'hls_time=1',
  // As many as Chrome's own player needs to begin with, and players that are late find theirs.
  'hls_list_size=12',
  'hls_delete_threshold=6',
  // The next ffmpeg goes on with the playlist of the last one, which says nothing of an end.
  'hls_flags=delete_segments+append_list+omit_endlist',
].join(':')}]`;

const nms = new NodeMediaServer({
  // Its own log prints every stream key in full, so it is off; errors are printed below, without the keys.
  logType: 0,
  rtmp: { port: rtmpPort, chunk_size: 60000, gop_cache: true, ping: 15, ping_timeout: 30 },
  http: {
    port: httpPort,
    mediaroot: mediaRoot,
    allow_origin: '*',
    // The HTTP API lists all live stream keys and is open to everyone unless it is given a user and a password.
    api: Boolean(apiUser && apiPassword),
  },
  auth: { api: true, api_user: apiUser, api_pass: apiPassword },
  trans: {
    ffmpeg: path.join(__dirname, 'ffmpeg-live'),
    tasks: [{ app: 'live', hls: true, hlsKeep: true, hlsFlags: HLS }],
  },
});

const withoutKeys = (text) => String(text).replace(/\/live\/[A-Za-z0-9_-]+/g, '/live/…');
nms.on('errorMessage', (...words) => console.error('node-media-server:', ...words.map(withoutKeys)));

gate.install({ streamServiceUrl, addresses });
keep.install({ nms, mediaRoot, seconds: keepSeconds, mayGoOn: (name) => gate.mayGoOn({ streamServiceUrl, addresses }, name) });
nms.run();

// A port that is taken is only logged by node-media-server; half a server should not stay.
const servers = [nms.nrs.tcpServer, nms.nhs.httpServer];
for (const server of servers) server.on('error', () => process.exit(1));
Promise.all(servers.map((server) => new Promise((done) => server.once('listening', done)))).then(() => {
  const host = bindAddress || '0.0.0.0';
  console.log(`node-media-server: RTMP on ${host}:${rtmpPort}, HTTP on ${host}:${httpPort}`);
});

// Ending the sessions ends their ffmpeg processes; a second is enough for those to remove their files.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.removeAllListeners(signal);
  process.once(signal, () => {
    nms.stop();
    setTimeout(() => process.exit(0), 1000);
  });
}
