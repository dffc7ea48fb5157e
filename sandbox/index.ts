/**
 * The sandbox: a Kubernetes control plane of real programs on loopback, with simulated nodes and pods, for trying the
 * platform out and for tests.
 */
export { cacheDirectory } from "./cache";
export { ensureCharts, readChartManifest } from "./charts";
export type { ChartManifest } from "./charts";
export { contextName } from "./credentials";
export { SandboxError } from "./errors";
export { marker } from "./objects";
export { helmEnvironment } from "./helm";
export { ensurePrograms } from "./programs";
export { sandboxStatus, startSandbox, stopSandbox } from "./sandbox";
export type { Sandbox, SandboxStatus, StartOptions } from "./sandbox";
export type { Programs, Report } from "./types";
