import { expect, test } from 'bun:test';
import { exportResponse, statusBody } from './response.ts';
import { ExportResponseType, StatusType } from './testing/oracle.ts';

const decode = (body: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(body));

test('with nothing to say the response is empty', () => {
  expect(exportResponse('protobuf', 0, '')).toHaveLength(0);
  expect(decode(exportResponse('json', 0, ''))).toEqual({});
});

test('partial success, and a warning alone', () => {
  for (const [rejected, message] of [
    [3, 'because'],
    [0, 'a warning'],
  ] as const) {
    const expected = { partialSuccess: { rejectedSpans: String(rejected), errorMessage: message } };
    expect(decode(exportResponse('json', rejected, message))).toEqual(expected);
    const answer = ExportResponseType.decode(exportResponse('protobuf', rejected, message));
    expect(ExportResponseType.toObject(answer, { longs: String, defaults: true })).toEqual(expected);
  }
});

test('google.rpc.Status', () => {
  expect(decode(statusBody('json', 3, 'bad'))).toEqual({ code: 3, message: 'bad' });
  const message = StatusType.decode(statusBody('protobuf', 14, 'later'));
  expect(StatusType.toObject(message, { defaults: true })).toEqual({ code: 14, message: 'later' });
});
