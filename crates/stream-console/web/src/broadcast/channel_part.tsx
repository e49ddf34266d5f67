import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import { DetailsForm } from './details_form.tsx';
import type { PartProps } from './page.tsx';

/** What each new stream begins with. */
export function ChannelPart({ client }: PartProps) {
  const { value, error, reload } = useLoaded((signal) => client.channel.show({ signal }), [client]);
  return (
    <section class="panel" aria-labelledby="channel">
      <h2 id="channel">{texts.details.channelTitle}</h2>
      <p class="small">{texts.details.channelHint}</p>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value && <DetailsForm details={value} onSave={async (form) => void (await client.channel.replace(form))} />}
    </section>
  );
}

/** What the owner says of a stream. */
export function StreamDetails({ client, id }: PartProps & { id: number }) {
  const { value, error, reload } = useLoaded((signal) => client.streams.details(id, { signal }), [client, id]);
  return (
    <section class="panel" aria-labelledby="details">
      <h2 id="details">{texts.details.title}</h2>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value && <DetailsForm details={value} onSave={async (form) => void (await client.streams.replaceDetails(id, form))} />}
    </section>
  );
}
