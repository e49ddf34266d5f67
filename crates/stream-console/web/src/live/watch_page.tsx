import { useState } from 'preact/hooks';
import type { DescribedStream } from '../../../../../clients/typescript/src/index.ts';
import { isStreamServiceError } from '../../../../../clients/typescript/src/index.ts';
import { CopyField } from '../elements/copy_field.tsx';
import '../elements/live_stream.ts';
import { moment } from '../format.ts';
import { useLoaded } from '../loading.ts';
import { linkTo } from '../router.ts';
import { base, everybody } from '../service.ts';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';
import { StreamFacts } from './list_page.tsx';

/** How often the details are read, in milliseconds; the player asks by itself whether the stream is live. */
const POLL = 10_000;

/** Plays one stream, and says what it is about. */
export function WatchPage({ playbackId }: { playbackId: string }) {
  const [turn, setTurn] = useState(0);
  const { value, error } = useLoaded((signal) => everybody.publicStreams.find(playbackId, { signal }), [playbackId, turn], POLL);
  const [last, setLast] = useState<DescribedStream | null>(null);
  if (value && value !== last) setLast(value);
  const shown = value ?? last;
  const isOver = isStreamServiceError(error, 'stream_stopped', 'stream_expired');
  const title = shown?.title ?? texts.live.untitled;
  useTitle(title);
  return (
    <div class="watch">
      <p>
        <a href={linkTo([])}>{texts.watch.back}</a>
      </p>
      <live-stream playback-id={playbackId} onstatechange={() => setTurn((before) => before + 1)} />
      <h1 dir="auto">{title}</h1>
      <p class="small told">{isOver ? texts.watch.ended : shown?.live_since ? texts.watch.since(moment(shown.live_since)) : ''}</p>
      {shown && <StreamFacts stream={shown} onTag={(tag) => (location.hash = linkTo([], { tag }))} />}
      {shown?.description && (
        <p class="description" dir="auto">
          {shown.description}
        </p>
      )}
      <CopyField label={texts.watch.share} value={`${base}${linkTo(['watch', playbackId])}`} />
      <CopyField label={texts.watch.embed} value={embedOf(playbackId)} />
      <p class="small">{texts.watch.embedHint}</p>
    </div>
  );
}

function embedOf(playbackId: string): string {
  return `<script type="module" src="${base}embed.js"></script> <live-stream playback-id="${playbackId}"></live-stream>`;
}
