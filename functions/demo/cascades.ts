import type { Cascade } from '../catalogue/cascade.ts';
import type { Model } from './api.ts';

/** Two networks that answer under one name, each as a model that can be chosen; without those whose networks are not there. */
export function cascadesAsModels(cascades: Readonly<Record<string, Cascade>>, models: readonly Model[]): Model[] {
  return Object.entries(cascades).flatMap(([id, cascade]) => {
    const [first, second] = [cascade.first, cascade.second].map((one) => models.find((model) => model.id === one));
    return first && second ? [together(id, cascade, first, second)] : [];
  });
}

function together(id: string, cascade: Cascade, first: Model, second: Model): Model {
  const { dataset, images, top1, meanMacs } = cascade.measured;
  const { embedding: _, ...rest } = second;
  const sum = (name: 'weights' | 'arena' | 'total') => first.memory[name] + second.memory[name];
  return {
    ...rest,
    id,
    title: `${first.id}, where not sure ${second.id}`,
    cascade,
    runtime: first.runtime === 'int8' ? second.runtime : first.runtime,
    parameters: first.parameters + second.parameters,
    macs: meanMacs,
    metrics: { dataset, n: images, top1 },
    memory: { weights: sum('weights'), arena: sum('arena'), total: sum('total') },
    explanation: first.explanation === second.explanation ? first.explanation : 'occlusion',
  };
}
