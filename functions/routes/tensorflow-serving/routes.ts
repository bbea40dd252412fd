import type { Hono } from 'hono';
import type { Catalogue, Entry } from '../../catalogue/catalogue.ts';
import type { Manifest } from '../../catalogue/manifest.ts';
import type { Classify, Input } from '../../classify/classify.ts';
import { namedClasses } from '../../classify/multilabel.ts';
import { rank } from '../../classify/scores.ts';
import { ServiceError } from '../../errors.ts';
import { readBody } from '../../input/body.ts';
import { MAX_JSON_BYTES } from '../../input/images.ts';
import { checked, MAX_TENSOR_VALUES, parseJsonBody } from '../../input/json.ts';
import { conditional } from '../conditional.ts';
import { wrong } from '../nested-numbers.ts';
import { entryOf } from '../versions.ts';
import { type Address, addressOf } from './address.ts';
import { inputOf, inputOfExample } from './inputs.ts';
import { metadataOf, statusOf } from './metadata.ts';
import { classifySchema, INPUT, INPUT_BYTES, predictSchema, SIGNATURES } from './schema.ts';

const TODO = 'Send {"instances": [{"b64": "<base64>"}]}; GET …/metadata describes the tensor.';

/** TensorFlow Serving takes both. */
const PATHS = ['/v1/*', '/V1/*'];

/** `/v1/…`: TensorFlow Serving's REST API. Addresses are taken apart by its own rules, not by the router's. */
export function tensorFlowServingRoutes(app: Hono, catalogue: Catalogue, classify: Classify): void {
  app.on('ALL', PATHS, async (c) => {
    const address = addressOf(c.req.method, c.req.path);
    switch (address.call) {
      case 'status':
        return c.json(statusOf(await versionsOf(address)));
      case 'metadata':
        return c.json(metadataOf((await servable(address)).manifest));
      case 'predict': {
        const { entry, json } = await asked(address, c.req.raw);
        return conditional(c, await predict(entry, json));
      }
      case 'classify': {
        const { entry, json } = await asked(address, c.req.raw);
        return conditional(c, { results: await examples(entry, json) });
      }
      case 'regress':
        throw new ServiceError(
          'bad-request',
          'Expected regression signature method_name to be tensorflow/serving/regress: models here classify.',
          'POST to :classify or :predict.',
        );
      default:
        return address.call satisfies never;
    }
  });

  async function servable({ model, version, label }: Address, body?: Uint8Array<ArrayBuffer>): Promise<Entry> {
    const unknown = (error: unknown): never => {
      if (!(error instanceof ServiceError) || error.code !== 'model-unknown') throw error;
      const asked = version === undefined ? `Latest(${model})` : `Specific(${model}, ${version})`;
      throw new ServiceError('model-unknown', `Servable not found for request: ${asked.slice(0, 100)}.`, error.todo);
    };
    if (label === undefined) return entryOf(catalogue, model, version, body).catch(unknown);
    const all = await catalogue.versions(model).catch(unknown);
    const labelled = all.find(({ labels }) => labels.some((one) => one === label));
    if (labelled) return entryOf(catalogue, model, String(labelled.manifest.revision));
    throw new ServiceError(
      'bad-request',
      `Unrecognized servable version label: ${label.slice(0, 60)}.`,
      `Ask for ${all.flatMap(({ labels }) => labels).join(' or ')}, or for no label.`,
    );
  }

  /** As TensorFlow Serving lists them: all, or the one that the address names. */
  async function versionsOf(address: Address): Promise<readonly Manifest[]> {
    const { manifest } = await servable(address);
    if (address.version !== undefined || address.label !== undefined) return [manifest];
    return (await catalogue.versions(manifest.id)).map((version) => version.manifest);
  }

  async function asked(address: Address, request: Request): Promise<{ entry: Entry; json: unknown }> {
    const body = await readBody(request, MAX_JSON_BYTES);
    const entry = await servable(address, body);
    return { entry, json: parseJsonBody(body, { maxValues: MAX_TENSOR_VALUES, todo: TODO }) };
  }

  async function predict(entry: Entry, body: unknown): Promise<{ predictions: number[][] } | { outputs: number[][] }> {
    const { signature_name: signature, instances, inputs } = checked(predictSchema, body, TODO);
    knownSignature(signature);
    if ((instances === undefined) === (inputs === undefined)) {
      throw new ServiceError(
        'bad-request',
        instances ? "Both 'inputs' and 'instances' are given." : "Missing 'inputs' or 'instances' key.",
        TODO,
      );
    }
    if (instances) return { predictions: await scores(instances, 'instances') };
    if (Array.isArray(inputs)) return { outputs: await scores(inputs, 'inputs') };
    const [[name, column] = [], ...others] = Object.entries(inputs ?? {});
    if (!column || others.length > 0 || (name !== INPUT && name !== INPUT_BYTES)) {
      throw wrong('#/inputs', `has inputs that the model has not: its input is "${INPUT}"`);
    }
    return { outputs: await scores(column, `inputs/${name}`) };

    async function scores(batch: readonly unknown[], pointer: string): Promise<number[][]> {
      const all = batch.map((value, i) => inputOf(value, entry.manifest, `#/${pointer}/${i}`));
      return (await each(entry, all)).map((output) => Array.from(output));
    }
  }

  async function examples(entry: Entry, body: unknown): Promise<[string, number][][]> {
    const { signature_name: signature, context = {}, examples: list } = checked(classifySchema, body, TODO);
    knownSignature(signature);
    const inputs = list.map((features, i) => inputOfExample(features, context, entry.manifest, `#/examples/${i}`));
    const outputs = await each(entry, inputs);
    return outputs.map((output) => {
      const ranking = { topK: entry.manifest.classes, minScore: 0, among: namedClasses(entry.manifest, output) };
      return rank(output, entry.labels, ranking).map(({ label, score }) => [label, score]);
    });
  }

  async function each(entry: Entry, inputs: readonly Input[]): Promise<Float32Array[]> {
    const outputs: Float32Array[] = [];
    for (const input of inputs) outputs.push(await classify.scores(entry, input));
    return outputs;
  }
}

function knownSignature(name: string | undefined): void {
  if (!name || SIGNATURES.some((known) => known === name)) return;
  throw new ServiceError(
    'bad-request',
    `Serving signature name: "${name.slice(0, 60)}" not found in signature def.`,
    `Use ${SIGNATURES.join(', ')}, or none.`,
  );
}
