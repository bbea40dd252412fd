import type { Attribute, OnnxInput, OnnxModel, OnnxNode, OnnxTensor } from './write.ts';

type Attributes = Readonly<Record<string, Attribute>>;

/** Collects an ONNX graph; values are named here, and a method gives the name of what it adds. */
export class OnnxBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxInput[] = [];
  #values = 0;

  /** @param dims `[]` for a number */
  input(name: string, dims: OnnxInput['dims']): string {
    this.#inputs.push({ name, dims });
    return name;
  }

  /** @param domain the standard's where left out */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    const output = this.#name();
    this.#nodes.push({ op, domain, inputs, outputs: [output], attributes });
    return output;
  }

  /** An operation with several results. */
  addMany(op: string, inputs: readonly string[], count: number, attributes: Attributes = {}): string[] {
    const outputs = Array.from({ length: count }, () => this.#name());
    this.#nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /** A B, or A Bᵀ: onnxruntime's product that reads a transposed factor where it lies. */
  matMul(a: string, b: string, { transposed = false } = {}): string {
    if (!transposed) return this.add('MatMul', [a, b]);
    return this.add('FusedMatMul', [a, b], { transA: 0, transB: 1 }, 'com.microsoft');
  }

  /** Aᵀ B of matrices. */
  transposedMatMul(a: string, b: string): string {
    return this.add('Gemm', [a, b], { transA: 1 });
  }

  /** A 0 keeps a length, one −1 takes what is left. */
  reshape(value: string, ...dims: readonly number[]): string {
    return this.add('Reshape', [value, this.ints(dims)]);
  }

  transpose(value: string, ...perm: readonly number[]): string {
    return this.add('Transpose', [value], { perm });
  }

  /** @param keep whether those axes stay, with a length of 1 */
  reduce(op: 'ReduceSum' | 'ReduceMean', value: string, axes: readonly number[], keep = false): string {
    return this.add(op, [value, this.ints(axes)], { keepdims: keep ? 1 : 0 });
  }

  ints(values: readonly number[]): string {
    return this.#constant({ dims: [values.length], values: BigInt64Array.from(values, BigInt) });
  }

  floats(values: ArrayLike<number>, dims: readonly number[]): string {
    return this.#constant({ dims, values: Float32Array.from(values) });
  }

  number(value: number): string {
    return this.floats([value], []);
  }

  model(opset: number, outputs: readonly string[]): OnnxModel {
    return { opset, nodes: this.#nodes, initializers: this.#initializers, inputs: this.#inputs, outputs };
  }

  #constant(tensor: OnnxTensor): string {
    const name = this.#name();
    this.#initializers.set(name, tensor);
    return name;
  }

  #name(): string {
    return `#${this.#values++}`;
  }
}
