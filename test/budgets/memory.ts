/**
 * npx tsx test/budgets/memory.ts [seconds]
 *
 * The long form of isolate.test.ts, with two networks that take turns in the second Worker.
 */
import { described, memoryUnderLoad } from './memory-load.ts';

console.log(described(await memoryUnderLoad(Number(process.argv[2] ?? 180), ['vgg16', 'vgg19'])));
