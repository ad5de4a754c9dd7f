/** The bodies of answers to an export, in the encoding of the request. */
import protobuf from 'protobufjs/minimal.js';

export type OtlpFormat = 'protobuf' | 'json';

const encoder = new TextEncoder();

/** ExportTraceServiceResponse. With nothing rejected and nothing to say it is empty, as OTLP asks. */
export function exportResponse(format: OtlpFormat, rejected: number, message: string): Uint8Array {
  const isPlain = rejected === 0 && message === '';
  switch (format) {
    case 'json': {
      const partialSuccess = { rejectedSpans: String(rejected), errorMessage: message };
      return encoder.encode(JSON.stringify(isPlain ? {} : { partialSuccess }));
    }
    case 'protobuf': {
      const writer = protobuf.Writer.create();
      if (isPlain) return writer.finish();
      writer.uint32((1 << 3) | 2).fork();
      if (rejected > 0) writer.uint32((1 << 3) | 0).int64(rejected);
      if (message !== '') writer.uint32((2 << 3) | 2).string(message);
      return writer.ldelim().finish();
    }
  }
}

/** google.rpc.Status, the body of every 4xx and 5xx. `code` is gRPC's. */
export function statusBody(format: OtlpFormat, code: number, message: string): Uint8Array {
  switch (format) {
    case 'json':
      return encoder.encode(JSON.stringify({ code, message }));
    case 'protobuf': {
      const writer = protobuf.Writer.create();
      if (code !== 0) writer.uint32((1 << 3) | 0).int32(code);
      if (message !== '') writer.uint32((2 << 3) | 2).string(message);
      return writer.finish();
    }
  }
}
