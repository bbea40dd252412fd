import type { Manifest } from '../../functions/catalogue/manifest.ts';
import type { LabelledImages } from '../data/labelled-images.ts';
import type { Evaluation } from '../evaluate/accuracy.ts';
import type { Reliability } from '../evaluate/calibration.ts';
import type { Comparison } from '../evaluate/float-and-integer.ts';
import type { Mistake } from '../evaluate/mistakes.ts';
import type { Epoch } from './curves.ts';
import type { Tile } from './pictures.ts';
import type { Drawing } from './svg.ts';

/** Everything that was measured of a model. */
export interface EvaluationReport {
  readonly model: Pick<Manifest, 'id' | 'title' | 'version' | 'revision' | 'runtime' | 'parameters' | 'memory'>;
  readonly dataset: string;
  readonly names: readonly string[];
  readonly result: Evaluation;
  readonly float: { readonly id: string; readonly result: Evaluation; readonly comparison: Comparison } | undefined;
  readonly calibration: {
    /** Images that the temperature was fitted on. */
    readonly images: number;
    /** Of them named right. Far more than of the test images says that the network was trained on them. */
    readonly accuracy: number;
    readonly temperature: number;
    readonly before: Reliability;
    readonly after: Reliability;
    /** Of the test images at that temperature; without it, `result.loss`. */
    readonly loss: number;
  };
  /** All, the highest loss first. */
  readonly mistakes: readonly Mistake[];
  readonly epochs: readonly Epoch[];
  /** Files of the data set that were not used. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** What the pictures of a report are taken from. */
export interface ReportImages {
  /** Those that it was trained on, in the order of the data set. */
  readonly training: LabelledImages;
  readonly test: LabelledImages & { readonly names?: readonly string[] };
  readonly channels: 'grey' | 'rgb' | 'bgr';
}

/** Mistakes of one class. */
export interface ClassMistakes {
  readonly name: string;
  readonly wrong: number;
  readonly tiles: readonly Tile[];
}

/** A page's drawings and pictures. */
export interface Illustrations {
  readonly curves: Drawing | undefined;
  readonly first: Drawing;
  readonly grid: readonly Tile[];
  readonly confusion: Drawing;
  readonly reliability: Drawing;
  readonly worst: readonly Tile[];
  readonly focus: { readonly title: string; readonly classes: readonly ClassMistakes[] };
}
