/** How to send spans here, per language: correct for the server that the reader has in front of them. */

export interface SnippetTarget {
  /** `http://127.0.0.1:4318` */
  readonly baseUrl: string;
  /** `http://127.0.0.1:4317`, or '' when gRPC is off. */
  readonly grpcUrl: string;
  readonly tokenRequired: boolean;
  /** A token made just now, to stand where one is wanted. */
  readonly token?: string;
}

export interface SnippetStep {
  readonly title: string;
  /** What the block is, for its copy button: `sh`, `yaml`, a file's name. */
  readonly code: string;
}

export interface Snippet {
  readonly id: string;
  readonly name: string;
  readonly steps: readonly SnippetStep[];
}

function tokenOf({ token = '<ingest token>' }: SnippetTarget): string {
  return token;
}

/** The variables that every OpenTelemetry SDK reads. Metrics and logs are refused here: some SDKs try for seconds. */
export function environment(target: SnippetTarget): string {
  const lines = [
    'export OTEL_SERVICE_NAME=my-app',
    'export OTEL_TRACES_EXPORTER=otlp',
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${target.baseUrl}/i/v1/traces`,
    'export OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none',
  ];
  if (target.tokenRequired) {
    lines.push(`export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer ${tokenOf(target)}"`);
  }
  return lines.join('\n');
}

export function snippets(target: SnippetTarget): readonly Snippet[] {
  return [
    {
      id: 'node',
      name: 'Node.js',
      steps: [
        {
          title: 'Install',
          code: 'npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node',
        },
        {
          title: 'Run your app with the variables above',
          code: 'node --require @opentelemetry/auto-instrumentations-node/register app.js',
        },
      ],
    },
    {
      id: 'python',
      name: 'Python',
      steps: [
        {
          title: 'Install',
          code: 'pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\nopentelemetry-bootstrap -a install',
        },
        {
          title: 'Run your app with the variables above',
          code: 'opentelemetry-instrument python app.py',
        },
      ],
    },
    { id: 'go', name: 'Go', steps: goSteps() },
    {
      id: 'java',
      name: 'Java',
      steps: [
        {
          title: 'Get the agent',
          code: 'curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar',
        },
        {
          title: 'Run your app with the variables above',
          code: 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar',
        },
      ],
    },
    { id: 'dotnet', name: '.NET', steps: dotnetSteps() },
    { id: 'collector', name: 'Collector', steps: collectorSteps(target) },
    { id: 'curl', name: 'curl', steps: curlSteps(target) },
  ];
}

function goSteps(): readonly SnippetStep[] {
  return [
    {
      title: 'Install',
      code: [
        'go get go.opentelemetry.io/otel/sdk \\',
        '  go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp',
      ].join('\n'),
    },
    {
      title: 'In main.go; the exporter reads the variables above',
      code: [
        'exporter, err := otlptracehttp.New(ctx)',
        'if err != nil {',
        '\tlog.Fatal(err)',
        '}',
        'provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))',
        'defer provider.Shutdown(ctx)',
        'otel.SetTracerProvider(provider)',
        '',
        'ctx, span := otel.Tracer("my-app").Start(ctx, "hello")',
        'span.End()',
      ].join('\n'),
    },
  ];
}

function dotnetSteps(): readonly SnippetStep[] {
  return [
    {
      title: 'Install',
      code: [
        'dotnet add package OpenTelemetry.Extensions.Hosting',
        'dotnet add package OpenTelemetry.Instrumentation.AspNetCore',
        'dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol',
      ].join('\n'),
    },
    {
      title: 'In Program.cs; the exporter reads the variables above',
      code: [
        'builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing',
        '    .AddAspNetCoreInstrumentation()',
        '    .AddOtlpExporter());',
      ].join('\n'),
    },
  ];
}

function collectorSteps(target: SnippetTarget): readonly SnippetStep[] {
  const { baseUrl, grpcUrl, tokenRequired } = target;
  const header = tokenRequired ? ['    headers:', `      authorization: "Bearer ${tokenOf(target)}"`] : [];
  const lines = [
    'exporters:',
    '  otlphttp/spanlake:',
    `    traces_endpoint: ${baseUrl}/i/v1/traces`,
    ...header,
  ];
  const service = ['service:', '  pipelines:', '    traces:', '      receivers: [otlp]'];
  const steps = [
    {
      title: 'In the Collector’s configuration, over HTTP',
      code: [...lines, '', ...service, '      exporters: [otlphttp/spanlake]'].join('\n'),
    },
  ];
  if (grpcUrl !== '') {
    const endpoint = grpcUrl.replace(/^https?:\/\//, '');
    const tls = grpcUrl.startsWith('https:') ? [] : ['    tls:', '      insecure: true'];
    steps.push({
      title: 'Or over gRPC',
      code: ['exporters:', '  otlp/spanlake:', `    endpoint: ${endpoint}`, ...tls, ...header].join('\n'),
    });
  }
  return steps;
}

function curlSteps(target: SnippetTarget): readonly SnippetStep[] {
  const { baseUrl, tokenRequired } = target;
  const header = tokenRequired ? [`  -H 'Authorization: Bearer ${tokenOf(target)}' \\`] : [];
  const lines = [
    `curl -i ${baseUrl}/i/v1/traces \\`,
    "  -H 'Content-Type: application/json' \\",
    ...header,
    '  -d @- <<EOF',
    '{"resourceSpans":[{"resource":{"attributes":[',
    '  {"key":"service.name","value":{"stringValue":"my-app"}}]},',
    '  "scopeSpans":[{"spans":[{"name":"hello from curl","kind":1,',
    '    "traceId":"$(openssl rand -hex 16)","spanId":"$(openssl rand -hex 8)",',
    '    "startTimeUnixNano":"$(date +%s)000000000","endTimeUnixNano":"$(date +%s)250000000"}]}]}]}',
    'EOF',
  ];
  return [{ title: 'One span by hand', code: lines.join('\n') }];
}
