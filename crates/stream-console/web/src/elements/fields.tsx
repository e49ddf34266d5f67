import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { texts } from '../texts.ts';

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  children: (ids: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }) => ComponentChildren;
}

/** A field with its label, what to know about it, and what is wrong with it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': described, 'aria-invalid': error !== undefined })}
      {hint && (
        <p class="small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="small wrong" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps {
  label: string;
  value: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** The largest number of characters, counted as the service counts them. */
  limit?: number | undefined;
  rows?: number | undefined;
  type?: 'text' | 'password' | 'url' | 'number' | 'datetime-local' | undefined;
  required?: boolean | undefined;
  onInput: (value: string) => void;
}

/** A text, with its length against its limit as one types. */
export function TextField({ label, value, hint, error, limit, rows, type = 'text', required, onInput }: TextFieldProps) {
  const length = lengthOf(value);
  const tooLong = limit !== undefined && length > limit ? texts.details.tooLong(length - limit) : undefined;
  const counted = limit === undefined ? hint : [hint, texts.details.length(length, limit)].filter(Boolean).join(' ');
  return (
    <Field label={label} hint={counted} error={error ?? tooLong}>
      {(ids) =>
        rows === undefined ? (
          <input {...ids} dir="auto" type={type as 'text'} required={required} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
        ) : (
          <textarea {...ids} dir="auto" rows={rows} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
        )
      }
    </Field>
  );
}

/** How many characters the service counts: code points of the form NFC, without blanks around. */
export function lengthOf(text: string): number {
  return [...text.trim().normalize('NFC')].length;
}
