import type { Models } from './remote.ts';

/**
 * Models that ask before each picture. `take` stands between decoding and running, where both doors pass: a picture
 * that cannot be read costs nothing, and no route can forget to ask.
 * @param take refuses by throwing; what it returns is called where the model then fails
 */
export function metered(models: Models, take: () => Promise<() => Promise<void>>): Models {
  return {
    async with(manifest, use) {
      const giveBack = await take();
      try {
        return await models.with(manifest, use);
      } catch (error) {
        await giveBack();
        throw error;
      }
    },
  };
}
