/** OTLP over gRPC: TraceService/Export on a port of its own. The message goes to the store as its bytes. */
import { Server, ServerCredentials, status as Code } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { exportResponse } from '../otlp/response.ts';
import { formatAddress } from '../config.ts';
import type { ListenAddress } from '../config.ts';
import { DEFAULT_PROJECT } from '../store/catalog.ts';
import { bearerToken } from './access.ts';
import { grpcName } from './errors.ts';
import type { Arrival, Receiver, ReceiverDeps } from './receiver.ts';

const asIs = (bytes: Buffer): Buffer => bytes;

const TRACE_SERVICE: ServiceDefinition = {
  Export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

type Call = ServerUnaryCall<Buffer, Buffer>;

export interface GrpcListener {
  readonly port: number;
  stop(): Promise<void>;
}

export async function listenGrpc(
  address: ListenAddress,
  receiver: Receiver,
  deps: ReceiverDeps,
): Promise<GrpcListener> {
  const server = new Server({
    'grpc.max_receive_message_length': deps.maxBodyBytes,
    'grpc.max_concurrent_streams': 1000,
  });
  server.addService(TRACE_SERVICE, {
    Export: (call: Call, callback: sendUnaryData<Buffer>) => void answer(call, callback, receiver, deps),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(formatAddress(address), ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        // Calls under way get their answer; a client that hangs does not hold the server.
        const forced = setTimeout(() => server.forceShutdown(), 3_000);
        server.tryShutdown(() => {
          clearTimeout(forced);
          resolve();
        });
      }),
  };
}

async function answer(
  call: Call,
  callback: sendUnaryData<Buffer>,
  receiver: Receiver,
  deps: ReceiverDeps,
): Promise<void> {
  const bytes = call.request;
  const arrival: Arrival = {
    transport: 'grpc',
    format: 'protobuf',
    encoding: 'identity',
    projectId: DEFAULT_PROJECT,
    bytes: bytes.length,
  };
  try {
    const header = call.metadata.get('authorization')[0];
    arrival.projectId = deps.gate.admit(bearerToken(header?.toString()), 'ingest').projectId;
    const result = await deps.store.append(arrival.projectId, {
      format: 'protobuf',
      body: bytes,
      received: { encoding: 'identity', bytes },
    });
    receiver.taken(arrival, result);
    callback(null, Buffer.from(exportResponse('protobuf', result.rejected, result.message)));
  } catch (error) {
    const problem = receiver.refused(arrival, error);
    callback({ code: Code[grpcName(problem.status)], details: problem.message });
  }
}
