// The module at /embed.js: `<live-stream playback-id="…">` for the pages of any platform.
import { defineLiveStream } from './player/live_stream.ts';

defineLiveStream();
