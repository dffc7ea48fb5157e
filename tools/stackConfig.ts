import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";

const projectFile = z.looseObject({
    name: z.string(),
    config: z.record(z.string(), z.looseObject({ default: z.unknown().optional() })).default({}),
});
const stackFile = z.looseObject({ config: z.record(z.string(), z.unknown()).default({}) });

/** The checkout that the program stands in. */
export const projectDirectory = join(__dirname, "..");

/** Names of the stacks that have a config file. */
export function stacks(directory = projectDirectory): string[] {
    return readdirSync(directory)
        .map((file) => /^Pulumi\.([\w-]+)\.yaml$/.exec(file)?.[1])
        .filter((name) => name !== undefined)
        .sort();
}

/**
 * A stack's config as the CLI hands it to the program: the project's defaults, then the stack's own values; strings by
 * full key, everything else as JSON. Throws when there is no such stack.
 */
export function stackConfig(stack: string, directory = projectDirectory): Record<string, string> {
    const file = join(directory, `Pulumi.${stack}.yaml`);
    if (!existsSync(file)) {
        throw new Error(`There is no stack "${stack}": there are ${stacks(directory).join(", ")}.`);
    }
    const project = projectFile.parse(parse(readFileSync(join(directory, "Pulumi.yaml"), "utf8")));
    const defaults = Object.entries(project.config).flatMap(([key, declared]) =>
        declared.default === undefined ? [] : [[`${project.name}:${key}`, declared.default] as const],
    );
    const own = stackFile.parse(parse(readFileSync(file, "utf8")) ?? {}).config;
    return Object.fromEntries([...defaults, ...Object.entries(own)].map(([key, value]) => [key, text(value)]));
}

function text(value: unknown): string {
    return typeof value === "string" ? value : JSON.stringify(value);
}
