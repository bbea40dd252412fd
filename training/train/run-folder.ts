import { existsSync } from 'node:fs';
import { appendFile, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Identity, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { EpochFigures } from './fit.ts';
import type { TrainingState } from './state.ts';

/** `build/training/<id>`: `checkpoint.bin`, from which training goes on, and `metrics.jsonl`, a line an epoch. */
export class RunFolder {
  readonly checkpoint: string;
  readonly metrics: string;
  readonly #identity: Identity;
  readonly #notice: (text: string) => void;

  /** @param notice told what could not be written; training goes on all the same */
  constructor(dir: string, identity: Identity, notice: (text: string) => void) {
    this.checkpoint = path.join(dir, 'checkpoint.bin');
    this.metrics = path.join(dir, 'metrics.jsonl');
    this.#identity = identity;
    this.#notice = notice;
  }

  /** Throws away what an earlier training with this id left. */
  async begin(): Promise<void> {
    await mkdir(path.dirname(this.checkpoint), { recursive: true });
    await rm(this.checkpoint, { force: true });
    await rm(this.metrics, { force: true });
  }

  /** Puts the last checkpoint into `state`. @throws TrainingError where there is none, or it is of another training */
  async resume(state: TrainingState): Promise<void> {
    await readCheckpoint(this.checkpoint, this.#identity, state);
  }

  async save(state: TrainingState): Promise<void> {
    try {
      await writeCheckpoint(this.checkpoint, this.#identity, state);
    } catch (error) {
      const last = existsSync(this.checkpoint) ? 'the last one is kept' : 'there is none yet';
      this.#notice(`No checkpoint was written, ${last}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** An epoch that is done again after a kill has a second line; the last one counts. */
  async log({ epoch, loss, accuracy, validation, rate, best }: EpochFigures, imagesPerSecond: number): Promise<void> {
    const line = {
      epoch,
      loss,
      accuracy,
      validationLoss: validation.loss,
      validationAccuracy: validation.accuracy,
      rate,
      best,
      imagesPerSecond: Math.round(imagesPerSecond),
    };
    await appendFile(this.metrics, `${JSON.stringify(line)}\n`).catch((error: Error) =>
      this.#notice(`${this.metrics} was not written: ${error.message}`),
    );
  }
}
