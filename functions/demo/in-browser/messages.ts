import type { Answer } from '../../classify/answer.ts';

/** What the page asks of the engine in its Web Worker. */
export interface Question {
  readonly id: number;
  readonly model: string;
  readonly picture: Uint8Array<ArrayBuffer>;
  readonly topK: number;
  readonly explain: 'cam' | 'occlusion' | undefined;
  /** Of a service that asks for one. */
  readonly key: string;
}

/** What it is told meanwhile, and in the end. */
export type Reply =
  | { readonly kind: 'progress'; readonly loadedBytes: number; readonly totalBytes: number }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly answer: Answer;
      readonly milliseconds: number;
      readonly threads: number;
    }
  | { readonly kind: 'problem'; readonly id: number; readonly title: string; readonly detail: string };
