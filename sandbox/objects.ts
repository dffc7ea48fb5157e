import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1ConfigMap, V1Node } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { call, type Answer } from "./client";
import type { Access } from "./credentials";
import { SandboxError } from "./errors";

/** Where the cluster holds the id of its sandbox. */
export const marker = { namespace: "kube-system", name: "pulumi-istio-platform-sandbox" } as const;

/** Where the API server keeps the kinds of objects that the sandbox makes. */
const collections = new Map([
    ["CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"],
    ["StorageClass", "/apis/storage.k8s.io/v1/storageclasses"],
    ["Stage", "/apis/kwok.x-k8s.io/v1alpha1/stages"],
    ["Node", "/api/v1/nodes"],
    ["ConfigMap", `/api/v1/namespaces/${marker.namespace}/configmaps`],
]);

const manifest = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

/** An object to be applied. */
export type Manifest = z.infer<typeof manifest>;

/** Reads the objects of a YAML file. */
export function readManifests(file: string): Manifest[] {
    return parseAllDocuments(readFileSync(file, "utf8")).map((document) => manifest.parse(document.toJS()));
}

/** The simulated nodes: one for each of three zones, big enough for every stack. */
export function nodes(kubernetesVersion: string): V1Node[] {
    return ["a", "b", "c"].map((zone, index) => node(zone, `10.0.0.${index + 1}`, kubernetesVersion));
}

function node(zone: string, address: string, kubernetesVersion: string): V1Node {
    const name = `sandbox-${zone}`;
    const resources = { cpu: "32", memory: "256Gi", pods: "110", "ephemeral-storage": "1Ti" };
    return {
        apiVersion: "v1",
        kind: "Node",
        metadata: {
            name,
            annotations: { "kwok.x-k8s.io/node": "fake" },
            labels: {
                type: "kwok",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/worker": "",
                "topology.kubernetes.io/region": "sandbox",
                "topology.kubernetes.io/zone": zone,
            },
        },
        status: {
            capacity: resources,
            allocatable: resources,
            addresses: [
                { type: "InternalIP", address },
                { type: "Hostname", address: name },
            ],
            nodeInfo: {
                architecture: "amd64",
                bootID: "",
                containerRuntimeVersion: "kwok://simulated",
                kernelVersion: "simulated",
                kubeProxyVersion: "",
                // Charts and istiod ask nodes for it, to see whether they know native sidecars.
                kubeletVersion: kubernetesVersion,
                machineID: "",
                operatingSystem: "linux",
                osImage: "simulated by KWOK",
                systemUUID: "",
            },
        },
    };
}

/** The object by which a tool can prove that a cluster is the sandbox whose id it knows. */
export function markerObject(id: string): V1ConfigMap {
    return { apiVersion: "v1", kind: "ConfigMap", metadata: { ...marker }, data: { id } };
}

/**
 * Applies an object. Right after the start of the API server the namespace or the kind of an object may not be there
 * yet, so that "not found" is worth another try for a while.
 */
export async function apply(access: Access, object: unknown): Promise<void> {
    const { kind, metadata } = manifest.parse(object);
    const path = `${collections.get(kind)}/${metadata.name}?fieldManager=sandbox&force=true&fieldValidation=Strict`;
    const change = {
        method: "PATCH",
        contentType: "application/apply-patch+yaml",
        body: JSON.stringify(object),
    } as const;
    const deadline = Date.now() + 20_000;
    for (;;) {
        const answer = await call(access, path, change);
        if (answer.status < 300) {
            return;
        }
        if (!isPassing(answer) || Date.now() > deadline) {
            throw new SandboxError(
                `The API server does not accept ${kind} ${metadata.name} (${answer.status}): ${answer.body.slice(0, 400)}`,
                "Stop the sandbox and start it again.",
            );
        }
        await sleep(50);
    }
}

function isPassing({ status }: Answer): boolean {
    // 500: a kind that is only just defined has no schema yet to apply with.
    return [403, 404, 429, 500, 503].includes(status);
}
