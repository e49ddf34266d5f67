// Shows openapi.json: the routes by their groups, then the schemas, the responses and the headers that they share.
// Text is set as text, never as HTML.
'use strict';

/** An element with these attributes and children; strings become text. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text in which `backticks` mark code. */
function inline(text) {
  return text.split('`').map((part, at) => (at % 2 ? make('code', null, part) : part));
}

/** Paragraphs and lists of a description. */
function prose(text) {
  const box = make('div', { class: 'text' });
  let list = null;
  for (const line of (text ?? '').split('\n').filter((line) => line.trim())) {
    if (line.startsWith('- ')) {
      list ??= box.appendChild(make('ul'));
      list.append(make('li', null, inline(line.slice(2))));
    } else {
      list = null;
      box.append(make('p', null, inline(line)));
    }
  }
  return box;
}

let api;

/** What a reference names; anything else is itself. */
function resolve(value) {
  if (!value?.$ref) return value;
  const names = value.$ref.slice(2).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  return names.reduce((found, name) => found?.[name], api);
}

const nameOf = (reference) => reference.split('/').pop();
const anchor = (kind, name) => `${kind}-${name.replace(/[^A-Za-z0-9]+/g, '-')}`;
const linkTo = (kind, name) => make('a', { href: `#${anchor(kind, name)}` }, name);

/** A schema in one line, with links to what it is made of. */
function typeOf(schema) {
  if (!schema) return ['anything'];
  if (schema.$ref) return [linkTo('schema', nameOf(schema.$ref))];
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return choice.flatMap((one, at) => (at ? [' or ', ...typeOf(one)] : typeOf(one)));
  if (schema.allOf) return schema.allOf.flatMap(typeOf);
  const types = [schema.type ?? []].flat();
  if (types.includes('array')) return ['list of ', ...typeOf(schema.items)];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  return [types.join(' or ') || 'anything'];
}

/** What limits a value. */
function limitsOf(schema) {
  const limits = [];
  const add = (text, value) => value !== undefined && limits.push(`${text} ${value}`);
  add('format', schema.format);
  add('at least', schema.minimum);
  add('at most', schema.maximum);
  add('characters at least', schema.minLength);
  add('characters at most', schema.maxLength);
  add('entries at most', schema.maxItems);
  add('pattern', schema.pattern);
  if (schema.enum) limits.push(`one of ${schema.enum.map((word) => JSON.stringify(word)).join(', ')}`);
  return limits.length ? make('p', null, make('code', null, limits.join('; '))) : null;
}

/** The fields of an object, those of nested objects without a name included. */
function fieldsOf(schema) {
  const all = [schema, ...(schema.allOf ?? [])].filter((part) => part.properties);
  const required = new Set([schema, ...(schema.allOf ?? [])].flatMap((part) => part.required ?? []));
  if (!all.length) return null;
  const list = make('dl');
  for (const [name, field] of all.flatMap((part) => Object.entries(part.properties))) {
    const must = required.has(name) ? '' : ', optional';
    list.append(
      make('dt', null, make('code', null, name), ' ', make('span', { class: 'muted' }, typeOf(field), must)),
      make('dd', null, prose(field.description), limitsOf(field), fieldsOf(field)),
    );
  }
  return list;
}

function json(value) {
  return make('pre', { tabindex: '0' }, typeof value === 'string' ? value : JSON.stringify(value, null, 2));
}

function examplesOf(content) {
  const named = Object.entries(content.examples ?? (content.example === undefined ? {} : { example: { value: content.example } }));
  return named.map(([name, example]) =>
    make('details', { class: 'inner' }, make('summary', null, 'Example ', make('code', null, name)), json(example.value)));
}

function contentOf(contents) {
  return Object.entries(contents ?? {}).map(([mediaType, content]) => make('div', null,
    make('p', null, make('code', null, mediaType), ': ', typeOf(content.schema)),
    limitsOf(content.schema ?? {}), content.schema?.$ref ? null : fieldsOf(content.schema ?? {}), examplesOf(content)));
}

function parametersOf(parameters) {
  if (!parameters?.length) return null;
  const list = make('dl');
  for (const parameter of parameters.map(resolve)) {
    const place = `in ${parameter.in}${parameter.required ? '' : ', optional'}, `;
    list.append(
      make('dt', null, make('code', null, parameter.name), ' ', make('span', { class: 'muted' }, place, typeOf(parameter.schema))),
      make('dd', null, prose(parameter.description), limitsOf(resolve(parameter.schema) ?? {}),
        parameter.example === undefined ? null : make('p', null, 'Example ', make('code', null, String(parameter.example)))),
    );
  }
  return [make('h4', null, 'Parameters'), list];
}

function responseOf(status, response) {
  const described = resolve(response);
  const lines = (described.description ?? '').split('\n');
  // Several errors are shown by their codes alone.
  const first = lines.length > 1 && lines[0].startsWith('- ')
    ? lines.map((line) => line.slice(2).split(':')[0]).join(', ') : lines[0].replace(/^- /, '');
  const headers = Object.keys(described.headers ?? {});
  return make('details', { class: 'inner' },
    make('summary', null, make('span', { class: `status code${status[0]}` }, status), inline(first)),
    prose(described.description), contentOf(described.content),
    headers.length ? make('p', null, 'Headers: ', headers.flatMap((name, at) => [at ? ', ' : '', linkTo('header', name)])) : null);
}

function securityOf(security) {
  const names = (security ?? []).flatMap((one) => (Object.keys(one).length ? Object.keys(one) : [null]));
  if (!names.length) return null;
  const words = names.map((name) => (name ? linkTo('security', name) : 'none'));
  return make('p', null, 'Authentication: ', words.flatMap((word, at) => (at ? [' or ', word] : [word])));
}

/** The command that sends an operation's examples. */
function commandOf(method, path, operation) {
  let url = path;
  for (const parameter of (operation.parameters ?? []).map(resolve)) {
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, parameter.example ?? `{${parameter.name}}`);
  }
  const parts = ['curl', method === 'get' ? '' : `-X ${method.toUpperCase()}`];
  if ((operation.security ?? []).some((one) => one.token)) parts.push(`-H 'Authorization: Bearer …'`);
  const [mediaType, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const example = Object.values(content?.examples ?? {})[0];
  if (example) parts.push(`-H 'Content-Type: ${mediaType}' -d '${JSON.stringify(example.value)}'`);
  parts.push(`'${location.origin}${url}'`);
  return json(parts.filter(Boolean).join(' '));
}

function operationOf(method, path, operation) {
  return make('details', { class: 'operation', id: anchor('operation', operation.operationId) },
    make('summary', null, make('span', { class: `method ${method}` }, method.toUpperCase()),
      make('span', { class: 'path' }, path), make('span', { class: 'muted' }, operation.summary ?? '')),
    make('div', null, prose(operation.description), securityOf(operation.security), commandOf(method, path, operation),
      parametersOf(operation.parameters),
      operation.requestBody ? [make('h4', null, 'Body'), prose(operation.requestBody.description), contentOf(operation.requestBody.content)] : null,
      make('h4', null, 'Responses'),
      Object.entries(operation.responses ?? {}).map(([status, response]) => responseOf(status, response))));
}

/** A section of what routes share, by name. */
function shared(title, kind, parts, show) {
  return make('section', null, make('h2', { id: anchor('section', title) }, title),
    Object.entries(parts ?? {}).map(([name, part]) => make('details', { class: 'operation', id: anchor(kind, name) },
      make('summary', null, make('span', { class: 'path' }, name)), make('div', null, show(part)))));
}

/** Each error code with its statuses and sentence, from the examples of the responses. */
function errorCodes() {
  const found = new Map();
  const all = Object.values(api.paths).flatMap((path) => Object.values(path).flatMap((operation) => Object.entries(operation.responses)));
  for (const [status, response] of all) {
    const examples = Object.values(resolve(response).content?.['application/json']?.examples ?? {});
    for (const { value } of examples) if (value?.code && value.error) found.set(value.code, [status, value.error]);
  }
  const list = make('dl');
  for (const [code, [status, sentence]] of [...found].sort((one, other) => one[1][0] - other[1][0])) {
    list.append(make('dt', null, make('span', { class: `status code${status[0]}` }, status), make('code', null, code)), make('dd', null, inline(sentence)));
  }
  return make('section', null, make('h2', { id: 'section-Errors' }, 'Errors'), list);
}

/** Opens what the address names, and what it is part of. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let element = target; element; element = element.parentElement) if (element.tagName === 'DETAILS') element.open = true;
  target?.scrollIntoView();
}

/** Shows the operations that have every word of the filter. */
function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (element) => words.every((word) => element.textContent.toLowerCase().includes(word));
  document.querySelectorAll('details.operation').forEach((element) => { element.hidden = !fits(element); });
  document.querySelectorAll('#index li').forEach((entry) => {
    entry.hidden = Boolean(document.getElementById(entry.firstChild.hash.slice(1))?.hidden);
  });
}

function show() {
  const main = document.getElementById('content');
  const index = document.getElementById('index');
  document.getElementById('version').append(`HTTP API, version ${api.info.version}, OpenAPI ${api.openapi}: `, make('a', { href: 'openapi.json' }, 'openapi.json'));
  const sections = [prose(api.info.description)];
  const operations = Object.entries(api.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ method, path, operation })));
  for (const tag of api.tags) {
    const own = operations.filter(({ operation }) => operation.tags?.includes(tag.name));
    sections.push(make('section', null, make('h2', { id: anchor('tag', tag.name) }, tag.name), prose(tag.description),
      own.map(({ method, path, operation }) => operationOf(method, path, operation))));
    index.append(make('h2', null, tag.name), make('ul', null, own.map(({ method, path, operation }) => make('li', null,
      make('a', { href: `#${anchor('operation', operation.operationId)}` },
        make('span', { class: `method ${method}` }, `${method.toUpperCase()} `), make('span', { class: 'path' }, path))))));
  }
  const { schemas, headers, securitySchemes } = api.components;
  sections.push(errorCodes(),
    shared('Schemas', 'schema', schemas, (part) => [prose(part.description), make('p', null, typeOf(part)), limitsOf(part), fieldsOf(part)]),
    shared('Headers', 'header', headers, (part) => [prose(part.description), make('p', null, typeOf(part.schema)), limitsOf(part.schema)]),
    shared('Authentication', 'security', securitySchemes, (part) => [prose(part.description), make('p', null,
      part.type === 'http' ? `The header Authorization: ${part.scheme}` : `${part.name} in ${part.in}`)]));
  index.append(make('h2', null, 'Shared'), make('ul', null, ['Errors', 'Schemas', 'Headers', 'Authentication'].map((title) =>
    make('li', null, make('a', { href: `#${anchor('section', title)}` }, title)))));
  main.replaceChildren(...sections);
  document.getElementById('filter').addEventListener('input', (event) => filter(event.target.value));
  window.addEventListener('hashchange', openTarget);
  openTarget();
}

fetch('openapi.json')
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`status ${response.status}`))))
  .then((found) => { api = found; show(); })
  .catch((error) => { document.getElementById('status').textContent = `The document could not be loaded: ${error.message}.`; });
