import { useState } from 'preact/hooks';
import type { Delivery, StreamServiceClient } from '../../../../../clients/typescript/src/index.ts';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { moment } from '../format.ts';
import { useAction, useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';

interface DeliveriesProps {
  client: StreamServiceClient;
  id: number;
  canRetry: boolean;
}

/** What was and will be delivered to an endpoint, once it is asked for. */
export function Deliveries(props: DeliveriesProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{texts.webhooks.deliveries}</summary>
      {isOpen && <List {...props} />}
    </details>
  );
}

function List({ client, id, canRetry }: DeliveriesProps) {
  const { value, error, reload } = useLoaded((signal) => client.webhooks.deliveries.list(id, { limit: 20 }, { signal }), [client, id], 2_000);
  return (
    <>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value?.deliveries.length === 0 && <p class="small">{texts.webhooks.noDeliveries}</p>}
      <ul class="plain">
        {value?.deliveries.map((delivery) => (
          <Row key={delivery.position} delivery={delivery} canRetry={canRetry} onRetry={async () => (await client.webhooks.deliveries.retry(id, delivery.position), reload())} />
        ))}
      </ul>
    </>
  );
}

function Row({ delivery, canRetry, onRetry }: { delivery: Delivery; canRetry: boolean; onRetry: () => Promise<void> }) {
  const { isBusy, error, run } = useAction();
  const words = texts.webhooks;
  return (
    <li>
      <p>
        <code>{delivery.type}</code> <span class={`badge ${delivery.status}`}>{words.statuses[delivery.status] ?? delivery.status}</span>{' '}
        <button type="button" aria-label={`${words.retry}: ${delivery.type} ${delivery.position}`} disabled={isBusy || !canRetry} onClick={() => run(onRetry)}>
          {words.retry}
        </button>
      </p>
      <ul class="small">
        {delivery.attempts.map(({ at, status, error: failure, duration_ms }) => (
          <li key={at}>{words.attempt(moment(at), status === null ? (failure ?? '?') : words.answered(status), duration_ms)}</li>
        ))}
      </ul>
      {delivery.next_attempt_at && <p class="small">{words.next(moment(delivery.next_attempt_at))}</p>}
      <ErrorNotice error={error} />
    </li>
  );
}
