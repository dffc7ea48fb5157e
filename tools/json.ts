/** An object whose values nobody has looked at yet. */
export type Json = Record<string, unknown>;

/** Whether a value is an object with keys: no list, no null. */
export function isObject(value: unknown): value is Json {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path of keys and list indices, or undefined where the path ends early. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
    return path.reduce<unknown>((inner, key) => {
        if (Array.isArray(inner)) {
            const items: unknown[] = inner;
            return typeof key === "number" ? items[key] : undefined;
        }
        return isObject(inner) ? inner[key] : undefined;
    }, value);
}

/** The text at a path, or undefined when there is none or it is no text. */
export function textAt(value: unknown, ...path: (string | number)[]): string | undefined {
    const found = at(value, ...path);
    return typeof found === "string" ? found : undefined;
}

/** The list at a path; empty when there is none. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
    const found = at(value, ...path);
    return Array.isArray(found) ? found : [];
}

/** The object at a path; empty when there is none. */
export function objectAt(value: unknown, ...path: (string | number)[]): Json {
    const found = at(value, ...path);
    return isObject(found) ? found : {};
}

/** Parses JSON without trusting its shape. */
export function parseJson(text: string): unknown {
    return JSON.parse(text);
}
