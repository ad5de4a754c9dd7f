/** Real OpenTelemetry SDK providers, set up as a user would. */
import type { Attributes, Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { Metadata } from '@grpc/grpc-js';

export type OtlpProtocol = 'http/protobuf' | 'http/json' | 'grpc';
export const OTLP_PROTOCOLS: readonly OtlpProtocol[] = ['http/protobuf', 'http/json', 'grpc'];

export interface ProviderOptions {
  readonly protocol: OtlpProtocol;
  /** The whole URL that is posted to, as `http://127.0.0.1:4318/v1/traces`; for gRPC `http://127.0.0.1:4317`. */
  readonly url: string;
  readonly gzip?: boolean;
  readonly token?: string;
  readonly resource?: Attributes;
}

export interface TestProvider {
  readonly tracer: Tracer;
  /** Sends what has ended, and ends. Rejects when the server did not take it. */
  send(): Promise<void>;
}

function createExporter({ protocol, url, gzip = false, token }: ProviderOptions): SpanExporter {
  const compression = gzip ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE;
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  switch (protocol) {
    case 'http/protobuf':
      return new ProtobufExporter({ url, compression, headers });
    case 'http/json':
      return new JsonExporter({ url, compression, headers });
    case 'grpc': {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      return new GrpcExporter({ url, compression, metadata });
    }
  }
}

export function createProvider(options: ProviderOptions): TestProvider {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'test-service', ...options.resource }),
    // Large enough that nothing is sent before `send`.
    spanProcessors: [new BatchSpanProcessor(createExporter(options), { scheduledDelayMillis: 3_600_000 })],
  });
  return {
    tracer: provider.getTracer('test-tracer', '1.2.3'),
    send: async () => {
      await provider.forceFlush();
      await provider.shutdown();
    },
  };
}
