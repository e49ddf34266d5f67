import { useEffect, useId, useState } from 'preact/hooks';
import { texts } from '../texts.ts';

interface CopyFieldProps {
  label: string;
  value: string;
  /** What is shown in its place until it is asked for; without it, the value is shown. */
  hidden?: string | undefined;
}

/** A value to be copied, exactly as it is; a secret one is hidden until it is asked for. */
export function CopyField({ label, value, hidden }: CopyFieldProps) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  const isHidden = hidden !== undefined && !isShown;
  return (
    <div class="copy-field">
      <label for={id}>{label}</label>
      <div class="row">
        <input
          id={id}
          readOnly
          spellcheck={false}
          autocomplete="off"
          value={isHidden ? hidden : value}
          onFocus={(event) => event.currentTarget.select()}
        />
        {hidden !== undefined && (
          <button type="button" aria-pressed={isShown} aria-label={`${texts.actions.show}: ${label}`} onClick={() => setShown(!isShown)}>
            {isShown ? texts.actions.hide : texts.actions.show}
          </button>
        )}
        <CopyButton label={label} value={value} />
      </div>
    </div>
  );
}

/** Copies a value, and says that it did. */
export function CopyButton({ label, value }: { label: string; value: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied ? setTimeout(() => setCopied(false), 2000) : undefined;
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <>
      <button type="button" class="copy" aria-label={`${texts.actions.copy}: ${label}`} onClick={() => void copy(value).then(setCopied)}>
        {isCopied ? texts.actions.copied : texts.actions.copy}
      </button>
      <span class="visually-hidden" role="status">
        {isCopied ? `${label}: ${texts.actions.copied}` : ''}
      </span>
    </>
  );
}

/** Copies a text; browsers have no clipboard for pages without TLS, except on the same machine, and select it then. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'visually-hidden';
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand('copy');
    field.remove();
    return isCopied;
  }
}
