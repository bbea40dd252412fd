import type { Weight } from './call.ts';

/**
 * Weights by the name that their file gives them, `scope/kernel:0`, and found by the layer that they are of. The scope
 * ends in the layer's name; before it stand models that hold the layer, or nothing (TF.js), or once more the layer
 * (HDF5). Keras 2 now and then adds `_1` to a scope that it has seen.
 */
export class LayerIndex {
  readonly #scopes = new Map<string, Map<string, Weight>>();

  add(name: string, weight: Weight): void {
    const plain = name.replace(/:\d+$/, '');
    const cut = plain.lastIndexOf('/');
    const scope = plain.slice(0, Math.max(cut, 0));
    const weights = this.#scopes.get(scope) ?? new Map<string, Weight>();
    weights.set(plain.slice(cut + 1), weight);
    this.#scopes.set(scope, weights);
  }

  /** @param path names of the models around the layer, and its own. */
  of(path: readonly string[]): ReadonlyMap<string, Weight> {
    const layer = path.at(-1) ?? '';
    const [top = ''] = path;
    const scopes = [...this.#scopes.keys()];
    const ends = scopes.filter((scope) => scope === layer || scope.endsWith(`/${layer}`));
    const inside = (list: readonly string[]) => list.filter((scope) => scope === top || scope.startsWith(`${top}/`));
    const renamed = inside(scopes).filter((scope) => path.length === 1 || suffixed(scope, layer));
    const parents = ends.filter((scope) => path.slice(0, -1).every((parent) => scope.split('/').includes(parent)));
    const [best] = [inside(parents), parents, inside(ends), ends, renamed].flat();
    return (best !== undefined && this.#scopes.get(best)) || new Map<string, Weight>();
  }
}

const suffixed = (scope: string, layer: string): boolean => scope.replace(/_\d+$/, '').endsWith(`/${layer}`);
