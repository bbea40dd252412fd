import type { OpenApi } from './openapi.ts';

type Json = Readonly<Record<string, unknown>>;

/** The document as a page: no script, nothing from elsewhere. Schemas are linked to where they stand. */
export function docsPage(document: OpenApi): string {
  const operations = operationsOf(document);
  const groups = (document.tags ?? []).map(({ name, description = '' }) => {
    const own = operations.filter(({ tag }) => tag === name);
    return `<section><h2 id="${slug(name)}">${html(name)}</h2><p>${html(description)}</p>${own.map(operation).join('')}</section>`;
  });
  const links = (document.tags ?? []).map(({ name }) => `<a href="#${slug(name)}">${html(name)}</a>`);
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<details id="schema-${html(name)}" open><summary><code>${html(name)}</code></summary><pre>${linked(schema)}</pre></details>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(document.info.title)}: reference</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header><h1>${html(document.info.title)}</h1>
<p>${html(document.info.description ?? '')} <a href="/openapi.json">OpenAPI ${html(document.openapi)}</a></p>
<nav aria-label="Surfaces">${links.join(' ')} <a href="#schemas">Schemas</a></nav></header>
<main>
${groups.join('\n')}
<section><h2 id="schemas">Schemas</h2>${schemas.join('\n')}</section>
</main>
</body>
</html>
`;
}

interface Operation {
  readonly tag: unknown;
  readonly method: string;
  readonly path: string;
  readonly fields: Json;
}

function operationsOf({ paths = {} }: OpenApi): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Readonly<Record<string, Json>>).map(([method, fields]) => ({
      tag: (fields.tags as readonly string[] | undefined)?.[0],
      method: method.toUpperCase(),
      path,
      fields,
    })),
  );
}

function operation({ method, path, fields }: Operation): string {
  const { summary, description, parameters, requestBody, responses, operationId } = fields;
  return `<details id="${html(String(operationId))}">
<summary><b class="${method}">${method}</b> <code>${html(path)}</code> ${html(String(summary ?? ''))}</summary>
${description ? `<p>${html(String(description))}</p>` : ''}
${parametersTable((parameters ?? []) as readonly Json[])}
${requestBody ? `<h4>Body</h4>${contents((requestBody as Json).content)}` : ''}
<h4>Answers</h4>
${Object.entries(responses as Readonly<Record<string, Json>>)
  .map(([status, response]) => `<h5>${status} ${html(String(response.description))}</h5>${contents(response.content)}`)
  .join('')}
</details>`;
}

function parametersTable(parameters: readonly Json[]): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    ({ name, in: place, required, description = '', schema }) =>
      `<tr><td><code>${html(String(name))}</code></td><td>${html(String(place))}${required ? ', needed' : ''}</td><td>${html(String(description))}</td><td><pre>${linked(schema)}</pre></td></tr>`,
  );
  return `<h4>Parameters</h4><table><tbody>${rows.join('')}</tbody></table>`;
}

const contents = (content: unknown): string =>
  Object.entries((content ?? {}) as Readonly<Record<string, Json>>)
    .map(([type, { schema }]) => `<p><code>${html(type)}</code></p><pre>${linked(schema)}</pre>`)
    .join('');

/** A schema as JSON, with its references as links. */
const linked = (schema: unknown): string =>
  html(JSON.stringify(schema, null, 2)).replaceAll(
    /&quot;#\/components\/schemas\/([A-Za-z]+)&quot;/g,
    '<a href="#schema-$1">$1</a>',
  );

const slug = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]+/g, '-');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const html = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

export const DOCS_STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
nav a { margin-right: 1rem; }
details { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .4rem; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 3rem; }
pre { overflow-x: auto; margin: .2rem 0; font-size: .85rem; }
h4, h5 { margin: .8rem 0 .2rem; }
table { border-collapse: collapse; width: 100%; }
td { vertical-align: top; padding: .2rem .6rem .2rem 0; }
`;
