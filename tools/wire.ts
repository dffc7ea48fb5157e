import { runtime } from "@pulumi/pulumi";
import { isObject, type Json } from "./json";

/** Inputs in plain values, and where the secrets among them are. */
export interface PlainInputs {
    inputs: Json;
    secretPaths: string[];
}

/** Reads inputs as they travel to the engine: secrets are unwrapped and remembered, unknown values left out. */
export function plainInputs(wire: unknown): PlainInputs {
    const secretPaths: string[] = [];
    const inputs = unwrap(wire, "", secretPaths);
    return { inputs: isObject(inputs) ? inputs : {}, secretPaths };
}

function unwrap(value: unknown, path: string, secretPaths: string[]): unknown {
    if (value === runtime.unknownValue) {
        return undefined;
    }
    if (Array.isArray(value)) {
        const items: unknown[] = value;
        return items.map((item, index) => unwrap(item, `${path}[${index}]`, secretPaths));
    }
    if (!isObject(value)) {
        return value;
    }
    if (value[runtime.specialSigKey] === runtime.specialSecretSig) {
        secretPaths.push(path);
        return unwrap(value["value"], path, []);
    }
    const entries = Object.entries(value)
        .map(([key, inner]) => [key, unwrap(inner, path === "" ? key : `${path}.${key}`, secretPaths)] as const)
        .filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries);
}
