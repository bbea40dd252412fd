import { connect, type Socket } from 'node:net';

/** What became of a request: its status, or 0 where the connection ended first. */
export type Status = number;

/**
 * HTTP/1.1 as plainly as it goes, over connections that stay open: requests are bytes that were made ahead, and of an
 * answer only its status and its end are read. A generator of load that costs more than what it measures tells nothing.
 */
export class Connections {
  readonly #port: number;
  readonly #host: string;
  readonly #idle: Connection[] = [];
  readonly #waiting: { request: Buffer; ended: (status: Status) => void }[] = [];
  readonly #all: Connection[] = [];
  readonly #most: number;

  /** @param most open at once; a request that finds none free waits, and its time counts */
  constructor(base: string, most: number) {
    const { hostname, port } = new URL(base);
    this.#host = hostname;
    this.#port = Number(port);
    this.#most = most;
  }

  send(request: Buffer, ended: (status: Status) => void): void {
    const connection = this.#idle.pop() ?? (this.#all.length < this.#most ? this.#open() : undefined);
    if (connection) this.#use(connection, request, ended);
    else this.#waiting.push({ request, ended });
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #open(): Connection {
    const connection = new Connection(this.#host, this.#port);
    this.#all.push(connection);
    return connection;
  }

  #use(connection: Connection, request: Buffer, ended: (status: Status) => void): void {
    connection.send(request, (status) => {
      const next = this.#waiting.shift();
      if (next) this.#use(connection, next.request, next.ended);
      else this.#idle.push(connection);
      ended(status);
    });
  }
}

/** One request at a time; opened again where the other side closed it. */
class Connection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #read: Buffer = Buffer.alloc(0);
  #ended: ((status: Status) => void) | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  send(request: Buffer, ended: (status: Status) => void): void {
    this.#ended = ended;
    this.#socket ??= this.#connected();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connected(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.on('data', (chunk) => {
      this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
      const status = statusOfWhole(this.#read);
      if (status !== undefined) this.#end(status);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = undefined;
      if (this.#ended) this.#end(0);
    });
    return socket;
  }

  #end(status: Status): void {
    const ended = this.#ended;
    this.#ended = undefined;
    this.#read = Buffer.alloc(0);
    ended?.(status);
  }
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = '0\r\n\r\n';

/** The status of an answer that is there to its last byte (RFC 9112, section 6). */
export function statusOfWhole(read: Buffer): Status | undefined {
  const end = read.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = read.toString('latin1', 0, end);
  const status = Number(head.slice(9, 12));
  if (status === 204 || status === 304) return status;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return read.length >= end + HEAD_END.length + Number(length) ? status : undefined;
  return read.toString('latin1', read.length - LAST_CHUNK.length) === LAST_CHUNK ? status : undefined;
}
