/** 10 · log10 of signal power over noise power, gathered over many tensors. */
export class SignalToNoise {
  #signal = 0;
  #noise = 0;

  add(exact: Float32Array, approximate: Float32Array): void {
    for (let index = 0; index < exact.length; index++) {
      const value = exact[index] ?? 0;
      this.#signal += value * value;
      this.#noise += (value - (approximate[index] ?? 0)) ** 2;
    }
  }

  /** Of two tensors that are equal, or of nothing at all, 100 dB: more than any rounding leaves. */
  get decibels(): number {
    if (this.#noise === 0) return 100;
    return Math.min(100, Math.max(-100, 10 * Math.log10(this.#signal / this.#noise)));
  }
}
