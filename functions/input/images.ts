import { z } from 'zod';
import { ServiceError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { readBody, tooLarge } from './body.ts';
import { fetchImage, type UrlRules } from './fetch-url.ts';
import { checked, parseJsonBody } from './json.ts';
import { type Options, optionsSchema } from './options.ts';

/** A picture, as it was made, before decoding. */
export const MAX_IMAGE_BYTES = 10_000_000;
/** Pictures in one request. */
export const MAX_IMAGES = 32;
/** Base64 is four thirds as long; the rest is room for multipart headers and options. */
export const MAX_JSON_BYTES = Math.ceil(MAX_IMAGE_BYTES / 3) * 4 + 16_384;
const MAX_FORM_BYTES = MAX_IMAGE_BYTES + 64 * 1024;

/** How long the answer of an address that others name may take, redirects and all. */
const FETCH_MS = 10_000;
/** Where a caller has no rules of its own. */
const PUBLIC: UrlRules = { allowHttpLoopback: false };

const base64 = z.string().min(1).meta({ description: 'A picture in standard base64; a data: URL is taken too.' });
const url = z.string().min(1).meta({ description: 'The https address of a picture that anybody can fetch.' });

const pictureFields = (most: number) => ({
  image: base64.optional(),
  url: url.optional(),
  images: z
    .array(z.union([base64, z.strictObject({ url })]))
    .min(1)
    .max(most)
    .optional(),
});
const isOne = (body: { image?: unknown; url?: unknown; images?: unknown }): boolean =>
  [body.image, body.url, body.images].filter((given) => given !== undefined).length === 1;
const ONE = { path: ['image'], message: 'exactly one of "image", "url" and "images" is needed' };

export const imageBodySchema = optionsSchema.extend(pictureFields(MAX_IMAGES)).refine(isOne, ONE).meta({
  id: 'ClassifyBody',
  description: 'One picture in "image" or at "url", or several in "images"; options beside them.',
});

/** Up to 50 of them, to learn from. */
export const examplesBodySchema = (most: number) =>
  z.strictObject(pictureFields(most)).refine(isOne, ONE).meta({ id: 'ExamplesBody' });

/** The same without options. */
export const picturesBodySchema = z
  .strictObject(pictureFields(MAX_IMAGES))
  .refine(isOne, ONE)
  .meta({ id: 'PicturesBody', description: 'One picture in "image" or at "url", or several in "images".' });

/** Gives the bytes, or says what is wrong with this one picture. @throws ServiceError */
export type Picture = () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;

export interface Pictures {
  readonly pictures: readonly [Picture, ...Picture[]];
  /** Whether they came as a list, be it of one: the answer is then a list too. */
  readonly several: boolean;
  /** Options that stood beside them. */
  readonly options: Options;
}

/**
 * The pictures of a request: raw bytes of one, `multipart/form-data` with one part named `image` or several named
 * `images`, or JSON {@link imageBodySchema}. The content type tells only which of the three it is; what kind of
 * picture, its own bytes tell.
 * @param rules which addresses JSON may name; they are fetched one at a time, when their picture's turn has come
 * @param most how many there may be
 * @throws ServiceError
 */
export async function picturesOf(request: Request, rules = PUBLIC, most = MAX_IMAGES): Promise<Pictures> {
  switch (mediaType(request)) {
    case 'application/json':
      return fromJson(await readBody(request, MAX_JSON_BYTES), rules, most);
    case 'multipart/form-data':
      return fromForm(request, most);
    default:
      return one(present(await readBody(request, MAX_IMAGE_BYTES)));
  }
}

/** Without parameters, in lower case; empty where nothing is said. */
export const mediaType = (request: Request): string =>
  (request.headers.get('content-type') ?? '').toLowerCase().split(';')[0]?.trim() ?? '';

const one = (image: Uint8Array<ArrayBuffer>): Pictures => ({ pictures: [() => image], several: false, options: {} });

function fromJson(body: Uint8Array, rules: UrlRules, limit: number): Pictures {
  const { image, url, images, ...options } = checked(
    limit === MAX_IMAGES ? imageBodySchema : optionsSchema.extend(pictureFields(limit)).refine(isOne, ONE),
    parseJsonBody(present(body)),
    'Send {"image": "<base64>"}, {"url": "https://…"} or {"images": […]}, and top_k, min_score, labels or explain beside it if you like.',
  );
  const pictureOf = (given: string | { url: string }): Picture =>
    typeof given === 'string'
      ? () => present(decodeBase64(given, MAX_IMAGE_BYTES))
      : () => fetchImage(given.url, rules, { bytes: MAX_IMAGE_BYTES, milliseconds: FETCH_MS });
  const [first, ...more] = images ?? [url === undefined ? (image ?? '') : { url }];
  return { pictures: [pictureOf(first ?? ''), ...more.map(pictureOf)], several: images !== undefined, options };
}

async function fromForm(request: Request, limit: number): Promise<Pictures> {
  const body = present(await readBody(request, MAX_FORM_BYTES));
  const headers = { 'content-type': request.headers.get('content-type') ?? '' };
  const form = await new Response(body, { headers }).formData().catch((error: unknown) => {
    throw new ServiceError(
      'bad-request',
      'The body is no multipart/form-data of the boundary that its content type names.',
      'Let your HTTP library set the content type, as in curl -F image=@photo.jpg.',
      { cause: error },
    );
  });
  const several = form.has('images');
  const parts = [...form.getAll('image'), ...form.getAll('images')];
  const most = several ? limit : 1;
  if (parts.length < 1 || parts.length > most || (several && form.has('image'))) {
    throw badForm(`has ${parts.length} parts with pictures`, limit);
  }
  const files = parts.map((part) => {
    if (typeof part === 'string') throw badForm('has text in place of a file', limit);
    return part as Blob;
  });
  const [first, ...more] = await Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())));
  const picture =
    (image: Uint8Array<ArrayBuffer> | undefined): Picture =>
    () => {
      if (image && image.length > MAX_IMAGE_BYTES) throw tooLarge('picture', MAX_IMAGE_BYTES);
      return present(image ?? new Uint8Array(0));
    };
  return { pictures: [picture(first), ...more.map(picture)], several, options: {} };
}

function badForm(why: string, most: number): ServiceError {
  return new ServiceError(
    'bad-request',
    `The form ${why}.`,
    `Send exactly one file part named "image", or up to ${most} named "images".`,
  );
}

/** @throws ServiceError `body-empty` */
export function present<T extends Uint8Array>(bytes: T): T {
  if (bytes.length > 0) return bytes;
  throw new ServiceError('body-empty', 'The request has no image.', 'Send the bytes of a picture as the body.');
}
