/**
 * Every third-party chart and image that the platform installs, pinned in one place.
 * Bump a version here, run the tests, read the rendered difference, and only then deploy.
 */

/** A Helm chart in its own official repository. */
export interface ChartPin {
    /** Chart name inside the repository. */
    readonly chart: string;
    /** HTTP(S) chart repository, or an `oci://` registry path without the chart's name. */
    readonly repository: string;
    /** Exact chart version. */
    readonly version: string;
}

/**
 * Istio's release. From 1.31 on, charts and images live at the homes below; the former ones on Google's hosting
 * are switched off in December 2026 (https://github.com/istio/istio/releases).
 */
export const istioVersion = "1.31.1";
const istioCharts = "https://blob.istio.io/istio-release/charts";
const certManagerVersion = "v1.21.2";

/** The charts, by the release that they make. */
export const charts = {
    base: { chart: "base", repository: istioCharts, version: istioVersion },
    istiod: { chart: "istiod", repository: istioCharts, version: istioVersion },
    cni: { chart: "cni", repository: istioCharts, version: istioVersion },
    gateway: { chart: "gateway", repository: istioCharts, version: istioVersion },
    certManager: { chart: "cert-manager", repository: "oci://quay.io/jetstack/charts", version: certManagerVersion },
} as const satisfies Record<string, ChartPin>;

/** Image registries and tags that charts do not bring themselves. `registry` is what `images.registry` replaces. */
export const images = {
    istio: { registry: "docker.io", repository: "istio", tag: istioVersion },
    certManager: { registry: "quay.io", repository: "jetstack" },
    bookinfo: { registry: "docker.io", repository: "istio", tag: "1.20.3" },
} as const;
