import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { ChartPin } from "../versions";

/** Where charts and images come from when the official homes are out of reach. */
export interface SourcesArgs {
    /**
     * Replaces the home of every chart: a folder of packaged charts relative to the program (`./charts`), an HTTP(S)
     * chart repository, or an OCI registry path (`oci://registry.example.com/charts`).
     * @default - the charts' official repositories
     */
    chartMirror?: string;
    /**
     * Replaces the registry host of every image, as `registry.example.com` or `registry.example.com:5000/mirror`.
     * @default - the images' official registries
     */
    imageRegistry?: string;
}

/** A Helm release of one pinned chart. */
export interface HelmReleaseArgs<Values extends object> {
    /** Name of the release in the cluster. */
    releaseName: string;
    namespace: pulumi.Input<string>;
    pin: ChartPin;
    sources: SourcesArgs | undefined;
    values: Values;
}

type ChartLocation = Pick<k8s.helm.v3.ReleaseArgs, "chart" | "repositoryOpts" | "version">;

/**
 * Where to take a pinned chart from. Folders stay relative: an absolute path would differ between machines and show
 * as a change (https://github.com/pulumi/pulumi-kubernetes/issues/1724).
 */
export function chartLocation(pin: ChartPin, mirror?: string): ChartLocation {
    const home = (mirror ?? pin.repository).replace(/\/+$/, "");
    if (home.startsWith("oci://")) {
        return { chart: `${home}/${pin.chart}`, version: pin.version };
    }
    if (/^https?:\/\//.test(home)) {
        return { chart: pin.chart, version: pin.version, repositoryOpts: { repo: home } };
    }
    const folder = /^\.{0,2}\//.test(home) ? home : `./${home}`;
    return { chart: `${folder}/${pin.chart}-${pin.version}.tgz`, version: pin.version };
}

/** An image's registry and path, after the mirror when there is one. */
export function imageHome(image: { registry: string; repository: string }, sources?: SourcesArgs): string {
    return `${sources?.imageRegistry ?? image.registry}/${image.repository}`;
}

/**
 * Installs a pinned chart and waits for it: waiting also orders the uninstall
 * (https://github.com/pulumi/pulumi-kubernetes/issues/1739).
 */
export function helmRelease<Values extends object>(
    name: string,
    args: HelmReleaseArgs<Values>,
    opts: pulumi.CustomResourceOptions,
): k8s.helm.v3.Release {
    return new k8s.helm.v3.Release(
        name,
        {
            ...chartLocation(args.pin, args.sources?.chartMirror),
            name: args.releaseName,
            namespace: args.namespace,
            values: { ...args.values },
            skipAwait: false,
            timeout: 600,
            maxHistory: 5,
        },
        opts,
    );
}
