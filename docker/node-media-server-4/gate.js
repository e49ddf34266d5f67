// The gate of node-media-server 4: nothing is published before the stream service has said yes.
//
// The built-in `notify` is too late: node-media-server does not wait for its answer, and takes no answer for a yes.
// The gate wraps `Rtmp.onPublish` instead, sends the hook the same `prePublish` first, and calls the original only after a 200.
// It fails closed: another status, an error or no answer in time all refuse the publisher.
// It sends `donePublish` when the connection closes; the built-in one comes 30 seconds later, and never for a session that was resumed.
'use strict';

const querystring = require('node:querystring');
const { setTimeout } = require('node:timers/promises');
const Rtmp = require('node-media-server/src/protocol/rtmp.js');
const { broadcasts, sessions } = require('node-media-server/src/core/context.js');

const APP = 'live';
const NAME = /^[A-Za-z0-9_-]{1,255}$/;
const FLV_PATH = /^\/[A-Za-z0-9_-]{1,255}\/[A-Za-z0-9_-]{1,255}\.flv(\?|$)/;
const ANSWER_WITHIN_MS = 3000;
const SILENT_FOR_MS = 10_000;
const GIVE_WAY_WITHIN_MS = 1000;

/**
 * Puts the gate into every RTMP session of this process, and shuts the other ways in. Call it once, before the servers run.
 * `hookUrl` is the service's hook, such as `http://localhost:8082/hooks/node-media-server/nms?secret=…`.
 * `report` receives one line for each decision, without any part of a key.
 */
function install({ nms, hookUrl, report = console.log }) {
  if (!URL.canParse(hookUrl)) throw new Error('the gate needs the address of the hook');
  for (const method of ['onPublish', 'onPlay', 'parserData']) {
    if (typeof Rtmp.prototype[method] !== 'function') throw new Error('the gate fits node-media-server 4 only');
  }
  askBeforePublishing(hookUrl, report);
  letPlayersOnlyPlay();
  surviveNonsense();
  publishByRtmpOnly(nms);
}

function askBeforePublishing(hookUrl, report) {
  const publish = Rtmp.prototype.onPublish;

  Rtmp.prototype.onPublish = function (message) {
    const session = sessionOf(this);
    if (!session) return;
    const streamId = this.parserPacket.header.stream_id;
    const refuse = (reason) => {
      report(`gate: ${session.id} refused: ${reason}`);
      if (session.socket.destroyed) return;
      this.sendStatusMessage(streamId, 'error', 'NetStream.Publish.BadName', 'This stream may not be published.');
      session.close();
    };

    const app = this.streamApp;
    const [name, query] = String(message.streamName).split('?');
    // A second stream on a connection would make node-media-server forget the first and never free it.
    if (this.gateRole) return refuse('one connection carries one stream');
    this.gateRole = 'publisher';
    if (app !== APP || !NAME.test(name)) return refuse('this is not the name of a stream');

    const asked = {
      id: session.id,
      ip: session.ip,
      app,
      name,
      query: querystring.parse(query),
      protocol: session.protocol,
      createtime: session.createTime,
      endtime: 0,
      inbytes: session.inBytes,
      outbytes: session.outBytes,
      filePath: '',
    };
    refusalFrom(hookUrl, { ...asked, action: 'prePublish' })
      .then(async (refusal) => {
        if (refusal) return refuse(refusal);
        const end = () =>
          tell(hookUrl, { ...asked, endtime: Date.now(), inbytes: session.inBytes, action: 'donePublish' });
        // The service takes this stream for live now, so it hears of the end, whatever comes.
        if (session.socket.destroyed) {
          report(`gate: ${session.id} left before the answer`);
          return end();
        }
        session.socket.once('close', end);
        // node-media-server has no limit of its own: a publisher whose network died would be live for good.
        session.socket.setTimeout(SILENT_FOR_MS, () => session.socket.destroy());
        // One that has to give way was cut before the answer; its connection takes a moment to close.
        const isLive = () => broadcasts.get(`/${app}/${name}`)?.getPublishStatus() === 'publishing';
        for (let waited = 0; isLive() && waited < GIVE_WAY_WITHIN_MS; waited += 50) await setTimeout(50);
        if (isLive()) return refuse('it is live already');
        if (session.socket.destroyed) return;

        // Other packets have come in while we asked, and the original reads the stream's number from the packet at hand.
        const packet = this.parserPacket;
        this.parserPacket = { header: { stream_id: streamId } };
        try {
          // The part after `?` stays here: it may hold the key, and nobody else needs it.
          publish.call(this, { ...message, streamName: name });
        } finally {
          this.parserPacket = packet;
        }
        report(`gate: ${session.id} ${session.isPublisher ? 'let in' : 'was let in, but did not get through'}`);
      })
      .catch((error) => refuse(`publishing failed (${error.name})`));
  };
}

/** Sound and picture of a connection that plays would go to everybody who watches the same stream. */
function letPlayersOnlyPlay() {
  const play = Rtmp.prototype.onPlay;
  Rtmp.prototype.onPlay = function (message) {
    const session = sessionOf(this);
    if (!session) return;
    if (this.gateRole) return session.close();
    this.gateRole = 'player';
    this.dataHandler = () => {};
    play.call(this, message);
  };
}

/** What node-media-server cannot read would end the process, and everybody's stream with it; it ends that connection. */
function surviveNonsense() {
  const parse = Rtmp.prototype.parserData;
  Rtmp.prototype.parserData = function (data) {
    try {
      return parse.call(this, data);
    } catch (error) {
      return `unreadable message (${error.name})`;
    }
  };
}

/** node-media-server also takes FLV by POST and by WebSocket, where nobody would ask. */
function publishByRtmpOnly(nms) {
  const { httpServer, wsServer } = nms.httpServer;
  const answer = httpServer.listeners('request');
  httpServer.removeAllListeners('request');
  httpServer.on('request', (request, response) => {
    const read = ['GET', 'HEAD', 'OPTIONS'].includes(request.method);
    if (!read && !request.url.startsWith('/api/v1/')) return response.writeHead(405, { Allow: 'GET' }).end();
    // A player of any other path than these ends the process, when it leaves.
    if (/\.flv(\?|$)/i.test(request.url) && !FLV_PATH.test(request.url)) return response.writeHead(404).end();
    for (const listener of answer) listener.call(httpServer, request, response);
  });
  // Another path ends the process: node-media-server goes on with a session that it has just closed.
  wsServer.shouldHandle = ({ url, headers }) => FLV_PATH.test(url) && !headers['sec-websocket-protocol'];
}

function sessionOf(rtmp) {
  for (const session of sessions.values()) if (session.rtmp === rtmp) return session;
  return null;
}

/** Why the stream service does not let this session publish; `null` means that it does. Never rejects. */
async function refusalFrom(hookUrl, event) {
  try {
    const { status } = await post(hookUrl, event);
    return status === 200 ? null : `the stream service answered ${status}`;
  } catch (error) {
    return `no answer from the stream service (${error.cause?.code ?? error.name})`;
  }
}

/** The service asks for the list of publishers as well, so an end that does not arrive is only learnt later. */
function tell(hookUrl, event) {
  post(hookUrl, event).catch(() => {});
}

async function post(hookUrl, event) {
  const response = await fetch(hookUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  response.body?.cancel().catch(() => {});
  return response;
}

module.exports = { install };
