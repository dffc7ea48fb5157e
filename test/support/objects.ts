import type { RecordedResource } from "../../tools/monitor";
import { listAt } from "../../tools/json";
import { field } from "./recorded";
import type { KubernetesObject } from "./schemas";

export function isKubernetesObject({ type, custom }: RecordedResource): boolean {
    return custom && type.startsWith("kubernetes:") && !type.endsWith(":Release");
}

/** The object that the API server gets for a resource; typed resources carry their kind in their type. */
export function asObject({ type, inputs }: RecordedResource): KubernetesObject {
    const [, apiVersion = "", kind = ""] = type.split(":");
    const metadata = field(inputs, "metadata");
    return {
        ...inputs,
        apiVersion: apiVersion.replace(/^core\//, ""),
        kind,
        metadata: {
            ...(typeof metadata === "object" ? metadata : {}),
            name: String(field(metadata, "name")),
            namespace: field(metadata, "namespace") === undefined ? undefined : String(field(metadata, "namespace")),
        },
    };
}

export function label(object: KubernetesObject): string {
    return `${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

export function namespaceOf(object: KubernetesObject): string {
    return object.metadata.namespace ?? "";
}

export function find(
    objects: KubernetesObject[],
    kind: string,
    name: string,
    namespace: string,
): KubernetesObject | undefined {
    return objects.find(
        (object) => object.kind === kind && object.metadata.name === name && namespaceOf(object) === namespace,
    );
}

/** Keys that the charts accept although their values files only mention them in comments. */
const undocumented = new Set([
    "global.platform",
    "global.networkPolicy",
    "meshConfig",
    "global.proxy.seccompProfile",
    "podDisruptionBudget.minAvailable",
    "webhook.podDisruptionBudget.minAvailable",
    "cainjector.podDisruptionBudget.minAvailable",
]);

/** Keys of `values` that the chart's own values do not have. An empty map of the chart takes any key. */
export function unknownValues(release: string, values: unknown, defaults: unknown, path = ""): string[] {
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
        return [];
    }
    return Object.entries(values).flatMap(([key, value]) => {
        const at = path ? `${path}.${key}` : key;
        if (undocumented.has(at)) {
            return [];
        }
        if (typeof defaults !== "object" || defaults === null || !(key in defaults)) {
            return [`${release}: the chart has no value ${at}`];
        }
        const known = field(defaults, key);
        const open = typeof known !== "object" || known === null || Object.keys(known).length === 0;
        return open || key === "labels" || key === "podAnnotations" || key === "resources"
            ? []
            : unknownValues(release, value, known, at);
    });
}

/** References between objects that lead nowhere. */
export function danglingReferences(objects: KubernetesObject[], rendered: KubernetesObject[]): string[] {
    const deployments = rendered.filter(({ kind }) => kind === "Deployment");
    const problems: string[] = [];
    for (const gateway of objects.filter(({ kind }) => kind === "Gateway")) {
        const selector = Object.entries(field(gateway, "spec", "selector") ?? {});
        const selected = deployments.filter(
            (deployment) =>
                namespaceOf(deployment) === namespaceOf(gateway) &&
                selector.every(
                    ([key, value]) => field(deployment, "spec", "template", "metadata", "labels", key) === value,
                ),
        );
        if (selected.length !== 1) {
            problems.push(`${label(gateway)} selects ${selected.length} gateways`);
        }
        for (const server of listAt(gateway, "spec", "servers")) {
            const secret = field(server, "tls", "credentialName");
            const issued = objects.some(
                (object) =>
                    object.kind === "Certificate" &&
                    namespaceOf(object) === namespaceOf(gateway) &&
                    field(object, "spec", "secretName") === secret,
            );
            if (secret !== undefined && !issued) {
                problems.push(`${label(gateway)}: no Certificate makes the secret ${JSON.stringify(secret)}`);
            }
        }
    }
    for (const route of objects.filter(({ kind }) => kind === "VirtualService")) {
        for (const name of listAt(route, "spec", "gateways").map(String)) {
            const [namespace = "", gateway = ""] = name.split("/");
            if (name !== "mesh" && !find(objects, "Gateway", gateway, namespace)) {
                problems.push(`${label(route)}: there is no Gateway ${name}`);
            }
        }
        for (const destination of destinations(route)) {
            const [service = "", namespace = ""] = String(field(destination, "host")).split(".");
            const subset = field(destination, "subset");
            const rule = find(objects, "DestinationRule", service, namespace);
            const subsets = listAt(rule, "spec", "subsets").map((entry) => field(entry, "name"));
            if (namespace === "bookinfo" && !find(objects, "Service", service, namespace)) {
                problems.push(`${label(route)}: there is no Service ${namespace}/${service}`);
            }
            if (subset !== undefined && !subsets.includes(subset)) {
                problems.push(`${label(route)}: no DestinationRule has the subset ${JSON.stringify(subset)}`);
            }
        }
    }
    return problems;
}

function destinations(route: KubernetesObject): unknown[] {
    return listAt(route, "spec", "http").flatMap((rule) =>
        listAt(rule, "route").map((entry) => field(entry, "destination")),
    );
}
