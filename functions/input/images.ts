import { z } from 'zod';
import { ServiceError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { readBody, tooLarge } from './body.ts';
import { parseJsonBody } from './json.ts';
import { fieldErrors, type Options, optionsSchema } from './options.ts';

/** A picture, as it was made, before decoding. */
export const MAX_IMAGE_BYTES = 10_000_000;
/** Base64 is four thirds as long; the rest is room for multipart headers and options. */
const MAX_JSON_BYTES = Math.ceil(MAX_IMAGE_BYTES / 3) * 4 + 4_096;
const MAX_FORM_BYTES = MAX_IMAGE_BYTES + 64 * 1024;

const jsonSchema = optionsSchema.extend({ image: z.string().min(1) });

export interface ImageBody {
  readonly image: Uint8Array<ArrayBuffer>;
  /** Options that stood beside the image. */
  readonly options: Options;
}

/**
 * The picture in a request: raw bytes, `multipart/form-data` with a part named `image`, or JSON `{"image": base64}`.
 * The content type tells only which of the three it is; what kind of picture, its own bytes tell.
 * @throws ServiceError
 */
export async function imageOf(request: Request): Promise<ImageBody> {
  const type = (request.headers.get('content-type') ?? '').toLowerCase().split(';')[0]?.trim();
  switch (type) {
    case 'application/json':
      return fromJson(await readBody(request, MAX_JSON_BYTES));
    case 'multipart/form-data':
      return fromForm(request);
    default:
      return { image: present(await readBody(request, MAX_IMAGE_BYTES)), options: {} };
  }
}

function fromJson(body: Uint8Array): ImageBody {
  const value = parseJsonBody(present(body));
  const parsed = jsonSchema.safeParse(value);
  if (!parsed.success) {
    const fields = fieldErrors(parsed.error);
    throw new ServiceError(
      'bad-json',
      `The JSON is not of the right form (${fields.map(({ detail, pointer }) => `${pointer}: ${detail}`).join('; ')}).`,
      'Send {"image": "<base64>"}, and top_k, min_score or explain beside it if you like.',
      { fields },
    );
  }
  const { image, ...options } = parsed.data;
  return { image: present(decodeBase64(image, MAX_IMAGE_BYTES)), options };
}

async function fromForm(request: Request): Promise<ImageBody> {
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
  const parts = form.getAll('image');
  const [part] = parts;
  if (parts.length !== 1 || part === undefined || typeof part === 'string') {
    throw new ServiceError(
      'bad-request',
      `The form has ${parts.length === 1 ? 'text' : parts.length} in place of one file named "image".`,
      'Send exactly one file part named "image".',
    );
  }
  const image = new Uint8Array(await (part as Blob).arrayBuffer());
  if (image.length > MAX_IMAGE_BYTES) throw tooLarge('picture', MAX_IMAGE_BYTES);
  return { image: present(image), options: {} };
}

function present<T extends Uint8Array>(bytes: T): T {
  if (bytes.length > 0) return bytes;
  throw new ServiceError('body-empty', 'The request has no image.', 'Send the bytes of a PNG or JPEG as the body.');
}
