// A Worker of yours, between R2 and the hook: R2 tells a queue, this one signs what it says and passes it on.
// wrangler r2 bucket notification create shop-photos --event-type object-create --queue photo-events
import { Webhook } from 'standardwebhooks';

interface Env {
  /** https://classifier.example/hooks/r2 */
  readonly HOOK_URL: string;
  readonly HOOK_SECRET: string;
}

export default {
  async queue({ messages }, { HOOK_URL, HOOK_SECRET }) {
    for (const message of messages) {
      // The same for every try, so that one is enough.
      const id = `r2_${message.id}`;
      const [now, body] = [new Date(), JSON.stringify(message.body)];
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(HOOK_SECRET).sign(id, now, body),
      };
      const { ok } = await fetch(HOOK_URL, { method: 'POST', body, headers });
      if (ok) message.ack();
      else message.retry({ delaySeconds: 30 });
    }
  },
} satisfies ExportedHandler<Env>;
