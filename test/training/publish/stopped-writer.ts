import { writeSync } from 'node:fs';
import { replaceFolder } from '../../../training/publish/replace-folder.ts';

/** Writes two files of three into the folder of the command line, says so, and waits to be killed. */
const bytes = new TextEncoder().encode('new');
await replaceFolder(process.argv[2] ?? '', [
  { path: 'manifest.json', bytes },
  { path: 'a', bytes },
  {
    path: 'b',
    get bytes() {
      writeSync(1, 'two are written\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return bytes;
    },
  },
]);
