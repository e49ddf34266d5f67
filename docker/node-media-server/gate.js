// The gate of node-media-server 2: nothing is published before the stream service has said yes.
//
// The documented way, to ask in a `prePublish` listener, is too late.
// node-media-server does not wait for listeners, so a denied stream is live until the answer comes, and stays live if none comes.
// The gate wraps `NodeRtmpSession.onPublish` instead, asks first, and calls the original only after a yes.
// It fails closed: another status, an unreadable answer, an error or no answer in time all refuse the publisher.
'use strict';

const NodeRtmpSession = require('node-media-server/src/node_rtmp_session');
const { publishers } = require('node-media-server/src/node_core_ctx');

const APP = 'live';
const KEY = /^[A-Za-z0-9_-]{1,255}$/;
/** How publishers name stream and key: `live/{key}`, or `live/{playback_id}?key={key}`, which keeps the key from viewers. */
const ADDRESSES = ['key', 'playback'];
const ANSWER_WITHIN_MS = 3000;

/**
 * Puts the gate into every RTMP session of this process. Call it once, before `nms.run()`.
 * `streamServiceUrl` is the service's address, such as `http://localhost:8082`; `addresses` is the service's `ADDRESSES`.
 * `report` receives one line for each decision, with the stream's name shortened.
 */
function install({ streamServiceUrl, addresses = 'key', report = console.log }) {
  const lookup = `${String(streamServiceUrl).replace(/\/+$/, '')}/api/streams/`;
  const publish = NodeRtmpSession.prototype.onPublish;
  if (!URL.canParse(lookup)) throw new Error('the gate needs the address of the stream service');
  if (!ADDRESSES.includes(addresses)) throw new Error(`the gate knows the addresses ${ADDRESSES.join(' and ')}`);
  if (typeof publish !== 'function') throw new Error('the gate fits node-media-server 2 only');

  NodeRtmpSession.prototype.onPublish = function (message) {
    const app = this.appname;
    const [name, query] = String(message.streamName).split('?');
    const key = addresses === 'key' ? name : onlyKeyOf(query);
    const streamId = this.parserPacket.header.stream_id;
    const refuse = (reason) => {
      report(`gate: ${app === APP && KEY.test(name) ? shorten(name) : 'a publisher'} refused: ${reason}`);
      if (!this.isStarting) return;
      this.sendStatusMessage(streamId, 'error', 'NetStream.Publish.BadName', 'This stream key may not publish.');
      this.reject();
    };

    // A second publish on a connection would make node-media-server forget the name of the first and never free it.
    if (this.isPublishing || this.gateIsAsking) return refuse('one connection publishes one stream');
    if (app !== APP || !KEY.test(name)) return refuse('this is not the name of a stream');
    if (!KEY.test(key)) return refuse('the name must be followed by ?key= and the key');
    // Stream 0 is the connection itself; node-media-server would never end what is published on it.
    if (!(streamId > 0)) return refuse('publish came before createStream');

    this.gateIsAsking = true;
    refusalFrom(lookup, addresses === 'key' ? { stream_key: key } : { stream_key: key, playback_id: name })
      .then((refusal) => {
        this.gateIsAsking = false;
        if (!this.isStarting) return report(`gate: ${shorten(name)} left before the answer`);
        if (refusal) return refuse(refusal);
        if (this.appname !== app) return refuse('the application changed while the gate was asking');
        if (publishers.has(`/${app}/${name}`)) return refuse('it is live already');

        // Other packets have come in while we asked, and the original reads the stream's number from the packet at hand.
        const packet = this.parserPacket;
        this.parserPacket = { header: { stream_id: streamId } };
        try {
          // The part after `?` stays here: node-media-server would take ffmpeg options such as `hlsFlags` from it,
          // with which a broadcaster could write to any file of the server, and would show the key in its API.
          publish.call(this, { ...message, streamName: name });
        } finally {
          this.parserPacket = packet;
        }
        if (this.isPublishing) report(`gate: ${shorten(name)} let in`);
      })
      .catch((error) => refuse(`publishing failed (${error.name})`));
  };
}

/** The key after `?`; empty if there is none, or more than one. */
function onlyKeyOf(query) {
  // One value that stands there twice is one.
  const keys = [...new Set(new URLSearchParams(query).getAll('key'))];
  return keys.length === 1 ? keys[0] : '';
}

/** Why the stream service does not let the key of `expected` publish; `null` means that it does. Never rejects. */
async function refusalFrom(lookup, expected) {
  try {
    const response = await fetch(lookup + encodeURIComponent(expected.stream_key), {
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (response.status !== 200) {
      response.body?.cancel().catch(() => {});
      return `the stream service answered ${response.status}`;
    }
    // A 200 must speak of this very key: `/api/streams/public` is another route, and `public` could be a key's name.
    // It must speak of this very name as well, or one broadcaster's key would open another's address.
    const stream = await response.json();
    const itIs = Object.entries(expected).every(([field, value]) => stream?.[field] === value);
    return itIs ? null : 'the stream service answered, but not with this stream';
  } catch (error) {
    return `no usable answer from the stream service (${error.cause?.code ?? error.name})`;
  }
}

/**
 * Whether a stream of this name may go on after its publisher left: not if the stream service says that it was stopped
 * or has expired. No answer says nothing. Never rejects.
 */
async function mayGoOn({ streamServiceUrl, addresses = 'key' }, name) {
  const place = addresses === 'key' ? '' : 'public/';
  const url = `${String(streamServiceUrl).replace(/\/+$/, '')}/api/streams/${place}${encodeURIComponent(name)}`;
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      // One connection a question: the next publisher's must not depend on what became of the last.
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    response.body?.cancel().catch(() => {});
    return response.status !== 410;
  } catch {
    return true;
  }
}

/** Enough of a name to recognise it in a log, too little to publish with where it is a key. */
function shorten(name) {
  return name.length < 16 ? 'a short name' : `${name.slice(0, 4)}…`;
}

module.exports = { install, mayGoOn };
