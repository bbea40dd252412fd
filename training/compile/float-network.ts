import type { Graph } from '../graph/graph.ts';
import { type Interpreter, prepareInterpreter } from '../graph/interpret.ts';
import type { Pixels } from './lower-input.ts';

/** The float network on pictures. */
export class FloatNetwork {
  readonly #interpreter: Interpreter;
  readonly #pixels: Pixels;
  readonly #output: string;

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
  run(pixels: Uint8Array, keep: (name: string) => boolean): Promise<ReadonlyMap<string, Float32Array>> {
    const { scale, offset } = this.#pixels;
    const input = Float32Array.from(
      pixels,
      (p, i) => p * (scale[i % scale.length] ?? 1) + (offset[i % scale.length] ?? 0),
    );
    return this.#interpreter.run(input, keep);
  }

  async output(pixels: Uint8Array): Promise<Float32Array> {
    const value = (await this.run(pixels, (name) => name === this.#output)).get(this.#output);
    if (!value) throw new Error(`the float network gave no value "${this.#output}"`);
    return value;
  }

  async outputs(images: readonly Uint8Array[]): Promise<Float32Array[]> {
    const outputs: Float32Array[] = [];
    for (const image of images) outputs.push(await this.output(image));
    return outputs;
  }

  dispose(): void {
    this.#interpreter.dispose();
  }
}
