import { parseArgs } from 'node:util';
import { migrate } from './database.ts';

/** `npm run migrate [-- --remote | --persist-to FOLDER]`: run by start and deploy. */
const { values } = parseArgs({ options: { remote: { type: 'boolean' }, 'persist-to': { type: 'string' } } });
await migrate(values.remote ? { remote: true } : { remote: false, persistTo: values['persist-to'] });
