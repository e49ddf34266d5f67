import { ConnectionError, isStreamServiceError, TimeoutError } from '../../../../../clients/typescript/src/index.ts';
import { texts } from '../texts.ts';

/** What went wrong, in words, and what to do. */
export function ErrorNotice({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  if (error === null || error === undefined) return null;
  const { sentence, cure, request } = wordsOf(error);
  return (
    <div class="notice bad" role="alert">
      <p>
        {sentence} {cure}
      </p>
      {request && <p class="small">{texts.errors.requestId(request)}</p>}
      {again && (
        <button type="button" onClick={again}>
          {texts.actions.again}
        </button>
      )}
    </div>
  );
}

function wordsOf(error: unknown): { sentence: string; cure?: string | undefined; request?: string | null } {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return { sentence: texts.errors.connection };
  if (!isStreamServiceError(error)) return { sentence: error instanceof Error ? error.message : String(error) };
  if (error.code === null) return { sentence: texts.errors.unexpected(error.status) };
  const wait = error.retryAfter !== null && error.status === 429 ? texts.errors.wait(error.retryAfter) : undefined;
  return {
    sentence: error.message,
    cure: texts.errors.cures[error.code] ?? wait,
    request: error.status >= 500 ? error.requestId : null,
  };
}

/** Something that takes a moment. */
export function Progress({ text = texts.loading }: { text?: string }) {
  return (
    <p class="progress" role="status">
      <span class="spinner" aria-hidden="true" />
      {text}
    </p>
  );
}

/** Something that was done, or is so; told to screen readers when it changes. */
export function Told({ text }: { text: string }) {
  return (
    <p class="told" role="status">
      {text}
    </p>
  );
}
