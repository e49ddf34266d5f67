// Keeps the playlist of a stream whose publisher left, for players to be there when it comes back.
//
// node-media-server removes a stream's files when its publisher leaves, and numbers its next segments from the start:
// players take either for the end. With `hlsKeep` and ffmpeg's `append_list` the next ffmpeg goes on with the playlist
// that is there, and this removes what nobody came back to.
'use strict';

const fs = require('node:fs/promises');
const path = require('node:path');
const { publishers } = require('node-media-server/src/node_core_ctx');

/**
 * Watches the streams of `nms`; call it once, before `nms.run()`.
 * `mediaRoot` is the folder of the HLS files, `seconds` how long they outlive their publisher; `mayGoOn` tells whether a
 * name may still be published, and a stream that may not is removed at once.
 */
function install({ nms, mediaRoot, seconds, mayGoOn }) {
  const folderOf = (streamPath) => path.join(mediaRoot, path.normalize(streamPath));
  nms.on('donePublish', async (id, streamPath) => {
    const isBack = () => publishers.has(streamPath);
    for (let left = seconds; left > 0; left--) {
      // node-media-server forgets the publisher, and ffmpeg finishes its last segment meanwhile.
      await new Promise((done) => setTimeout(done, 1000));
      if (isBack() || !(await mayGoOn(path.basename(streamPath)))) break;
    }
    if (!isBack()) await remove(folderOf(streamPath));
  });
}

/** The playlist first: it must not name what is gone. */
async function remove(folder) {
  await fs.rm(path.join(folder, 'index.m3u8'), { force: true }).catch(() => {});
  await fs.rm(folder, { recursive: true, force: true }).catch(() => {});
}

module.exports = { install };
