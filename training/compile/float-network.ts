import type { Graph } from '../graph/graph.ts';
import { type Interpreter, prepareInterpreter } from '../graph/interpret.ts';
import type { Pixels } from './lower-input.ts';

/** The float network on pictures. */
export class FloatNetwork {
  readonly #interpreter: Interpreter;
  readonly #pixels: Pixels;
  readonly #output: string;
  readonly #outputs = new WeakMap<Uint8Array, Float32Array>();

  private constructor(interpreter: Interpreter, pixels: Pixels, output: string) {
    this.#interpreter = interpreter;
    this.#pixels = pixels;
    this.#output = output;
  }

  /** @param output which value {@link output} gives */
  static async of(graph: Graph, pixels: Pixels, output = graph.output): Promise<FloatNetwork> {
    return new FloatNetwork(await prepareInterpreter(graph), pixels, output);
  }

  /** @param pixels uint8 `[height, width, channels]` */
  async run(pixels: Uint8Array, keep: (name: string) => boolean): Promise<ReadonlyMap<string, Float32Array>> {
    const { scale, offset } = this.#pixels;
    const channels = scale.length;
    const input = new Float32Array(pixels.length);
    for (let i = 0; i < input.length; i++) {
      input[i] = (pixels[i] ?? 0) * (scale[i % channels] ?? 1) + (offset[i % channels] ?? 0);
    }
    const values = await this.#interpreter.run(input, (name) => name === this.#output || keep(name));
    const output = values.get(this.#output);
    if (output) this.#outputs.set(pixels, output);
    return values;
  }

  /** The output for pixels, computed once. */
  async output(pixels: Uint8Array): Promise<Float32Array> {
    if (!this.#outputs.has(pixels)) await this.run(pixels, () => false);
    const output = this.#outputs.get(pixels);
    if (!output) throw new Error(`the float network gave no value "${this.#output}"`);
    return output;
  }

  dispose(): void {
    this.#interpreter.dispose();
  }
}
