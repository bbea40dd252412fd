import type { Entry } from '../../catalogue/catalogue.ts';
import { rank } from '../../classify/scores.ts';
import { checked } from '../../input/json.ts';
import { wrong } from '../nested-numbers.ts';
import { bytesOfFloats, bytesOfTexts, type Framed, framed } from './binary-tensors.ts';
import { type InferRequest, type InferResponse, OUTPUT, outputParametersSchema } from './schema.ts';

/** How the one output is wanted. */
export interface Wanted {
  /** As `value:index:label`, so many of the best; undefined for the tensor. */
  readonly classification: number | undefined;
  readonly binary: boolean;
}

/** @throws ServiceError naming the field at fault */
export function wantedOf({ outputs, parameters = {} }: InferRequest): Wanted {
  const { binary_data_output: all = false } = parameters;
  if (typeof all !== 'boolean') throw wrong('#/parameters/binary_data_output', 'is not true or false');
  const [output, ...others] = outputs ?? [];
  if (others.length > 0) throw wrong('#/outputs', `has ${others.length + 1} outputs; the model has one, "${OUTPUT}"`);
  if (!output) return { classification: undefined, binary: all };
  if (output.name !== OUTPUT) throw wrong('#/outputs/0/name', `is not "${OUTPUT}", which is the output of the model`);
  const own = checked(
    outputParametersSchema,
    output.parameters ?? {},
    'In outputs[].parameters, classification is a whole number from 1, and binary_data is true or false.',
  );
  if (own.shared_memory_region !== undefined) {
    throw wrong('#/outputs/0/parameters/shared_memory_region', 'is not to be had: nothing is shared here');
  }
  return { classification: own.classification, binary: own.binary_data ?? all };
}

/** @param scores of each input of the batch */
export function answer(entry: Entry, id: string | undefined, scores: readonly Float32Array[], wanted: Wanted): Framed {
  const { manifest } = entry;
  const { texts, count } = classified(entry, scores, wanted.classification);
  const values = flat(scores);
  const head = {
    name: OUTPUT,
    datatype: texts ? ('BYTES' as const) : ('FP32' as const),
    shape: [scores.length, count],
  };
  const binary = texts ? bytesOfTexts(texts) : bytesOfFloats(values);
  const response: InferResponse = {
    model_name: manifest.id,
    model_version: String(manifest.revision),
    ...(id !== undefined && { id }),
    outputs: [
      wanted.binary
        ? { ...head, parameters: { binary_data_size: binary.length } }
        : { ...head, data: texts ?? Array.from(values) },
    ],
  };
  return framed(response, wanted.binary ? binary : undefined);
}

/** `value:index:label` as Triton writes it, values with six digits; no more classes than there are. */
function classified({ manifest, labels }: Entry, scores: readonly Float32Array[], classification: number | undefined) {
  if (classification === undefined) return { texts: undefined, count: manifest.classes };
  const topK = Math.min(classification, manifest.classes);
  const texts = scores.flatMap((each) =>
    rank(each, labels, { topK, minScore: 0 }).map(({ score, index, label }) => `${score.toFixed(6)}:${index}:${label}`),
  );
  return { texts, count: topK };
}

function flat(scores: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(scores.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of scores) {
    values.set(each, at);
    at += each.length;
  }
  return values;
}
