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
    return [{ path: at(issue.path), value, ...advice(issue, value === undefined) }];
}

/** What is wrong with a value, and what to write instead. */
function advice(issue: z.core.$ZodIssue, missing: boolean): Pick<ConfigProblem, "reason" | "fix"> {
    const reason = issue.message
        .replace(/^(Invalid (input|option)|Too (big|small)): /, "")
        .replace(/^Invalid /, "no valid ");
    if (missing && issue.code !== "custom") {
        return {
            reason: "it is required",
            fix: "give it a value: `pulumi config set` writes it into the stack's file",
        };
    }
    switch (issue.code) {
        case "custom": {
            const fix: unknown = issue.params?.["fix"];
            return { reason, fix: String(typeof fix === "string" ? fix : reason) };
        }
        case "invalid_type":
            return {
                reason,
                fix: `write ${issue.expected === "array" ? "a list" : `a value of the type ${issue.expected}`}`,
            };
        case "invalid_value":
            return { reason, fix: `write ${issue.values.map((choice) => JSON.stringify(choice)).join(" or ")}` };
        case "too_big":
            return { reason, fix: `write at most ${issue.maximum}` };
        case "too_small":
            return { reason, fix: `write at least ${issue.minimum}` };
        default:
            return { reason, fix: "write it as the config reference in the README shows" };
    }
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
