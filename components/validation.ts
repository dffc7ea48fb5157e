/** A DNS label: lower-case letters, digits and dashes, 63 characters at most (RFC 1123). */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Why `host` is no DNS name that a certificate or a route can have, or undefined when it is one. */
export function hostProblem(host: string): string | undefined {
    const name = host.startsWith("*.") ? host.slice(2) : host;
    if (host.length > 253) {
        return "is longer than 253 characters";
    }
    if (/^\d+(\.\d+){3}$/.test(host)) {
        return "is an IP address, not a DNS name";
    }
    const wrong = name.split(".").find((part) => !label.test(part));
    if (wrong === undefined) {
        return undefined;
    }
    return wrong === ""
        ? "has an empty label"
        : `has the label "${wrong}", which is not made of lower-case letters, digits and inner dashes`;
}

/** Why `name` is no name for a namespace, Service or ServiceAccount, or undefined when it is one. */
export function labelProblem(name: string): string | undefined {
    return label.test(name) ? undefined : "is not made of at most 63 lower-case letters, digits and inner dashes";
}

/** Why these weights cannot share out the traffic, or undefined when they can. */
export function weightsProblem(weights: readonly number[]): string | undefined {
    if (weights.some((weight) => !Number.isInteger(weight) || weight < 0 || weight > 100)) {
        return `weights must be whole numbers from 0 to 100, not ${weights.join(", ")}`;
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return sum === 100 ? undefined : `weights sum to ${sum}, they must sum to 100`;
}

/** Throws an error that names the component when one of `hosts` is no DNS name. */
export function checkHosts(owner: string, hosts: readonly string[]): void {
    for (const host of hosts) {
        const problem = hostProblem(host);
        if (problem) {
            throw new Error(`${owner}: the host "${host}" ${problem}`);
        }
    }
}

/** An Istio duration (`10s`, `1m30s`, `500ms`), https://protobuf.dev/reference/protobuf/google.protobuf/#duration. */
export function checkDuration(owner: string, field: string, value: string | undefined): void {
    if (value !== undefined && !/^(\d+(\.\d+)?(h|m|s|ms))+$/.test(value)) {
        throw new Error(`${owner}: ${field} "${value}" is no duration: write it like "10s", "1m30s" or "500ms"`);
    }
}
