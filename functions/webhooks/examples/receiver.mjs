// Takes callbacks, and believes only those that are signed: node --env-file=.dev.vars functions/webhooks/examples/receiver.mjs
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const seen = new Set();
const server = createServer(async (request, response) => {
  try {
    const { type, data } = webhook.verify(await text(request), request.headers);
    // A callback may come twice; it then has the same id.
    if (!seen.has(request.headers['webhook-id'])) console.log(type, data.id, data.status);
    seen.add(request.headers['webhook-id']);
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(400).end(error.message);
  }
});
server.listen(process.env.PORT ?? 9000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
