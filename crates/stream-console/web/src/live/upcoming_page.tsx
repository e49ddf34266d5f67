import { useState } from 'preact/hooks';
import type { ListedSchedule } from '../../../../../clients/typescript/src/index.ts';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { between, dayOf, duration, hour, momentIn, zone } from '../format.ts';
import { useLoaded } from '../loading.ts';
import { linkTo } from '../router.ts';
import { everybody } from '../service.ts';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';
import { StreamFacts } from './list_page.tsx';

const PAGE = 50;

/** What is planned, by day, with a calendar to subscribe to. */
export function UpcomingPage() {
  useTitle(texts.upcoming.title);
  const [limit, setLimit] = useState(PAGE);
  const { value, error } = useLoaded((signal) => everybody.publicSchedules.list({ limit }, { signal }), [limit], 15_000);
  const file = everybody.publicSchedules.calendarUrl();
  const days = Map.groupBy(value?.schedules ?? [], (schedule) => dayOf(schedule.starts_at));
  return (
    <>
      <h1>{texts.upcoming.title}</h1>
      <p class="row">
        <a class="button" href={new URL(file, location.href).href.replace(/^https?:/, 'webcal:')}>
          {texts.upcoming.calendar}
        </a>
        <a href={file}>{texts.upcoming.file}</a>
      </p>
      <p class="small">{texts.schedule.zone(zone)}</p>
      <ErrorNotice error={error} />
      {!value && !error && <Progress />}
      {value?.schedules.length === 0 && <p>{texts.upcoming.none}</p>}
      {[...days].map(([day, schedules]) => (
        <section key={day}>
          <h2>{day}</h2>
          <ul class="rows">
            {schedules.map((schedule) => (
              <Planned key={schedule.id} schedule={schedule} />
            ))}
          </ul>
        </section>
      ))}
      {value?.next_cursor !== undefined && (
        <button type="button" onClick={() => setLimit((last) => Math.min(last + PAGE, 1000))}>
          {texts.actions.more}
        </button>
      )}
    </>
  );
}

function Planned({ schedule }: { schedule: ListedSchedule }) {
  const title = schedule.title ?? texts.live.untitled;
  const isLive = schedule.state === 'live' && schedule.playback_id !== null;
  return (
    <li>
      <time datetime={schedule.starts_at}>{hour(schedule.starts_at)}</time>
      <div>
        <h3 dir="auto">{isLive && schedule.playback_id ? <a href={linkTo(['watch', schedule.playback_id])}>{title}</a> : title}</h3>
        <p class="small">
          {isLive && <span class="badge live">{texts.upcoming.live}</span>} {texts.upcoming.lasts(duration(between(schedule.starts_at, schedule.ends_at)))}
          {schedule.time_zone && schedule.time_zone !== zone && ` · ${texts.upcoming.theirTime(momentIn(schedule.starts_at, schedule.time_zone), schedule.time_zone)}`}
        </p>
        <StreamFacts stream={schedule} onTag={(tag) => (location.hash = linkTo([], { tag }))} />
      </div>
    </li>
  );
}
