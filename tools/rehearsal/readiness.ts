import { setTimeout as sleep } from "node:timers/promises";
import { interruption, throwIfInterrupted } from "../interrupts";
import { at, isObject, listAt, objectAt, textAt } from "../json";
import type { Kube, KubeObject } from "../kube";

/** What an object still lacks, in words; undefined when it is ready. */
type Check = (live: unknown) => string | undefined;

const deployment: Check = (live) => {
    const wanted = numberAt(live, "spec", "replicas") ?? 1;
    const updated = numberAt(live, "status", "updatedReplicas") ?? 0;
    const available = numberAt(live, "status", "availableReplicas") ?? 0;
    return isObserved(live) && updated >= wanted && available >= wanted
        ? undefined
        : `${Math.min(updated, available)} of ${wanted} replicas are available`;
};

const daemonSet: Check = (live) => {
    const wanted = numberAt(live, "status", "desiredNumberScheduled") ?? 0;
    const ready = numberAt(live, "status", "numberReady") ?? 0;
    return isObserved(live) && ready >= wanted ? undefined : `${ready} of ${wanted} pods are ready`;
};

const statefulSet: Check = (live) => {
    const wanted = numberAt(live, "spec", "replicas") ?? 1;
    const ready = numberAt(live, "status", "readyReplicas") ?? 0;
    return isObserved(live) && ready >= wanted ? undefined : `${ready} of ${wanted} replicas are ready`;
};

const service: Check = (live) =>
    textAt(live, "spec", "type") !== "LoadBalancer" || listAt(live, "status", "loadBalancer", "ingress").length > 0
        ? undefined
        : "the load balancer has no address";

const condition =
    (type: string): Check =>
    (live) => {
        const found = listAt(live, "status", "conditions").find((item) => textAt(item, "type") === type);
        return textAt(found, "status") === "True" ? undefined : (textAt(found, "message") ?? `it is not ${type}`);
    };

const claim: Check = (live) => (textAt(live, "status", "phase") === "Bound" ? undefined : "it is not bound");

/** What the engine waits for too, and cert-manager's kinds, which the sandbox simulates. */
const checks: Record<string, Check> = {
    "apps/Deployment": deployment,
    "apps/StatefulSet": statefulSet,
    "apps/DaemonSet": daemonSet,
    "batch/Job": condition("Complete"),
    "/Service": service,
    "/PersistentVolumeClaim": claim,
    "apiextensions.k8s.io/CustomResourceDefinition": condition("Established"),
    "cert-manager.io/Certificate": condition("Ready"),
    "cert-manager.io/Issuer": condition("Ready"),
    "cert-manager.io/ClusterIssuer": condition("Ready"),
};

/** How to look at an object again, and how long. */
export interface Patience {
    kube: Pick<Kube, "read">;
    timeoutMs: number;
    pollMs: number;
}

/** Waits until an object is ready and returns it. Throws, saying what it lacks, when the time is up. */
export async function awaitReady(object: KubeObject, live: unknown, patience: Patience): Promise<unknown> {
    const check = checkOf(object);
    const deadline = Date.now() + patience.timeoutMs;
    let now = live;
    for (let lack = check?.(now); lack !== undefined; lack = check?.(now)) {
        if (Date.now() > deadline) {
            throw new Error(`it was not ready within ${Math.round(patience.timeoutMs / 1000)} s: ${lack}`);
        }
        throwIfInterrupted();
        await sleep(patience.pollMs, undefined, { signal: interruption }).catch(throwIfInterrupted);
        now = await read(object, patience);
    }
    return now;
}

function checkOf(object: KubeObject): Check | undefined {
    const annotations = objectAt(object, "metadata", "annotations");
    if (annotations["pulumi.com/skipAwait"] === "true") {
        return undefined;
    }
    const group = object.apiVersion.includes("/") ? object.apiVersion.split("/", 1)[0] : "";
    return checks[`${group}/${object.kind}`];
}

function read({ apiVersion, kind, metadata }: KubeObject, { kube }: Patience): Promise<unknown> {
    return kube.read(apiVersion, kind, textAt(metadata, "name") ?? "", textAt(metadata, "namespace"));
}

function isObserved(live: unknown): boolean {
    return (numberAt(live, "status", "observedGeneration") ?? 0) >= (numberAt(live, "metadata", "generation") ?? 0);
}

function numberAt(live: unknown, ...path: string[]): number | undefined {
    const found = isObject(live) ? at(live, ...path) : undefined;
    return typeof found === "number" ? found : undefined;
}
