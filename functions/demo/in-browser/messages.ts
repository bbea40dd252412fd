import type { Answer } from '../../classify/answer.ts';
import type { KeySet, Statement } from '../../receipts/receipts.ts';

/** What the page asks of the engine in its Web Worker: to classify a picture. */
export interface Question {
  readonly kind?: 'classify';
  readonly id: number;
  readonly model: string;
  readonly picture: Uint8Array<ArrayBuffer>;
  readonly topK: number;
  readonly explain?: 'cam' | 'occlusion' | undefined;
  readonly rollup?: boolean | undefined;
  readonly within?: string | undefined;
  readonly coverage?: number | undefined;
  /** Of a service that asks for one. */
  readonly key: string;
}

/** Or to compute again what a receipt states. */
export interface Check {
  readonly kind: 'check';
  readonly id: number;
  readonly receipt: string;
  readonly keys: KeySet;
  readonly picture: Uint8Array<ArrayBuffer>;
  readonly key: string;
}

/** What came of a receipt whose signature holds. */
export interface Checked {
  readonly statement: Statement;
  readonly samePicture: boolean;
  /** Whether every bit is the same; or why that was not computed. */
  readonly scores: 'same' | 'others' | { readonly unknown: string };
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
  | { readonly kind: 'checked'; readonly id: number; readonly checked: Checked }
  | { readonly kind: 'problem'; readonly id: number; readonly title: string; readonly detail: string };
