import './watch-memories.ts';

export { default } from '../../../functions/isolated.ts';
