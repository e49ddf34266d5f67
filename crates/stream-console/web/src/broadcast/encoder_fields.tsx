import { useState } from 'preact/hooks';
import type { Stream } from '../../../../../clients/typescript/src/index.ts';
import { CopyField } from '../elements/copy_field.tsx';
import { QrCode } from '../elements/qr_code.tsx';
import { texts } from '../texts.ts';

/** What is shown in place of a key: its length says nothing. */
const DOTS = '••••••••••••••••';

/** The two fields of an encoder, and the same in other forms; whatever holds the key is hidden until it is asked for. */
export function EncoderFields({ stream }: { stream: Stream }) {
  const words = texts.broadcast;
  const { server, stream_key, alternatives } = stream.ingest;
  const masked = (text: string) => text.replaceAll(stream.stream_key, DOTS);
  const line = `ffmpeg -re -i video.mp4 -c:v libx264 -preset veryfast -g 60 -c:a aac -f flv '${stream.rtmp_url}'`;
  return (
    <>
      <p class="small">{words.encoderHint}</p>
      <CopyField label={words.server} value={server} />
      <CopyField label={words.key} value={stream_key} hidden={masked(stream_key)} />
      <p class="small">{words.keyHidden}</p>
      <details>
        <summary>{words.url}</summary>
        <CopyField label={words.url} value={stream.rtmp_url} hidden={masked(stream.rtmp_url)} />
        <CopyField label={words.ffmpeg} value={line} hidden={masked(line)} />
        {alternatives?.map(({ protocol, url }) => (
          <CopyField key={url} label={words.alternative(protocol)} value={url} hidden={masked(url)} />
        ))}
        <PhoneCode url={stream.rtmp_url} />
      </details>
    </>
  );
}

function PhoneCode({ url }: { url: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <div class="phone">
      <button type="button" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? texts.broadcast.qrHide : texts.broadcast.qrShow}
      </button>
      {isShown && (
        <>
          <QrCode text={url} label={texts.broadcast.qrLabel} />
          <p class="small">{texts.broadcast.qrHint}</p>
        </>
      )}
    </div>
  );
}
