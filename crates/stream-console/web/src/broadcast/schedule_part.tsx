import { useState } from 'preact/hooks';
import { isStreamServiceError, type ListedSchedule } from '../../../../../clients/typescript/src/index.ts';
import { Confirm } from '../elements/confirm.tsx';
import { TextField } from '../elements/fields.tsx';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { span, zone } from '../format.ts';
import { useAction, useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import { DetailsFields, formOf, isTooMuch, typedOf } from './details_form.tsx';
import type { PartProps } from './page.tsx';

/** What the caller has planned: plan, change and cancel. */
export function SchedulePart({ client }: PartProps) {
  const [edited, setEdited] = useState<number | 'new' | null>(null);
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const { value, error, reload } = useLoaded((signal) => client.schedules.list({ limit: 100, from }, { signal }), [client], 15_000);
  const done = () => (setEdited(null), reload());
  return (
    <section class="panel" aria-labelledby="schedule">
      <h2 id="schedule">{texts.schedule.title}</h2>
      <p class="small">{texts.schedule.zone(zone)}</p>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value?.schedules.length === 0 && <p>{texts.schedule.none}</p>}
      <ul class="rows">
        {value?.schedules.map((schedule) => (
          <li key={schedule.id}>
            {edited === schedule.id ? (
              <PlanForm client={client} schedule={schedule} onDone={done} onCancel={() => setEdited(null)} />
            ) : (
              <Planned client={client} schedule={schedule} onEdit={() => setEdited(schedule.id)} onDone={done} />
            )}
          </li>
        ))}
      </ul>
      {edited === 'new' ? (
        <PlanForm client={client} schedule={null} onDone={done} onCancel={() => setEdited(null)} />
      ) : (
        <button type="button" class="primary" onClick={() => setEdited('new')}>
          {texts.schedule.plan}
        </button>
      )}
    </section>
  );
}

interface PlannedProps extends PartProps {
  schedule: ListedSchedule;
  onEdit: () => void;
  onDone: () => void;
}

function Planned({ client, schedule, onEdit, onDone }: PlannedProps) {
  const [isAsking, setAsking] = useState(false);
  const { error, isBusy, run } = useAction();
  const canChange = schedule.state === 'scheduled' || schedule.state === 'live';
  const title = schedule.title ?? texts.live.untitled;
  const cancel = async () => {
    await client.schedules.cancel(schedule.id);
    onDone();
  };
  return (
    <div>
      <h3 dir="auto">{title}</h3>
      <p class="small">
        <span class="badge">{texts.schedule.states[schedule.state] ?? schedule.state}</span> {span(schedule.starts_at, schedule.ends_at)}
      </p>
      <ErrorNotice error={error} />
      {canChange && (
        <div class="row">
          <button type="button" aria-label={`${texts.schedule.change}: ${title}`} onClick={onEdit}>
            {texts.schedule.change}
          </button>
          <button type="button" aria-label={`${texts.schedule.cancel}: ${title}`} disabled={isBusy} onClick={() => setAsking(true)}>
            {texts.schedule.cancel}
          </button>
        </div>
      )}
      {isAsking && (
        <Confirm
          title={texts.schedule.cancelTitle}
          text={texts.schedule.cancelText}
          confirm={texts.schedule.cancel}
          cancel={texts.schedule.back}
          onCancel={() => setAsking(false)}
          onConfirm={() => (setAsking(false), run(cancel))}
        />
      )}
    </div>
  );
}

interface PlanFormProps extends PartProps {
  schedule: ListedSchedule | null;
  onDone: () => void;
  onCancel: () => void;
}

/** A schedule that is planned or changed; a list leaves its description out, so that is read first. */
function PlanForm(props: PlanFormProps) {
  const { client, schedule } = props;
  const load = async (signal: AbortSignal) => (schedule ? client.schedules.show(schedule.id, { signal }) : client.channel.show({ signal }));
  const { value, error, reload } = useLoaded(load, [client, schedule?.id]);
  if (!value) return error ? <ErrorNotice error={error} again={reload} /> : <Progress />;
  return <PlanFields {...props} begun={typedOf(value)} />;
}

function PlanFields({ client, schedule, begun, onDone, onCancel }: PlanFormProps & { begun: ReturnType<typeof typedOf> }) {
  const [typed, setTyped] = useState(begun);
  const [starts, setStarts] = useState(() => localOf(schedule ? new Date(schedule.starts_at) : nextHour(1)));
  const [ends, setEnds] = useState(() => localOf(schedule ? new Date(schedule.ends_at) : nextHour(2)));
  const { isBusy, error, run } = useAction();
  const isOrdered = new Date(starts) < new Date(ends);
  const refused = (field: string) => (isStreamServiceError(error) && error.code === `invalid_${field}` ? error.message : undefined);
  const save = async () => {
    const form = {
      ...formOf(typed),
      starts_at: new Date(starts).toISOString(),
      ends_at: new Date(ends).toISOString(),
      time_zone: schedule?.time_zone ?? zone,
    };
    await (schedule ? client.schedules.replace(schedule.id, form) : client.schedules.plan(form));
    onDone();
  };
  return (
    <form class="panel" onSubmit={(event) => (event.preventDefault(), run(save))}>
      <div class="columns">
        <TextField label={texts.schedule.starts} type="datetime-local" required value={starts} error={refused('starts_at')} onInput={setStarts} />
        <TextField
          label={texts.schedule.ends}
          type="datetime-local"
          required
          value={ends}
          error={isOrdered ? refused('ends_at') : texts.schedule.timesWrong}
          onInput={setEnds}
        />
      </div>
      <DetailsFields typed={typed} error={error} onChange={(changed) => setTyped({ ...typed, ...changed })} />
      <ErrorNotice error={error} />
      <div class="row end">
        <button type="button" onClick={onCancel}>
          {texts.actions.cancel}
        </button>
        <button type="submit" class="primary" disabled={isBusy || !isOrdered || isTooMuch(typed)}>
          {isBusy ? texts.broadcast.working : texts.actions.save}
        </button>
      </div>
    </form>
  );
}

/** What a `datetime-local` field takes: the browser's own clock, to the minute. */
function localOf(date: Date): string {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

function nextHour(hours: number): Date {
  return new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + (hours - 1) * 3_600_000);
}
