import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { ServiceError } from '../../functions/errors.ts';
import { type Codecs, preprocess } from '../../functions/image/preprocess.ts';
import { MemoryBudget } from '../../functions/memory-budget.ts';
import { presetInput } from '../../training/compile/presets.ts';

/** What an isolate with ResNet-50 leaves. */
const BUDGET_BYTES = 64_000_000;
/** Milliseconds of CPU time that a file may take: any, for each of its bytes, and for each pixel that it promises. */
const LIMIT_MS = { once: 400, perByte: 0.02 };

/** The inputs of models, by which decoders reduce and rows are resized. */
const INPUTS: readonly ModelInput[] = [
  presetInput('imagenet-torch', [56, 56, 3]),
  presetInput('imagenet-keras', [32, 48, 3]),
  presetInput('raw-rgb', [20, 20, 3]),
  presetInput('imagenet-caffe', [224, 224, 3]),
  presetInput('fashion', [28, 28, 1]),
];

const decoder = (format: string) =>
  new WebAssembly.Module(
    readFileSync(path.join(import.meta.dirname, `../../functions/image/${format}/build/decoder.wasm`)),
  );

/** Of what became of a file: the class is the same for files that took the same way, as far as can be seen. */
export interface Outcome {
  readonly decoded: boolean;
  readonly class: string;
  /** What must not happen. */
  readonly defect?: string;
}

/** Decodes one file after the other as an isolate would, and looks after each whether all promises were kept. */
export class Subject {
  readonly #codecs: Codecs = { jpeg: decoder('jpeg'), webp: decoder('webp'), avif: decoder('avif') };
  readonly #memories = watchMemories();
  #budget = new MemoryBudget(BUDGET_BYTES);
  #turn = 0;

  async check(file: Uint8Array): Promise<Outcome> {
    const input = INPUTS[this.#turn++ % INPUTS.length] as ModelInput;
    const budget = this.#budget;
    let beyond = 0;
    this.#memories.onGrowth = (bytes) => {
      beyond = Math.max(beyond, bytes - (budget.totalBytes - budget.freeBytes));
    };
    const before = process.cpuUsage();
    const outcome = await this.#outcome(file, input);
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    const limit = LIMIT_MS.once + LIMIT_MS.perByte * file.length;
    if (outcome.defect) return outcome;
    if (ms > limit) return { ...outcome, defect: `took ${ms.toFixed(0)} ms; ${limit.toFixed(0)} are the most` };
    if (beyond > 0) return { ...outcome, defect: `WebAssembly memory grew ${beyond} bytes beyond what was reserved` };
    const left = budget.totalBytes - budget.freeBytes - this.#memories.bytes();
    if (left !== 0) return { ...outcome, defect: `${left} bytes are left reserved beside what the decoders hold` };
    // Instances that were let go count for seconds yet, for which there is no waiting here.
    if (this.#memories.bytes() > BUDGET_BYTES / 2) this.#renew();
    return outcome;
  }

  #renew(): void {
    this.#memories.forget();
    this.#budget = new MemoryBudget(BUDGET_BYTES);
  }

  async #outcome(file: Uint8Array, input: ModelInput): Promise<Outcome> {
    try {
      const pixels = await preprocess(file, input, this.#codecs, this.#budget);
      const expected = input.width * input.height * (input.channels === 'grey' ? 1 : 3);
      if (pixels.length !== expected)
        return { decoded: true, class: 'short', defect: `${pixels.length} bytes came out` };
      return { decoded: true, class: 'decoded' };
    } catch (error) {
      if (!(error instanceof ServiceError)) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        return { decoded: false, class: text, defect: `threw ${text}` };
      }
      const { code, message, cause } = error;
      const known = code.startsWith('image-');
      const found = `${message} ${cause instanceof Error ? cause.message : ''}`.replace(/\d+/g, '0');
      return { decoded: false, class: found, ...(!known && { defect: `was refused as ${code}: ${message}` }) };
    }
  }
}

interface Memories {
  /** Of all memories made since {@link forget}. */
  bytes(): number;
  forget(): void;
  onGrowth: (bytes: number) => void;
}

/** Sees every memory that an instance exports, when it is made and whenever it grows. */
function watchMemories(): Memories {
  // Nothing is collected, so that what is reserved and what is there can be compared.
  Object.defineProperty(globalThis, 'WeakRef', {
    value: class {
      constructor(readonly target: object) {}
      deref() {
        return this.target;
      }
    },
  });
  const { Instance, Memory } = WebAssembly;
  let seen: WebAssembly.Memory[] = [];
  const bytes = () => seen.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const memories: Memories = {
    bytes,
    forget: () => {
      seen = [];
    },
    onGrowth: () => {},
  };
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      for (const value of Object.values(this.exports)) if (value instanceof Memory) seen.push(value);
      memories.onGrowth(bytes());
    }
  };
  const { grow } = Memory.prototype;
  Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    const before = grow.call(this, pages);
    memories.onGrowth(bytes());
    return before;
  };
  return memories;
}
