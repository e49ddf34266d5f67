// node-media-server 4 with the gate in front.
'use strict';

const crypto = require('node:crypto');
const NodeMediaServer = require('node-media-server');
const logger = require('node-media-server/src/core/logger.js');
const gate = require('./gate');

const setting = (name, byDefault) => process.env[name] || byDefault;
const streamServiceUrl = setting('STREAM_SERVICE_URL', 'http://localhost:8082');
const serverName = setting('SERVER_NAME', 'node-media-server-4');
const hookSecret = setting('HOOK_SECRET', '');
const rtmpPort = Number(setting('RTMP_PORT', '1935'));
const httpPort = Number(setting('HTTP_PORT', '8083'));
const bindAddress = setting('BIND_ADDRESS', '0.0.0.0');
const apiUser = setting('API_USER', '');
const apiPassword = setting('API_PASSWORD', '');

const hookUrl = new URL(`hooks/node-media-server/${encodeURIComponent(serverName)}`, `${streamServiceUrl.replace(/\/+$/, '')}/`);
if (hookSecret) hookUrl.searchParams.set('secret', hookSecret);

// Its own log prints every name in full; errors alone are printed, without what may be a key.
logger.log = (message, level) => {
  if (level === 'error') console.error('node-media-server:', withoutNames(message));
};
const withoutNames = (text) => String(text).replace(/(\/live\/|app=|name=).*/gs, '$1…');

const nms = new NodeMediaServer({
  bind: bindAddress,
  rtmp: { port: rtmpPort },
  http: { port: httpPort },
  webadmin: { enable: false },
  auth:
    apiUser && apiPassword
      ? {
          jwt: {
            // Tokens end with the process; who holds one logs in again.
            secret: crypto.randomBytes(32).toString('hex'),
            expiresIn: '1h',
            users: [{ username: apiUser, password: apiPassword, role: 'admin' }],
          },
        }
      : {},
});

gate.install({ nms, hookUrl: String(hookUrl) });

// `nms.run()` would also start records, relays and a history, which writes the name of every stream to the disk.
nms.httpServer.run();
nms.rtmpServer.run();

// A port that is taken ends the process.
const servers = [nms.rtmpServer.tcpServer, nms.httpServer.httpServer];
Promise.all(servers.map((server) => new Promise((done) => server.once('listening', done)))).then(() => {
  console.log(`node-media-server: RTMP on ${bindAddress}:${rtmpPort}, HTTP on ${bindAddress}:${httpPort}`);
});

// Closing the connections lets the gate tell the service of their end; a second is enough for that.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    nms.rtmpServer.stop();
    nms.httpServer.stop();
    setTimeout(() => process.exit(0), 1000);
  });
}
