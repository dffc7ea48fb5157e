import * as pulumi from "@pulumi/pulumi";
import leven from "leven";
import * as z from "zod";

/** One thing that is wrong in the config. */
export interface ConfigProblem {
    /** Where, as `gateways.external.maxConnections`. */
    path: string;
    /** What stands there, as JSON; undefined when nothing does. */
    value: unknown;
    reason: string;
    fix: string;
}

/** Everything that is wrong in the config. A RunError, so that Pulumi shows its message and no stack trace. */
export class ConfigError extends pulumi.RunError {
    constructor(readonly problems: readonly ConfigProblem[]) {
        super(
            [
                `The stack's config has ${problems.length} problem${problems.length === 1 ? "" : "s"}; nothing was changed.`,
                ...problems.map(({ path, value, reason, fix }) => {
                    const shown = value === undefined ? "is not set" : `is ${JSON.stringify(value)}`;
                    return `  ${path} ${shown}: ${reason}.\n    Fix: ${fix}.`;
                }),
            ].join("\n"),
        );
        this.name = "ConfigError";
    }
}

/** One finding of the schema, as problems that suggest the fix. */
export function issueProblems(schema: z.core.$ZodType, issue: z.core.$ZodIssue, values: unknown): ConfigProblem[] {
    const at = (path: readonly PropertyKey[]) => path.map(String).join(".");
    const value = issue.path.reduce<unknown>(child, values);
    if (issue.code === "unrecognized_keys") {
        const known = knownKeys(schema, issue.path);
        return issue.keys.map((key) => ({
            path: at([...issue.path, key]),
            value: child(value, key),
            reason: "there is no such key",
            fix: `${nearest(key, known)}; known are ${known.join(", ")}`,
        }));
    }
    const fix: unknown = issue.code === "custom" ? issue.params?.["fix"] : undefined;
    return [
        {
            path: at(issue.path),
            value,
            reason: issue.message.replace(/^Invalid (input|option): /, "").replace(/^Invalid /, "is no valid "),
            fix: typeof fix === "string" ? fix : "see the key in Pulumi.yaml and in the README's config reference",
        },
    ];
}

function child(value: unknown, key: PropertyKey): unknown {
    return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

/** The keys that a schema knows at a path, for a suggestion. */
function knownKeys(type: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
    if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault || type instanceof z.ZodOptional) {
        return knownKeys(type.def.innerType, path);
    }
    if (type instanceof z.ZodArray) {
        return knownKeys(type.def.element, path.slice(1));
    }
    if (!(type instanceof z.ZodObject)) {
        return [];
    }
    const shape: Record<string, z.core.$ZodType> = type.shape;
    const [key, ...rest] = path;
    const next = key === undefined ? undefined : shape[String(key)];
    return next ? knownKeys(next, rest) : Object.keys(shape);
}

function nearest(key: string, known: string[]): string {
    const [best] = known.map((name) => ({ name, distance: leven(key, name) })).sort((a, b) => a.distance - b.distance);
    return best && best.distance <= Math.max(2, key.length / 3) ? `did you mean "${best.name}"?` : "take the key out";
}
