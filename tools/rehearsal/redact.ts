import { at, isObject, type Json } from "../json";

/** Takes the values of secret inputs out of a text. */
export function redact(
    text: string,
    inputs: Json,
    secretPaths: readonly string[],
    more: readonly string[] = [],
): string {
    const values = secretPaths.flatMap((path) => texts(at(inputs, ...keys(path))));
    return [...values, ...more]
        .filter((value) => value.length > 3)
        .sort((a, b) => b.length - a.length)
        .reduce((clean, value) => clean.replaceAll(value, "[secret]"), text);
}

/** The keys of a path as `values.users[0].password`. */
function keys(path: string): (string | number)[] {
    return path
        .split(/[.[\]]/)
        .filter((key) => key !== "")
        .map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

function texts(value: unknown): string[] {
    if (Array.isArray(value)) {
        return value.flatMap(texts);
    }
    if (isObject(value)) {
        return Object.values(value).flatMap(texts);
    }
    return typeof value === "string" ? [value] : [];
}
