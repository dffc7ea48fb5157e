import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { field } from "./recorded";

/** A Kubernetes object as an API server gets it. */
export interface KubernetesObject {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string; labels?: Record<string, string> };
    [key: string]: unknown;
}

type Schema = Record<string, unknown>;

/**
 * The published schemas of Kubernetes and of CRDs, applied as strictly as an API server does with strict field
 * validation: unknown fields are errors.
 */
export class Schemas {
    private readonly ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, logger: false });
    private readonly validators = new Map<string, ValidateFunction>();
    private readonly sources = new Map<string, Schema>();

    constructor(swagger: string, crds: readonly KubernetesObject[]) {
        const document: unknown = JSON.parse(readFileSync(swagger, "utf8"));
        const definitions = record(field(document, "definitions"));
        this.ajv.addSchema({ $id: "k8s", definitions: strict(definitions) });
        for (const [name, definition] of Object.entries(definitions)) {
            for (const gvk of list(field(definition, "x-kubernetes-group-version-kind"))) {
                this.sources.set(identity(field(gvk, "group"), field(gvk, "version"), field(gvk, "kind")), {
                    $ref: `k8s#/definitions/${name}`,
                });
            }
        }
        crds.forEach((crd) => this.addCrd(crd));
    }

    /** What is wrong with an object, as "path: message"; empty when nothing is. */
    problems(object: KubernetesObject): string[] {
        const [group, version] = object.apiVersion.includes("/")
            ? object.apiVersion.split("/")
            : ["", object.apiVersion];
        const key = identity(group, version, object.kind);
        const validate = this.validator(key);
        if (!validate) {
            return [`there is no schema for ${key}`];
        }
        return validate(object) ? [] : (validate.errors ?? []).map(describe);
    }

    private addCrd(crd: KubernetesObject): void {
        for (const version of list(field(crd, "spec", "versions"))) {
            const key = identity(
                field(crd, "spec", "group"),
                field(version, "name"),
                field(crd, "spec", "names", "kind"),
            );
            const schema = strict(record(field(version, "schema", "openAPIV3Schema")));
            const properties = { ...record(schema["properties"]), metadata: {}, apiVersion: {}, kind: {} };
            this.sources.set(key, { ...schema, properties });
        }
    }

    private validator(key: string): ValidateFunction | undefined {
        const source = this.sources.get(key);
        const known = this.validators.get(key);
        if (known || !source) {
            return known;
        }
        const compiled = this.ajv.compile(source);
        this.validators.set(key, compiled);
        return compiled;
    }
}

function identity(group: unknown, version: unknown, kind: unknown): string {
    return [group, version, kind].map(String).join("/");
}

function describe({ instancePath, message, params }: ErrorObject): string {
    return `${instancePath || "/"}: ${message ?? "is wrong"} ${JSON.stringify(params)}`;
}

/** Turns a Kubernetes schema into one that refuses unknown fields, and takes both kinds of an int-or-string. */
function strict(schema: Schema): Schema {
    const inner = Object.fromEntries(
        Object.entries(schema).map(([key, value]): [string, unknown] => {
            if (Array.isArray(value)) {
                return [key, value.map((item: unknown) => (isRecord(item) ? strict(item) : item))];
            }
            return [key, isRecord(value) && key !== "default" && key !== "enum" ? strict(value) : value];
        }),
    );
    if (inner["x-kubernetes-int-or-string"] === true || inner["format"] === "int-or-string") {
        return { anyOf: [{ type: "integer" }, { type: "string" }] };
    }
    // Quantities are strings in the document, but numbers are accepted and common.
    if (
        typeof inner["description"] === "string" &&
        /^Quantity is a fixed-point representation/.test(inner["description"])
    ) {
        return { anyOf: [{ type: "number" }, { type: "string" }] };
    }
    const open = "additionalProperties" in inner || inner["x-kubernetes-preserve-unknown-fields"] === true;
    return "properties" in inner && isRecord(inner["properties"]) && !open
        ? { ...inner, additionalProperties: false }
        : inner;
}

function isRecord(value: unknown): value is Schema {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Schema {
    return isRecord(value) ? value : {};
}

function list(value: unknown): unknown[] {
    return Array.isArray(value) ? value : [];
}
