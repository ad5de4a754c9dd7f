/** The listening sockets: HTTP (receivers, API, pages) and gRPC. */
import { formatAddress } from '../config.ts';
import type { ListenAddress } from '../config.ts';
import { createApp } from './app.ts';
import type { App } from './app.ts';
import type { Ports, ServerDeps } from './deps.ts';
import type { GrpcListener } from './grpc.ts';
import { secured } from './security.ts';

/** Seconds without a byte. Bun's default of 10 cuts slow uploads; a slow client costs a socket alone. */
const IDLE_TIMEOUT_SECONDS = 60;
/** Whoever waited for the server asks first whether it is ready, and is not to wait for what comes after that. */
const WARM_AFTER_MS = 100;
/** Answers under way are finished at a stop; a client that hangs is cut off. */
const STOP_TIMEOUT_MS = 5_000;

async function startGrpc(
  address: ListenAddress,
  { config, log }: ServerDeps,
  app: App,
): Promise<GrpcListener | undefined> {
  const { listenGrpc } = await import('./grpc.ts');
  try {
    return await listenGrpc(address, app.receiver, app.receiverDeps);
  } catch (error) {
    if (!config.grpcOptional || !String(error).includes('EADDRINUSE')) throw error;
    log.warn('no gRPC: another process has its port; choose one with --grpc-listen', {
      address: formatAddress(address),
    });
    return undefined;
  }
}

export interface Servers {
  readonly httpPort: number;
  readonly grpcPort: number | undefined;
  /** Takes no more requests, and waits for those under way. */
  stop(): Promise<void>;
}

/** Throws what the system says of an address in use (code EADDRINUSE) or not of this machine. */
export async function startServers(deps: ServerDeps): Promise<Servers> {
  const { config } = deps;
  const ports: Ports = { http: config.listen.port, grpc: config.grpcListen?.port };
  const app = createApp(deps, ports);
  const http = Bun.serve({
    hostname: config.listen.host,
    port: config.listen.port,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    // Handlers bound what they read, and answer in the sender's encoding: Bun's own 413 has no body. What no
    // handler reads is not buffered (400 MB sent to one that only answers: 7 MB of memory).
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // A gRPC client that comes to this port hears which one it wants.
    http2: true,
    fetch: (request, server) => app.fetch(request, () => server.timeout(request, 0)),
    // Nothing should get here; Bun's own answer would show what went wrong.
    error: (error) => {
      deps.log.error('unexpected error', { error: error.stack ?? error.message });
      return secured(new Response(null, { status: 500 }));
    },
  });
  ports.http = http.port ?? ports.http;
  const warming = setTimeout(() => void app.warm(), WARM_AFTER_MS);
  let grpc: GrpcListener | undefined;
  try {
    // Loading it takes longer than listening for HTTP.
    if (config.grpcListen !== undefined) grpc = await startGrpc(config.grpcListen, deps, app);
  } catch (error) {
    clearTimeout(warming);
    await http.stop(true);
    app.stop();
    app.senders.close();
    throw error;
  }
  ports.grpc = grpc?.port;
  return {
    httpPort: ports.http,
    grpcPort: ports.grpc,
    stop: async () => {
      clearTimeout(warming);
      app.stop();
      const cutOff = setTimeout(() => void http.stop(true), STOP_TIMEOUT_MS);
      await Promise.all([http.stop(), grpc?.stop()]);
      clearTimeout(cutOff);
      app.senders.close();
    },
  };
}
