/** A stack trace in parts: what was said, frames of one's own code, runs of frames of libraries and runtimes. */
import { parseStack } from '../../src/trace/stack-frames.ts';

export type StackKind = 'message' | 'own' | 'library';

/** Lines in a row of one kind. */
export interface StackPart {
  readonly kind: StackKind;
  readonly lines: readonly string[];
}

/** Where packages lie, and names that everybody's dependencies have. */
const LIBRARY =
  /node_modules|node:|site-packages|dist-packages|lib\/python|\/gems\/|\/vendor\/|\/go\/pkg\/mod|\/usr\/(?:local\/)?(?:lib|go)|\.cargo\/registry|rustc\/|\bjavax?\.|\bjdk\.|\bsun\.|\bkotlinx?\.|\bscala\.|org\.(?:springframework|apache|hibernate|eclipse|jboss)\.|io\.(?:netty|grpc|opentelemetry)\.|com\.(?:google|fasterxml|zaxxer)\.|reactor\.core|at (?:System|Microsoft)\.|^\s*\.\.\. \d+ more/;

export function stackParts(text: string): StackPart[] {
  const parts: { kind: StackKind; lines: string[] }[] = [];
  for (const { text: line, frame } of parseStack(text.trimEnd())) {
    const last = parts.at(-1);
    const kind = kindOf(line, frame, last?.kind);
    if (last?.kind === kind) last.lines.push(...line.split('\n'));
    else parts.push({ kind, lines: line.split('\n') });
  }
  // Where nothing tells own code from others', all of it is shown.
  if (parts.some((part) => part.kind === 'own')) return parts;
  return parts.map((part) => (part.kind === 'library' ? { ...part, kind: 'own' } : part));
}

function kindOf(
  line: string,
  frame: { readonly isRuntime: boolean } | undefined,
  before: StackKind | undefined,
): StackKind {
  if (LIBRARY.test(line) && (frame !== undefined || /^\s/.test(line))) return 'library';
  if (frame !== undefined) return frame.isRuntime ? 'library' : 'own';
  // The source line that Python prints below a frame belongs to it.
  return before !== undefined && before !== 'message' && /^\s{3,}\S/.test(line) ? before : 'message';
}
