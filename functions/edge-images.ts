import { ServiceError } from './errors.ts';
import type { Host } from './host.ts';

export interface ImagesEnv {
  readonly IMAGES?: ImagesBinding;
}

/** Larger than what any model looks at. */
const CONVERTED_PIXELS = 1024;

const streamOf = (file: Uint8Array) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(file);
      controller.close();
    },
  });

/** Through Cloudflare Images, where it is bound, HEICs are read. */
export function edgeImages({ IMAGES }: ImagesEnv): Pick<Host, 'fromHeic'> {
  if (!IMAGES) return {};
  return {
    async fromHeic(file) {
      try {
        const side = { width: CONVERTED_PIXELS, height: CONVERTED_PIXELS, fit: 'scale-down' } as const;
        const jpeg = IMAGES.input(streamOf(file)).transform(side).output({ format: 'image/jpeg' });
        return new Uint8Array(await (await jpeg).response().arrayBuffer());
      } catch (cause) {
        const why = 'The HEIC could not be converted.';
        throw new ServiceError('image-damaged', why, 'Send a JPEG: on an iPhone, Formats: Most Compatible.', { cause });
      }
    },
  };
}
