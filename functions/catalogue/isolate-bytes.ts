/**
 * How much of the 128 MB of an isolate models may take. The rest is the JavaScript heap at its peak, and in the Worker
 * that decodes pictures their decoders.
 */

/** What models, decoders and bodies may hold together in the Worker that does all. */
export const SHARED_ISOLATE_BYTES = 84_000_000;

/** What of that models leave for decoding pictures: their memory never shrinks. */
export const PICTURES_BYTES = 30_000_000;

/** The memory of TF.js when it starts; integer programs leave as much for it where both are served. */
export const TFJS_BYTES = 16_777_216;

/** What models may hold in the second Worker, where nothing else lives. */
export const OWN_ISOLATE_BYTES = 112_000_000;

/** A model that plans more than this is served by the second Worker: SHARED_MODEL_BYTES in `wrangler.toml`. */
export const SHARED_MODEL_BYTES = 37_000_000;
