import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../errors";
import { at, isObject, objectAt, textAt, type Json } from "../json";
import { ProcessError } from "../process";
import type { Helm } from "./helm";
import type { Made } from "../deployment";

/** A Helm release as the program wants it. */
export interface Release {
    name: string;
    namespace: string;
    chart: string;
    version: string | undefined;
    repository: string | undefined;
    values: Json;
    wait: boolean;
    createNamespace: boolean;
    timeoutSeconds: number;
    maxHistory: number | undefined;
}

/** Charts without which there is no platform: when one is missing, the rehearsal fails. */
const indispensable = ["base", "istiod", "cni", "ztunnel", "gateway", "cert-manager"];

/** Reads a Release's inputs. `fallbackName` is the resource's own name, which Pulumi takes for a release without one. */
export function readRelease(inputs: Json, fallbackName: string): Release {
    const number = (key: string) => {
        const value = inputs[key];
        return typeof value === "number" ? value : undefined;
    };
    return {
        name: textAt(inputs, "name") ?? fallbackName,
        namespace: textAt(inputs, "namespace") ?? "default",
        chart: textAt(inputs, "chart") ?? "",
        version: textAt(inputs, "version"),
        repository: textAt(inputs, "repositoryOpts", "repo"),
        values: objectAt(inputs, "values"),
        wait: at(inputs, "skipAwait") !== true,
        createNamespace: at(inputs, "createNamespace") === true,
        timeoutSeconds: number("timeout") ?? 300,
        maxHistory: number("maxHistory"),
    };
}

/** Installs, upgrades or leaves a release as it is. Returns why it was left out when its chart cannot be had. */
export async function applyRelease(helm: Helm, release: Release, directory: string): Promise<Made> {
    const missing = await missingChart(helm, release, directory);
    if (missing !== undefined) {
        return leaveOut(release, missing);
    }
    const before = await recovered(helm, release);
    if (before?.status === "deployed" && (await isCurrent(helm, release, before.chart))) {
        return { outcome: "unchanged" };
    }
    try {
        await helm.upgrade(upgradeArguments(release), release.values);
    } catch (error) {
        throw error instanceof ProcessError ? failure(release, error) : error;
    }
    return { outcome: before === undefined ? "created" : "changed" };
}

async function isCurrent(helm: Helm, release: Release, deployedChart: string): Promise<boolean> {
    const { name, namespace, version, values } = release;
    const sameChart =
        version === undefined
            ? deployedChart.startsWith(`${chartName(release)}-`)
            : deployedChart === `${chartName(release)}-${version}`;
    return sameChart && isDeepStrictEqual(withoutNulls(await helm.values(name, namespace)), withoutNulls(values));
}

/** The release's status; one that an interrupted run left half done is brought back to the last one that stood. */
export async function recovered(helm: Helm, { name, namespace }: Pick<Release, "name" | "namespace">) {
    const status = await helm.status(name, namespace);
    if (!status?.status.startsWith("pending-") && status?.status !== "uninstalling") {
        return status;
    }
    const [last] = await helm.deployedRevisions(name, namespace);
    if (last === undefined || status.status === "uninstalling") {
        await helm.output(["uninstall", name, "-n", namespace, "--wait", "--timeout", "120s", "--ignore-not-found"]);
    } else {
        await helm.output(["rollback", name, String(last), "-n", namespace]);
    }
    return helm.status(name, namespace);
}

function upgradeArguments(release: Release): string[] {
    const { name, namespace, wait, timeoutSeconds, maxHistory, createNamespace } = release;
    return [
        name,
        ...chartArguments(release),
        "-n",
        namespace,
        "--timeout",
        `${timeoutSeconds}s`,
        ...(wait ? ["--wait"] : []),
        ...(createNamespace ? ["--create-namespace"] : []),
        ...(maxHistory === undefined ? [] : ["--history-max", String(maxHistory)]),
    ];
}

function chartArguments({ chart, version, repository }: Release): string[] {
    return [
        chart,
        ...(version === undefined ? [] : ["--version", version]),
        ...(repository === undefined ? [] : ["--repo", repository]),
    ];
}

/** The chart's name alone: the chart may be a packaged file, a folder or a path in a registry. */
export function chartName({ chart, version }: Pick<Release, "chart" | "version">): string {
    const file = chart.split("/").pop() ?? chart;
    return file.replace(/\.tgz$/, "").replace(version === undefined ? "" : `-${version}`, "");
}

/** Why the chart cannot be had, or undefined when it can. */
async function missingChart(helm: Helm, release: Release, directory: string): Promise<string | undefined> {
    if (/^\.{0,2}\//.test(release.chart)) {
        return existsSync(resolve(directory, release.chart)) ? undefined : `there is no ${release.chart}`;
    }
    const shown = await helm.try(["show", "chart", ...chartArguments(release)]);
    return shown.code === 0 ? undefined : shown.stderr.trim().split("\n").pop();
}

function leaveOut(release: Release, reason: string): Made {
    if (indispensable.includes(chartName(release))) {
        throw new UserError(
            `The chart of the release ${release.name} cannot be had: ${reason}.`,
            "Check the way to the chart's home, or name a mirror in the stack's config (charts.mirror).",
        );
    }
    return { outcome: "left out", note: `its chart cannot be had: ${reason}` };
}

function failure({ name, namespace, timeoutSeconds }: Release, error: ProcessError): UserError {
    const reason = /timed out|deadline exceeded|context deadline/.test(error.reason)
        ? `it was not ready within ${timeoutSeconds} s: ${error.reason}`
        : error.reason;
    return new UserError(
        `The release ${name} in ${namespace} failed: ${reason}`,
        `Look at it with \`kubectl -n ${namespace} get pods,jobs,services,events\`.`,
        { cause: error },
    );
}

/** helm takes a null for the wish to have no default there, and does not always tell it among the values. */
function withoutNulls(value: unknown): unknown {
    if (!isObject(value)) {
        return value;
    }
    const entries = Object.entries(value).filter(([, inner]) => inner !== null);
    return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}
