import type { AdminServer } from '../../../../../clients/typescript/src/index.ts';
import { ErrorNotice, Progress } from '../elements/notices.tsx';
import { moment } from '../format.ts';
import { useLoaded } from '../loading.ts';
import { texts } from '../texts.ts';
import type { Admin } from './service.ts';

/** The media servers, and whether they answer. */
export function ServersPart({ admin }: { admin: Admin }) {
  const { value, error, reload } = useLoaded((signal) => admin.servers({ signal }), [admin], 5_000);
  const words = texts.operate.servers;
  const columns = [words.name, words.family, words.control, words.publishers, words.sessions, words.heard];
  return (
    <section class="panel" aria-labelledby="part">
      <h2 id="part">{texts.operate.tabs.servers}</h2>
      <ErrorNotice error={error} again={reload} />
      {!value && !error && <Progress />}
      {value?.servers.length === 0 && <p>{words.none}</p>}
      {value && value.servers.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={words.caption}>
          <table>
            <caption class="visually-hidden">{words.caption}</caption>
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {value.servers.map((server) => (
                <Row key={server.name} server={server} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ server }: { server: AdminServer }) {
  const words = texts.operate.servers;
  const isGood = server.control === 'reachable' || server.control === 'none';
  return (
    <tr>
      <th scope="row">{server.name}</th>
      <td>{server.family ?? '–'}</td>
      <td>
        <span class={isGood ? 'badge' : 'badge failed'}>{words.controls[server.control] ?? server.control}</span>
        {server.error && <p class="small">{server.error}</p>}
      </td>
      <td>{server.publishers ?? '–'}</td>
      <td>{server.open_sessions}</td>
      <td>{server.last_heard_at ? moment(server.last_heard_at) : words.never}</td>
    </tr>
  );
}
