/** What goes wrong in the shop, and how each language prints it. */
import type { PlainAttributes } from './attributes.ts';
import type { Language, Service } from './services.ts';

/** Function, file and line of one call. */
export type Frame = readonly [functionName: string, file: string, line: number];

/** Thrown inside a scenario; passes up through the spans until somebody catches it. */
export class Failure extends Error {
  /** Whether a span already carries it as an exception event. */
  recorded = false;

  constructor(
    readonly type: string,
    message: string,
    readonly httpStatus: number,
    readonly frames: readonly Frame[],
  ) {
    super(message);
  }

  /** gRPC's code for the same: 3 invalid argument, 5 not found, 14 unavailable, 4 deadline, 13 internal. */
  get grpcStatus(): number {
    switch (this.httpStatus) {
      case 400:
      case 402:
        return 3;
      case 404:
        return 5;
      case 503:
        return 14;
      case 504:
        return 4;
      default:
        return 13;
    }
  }
}

export function exceptionAttributes(failure: Failure, service: Service): PlainAttributes {
  return {
    'exception.type': failure.type,
    'exception.message': failure.message,
    'exception.stacktrace': stackTrace(failure, service.language),
    'exception.escaped': true,
  };
}

function stackTrace(failure: Failure, language: Language): string {
  const { type, message, frames } = failure;
  switch (language) {
    case 'java': {
      const lines = frames.map(([name, file, line]) => `\tat ${name}(${file}:${line})`);
      return [`${type}: ${message}`, ...lines].join('\n');
    }
    case 'dotnet': {
      const lines = frames.map(([name, file, line]) => `   at ${name}() in /src/${file}:line ${line}`);
      return [`${type}: ${message}`, ...lines].join('\n');
    }
    case 'python': {
      const calls = frames.toReversed();
      const lines = calls.map(([name, file, line]) => `  File "/app/${file}", line ${line}, in ${name}`);
      return ['Traceback (most recent call last):', ...lines, `${type}: ${message}`].join('\n');
    }
    case 'go': {
      const lines = frames.map(([name, file, line]) => `${name}(...)\n\t/src/${file}:${line}`);
      return [`${type}: ${message}`, '', 'goroutine 4711 [running]:', ...lines].join('\n');
    }
    case 'nodejs':
    case 'webjs': {
      const lines = frames.map(([name, file, line]) => `    at ${name} (/app/${file}:${line}:17)`);
      return [`${type}: ${message}`, ...lines].join('\n');
    }
    case 'rust':
      return [message, ...frames.map(([name, file, line]) => `   ${name}\n      at ${file}:${line}`)].join(
        '\n',
      );
  }
}
