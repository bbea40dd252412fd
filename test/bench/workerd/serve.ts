import type { NetworkFile, ReadFile, Runner } from '../runner.ts';

export interface Env {
  readonly FILES: { fetch(address: string): Promise<Response> };
  readonly RUNNER: string;
}

/** A Worker of one runner: `/load` starts it, `/run?n=3` runs it. Time is told from outside; here it stands still. */
export function serve(start: (read: ReadFile, runner: string) => Promise<Runner>) {
  let runner: Runner | undefined;
  return {
    async fetch(request: Request, { FILES, RUNNER }: Env): Promise<Response> {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === '/load') {
        runner = await start(
          async (name: NetworkFile) => new Uint8Array(await (await FILES.fetch(`https://files/${name}`)).arrayBuffer()),
          RUNNER,
        );
        await runner.run();
        return Response.json({ memoryBytes: runner.memoryBytes() });
      }
      for (let n = Number(searchParams.get('n')); n > 0; n--) await runner?.run();
      return new Response('done');
    },
  };
}
