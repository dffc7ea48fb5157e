import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseDocument, stringify, YAMLParseError } from "yaml";
import { UserError } from "./errors";
import { at, isObject, objectAt, textAt, type Json } from "./json";
import { root } from "./project";

/** What a derived stack file says instead of the tracked one. Values of objects are merged, one level deep. */
export type Overrides = Record<string, string | boolean | Json>;

/** The stacks that a project has files for, sorted. */
export function listStacks(directory: string): string[] {
    const names = readdirSync(directory).map((file) => /^Pulumi\.([A-Za-z0-9_.-]+)\.yaml$/.exec(file)?.[1]);
    return names.filter((name) => name !== undefined).sort();
}

/** The stack's own file. Throws an error that lists the stacks there are when there is no such one. */
export function stackFile(directory: string, stack: string): string {
    const stacks = listStacks(directory);
    if (!stacks.includes(stack)) {
        const known = stacks.length > 0 ? `There are: ${stacks.join(", ")}.` : "There is none.";
        throw new UserError(`There is no stack "${stack}".`, `${known} A stack is a file Pulumi.NAME.yaml.`);
    }
    return join(directory, `Pulumi.${stack}.yaml`);
}

/** The name of the project in Pulumi.yaml. */
export function projectName(directory: string): string {
    const name = textAt(readYaml(join(directory, "Pulumi.yaml")), "name");
    if (name === undefined || name === "") {
        throw new UserError("Pulumi.yaml has no name.", "Restore it: `git checkout Pulumi.yaml`.");
    }
    return name;
}

/**
 * A stack's config as the Pulumi CLI hands it to the program: the stack's values over the defaults that the project
 * declares; every value as text by its full key, objects and lists as JSON.
 */
export function stackConfig(
    stack: string,
    directory = root,
    file = stackFile(directory, stack),
): Record<string, string> {
    const project = projectName(directory);
    const values = stackValues(project, file);
    const secrets = Object.keys(values).filter((key) => holdsSecret(values[key]));
    if (secrets.length > 0) {
        throw new UserError(
            `The stack "${stack}" has encrypted values (${secrets.join(", ")}), which only the Pulumi CLI can read.`,
            "Deploy it with the CLI (`pulumi up`), or rehearse a stack without secrets.",
        );
    }
    return mapValues({ ...projectDefaults(project, directory), ...values }, asText);
}

/** The keys of a stack file with their values, every key with its namespace. */
export function stackValues(project: string, file: string): Json {
    return qualified(project, objectAt(readYaml(file), "config"));
}

/**
 * Writes a copy of a stack's file with some values replaced, for one deployment: the tracked file stays as it is.
 * The salt that the CLI put into an earlier copy is kept, for it belongs to the passphrase and not to the stack.
 */
export function writeDerivedStack(directory: string, stack: string, file: string, overrides: Overrides): void {
    const project = projectName(directory);
    const values = stackValues(project, stackFile(directory, stack));
    const config = Object.entries(overrides).reduce<Json>((merged, [key, value]) => {
        const before = merged[key];
        return { ...merged, [key]: isObject(before) && isObject(value) ? { ...before, ...value } : value };
    }, values);
    const salt = existsSync(file) ? textAt(readYaml(file), "encryptionsalt") : undefined;
    const text = stringify({ ...(salt === undefined ? {} : { encryptionsalt: salt }), config });
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
        writeFileSync(file, text, { mode: 0o600 });
    }
}

/**
 * Writes a copy of a stack's file that names another cluster: one of the user's own, by its context. Everything else,
 * the secrets' salt or key included, stays as it is.
 */
export function writeRetargetedStack(directory: string, stack: string, file: string, context: string): void {
    const document = parseDocument(readFileSync(stackFile(directory, stack), "utf8"));
    document.setIn(["config", "kubernetes:context"], context);
    // The context is one of the user's usual kubeconfig.
    document.deleteIn(["config", "kubernetes:kubeconfig"]);
    writeFileSync(file, document.toString(), { mode: 0o600 });
}

function projectDefaults(project: string, directory: string): Json {
    const declared = objectAt(readYaml(join(directory, "Pulumi.yaml")), "config");
    const defaults = Object.entries(declared).flatMap(([key, declaration]) => {
        // `key: value` is short for a default; anything else that is no object cannot declare one.
        const value = isObject(declaration) ? (declaration["default"] ?? declaration["value"]) : declaration;
        return value === undefined || value === null ? [] : [[key, value] as const];
    });
    return qualified(project, Object.fromEntries(defaults));
}

function qualified(project: string, values: Json): Json {
    return Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key.includes(":") ? key : `${project}:${key}`, value]),
    );
}

function asText(value: unknown): string {
    if (value === null || value === undefined) {
        return "";
    }
    return typeof value === "string" ? value : JSON.stringify(value);
}

function holdsSecret(value: unknown): boolean {
    if (Array.isArray(value)) {
        return value.some(holdsSecret);
    }
    if (!isObject(value)) {
        return false;
    }
    const alone = Object.keys(value).length === 1 && typeof at(value, "secure") === "string";
    return alone || Object.values(value).some(holdsSecret);
}

function readYaml(file: string): unknown {
    try {
        return parse(readFileSync(file, "utf8"));
    } catch (error) {
        if (error instanceof YAMLParseError) {
            throw new UserError(`${file} is no valid YAML: ${error.message}`, undefined, { cause: error });
        }
        throw new UserError(`${file} cannot be read.`, undefined, { cause: error });
    }
}

function mapValues<T>(values: Json, convert: (value: unknown) => T): Record<string, T> {
    return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, convert(value)]));
}
