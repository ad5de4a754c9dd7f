/** Test support: protobufjs' reflection over proto/, which knows nothing of our walk and our writer. */
import protobuf from 'protobufjs';
import type { Span } from '../../span/span.ts';
import { encodeTracesJson } from '../encode.ts';

const PROTO_FOLDER = `${import.meta.dir}/../../../proto`;

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => `${PROTO_FOLDER}/${target}`;
root.loadSync(['opentelemetry/proto/collector/trace/v1/trace_service.proto', 'google/rpc/status.proto']);
root.resolveAll();

export const ExportRequestType = root.lookupType('ExportTraceServiceRequest');
export const ExportResponseType = root.lookupType('ExportTraceServiceResponse');
export const StatusType = root.lookupType('google.rpc.Status');
export const AnyValueType = root.lookupType('AnyValue');

/** A request as reflection takes it: ids as bytes. Everything else has the shape of OTLP/JSON. */
export function withBinaryIds(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withBinaryIds);
  if (json === null || typeof json !== 'object') return json;
  const entries = Object.entries(json).map(([key, value]): [string, unknown] => {
    const isId = /^(trace|span|parentSpan)Id$/.test(key);
    return [key, isId ? new Uint8Array(Buffer.from(String(value), 'hex')) : withBinaryIds(value)];
  });
  return Object.fromEntries(entries);
}

export function reflectionEncode(spans: readonly Span[]): Uint8Array {
  const json = withBinaryIds(encodeTracesJson(spans)) as Record<string, unknown>;
  return ExportRequestType.encode(ExportRequestType.fromObject(json)).finish();
}
