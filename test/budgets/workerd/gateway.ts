import './watch-memories.ts';

export { default } from '../../../functions/index.ts';
