import { expect, it } from 'vitest';
import page from '../../../build/assets/docs.html?raw';
import built from '../../../build/assets/openapi.json?raw';
import { docsPage } from '../../../functions/routes/docs-page.ts';
import { openApiDocument } from '../../../functions/routes/openapi.ts';

it('is built from the schemas as they are now', () => {
  const document = openApiDocument();
  expect(JSON.parse(built)).toEqual(JSON.parse(JSON.stringify(document)));
  expect(page).toBe(docsPage(document));
});
