import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { isStreamServiceError, type Details, type DetailsForm as Form } from '../../../../../clients/typescript/src/index.ts';
import { Field, TextField, lengthOf } from '../elements/fields.tsx';
import { ErrorNotice, Told } from '../elements/notices.tsx';
import { useCategories } from '../live/categories.ts';
import { useAction } from '../loading.ts';
import { texts } from '../texts.ts';

/** The limits of docs/http-api.md; the service has the last word. */
export const LIMITS = { title: 140, description: 5000, tags: 10 };

const LABELS = ['mature', 'drugs', 'gambling', 'violence', 'language', 'sexual'] as const;

/** What is typed: texts, so that every state of typing can be shown. */
export interface Typed {
  title: string;
  description: string;
  tags: string;
  category: string;
  language: string;
  content_labels: Form['content_labels'] & {};
  visibility: 'public' | 'unlisted';
}

/** What is typed for details that are kept. */
export function typedOf(details: Partial<Details>): Typed {
  return {
    title: details.title ?? '',
    description: details.description ?? '',
    tags: (details.tags ?? []).join(', '),
    category: details.category ?? '',
    language: details.language ?? '',
    content_labels: LABELS.filter((label) => details.content_labels?.includes(label)),
    visibility: details.visibility ?? 'public',
  };
}

/** What is sent for what is typed. */
export function formOf(typed: Typed): Form {
  const text = (value: string) => value.trim() || null;
  return {
    title: text(typed.title),
    description: text(typed.description),
    tags: tagsOf(typed.tags),
    category: text(typed.category),
    language: text(typed.language),
    content_labels: typed.content_labels,
    visibility: typed.visibility,
  };
}

function tagsOf(text: string): string[] {
  return text.split(/[,\s]+/).filter(Boolean);
}

/** What is wrong with tags as one types; `undefined` for nothing. */
function wrongTags(text: string): string | undefined {
  const tags = tagsOf(text);
  const wrong = tags.find((tag) => !/^[\p{L}\p{N}\p{M}-]+$/u.test(tag) || lengthOf(tag) > 25);
  if (wrong) return texts.details.tagWrong(wrong);
  const twice = tags.find((tag, at) => tags.findIndex((other) => other.toLowerCase() === tag.toLowerCase()) !== at);
  if (twice) return texts.details.tagTwice(twice);
  return tags.length > LIMITS.tags ? texts.details.tagsTooMany : undefined;
}

interface DetailsFieldsProps {
  typed: Typed;
  error: unknown;
  onChange: (changed: Partial<Typed>) => void;
}

/** The fields of details; an error of the service is shown at its field. */
export function DetailsFields({ typed, error, onChange }: DetailsFieldsProps) {
  const categories = useCategories();
  const words = texts.details.fields;
  const refused = (field: string) => (isStreamServiceError(error) && error.code === `invalid_${field}` ? error.message : undefined);
  return (
    <>
      <TextField label={words.title} limit={LIMITS.title} value={typed.title} error={refused('title')} onInput={(title) => onChange({ title })} />
      <TextField label={words.description} limit={LIMITS.description} rows={4} value={typed.description} error={refused('description')} onInput={(description) => onChange({ description })} />
      <TextField label={words.tags} hint={words.tagsHint} value={typed.tags} error={wrongTags(typed.tags) ?? refused('tags')} onInput={(tags) => onChange({ tags })} />
      <div class="columns">
        <Field label={words.category} error={refused('category')}>
          {(ids) => (
            <select {...ids} value={typed.category} onChange={(event) => onChange({ category: event.currentTarget.value })}>
              <option value="">{words.noCategory}</option>
              {categories.map(({ slug, name }) => (
                <option key={slug} value={slug}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField label={words.language} hint={words.languageHint} value={typed.language} error={refused('language')} onInput={(language) => onChange({ language })} />
        <Field label={words.visibility} error={refused('visibility')}>
          {(ids) => (
            <select {...ids} value={typed.visibility} onChange={(event) => onChange({ visibility: event.currentTarget.value === 'unlisted' ? 'unlisted' : 'public' })}>
              <option value="public">{words.public}</option>
              <option value="unlisted">{words.unlisted}</option>
            </select>
          )}
        </Field>
      </div>
      <fieldset>
        <legend>{words.labels}</legend>
        {LABELS.map((label) => (
          <label key={label} class="check">
            <input
              type="checkbox"
              checked={typed.content_labels.includes(label)}
              onChange={(event) =>
                onChange({ content_labels: event.currentTarget.checked ? [...typed.content_labels, label] : typed.content_labels.filter((other) => other !== label) })
              }
            />
            {texts.details.labelNames[label]}
          </label>
        ))}
      </fieldset>
    </>
  );
}

/** Whether the service would refuse it, as far as that can be told here. */
export function isTooMuch(typed: Typed): boolean {
  return lengthOf(typed.title) > LIMITS.title || lengthOf(typed.description) > LIMITS.description || wrongTags(typed.tags) !== undefined;
}

interface DetailsFormProps {
  details: Details;
  onSave: (form: Form) => Promise<void>;
  children?: ComponentChildren;
}

/** Details that can be changed. */
export function DetailsForm({ details, onSave, children }: DetailsFormProps) {
  const [typed, setTyped] = useState(() => typedOf(details));
  const [isSaved, setSaved] = useState(false);
  const { isBusy, error, run } = useAction();
  const save = async () => {
    await onSave(formOf(typed));
    setSaved(true);
  };
  return (
    <form onSubmit={(event) => (event.preventDefault(), run(save))}>
      {children}
      <DetailsFields typed={typed} error={error} onChange={(changed) => (setSaved(false), setTyped({ ...typed, ...changed }))} />
      <ErrorNotice error={error} />
      <div class="row end">
        <Told text={isSaved ? texts.actions.saved : ''} />
        <button type="submit" class="primary" disabled={isBusy || isTooMuch(typed)}>
          {isBusy ? texts.broadcast.working : texts.actions.save}
        </button>
      </div>
    </form>
  );
}
