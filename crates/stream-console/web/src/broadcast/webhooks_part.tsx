import { useState } from 'preact/hooks';
import type { EventType, StreamServiceClient, Webhook, WebhookWithSecret } from '../../../../../clients/typescript/src/index.ts';
import { Confirm } from '../elements/confirm.tsx';
import { CopyField } from '../elements/copy_field.tsx';
import { TextField } from '../elements/fields.tsx';
import { ErrorNotice, Progress, Told } from '../elements/notices.tsx';
import { moment } from '../format.ts';
import { useAction, useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import { Deliveries } from './deliveries.tsx';
import type { PartProps } from './page.tsx';

/** Every type that an endpoint may ask for; a test of types holds them to the API's description. */
const TYPES = [
  'stream.created', 'stream.updated', 'stream.stopped', 'stream.expired', 'stream.live', 'stream.publisher_changed', 'stream.offline',
  'stream.publish_refused', 'schedule.created', 'schedule.updated', 'schedule.canceled', 'schedule.missed', 'webhook.disabled',
] as const satisfies readonly EventType[];

/** Where the caller's events are delivered: add, test, switch, rotate, remove, and what became of each delivery. */
export function WebhooksPart({ client }: PartProps) {
  const { value, error, reload } = useLoaded((signal) => client.webhooks.list({ signal }), [client], 5_000);
  const [isAdding, setAdding] = useState(false);
  const [secret, setSecret] = useState<WebhookWithSecret | null>(null);
  const shown = (webhook: WebhookWithSecret) => (setSecret(webhook), setAdding(false), reload());
  return (
    <section class="panel" aria-labelledby="webhooks">
      <h2 id="webhooks">{texts.webhooks.title}</h2>
      <p class="small">{texts.webhooks.hint}</p>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value?.webhooks.length === 0 && <p>{texts.webhooks.none}</p>}
      {secret && <Secret webhook={secret} onDone={() => setSecret(null)} />}
      <ul class="rows">
        {value?.webhooks.map((webhook) => (
          <Endpoint key={webhook.id} client={client} webhook={webhook} onSecret={shown} onChange={reload} />
        ))}
      </ul>
      {isAdding ? (
        <AddForm client={client} onAdded={shown} onCancel={() => setAdding(false)} />
      ) : (
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          {texts.webhooks.add}
        </button>
      )}
    </section>
  );
}

function Secret({ webhook, onDone }: { webhook: WebhookWithSecret; onDone: () => void }) {
  return (
    <div class="notice">
      <p>
        <strong>{webhook.url}</strong>
      </p>
      <CopyField label={texts.webhooks.secret} value={webhook.secret} />
      <p>{texts.webhooks.secretHint}</p>
      <button type="button" onClick={onDone}>
        {texts.webhooks.secretDone}
      </button>
    </div>
  );
}

interface AddFormProps {
  client: StreamServiceClient;
  onAdded: (webhook: WebhookWithSecret) => void;
  onCancel: () => void;
}

function AddForm({ client, onAdded, onCancel }: AddFormProps) {
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [types, setTypes] = useState<EventType[]>([]);
  const { isBusy, error, run } = useAction();
  const add = async () => onAdded(await client.webhooks.add({ url: url.trim(), types, description: description.trim() || null }));
  return (
    <form class="panel" onSubmit={(event) => (event.preventDefault(), run(add))}>
      <TextField label={texts.webhooks.url} hint={texts.webhooks.urlHint} type="url" required value={url} onInput={setUrl} />
      <TextField label={texts.webhooks.description} limit={200} value={description} onInput={setDescription} />
      <fieldset>
        <legend>{texts.webhooks.types}</legend>
        <p class="small">{texts.webhooks.typesHint}</p>
        {TYPES.map((type) => (
          <label key={type} class="check">
            <input
              type="checkbox"
              checked={types.includes(type)}
              onChange={(event) => setTypes(event.currentTarget.checked ? [...types, type] : types.filter((other) => other !== type))}
            />
            {type}
          </label>
        ))}
      </fieldset>
      <ErrorNotice error={error} />
      <div class="row end">
        <button type="button" onClick={onCancel}>
          {texts.actions.cancel}
        </button>
        <button type="submit" class="primary" disabled={isBusy || url.trim() === ''}>
          {isBusy ? texts.broadcast.working : texts.webhooks.add}
        </button>
      </div>
    </form>
  );
}

interface EndpointProps {
  client: StreamServiceClient;
  webhook: Webhook;
  onSecret: (webhook: WebhookWithSecret) => void;
  onChange: () => void;
}

function Endpoint({ client, webhook, onSecret, onChange }: EndpointProps) {
  const [asked, setAsked] = useState<'rotate' | 'remove' | null>(null);
  const [told, setTold] = useState('');
  const { isBusy, error, run } = useAction();
  const { id, url } = webhook;
  const does = (step: () => Promise<void>) => () => (setAsked(null), setTold(''), run(step));
  const words = texts.webhooks;
  const switchTo = async (enabled: boolean) => {
    const types = TYPES.filter((type) => webhook.types.includes(type));
    await client.webhooks.replace(id, { url, description: webhook.description, types, enabled });
    onChange();
  };
  const buttons: [text: string, act: () => void, isOff: boolean][] = [
    [words.test, does(async () => (await client.webhooks.test(id), setTold(words.tested), onChange())), !webhook.enabled],
    [words.rotate, () => setAsked('rotate'), false],
    [webhook.enabled ? words.off : words.on, does(() => switchTo(!webhook.enabled)), false],
    [texts.actions.remove, () => setAsked('remove'), false],
  ];
  return (
    <li>
      <div>
        <h3 class="break">{url}</h3>
        <p class="small" dir="auto">
          {webhook.description}
        </p>
        <p class="small">{webhook.types.length === 0 ? words.all : webhook.types.join(', ')}</p>
        {webhook.disabled_reason && <p class="notice">{words.disabled[webhook.disabled_reason] ?? webhook.disabled_reason}</p>}
        {webhook.failing_since && <p class="notice">{words.failing(moment(webhook.failing_since))}</p>}
        {webhook.previous_secret_until && <p class="small">{words.previous(moment(webhook.previous_secret_until))}</p>}
        <div class="row">
          {buttons.map(([text, act, isOff]) => (
            <button key={text} type="button" aria-label={`${text}: ${url}`} disabled={isBusy || isOff} onClick={act}>
              {text}
            </button>
          ))}
        </div>
        <Told text={told} />
        <ErrorNotice error={error} />
        <Deliveries client={client} id={id} canRetry={webhook.enabled} />
        {asked === 'rotate' && (
          <Confirm
            title={words.rotateTitle}
            text={words.rotateText}
            confirm={words.rotate}
            onCancel={() => setAsked(null)}
            onConfirm={does(async () => onSecret(await client.webhooks.rotateSecret(id)))}
          />
        )}
        {asked === 'remove' && (
          <Confirm
            title={words.removeTitle}
            text={words.removeText}
            confirm={texts.actions.remove}
            onCancel={() => setAsked(null)}
            onConfirm={does(async () => (await client.webhooks.remove(id), onChange()))}
          />
        )}
      </div>
    </li>
  );
}
