import { WorkerEntrypoint } from 'cloudflare:workers';
import type { InProcess } from './routes/in-process.ts';

type Calls = Pick<InProcess, 'classify' | 'models' | 'run'>;

/**
 * What another Worker binds as `entrypoint = "Classifier"`: {@link InProcess} by RPC. Only Workers of the same account
 * can, so there are no keys.
 * @param of the service of this isolate
 */
export function classifierEntrypoint<Env>(
  of: (env: Env) => Calls,
): new (
  context: ExecutionContext,
  env: Env,
) => WorkerEntrypoint<Env> & Calls {
  return class extends WorkerEntrypoint<Env> {
    classify(...args: Parameters<Calls['classify']>) {
      return whole(this.ctx, of(this.env).classify(...args));
    }

    models() {
      return whole(this.ctx, of(this.env).models());
    }

    run(...args: Parameters<Calls['run']>) {
      return whole(this.ctx, of(this.env).run(...args));
    }
  };
}

/** Others may be waiting for what a call loads: it goes on even when its caller goes away. */
function whole<T>(context: ExecutionContext, call: Promise<T>): Promise<T> {
  context.waitUntil(call.catch(() => {}));
  return call;
}
