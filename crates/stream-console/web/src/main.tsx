import { render } from 'preact';
import { App } from './app.tsx';
import { LiveStream, defineLiveStream } from './player/live_stream.ts';
import { base } from './service.ts';

LiveStream.base = base;
defineLiveStream();
const root = document.getElementById('console');
if (root) render(<App />, root);
