import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Interrupted, UserError } from "../errors";
import { throwIfInterrupted } from "../interrupts";
import { at, isObject, listAt, objectAt, textAt, type Json } from "../json";
import { ApiError, type Kube, type KubeObject } from "../kube";
import type { RecordedResource } from "../monitor";
import { redact } from "./redact";
import { awaitReady } from "./readiness";
import type { Made } from "../deployment";

/** Whose fields the applied ones are, for the API server. */
export const fieldManager = "rehearsal";

/** How long the rehearsal waits for an object, and how often it looks. */
export interface Timing {
    readyMs: number;
    pollMs: number;
    /** For kinds and namespaces that were made a moment ago and are not yet known everywhere. */
    acceptedMs: number;
}

/** Where objects are applied and looked at. */
export type ObjectStore = Pick<Kube, "read" | "apply">;

/** Applies one object, every field checked by the API server, and waits until it is ready. */
export async function applyObject(kube: ObjectStore, resource: RecordedResource, timing: Timing): Promise<Made> {
    const object = readObject(resource);
    try {
        const { apiVersion, kind } = object;
        const { name = "", namespace } = address(object);
        const before = await kube.read(apiVersion, kind, name, namespace);
        const live = await applyPatiently(kube, object, timing.acceptedMs);
        const outcome = before === undefined ? "created" : isSame(before, live) ? "unchanged" : "changed";
        const patience = { kube, timeoutMs: timing.readyMs, pollMs: timing.pollMs };
        return { outcome, live: await awaitReady(object, live, patience) };
    } catch (error) {
        throw error instanceof Interrupted ? error : refusal(object, resource, error);
    }
}

/** Reads a Kubernetes object from a resource's inputs. A Secret's texts stand in `stringData` for the API as well. */
export function readObject({ inputs, type, name }: RecordedResource): KubeObject {
    const apiVersion = textAt(inputs, "apiVersion");
    const kind = textAt(inputs, "kind");
    const metadata = inputs["metadata"];
    if (
        apiVersion === undefined ||
        kind === undefined ||
        !isObject(metadata) ||
        textAt(metadata, "name") === undefined
    ) {
        throw new UserError(
            `${name} (${type}) has no fixed name in the cluster, and the rehearsal keeps no state to remember a generated one.`,
            "Set metadata.name on it.",
        );
    }
    return { ...inputs, apiVersion, kind, metadata };
}

/** Tries again for a moment where the answer is "not found" or "not now": a definition takes a second to be served. */
async function applyPatiently(kube: ObjectStore, object: KubeObject, limitMs: number): Promise<unknown> {
    const deadline = Date.now() + limitMs;
    for (;;) {
        try {
            return await kube.apply(object, fieldManager);
        } catch (error) {
            const passing = error instanceof ApiError && [404, 409, 429, 503].includes(error.status);
            if (!passing || Date.now() > deadline) {
                throw error;
            }
            throwIfInterrupted();
            await sleep(200);
        }
    }
}

/**
 * Whether applying changed nothing. Controllers write to objects as well, between our look and our apply, so that a new
 * resourceVersion alone says little; and an object of which we own no field has no entry of ours.
 */
function isSame(before: unknown, after: unknown): boolean {
    const claim = ownClaim(before);
    const untouched = claim !== undefined && isDeepStrictEqual(claim, ownClaim(after));
    return untouched || isDeepStrictEqual(content(before), content(after));
}

/** Which fields are ours, since when: the API server renews it only when our apply changes something. */
function ownClaim(object: unknown): unknown {
    return listAt(object, "metadata", "managedFields").find(
        (claim) => textAt(claim, "manager") === fieldManager && at(claim, "operation") === "Apply",
    );
}

/** What was asked of the object: all but its status and the API server's own bookkeeping. */
function content(object: unknown): Json {
    const without = (value: unknown, ...names: string[]) =>
        Object.fromEntries(Object.entries(isObject(value) ? value : {}).filter(([key]) => !names.includes(key)));
    const metadata = without(at(object, "metadata"), "managedFields", "resourceVersion", "generation");
    return { ...without(object, "status"), metadata };
}

function address({ metadata }: KubeObject) {
    return { name: textAt(metadata, "name"), namespace: textAt(metadata, "namespace") };
}

function refusal(object: KubeObject, { inputs, secretPaths }: RecordedResource, error: unknown): UserError {
    const { name, namespace } = address(object);
    const label = `${object.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
    const reason = error instanceof Error ? error.message : String(error);
    const secrets = object.kind === "Secret" ? secretTexts(inputs) : [];
    return new UserError(`${label}: ${redact(reason, inputs, secretPaths, secrets)}`, undefined, { cause: error });
}

function secretTexts(inputs: Json): string[] {
    const values = [...Object.values(objectAt(inputs, "data")), ...Object.values(objectAt(inputs, "stringData"))];
    return values.filter((value) => typeof value === "string");
}
