// `<live-stream>` in JSX.
import type { HTMLAttributes } from 'preact';

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'live-stream': HTMLAttributes<HTMLElement> & { 'playback-id': string; onstatechange?: () => void };
    }
  }
}
